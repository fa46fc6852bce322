// SPDX-License-Identifier: GPL-2.0-or-later

package shared

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Dir gives the directory of the extra test data. Without it the test is skipped, or failed if CI=true.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := find(os.Getenv("PW_SHARED"))
	switch {
	case err == nil:
		return dir
	case os.Getenv("CI") == "true":
		t.Fatalf("extra test data: %v", err)
	default:
		t.Skipf("no extra test data: %v", err)
	}
	return ""
}

// Open opens a file of the extra test data, by the elements of its path, and closes it when the test ends. A file that is not
// there fails the test: the data is there, but not this.
func Open(t testing.TB, elem ...string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(Dir(t), filepath.Join(elem...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// find resolves the value of $PW_SHARED; a relative one is seen from the module's root.
func find(value string) (string, error) {
	if value == "none" {
		return "", fmt.Errorf("PW_SHARED=none")
	}
	if value == "" {
		value = "../shared"
	}
	if !filepath.IsAbs(value) {
		root, err := moduleRoot()
		if err != nil {
			return "", err
		}
		value = filepath.Join(root, value)
	}
	if fi, err := os.Stat(value); err != nil {
		return "", err
	} else if !fi.IsDir() {
		return "", fmt.Errorf("%s is no directory", value)
	}
	return value, nil
}

// moduleRoot walks up from the working directory to the directory of go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = up
	}
}
