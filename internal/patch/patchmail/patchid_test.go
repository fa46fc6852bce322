// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/mbox"
	"patchwork.example/pw/internal/test/shared"
)

// TestPatchIDs compares what is computed for the patches of a real archive with the output of git patch-id --stable: every tenth of them, all with
// PW_SOAK=1.
func TestPatchIDs(t *testing.T) {
	z, err := gzip.NewReader(shared.Open(t, "corpora", "lore-linux-erofs.mbox.gz"))
	if err != nil {
		t.Fatal(err)
	}
	step := 10
	if os.Getenv("PW_SOAK") == "1" {
		step = 1
	}
	c := New(clock.System{})
	var input bytes.Buffer
	want := map[string]string{} // name for git → what was computed
	archive := mbox.NewReader(z, 100<<20)
	for n := 0; ; n++ {
		m, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if n%step != 0 {
			continue
		}
		if d := c.draft(mailmsg.Parse(m.Raw), clock.Time(1)); d.gitID != "" {
			name := fmt.Sprintf("%040x", n+1)
			want[name] = d.gitID
			fmt.Fprintf(&input, "commit %s\n", name)
			input.Write(d.diff)
			input.WriteString("\n")
		}
	}
	git := exec.Command("git", "patch-id", "--stable")
	git.Stdin = &input
	out, err := git.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if seen[name] || want[name] == "" {
			continue // what follows a signature, or a line like "commit …", is another patch for git
		}
		seen[name] = true
		if want[name] != id {
			t.Errorf("mail %s: %s, git says %s", name, want[name], id)
		}
	}
	t.Logf("%d patches", len(seen))
	if len(want) < 500 || len(seen) != len(want) {
		t.Errorf("%d patches, git found %d", len(want), len(seen))
	}
}
