// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"compress/gzip"
	"errors"
	"html"
	"io"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
)

// judged is a reply and where a human says its remarks stand.
type judged struct{ archive, reply, patch, lines string }

func readJudged(t *testing.T, file string) []judged {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []judged
	for line := range strings.Lines(string(raw)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 4 && !strings.HasPrefix(line, "#") {
			out = append(out, judged{f[0], f[1], f[2], f[3]})
		}
	}
	return out
}

// some is those mails of an archive that name one of some Message-IDs in their header.
type some struct {
	of   ingress.Source
	want [][]byte
}

// Next implements ingress.Source.
func (s *some) Next() (ingress.Delivery, error) {
	for {
		d, err := s.of.Next()
		if err != nil {
			return d, err
		}
		head, _, _ := bytes.Cut(d.Raw, []byte("\n\n"))
		if slices.ContainsFunc(s.want, func(id []byte) bool { return bytes.Contains(head, id) }) {
			return d, nil
		}
	}
}

// takeIn imports the patches and all that answers them.
func (s *site) takeIn(list []judged) {
	s.t.Helper()
	for archive, id := range map[string]string{"lore-linux-erofs": "linux-erofs.lists.ozlabs.org", "lore-linux-man": "linux-man.vger.kernel.org"} {
		var want [][]byte
		for _, j := range list {
			if j.archive == archive {
				want = append(want, []byte(j.patch))
			}
		}
		z, err := gzip.NewReader(shared.Open(s.t, "corpora", archive+".mbox.gz"))
		if err != nil {
			s.t.Fatal(err)
		}
		source, err := ingress.OpenArchive(struct{ io.Reader }{z}, archive, id, 100<<20)
		if err != nil {
			s.t.Fatal(err)
		}
		s.project(archive, func(c *project.Change) { c.ListID = &id })
		if _, err := s.app.Intake().Import(s.t.Context(), &some{source, want}, func(ingress.Summary) {}); err != nil && !errors.Is(err, io.EOF) {
			s.t.Fatal(err)
		}
	}
}

// marks are the lines of a diff on its page, the names of its files, and the links from remarks to the replies they are from.
var marks = regexp.MustCompile(`<details class="file" id="f(\d+)"[^>]*><summary><bdi>([^<]*)</bdi>|<(?:ins|del|span) class="[adc]" id="f(\d+)([no])(\d+)"|#(\d+)">whole mail</a>`)

// lines says where the page shows the remarks of a reply: each line once, in order.
func (s *site) lines(j judged) string {
	s.t.Helper()
	comment := s.rows("SELECT c.id FROM patch_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = ?", j.reply)
	if len(comment) != 1 {
		s.t.Fatalf("%s is %d comments", j.reply, len(comment))
	}
	a := s.get("/project/" + j.archive + "/patch/" + url.PathEscape(strings.Trim(j.patch, "<>")) + "/diff/")
	s.expect(a, 200)
	var out []string
	names, at := map[string]string{}, ""
	for _, m := range marks.FindAllStringSubmatch(a.body, -1) {
		switch {
		case m[1] != "":
			names[m[1]] = html.UnescapeString(m[2])
		case m[4] == "n":
			at = names[m[3]] + ":+" + m[5]
		case m[4] == "o":
			at = names[m[3]] + ":-" + m[5]
		case m[6] == comment[0] && !slices.Contains(out, at):
			out = append(out, at)
		}
	}
	if out == nil {
		return "-"
	}
	return strings.Join(out, " ")
}

// TestRealReplies: of each 50 real replies at least 46 stand at the lines a human would choose, all of them.
func TestRealReplies(t *testing.T) {
	files := []string{"replies.tsv", "replies-2.tsv", "replies-3.tsv"}
	var all []judged
	for _, file := range files {
		all = append(all, readJudged(t, file)...)
	}
	shared.Dir(t)
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	s.takeIn(all)
	for _, file := range files {
		list := readJudged(t, file)
		if len(list) != 50 {
			t.Fatalf("%s has %d replies", file, len(list))
		}
		right := 0
		for i, j := range list {
			if got := s.lines(j); got == j.lines {
				right++
			} else {
				t.Logf("%s #%d %s\nwant %s\ngot  %s", file, i, j.reply, j.lines, got)
			}
		}
		t.Logf("%s: %d of %d", file, right, len(list))
		if right < 46 {
			t.Errorf("%d of %d replies of %s stand at the right lines, want 46", right, len(list), file)
		}
	}
}
