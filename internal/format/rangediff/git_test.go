// SPDX-License-Identifier: GPL-2.0-or-later

package rangediff_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/format/rangediff"
)

// repo is a git repository of a test.
type repo struct {
	t   *testing.T
	dir string
}

func newRepo(t *testing.T) repo {
	t.Helper()
	r := repo{t, t.TempDir()}
	r.git("init", "-q", "-b", "base")
	return r
}

func (r repo) git(args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", r.dir, "-c", "user.name=A U Thor", "-c", "user.email=author@people.example", "-c", "core.pager=cat", "-c", "gc.auto=0"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "HOME="+r.dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		r.t.Fatalf("git %s: %v: %s", args[0], err, errs.String())
	}
	return out.String()
}

func (r repo) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r repo) commit(message string) {
	r.t.Helper()
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", message)
}

// series reads the commits of a branch as patches, oldest first.
func (r repo) series(branch string) []rangediff.Patch {
	r.t.Helper()
	var out []rangediff.Patch
	for hash := range strings.FieldsSeq(r.git("rev-list", "--reverse", "base.."+branch)) {
		out = append(out, rangediff.Patch{Name: strings.TrimSpace(r.git("rev-parse", "--short", hash)), Author: strings.TrimSpace(r.git("log", "-1", "--format=%an <%ae>", hash)),
			Message: r.git("log", "-1", "--format=%B", hash), Diff: []byte(r.git("show", "--format=", "-p", "-M", hash))})
	}
	return out
}

func (r repo) compare(old, new string) (ours, gits string) {
	r.t.Helper()
	a, b := r.series(old), r.series(new)
	pairs, err := rangediff.Compare(a, b, rangediff.CreationFactor)
	if err != nil {
		r.t.Fatal(err)
	}
	var out strings.Builder
	if err := rangediff.WriteText(&out, a, b, pairs); err != nil {
		r.t.Fatal(err)
	}
	return out.String(), r.git("range-diff", "--no-color", "base.."+old, "base.."+new)
}

func TestAsGit(t *testing.T) {
	t.Parallel()
	rounds := 6
	if os.Getenv("PW_SOAK") != "" {
		rounds = 200
	}
	equal := 0
	for seed := range rounds {
		r := newRepo(t)
		rng := rand.New(rand.NewPCG(uint64(seed), 0))
		r.base(rng)
		ours, gits := r.versions(rng)
		if strings.Join(heads(ours), "\n") != strings.Join(heads(gits), "\n") {
			t.Errorf("seed %d: %s", seed, cmp.Diff(heads(gits), heads(ours)))
		}
		if ours == gits {
			equal++
		} else {
			t.Logf("seed %d: %s", seed, cmp.Diff(strings.Split(gits, "\n"), strings.Split(ours, "\n")))
		}
	}
	t.Logf("%d of %d equal to the last line", equal, rounds)
}

// heads are the lines that name patches.
func heads(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" && !strings.HasPrefix(line, "    ") {
			out = append(out, line)
		}
	}
	return out
}

const files = 5

func (r repo) base(rng *rand.Rand) {
	r.t.Helper()
	for f := range files {
		var b strings.Builder
		for n := range 60 {
			switch {
			case n%12 == 0:
				fmt.Fprintf(&b, "int function_%d_%d(void)\n", f, n)
			case n%12 == 1:
				b.WriteString("{\n")
			case n%12 == 11:
				b.WriteString("}\n")
			default:
				fmt.Fprintf(&b, "\tstep(%d);\n", rng.IntN(40))
			}
		}
		r.write(fmt.Sprintf("src/f%d.c", f), b.String())
	}
	r.commit("base")
}

// change is what a commit of a test does to a file.
type change struct {
	file, at int
	text     string
	message  string
}

func (r repo) versions(rng *rand.Rand) (ours, gits string) {
	r.t.Helper()
	var v1 []change
	for n := range 3 + rng.IntN(6) {
		v1 = append(v1, randomChange(rng, n))
	}
	r.branch("v1", v1)
	var v2 []change
	for n, c := range v1 {
		switch rng.IntN(6) {
		case 0: // dropped
			continue
		case 1:
			c.text += fmt.Sprintf("\tmore(%d);\n", rng.IntN(9))
		case 2:
			c.message += "\n\nNow with a reason."
		case 3:
			v2 = append(v2, randomChange(rng, 100+n))
		}
		v2 = append(v2, c)
	}
	r.branch("v2", append(v2, randomChange(rng, 200)))
	return r.compare("v1", "v2")
}

func randomChange(rng *rand.Rand, n int) change {
	c := change{file: rng.IntN(files), at: 2 + rng.IntN(50), message: fmt.Sprintf("f: change number %d\n\nBecause of %d.\n\nSigned-off-by: A U Thor <author@people.example>", n, rng.IntN(100))}
	for range 1 + rng.IntN(8) {
		c.text += fmt.Sprintf("\tcall(%d, %d);\n", n, rng.IntN(5))
	}
	return c
}

func (r repo) branch(name string, changes []change) {
	r.t.Helper()
	r.git("checkout", "-q", "-B", name, "base")
	for _, c := range changes {
		file := fmt.Sprintf("src/f%d.c", c.file)
		raw, err := os.ReadFile(filepath.Join(r.dir, file))
		if err != nil {
			r.t.Fatal(err)
		}
		lines := strings.SplitAfter(string(raw), "\n")
		at := min(c.at, len(lines)-1)
		r.write(file, strings.Join(lines[:at], "")+c.text+strings.Join(lines[min(at+2, len(lines)):], ""))
		r.commit(c.message)
	}
}
