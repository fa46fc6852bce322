// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// needDumps wants the programs that copy the databases of servers.
func needDumps(t *testing.T, engine string) {
	t.Helper()
	peers.Need(t, map[string][]string{sqldb.Postgres: {"pg_dump", "pg_restore"}, sqldb.MariaDB: {"mariadb-dump", "mariadb"}}[engine]...)
}

// rows are all rows of all tables as texts, sorted.
func (s site) rows() (out []string) {
	s.t.Helper()
	db := s.db()
	tables := "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'"
	switch db.Engine() {
	case sqldb.SQLite: // the tables of indexes of words belong to SQLite
		tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%words%'"
	case sqldb.MariaDB:
		tables = strings.Replace(tables, "current_schema()", "DATABASE()", 1)
	}
	var names []string
	if err := db.Select(s.t.Context(), &names, tables); err != nil || len(names) < 40 {
		s.t.Fatal(names, err)
	}
	for _, name := range names {
		err := db.Each(s.t.Context(), func(rows *sqlx.Rows) error {
			values, err := rows.SliceScan()
			for i, v := range values {
				if octets, is := v.([]byte); is {
					values[i] = string(octets)
				}
			}
			out = append(out, fmt.Sprintf("%s %q", name, values))
			return err
		}, "SELECT * FROM "+name)
		if err != nil {
			s.t.Fatal(name, err)
		}
	}
	slices.Sort(out)
	return out
}

// untimed puts N for sizes and times.
func untimed(text string) string {
	return regexp.MustCompile(`[\d.]+ (B|kB|MB) in [\d.]+m?s`).ReplaceAllString(text, "N")
}

// A backup that is made while mail comes in is a whole site of one moment; nothing is lost by bringing it back, and both are in order.
func TestBackup(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := site{t, url}
		needDumps(t, s.db().Engine())
		s.does("db", "sync")
		s.fill()
		dir := t.TempDir()
		file, back := filepath.Join(dir, "one"), site{t, dbtest.URL(t, s.db().Engine())}
		if got := untimed(s.does("db", "backup", file)); got != file+": N, read again and sound\n" {
			t.Error(got)
		}
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o600 {
			t.Error(info.Mode(), err)
		}
		if s.db().Engine() == sqldb.SQLite {
			os.Remove(strings.TrimPrefix(back.url, "sqlite:"))
		}
		got := back.pw("", "db", "restore", file)
		want(t, outcome{got.code, untimed(got.out), got.err}, outcome{0, back.url + ": restored from " + file + ", N\nnothing is wrong\n", ""})
		if was, is := s.rows(), back.rows(); !slices.Equal(was, is) {
			t.Errorf("%d rows, %d are back", len(was), len(is))
			for _, r := range was {
				if !slices.Contains(is, r) {
					t.Errorf("lost: %.300s", r)
				}
			}
		}

		done := make(chan outcome, 1)
		go func() {
			var mails strings.Builder
			for n := range 200 {
				mails.WriteString("From a Mon Jul 13 00:00:00 2026\n" + mailOf(fmt.Sprintf("during%d", n), "[PATCH] during", "\n"+aDiff) + "\n")
			}
			done <- pw(mails.String(), s.env(), "ingress", "--mbox", "--list-id", "w.example.org")
		}()
		printed := s.does("db", "backup", dir)
		if got := <-done; got.code != 0 {
			t.Errorf("mail that came in meanwhile: %+v", got)
		}
		file = strings.SplitN(printed, ": ", 2)[0]
		if !regexp.MustCompile(`/patchwork-\d{8}-\d{6}(\.db|\.dump|\.sql\.zst)$`).MatchString(file) {
			t.Error(printed)
		}
		later := site{t, dbtest.URL(t, s.db().Engine())}
		if s.db().Engine() == sqldb.SQLite {
			os.Remove(strings.TrimPrefix(later.url, "sqlite:"))
		}
		later.does("db", "restore", file)
		later.does("admin", "user", "create", "new", "--email", "new@people.example", "--no-password") // ids go on behind those that are there
		if parts, _ := filepath.Glob(dir + "/*.part"); len(parts) > 0 {
			t.Error(parts)
		}
	})
}

// What can't be done is said in one line, and changes nothing.
func TestBackupRefused(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	file, text, cut := filepath.Join(dir, "good.db"), filepath.Join(dir, "text"), filepath.Join(dir, "cut.db")
	s.does("db", "backup", file)
	image, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) string {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	write(text, "no backup\n")
	write(cut, string(image[:len(image)/2]))
	write(filepath.Join(dir, "empty"), "")
	write(filepath.Join(dir, "pg"), "PGDMP\x01\x0e")
	write(filepath.Join(dir, "busy.part"), "")
	path := strings.TrimPrefix(s.url, "sqlite:")
	s.says("db backup "+file, 73, "", "pw: "+file+" is there already: give another name, or move it away\n")
	s.says("db backup "+dir+"/busy", 73, "", "pw: "+dir+"/busy.part is there already: if no other pw writes it, remove it\n")
	s.says("db backup "+dir+"/none/x", 66, "", "pw: there is no directory "+dir+"/none\n")
	s.says("db restore "+file, 73, "", "pw: "+path+" is there already: give another name, or move it away\n")
	write(path+"-wal", "") // of who has the site open: it is not moved away without its database
	s.says("db restore "+file, 73, "", "pw: "+path+" is there already: give another name, or move it away\n")
	fresh := site{t, "sqlite:" + filepath.Join(dir, "new", "patchwork.db")}
	fresh.says("db backup "+dir+"/x", 66, "", "pw: there is no file "+dir+"/new/patchwork.db yet: `pw db sync` makes it\n")
	fresh.says("db restore "+dir+"/none", 66, "", "pw: there is no file "+dir+"/none\n")
	fresh.says("db restore "+text, 65, "", "pw: "+text+" is no backup that `pw db backup` made\n")
	fresh.says("db restore "+dir+"/empty", 65, "", "pw: "+dir+"/empty is no backup that `pw db backup` made\n")
	fresh.says("db restore "+dir+"/pg", 65, "", "pw: "+dir+"/pg is a backup of postgres, database.url names sqlite: a backup does not lead from one to another\n")
	if got := fresh.pw("", "db", "restore", cut); got.code != 65 || !strings.HasPrefix(got.err, "pw: "+cut+" is damaged: ") {
		t.Errorf("%+v", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
		t.Error("a refused backup left something")
	}
	write(file+"-wal", "of those who write to it")
	fresh.says("db restore "+file, 65, "", "pw: "+file+" is a database in use, and not whole without "+file+"-wal: make a backup of it\n")
	os.Remove(file + "-wal")
	os.Mkdir(filepath.Join(dir, "new"), 0o700)
	write(filepath.Join(dir, "new", "patchwork.db-wal"), "of another")
	fresh.says("db restore "+file, 73, "", "pw: "+dir+"/new/patchwork.db-wal is there, without its database: move it away\n")
	os.Remove(filepath.Join(dir, "new", "patchwork.db-wal"))
	fresh.does("db", "restore", file)
}

// Names that SQLite would take for a URI are those of files.
func TestBackupNames(t *testing.T) {
	s := newSite(t)
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"file:x?mode=memory", "/" + dir + "/two", "a 'b' \"c\"?#%20"} {
		if got := s.pw("", "db", "backup", name); got.code != 0 || got.err != "" {
			t.Errorf("%s: %+v", name, got)
		}
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
		back := site{t, "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
		if got := back.pw("", "db", "restore", name); got.code != 0 || got.err != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Dumps of servers that are cut are refused, and so is a database that has something; a program that is not installed is named.
func TestDumpRefused(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := site{t, url}
		engine := s.db().Engine()
		if engine == sqldb.SQLite {
			return
		}
		needDumps(t, engine)
		s.does("db", "sync")
		s.fill()
		dir := t.TempDir()
		file, cut := filepath.Join(dir, "dump"), filepath.Join(dir, "cut")
		s.does("db", "backup", file)
		image, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(cut, image[:len(image)-len(image)/3], 0o600); err != nil {
			t.Fatal(err)
		}
		s.says("db restore "+file, 73, "", "pw: there is a Patchwork in that database already: make a new one, or empty it\n")
		fresh := site{t, dbtest.URL(t, engine)}
		if got := fresh.pw("", "db", "restore", cut); got.code == 0 || got.out != "" {
			t.Errorf("of a dump that is cut: %+v", got)
		}
		fresh.does("db", "restore", file) // it has left nothing
		path := os.Getenv("PATH")
		t.Setenv("PATH", dir)
		program := map[string]string{sqldb.Postgres: "pg_dump", sqldb.MariaDB: "mariadb-dump"}[engine]
		s.says("db backup "+dir+"/x", 75, "", "pw: "+program+" is not installed: it comes with the client programs of the database server\n")
		t.Setenv("PATH", path)
		if _, err := os.Stat(filepath.Join(dir, "x.part")); err == nil {
			t.Error("something is left of a backup that could not be made")
		}
	})
}

// splitEvery cuts a text into pieces of n characters.
func splitEvery(s string, n int) (out []string) {
	for part := range slices.Chunk([]byte(s), n) {
		out = append(out, string(part))
	}
	return out
}

// A disk that is too small for the copy, and a program that is killed in the middle of it, leave nothing that looks like a backup.
func TestBackupFault(t *testing.T) {
	program := builtProgram(t)
	in := newInbox(t, sqldb.SQLite)
	var mails strings.Builder
	random := rand.NewChaCha8([32]byte{})
	for n := range 12 { // more than the disk holds
		noise := make([]byte, 1<<20)
		random.Read(noise)
		mails.WriteString("From a Mon Jul 13 00:00:00 2026\n" + mailOf(fmt.Sprintf("big%d", n), "[PATCH] big", "\n"+strings.Join(splitEvery(hex.EncodeToString(noise), 70), "\n")+"\n"+aDiff) + "\n")
	}
	if got := in.pw(mails.String(), "--mbox", "--list-id", inboxList); got.code != 0 {
		t.Fatalf("%+v", got)
	}
	small := smallDisk(t)
	p := in.command(program, "db", "backup", filepath.Join(small, "copy.db"))
	if err := p.Run(); err == nil || !strings.Contains(p.err.String(), "pw: copy the database: ") || !strings.Contains(p.err.String(), "full") {
		t.Errorf("%v: %s", err, p.err.String())
	}
	if left, _ := os.ReadDir(small); len(left) > 0 {
		t.Error("on a full disk is left:", left)
	}
	dir := t.TempDir()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		p := in.command(program, "db", "backup", filepath.Join(dir, "copy.db"))
		p.Stdout = io.Discard
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			if info, err := os.Stat(filepath.Join(dir, "copy.db.part")); err == nil && info.Size() > 0 {
				break
			}
			time.Sleep(100 * time.Microsecond)
		}
		p.Process.Signal(signal)
		err := p.Wait()
		if _, there := os.Stat(filepath.Join(dir, "copy.db")); there == nil && err != nil {
			t.Errorf("%s leaves a backup: %v", signal, err)
		}
		os.Remove(filepath.Join(dir, "copy.db"))
		left, _ := os.ReadDir(dir)
		switch {
		case signal == syscall.SIGTERM && len(left) > 0:
			t.Errorf("after %s is left: %v", signal, left)
		case signal == syscall.SIGKILL && len(left) > 0:
			got := site{t, in.url}.pw("", "db", "backup", filepath.Join(dir, "copy.db"))
			if got.code != 73 || got.err != "pw: "+dir+"/copy.db.part is there already: if no other pw writes it, remove it\n" {
				t.Errorf("%+v", got)
			}
			os.Remove(filepath.Join(dir, "copy.db.part"))
		}
	}
	site{t, in.url}.does("db", "backup", filepath.Join(dir, "copy.db")) // whatever else is left does not matter
	back := site{t, "sqlite:" + filepath.Join(dir, "back.db")}
	back.does("db", "restore", filepath.Join(dir, "copy.db"))
	back.expectRows("patch", 12)
}
