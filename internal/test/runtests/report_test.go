// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// module is a module whose tests pass, fail, skip, panic and do not compile.
var module = map[string]string{
	"go.mod":           "module example.org/m\n\ngo 1.26\n",
	"good/a_test.go":   "package good\n\nimport \"testing\"\n\nfunc TestGood(t *testing.T) { t.Log(\"unheard\") }\n",
	"skips/a_test.go":  "package skips\n\nimport \"testing\"\n\nfunc TestSkip(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Skip(\"no moon: wait\") }) }\n",
	"bad/a_test.go":    "package bad\n\nimport \"testing\"\n\nfunc TestBad(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Error(\"it hurts\") }) }\n",
	"panics/a_test.go": "package panics\n\nimport \"testing\"\n\nfunc TestPanic(t *testing.T) { panic(\"out of here\") }\n",
	"broken/a_test.go": "package broken\n\nimport \"testing\"\n\nfunc TestBroken(t *testing.T) { nonsense() }\n",
	"none/a.go":        "package none\n",
}

// runModule runs the tests of packages of module as main does, and gives what is printed, without times.
func runModule(t *testing.T, strict bool, packages ...string) (code int, printed string) {
	t.Helper()
	dir := t.TempDir()
	for name, src := range module {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", append([]string{"test", "-json"}, packages...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	out, err := cmd.Output()
	if _, failed := err.(*exec.ExitError); err != nil && !failed {
		t.Fatal(err)
	}
	var b strings.Builder
	r := newReport(&b, io.Discard)
	if err := readLines(strings.NewReader(string(out)), r.line); err != nil {
		t.Fatal(err)
	}
	code = r.finish(cmd.ProcessState.ExitCode(), strict)
	var lines []string
	for line := range strings.Lines(b.String()) {
		if i := strings.LastIndex(line, "\t0."); i >= 0 {
			line = line[:i] + "\n"
		}
		lines = append(lines, strings.ReplaceAll(line, "(0.00s)", "(…)"))
	}
	return code, strings.Join(lines, "")
}

func TestSkipsAreListed(t *testing.T) {
	const list = "\nskipped (1): no moon: wait\n\texample.org/m/skips TestSkip/sub\n"
	const closing = "\n?   \texample.org/m/none\t[no test files]\nok  \texample.org/m/good\nok  \texample.org/m/skips\n"
	code, got := runModule(t, false, "./good", "./skips", "./none")
	if diff := cmp.Diff(list+closing, got); diff != "" || code != 0 {
		t.Errorf("exit %d\n%s", code, diff)
	}
	code, got = runModule(t, true, "./good", "./skips", "./none")
	if diff := cmp.Diff(list+"\nwith CI=true a skipped test is a failure\n"+closing+"FAIL\n", got); diff != "" || code != 1 {
		t.Errorf("CI: exit %d\n%s", code, diff)
	}
	code, got = runModule(t, true, "./good")
	if diff := cmp.Diff("\nok  \texample.org/m/good\n", got); diff != "" || code != 0 {
		t.Errorf("CI without a skip: exit %d\n%s", code, diff)
	}
}

func TestFailuresAreShown(t *testing.T) {
	want := "    a_test.go:5: it hurts\n--- FAIL: TestBad/sub (…)\n--- FAIL: TestBad (…)\n" +
		"\nFAIL\texample.org/m/bad\nok  \texample.org/m/good\nFAIL\n"
	code, got := runModule(t, false, "./good", "./bad")
	if diff := cmp.Diff(want, got); diff != "" || code != 1 {
		t.Errorf("exit %d\n%s", code, diff)
	}
}

func TestOtherFailuresAreShown(t *testing.T) {
	for pkg, want := range map[string]string{
		"./panics": "panic: out of here",
		"./broken": "undefined: nonsense",
	} {
		code, got := runModule(t, false, pkg)
		if !strings.Contains(got, want) || !strings.HasSuffix(got, "\nFAIL\n") || !strings.Contains(got, "\nFAIL\texample.org/m/"+pkg[2:]) || code != 1 {
			t.Errorf("%s: exit %d\n%s", pkg, code, got)
		}
	}
}

func TestSlowFirst(t *testing.T) {
	got := slowFirst([]string{"m/cmd/pw", "m/internal/account", "m/internal/patch", "m/internal/patch/patchmail", "m/internal/web"})
	if diff := cmp.Diff([]string{"m/internal/patch/patchmail", "m/cmd/pw", "m/internal/patch", "m/internal/account", "m/internal/web"}, got); diff != "" {
		t.Error(diff)
	}
}
