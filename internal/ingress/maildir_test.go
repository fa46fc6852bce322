// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/test/dbtest"
)

func rawOf(t *testing.T, db *sqldb.DB, msgid string) []byte {
	t.Helper()
	found, err := mailstore.Deliveries(t.Context(), db, msgid)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %d deliveries, %v", msgid, len(found), err)
	}
	raw, err := mailstore.Raw(t.Context(), db, found[0].ID, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func maildir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"cur", "new", "tmp"} {
		os.Mkdir(filepath.Join(dir, sub), 0o700)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Mails come by the time of their delivery, from cur and new; what is under way in tmp, and what is no mail, does not.
func TestMaildir(t *testing.T) {
	dir := maildir(t, map[string]string{
		"new/1609459202.M5P1.host":      "third",
		"cur/1609459202.M4P1.host:2,S":  "second",
		"cur/1609459201.V1I2M9.host:2,": "first",
		"new/1609459202.M5P2.host":      "fourth",
		"cur/by-hand":                   "fifth",
		"new/1709459202.M5P2.host,S=9":  "0123456789",
		"cur/1709459203.empty":          "",
		"cur/.hidden":                   "hidden",
		"tmp/1609459202.M1P1.host":      "under way",
	})
	os.Chtimes(filepath.Join(dir, "cur/by-hand"), time.Time{}, time.Unix(1609459300, 0))
	os.Mkdir(filepath.Join(dir, "cur/1709459204.dir"), 0o700)
	syscall.Mkfifo(filepath.Join(dir, "cur/1709459205.pipe"), 0o600)
	var bad []string
	m, err := ingress.OpenMaildir(dir, "a.example", 9, func(path string, err error) { bad = append(bad, strings.TrimPrefix(path, dir)+": "+err.Error()) })
	if err != nil || m.Len() != 9 {
		t.Fatal(m.Len(), err)
	}
	os.Rename(filepath.Join(dir, "new/1609459202.M5P1.host"), filepath.Join(dir, "cur/1609459202.M5P1.host:2,RS")) // is read in the meantime
	os.Remove(filepath.Join(dir, "new/1609459202.M5P2.host"))
	var got []string
	for {
		d, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || d.Via != "maildir" || d.ListID != "a.example" {
			t.Fatal(d, err)
		}
		got = append(got, fmt.Sprint(string(d.Raw), d.Cut))
	}
	if diff := cmp.Diff([]string{"firstfalse", "secondfalse", "thirdfalse", "fifthfalse", "012345678true"}, got); diff != "" {
		t.Error(diff)
	}
	want := []string{"/new/1609459202.M5P2.host: it is gone", "/cur/1709459203.empty: it is empty", "/cur/1709459204.dir: it is no plain file", "/cur/1709459205.pipe: it is no plain file"}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Error(diff)
	}
	if _, err := ingress.OpenMaildir(t.TempDir(), "", 9, nil); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestImportMaildir(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	addFeedProject(t, db)
	files := map[string]string{}
	for i, m := range feed(20) {
		files[fmt.Sprintf("%s/%d.M1P1.host", []string{"cur", "new"}[i%2], 1700000000+i)] = m
	}
	dir := maildir(t, files)
	for _, known := range []int{0, 20} {
		m, err := ingress.OpenMaildir(dir, "", 1<<20, nil)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := smallBatches(db).Import(t.Context(), m, func(ingress.Summary) {})
		if err != nil || sum.Mails != 20 || sum.Known != known {
			t.Error(sum, err)
		}
	}
	if rows := mailRows(t, db); len(rows) != 20 {
		t.Errorf("%d mails", len(rows))
	}
}
