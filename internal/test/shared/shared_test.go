// SPDX-License-Identifier: GPL-2.0-or-later

package shared

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// fake records how a test would end. Only what this package calls is there.
type fake struct {
	testing.TB
	ended string
}

func (f *fake) Helper()               {}
func (f *fake) Skipf(string, ...any)  { f.ended = "skip" }
func (f *fake) Fatalf(string, ...any) { f.ended = "fatal" }

func TestDir(t *testing.T) {
	there := t.TempDir()
	file := filepath.Join(there, "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		value, ci   string
		want, ended string
	}{
		{there, "", there, ""},
		{there, "true", there, ""},
		{"none", "", "", "skip"},
		{"none", "true", "", "fatal"},
		{there + "/absent", "", "", "skip"},
		{there + "/absent", "true", "", "fatal"},
		{file, "true", "", "fatal"},
	}
	for _, test := range tests {
		t.Setenv("PW_SHARED", test.value)
		t.Setenv("CI", test.ci)
		f := &fake{}
		if got := Dir(f); got != test.want || f.ended != test.ended {
			t.Errorf("PW_SHARED=%s CI=%s: %q, %q; want %q, %q", test.value, test.ci, got, f.ended, test.want, test.ended)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/a", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/a/b", []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PW_SHARED", dir)
	if got, err := io.ReadAll(Open(t, "a", "b")); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRelativeIsFromTheRoot(t *testing.T) {
	got, err := find("internal/test")
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := filepath.Abs(".."); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
