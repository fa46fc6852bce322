// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

const inboxList = "dev.lists.example"

// inbox is a database with one project, for mail to be taken into.
type inbox struct {
	t   *testing.T
	url string

	counter *sqldb.DB // of SQLite, whose schema takes 10 ms to read at each opening; nil: count opens one
}

func newInbox(t *testing.T, engine string) *inbox {
	t.Helper()
	in := &inbox{t: t, url: dbtest.MigratedURL(t, engine)}
	if engine == sqldb.SQLite {
		in.counter = in.open()
		t.Cleanup(in.stopCounting)
	}
	in.project("dev", inboxList)
	return in
}

func (in *inbox) project(linkname, list string) {
	in.t.Helper()
	email := linkname + "@lists.example"
	db := in.open()
	defer db.Close()
	_, err := project.Create(context.Background(), db, account.CLI, clock.System{}.Now(), project.Change{Linkname: &linkname, Name: &linkname, ListID: &list, ListEmail: &email})
	if err != nil {
		in.t.Fatal(err)
	}
}

func (in *inbox) open() *sqldb.DB {
	in.t.Helper()
	db, err := sqldb.Open(context.Background(), in.url, sqldb.Options{})
	if err != nil {
		in.t.Fatal(err)
	}
	return db
}

func (in *inbox) env(more ...string) []string { return append(more, "PW_DATABASE_URL="+in.url) }

func (in *inbox) pw(input string, args ...string) outcome {
	in.t.Helper()
	return pw(input, in.env("PW_LIMITS_MAIL_SIZE=64KiB"), append([]string{"ingress"}, args...)...)
}

// wants runs pw ingress and compares exit code, output and messages; the figures of time are left out.
func (in *inbox) wants(input string, code int, out, errs string, args ...string) {
	in.t.Helper()
	got := in.pw(input, args...)
	got.out = timing.ReplaceAllString(got.out, "N mails in T")
	want(in.t, got, outcome{code, out, errs})
}

var timing = regexp.MustCompile(`[0-9]+ mails in [0-9.µms]+, [0-9]+ mails/s`)

// stopCounting closes what count has open: from then on the file has all of the database.
func (in *inbox) stopCounting() {
	if in.counter != nil {
		in.counter.Close()
		in.counter = nil
	}
}

func (in *inbox) count(query string, args ...any) int64 {
	in.t.Helper()
	db := in.counter
	if db == nil {
		db = in.open()
		defer db.Close()
	}
	var n int64
	if err := db.Get(context.Background(), &n, query, args...); err != nil {
		in.t.Fatal(err)
	}
	return n
}

func mailOf(id, subject, rest string) string {
	return "From: Ann <ann@people.example>\nSubject: " + subject + "\nMessage-ID: <" + id + "@mail.example>\nDate: Mon, 1 Mar 2021 10:00:00 +0000\n" + rest
}

const aDiff = "\nWords\n---\n--- a/f\n+++ b/f\n@@ -1 +1 @@ fn\n-a\n+b\n"

// threads is an mbox of n series of three patches with cover letter and two replies: six mails each.
func threads(n int) []byte {
	var b bytes.Buffer
	add := func(mail string) { fmt.Fprintf(&b, "From ann@people.example Mon Mar  1 10:00:00 2021\n%s\n", mail) }
	for i := range n {
		in := fmt.Sprintf("In-Reply-To: <c%d@mail.example>\n", i)
		add(mailOf(fmt.Sprintf("c%d", i), fmt.Sprintf("[PATCH 0/3] topic %d", i), "\nWhat it is about.\n"))
		add(mailOf(fmt.Sprintf("early%d", i), "Re: step", fmt.Sprintf("In-Reply-To: <p%d-2@mail.example>\n\nTested-by: Bob <bob@people.example>\n", i)))
		for k := 1; k <= 3; k++ {
			add(mailOf(fmt.Sprintf("p%d-%d", i, k), fmt.Sprintf("[PATCH %d/3] topic %d: step %d", k, i, k), in+aDiff))
		}
		add(mailOf(fmt.Sprintf("r%d", i), "Re: topic", in+"\nAll good.\n"))
	}
	return b.Bytes()
}

func TestIngressStdin(t *testing.T) {
	in := newInbox(t, sqldb.SQLite)
	stdin := func(mail string, code int, errs string) {
		t.Helper()
		in.wants(mail, code, "", errs, "--stdin", "--list-id", inboxList)
	}
	stdin(mailOf("p1", "[PATCH] one", aDiff), 0, "")
	stdin(mailOf("p1", "[PATCH] one", aDiff), 0, "")
	stdin(mailOf("p1", "[PATCH] one, changed", aDiff), 0, "pw: duplicate: message 1 has the same Message-ID\n")
	stdin(mailOf("p2", "[PATCH] two", "X-Patchwork-Hint: ignore\n"+aDiff), 0, "pw: ignored: its X-Patchwork-Hint header says so\n")
	stdin("Subject: x\n\nx", 0, "pw: broken: its sender can't be read: no From header\n")
	stdin("", 65, "pw: standard input holds no mail\n")
	stdin(mailOf("big", "[PATCH] big", aDiff+strings.Repeat("+x\n", 30_000)), 65, "pw: the mail is larger than limits.mail-size (65536 bytes)\n")
	in.wants(mailOf("p3", "[PATCH] x", "List-Id: <nowhere.example>\n"+aDiff), 0, "", "pw: unrouted: no project for the list nowhere.example\n", "-i")
	in.wants(mailOf("p4", "[PATCH] x", "List-Id: <dev.lists.example>\n"+aDiff), 0, "{\"known\":false,\"outcome\":\"patch\",\"reason\":\"\"}\n", "", "-i", "--json")
	if got := in.count("SELECT COUNT(*) FROM patch"); got != 2 {
		t.Errorf("%d patches", got)
	}
	if got := in.count("SELECT COUNT(*) FROM mail JOIN mail_raw ON mail_id = mail.id"); got != 6 {
		t.Errorf("%d mails are kept raw", got)
	}
}

// emptyFile is the url of a SQLite database without tables.
func emptyFile(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + file
}

// TestIngressStdinTemporary: what lies in us is temporary for the mail server.
func TestIngressStdinTemporary(t *testing.T) {
	mail := mailOf("p1", "[PATCH] one", aDiff)
	for name, url := range map[string]string{
		"no schema":            emptyFile(t),
		"no file":              "sqlite:" + filepath.Join(t.TempDir(), "none.db"),
		"no server":            "postgres:///pw?host=" + t.TempDir(),
		"no MariaDB":           "mariadb://pw@localhost/pw?socket=" + t.TempDir() + "/none",
		"a directory, no file": "sqlite:" + t.TempDir(),
		"wrong configuration":  "nosuch:thing",
	} {
		got := pw(mail, []string{"PW_DATABASE_URL=" + url}, "ingress", "--stdin")
		if got.code != 75 || got.out != "" || len(got.err) < 20 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	empty := &inbox{t: t, url: dbtest.MigratedURL(t, sqldb.SQLite)}
	if got := empty.pw(mail, "--stdin"); got.code == 0 {
		t.Errorf("without a project: %+v", got)
	}
}

func compressed(t *testing.T, how string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	switch how {
	case "gz":
		w := gzip.NewWriter(&b)
		w.Write(data)
		w.Close()
	case "zst":
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(data)
		w.Close()
	case "xz":
		w, err := xz.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(data)
		w.Close()
	case "bz2":
		cmd := exec.Command("bzip2", "-c")
		cmd.Stdin, cmd.Stdout = bytes.NewReader(data), &b
		if err := cmd.Run(); err != nil {
			t.Skipf("no bzip2: apt-get install bzip2 (%v)", err)
		}
	default:
		return data
	}
	return b.Bytes()
}

func file(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const afterTwo = "N mails in T\n       6  patch      \n       4  comment    replies to patches and cover letters\n       2  cover      cover letters\n"

func TestIngressMbox(t *testing.T) {
	mbox := threads(2)
	for _, how := range []string{"plain", "gz", "zst", "xz", "bz2"} {
		t.Run(how, func(t *testing.T) {
			in := newInbox(t, sqldb.SQLite)
			data := compressed(t, how, mbox)
			path := file(t, "archive", data) // the name says nothing
			in.wants("", 0, afterTwo, "", "--mbox", "--list-id", inboxList, path)
			in.wants(string(data), 0, "N mails in T\n      12  known      the same bytes were taken in before: nothing changed\n", "", "-m", "-l", inboxList, "-")
			in.wants(string(data), 0, "N mails in T\n      24  known      the same bytes were taken in before: nothing changed\n", "", "-m", "-l", inboxList, "-", path)
			got := in.pw(string(data), "-m", "-l", inboxList, "--json")
			var sum struct {
				Mails, Known int
				Outcomes     map[string]int
				Seconds      float64
			}
			if err := json.Unmarshal([]byte(got.out), &sum); err != nil || sum.Mails != 12 || sum.Known != 12 || got.err != "" || got.code != 0 {
				t.Errorf("--json: %+v, %v", got, err)
			}
		})
	}
}

// TestKnownFailureA2Truncated: what stands before the damage is taken in, and the error names the file.
func TestKnownFailureA2Truncated(t *testing.T) {
	for _, how := range []string{"gz", "zst", "xz", "bz2"} {
		t.Run(how, func(t *testing.T) {
			in := newInbox(t, sqldb.SQLite)
			data := compressed(t, how, append(threads(400), bytes.Repeat([]byte("x"), 1<<20)...))
			path := file(t, "cut."+how, data[:len(data)-len(data)/5])
			got := in.pw("", "--mbox", "-l", inboxList, path)
			if got.code != 65 || !strings.Contains(got.err, path) || !strings.Contains(got.err, "cut off or damaged") {
				t.Errorf("%+v", got)
			}
			n := in.count("SELECT COUNT(*) FROM patch")
			if !strings.Contains(got.out, fmt.Sprintf("%8d  patch ", n)) && n > 0 {
				t.Errorf("%d patches are stored, but: %s", n, got.out)
			}
			if how == "gz" && n == 0 { // the others come in blocks larger than this archive
				t.Error("nothing is stored of what came before")
			}
		})
	}
}

func TestIngressMboxErrors(t *testing.T) {
	in := newInbox(t, sqldb.SQLite)
	in.project("other", "other.lists.example")
	good, empty := file(t, "good.mbox", threads(1)), file(t, "empty.mbox", nil)
	dir := t.TempDir()
	starts := func(code int, errs string, args ...string) {
		t.Helper()
		got := in.pw("", args...)
		if got.code != code || !strings.HasPrefix(got.err, errs) || strings.Count(got.err, "\n") != 1 {
			t.Errorf("%q: exit %d, %s", args, got.code, got.err)
		}
	}
	starts(65, "pw: "+empty+" is empty", "--mbox", "-l", inboxList, empty)
	starts(65, "pw: standard input is empty", "--mbox", "-l", inboxList)
	starts(66, "pw: open the archive: stat "+dir+"/missing", "--mbox", good, dir+"/missing")
	starts(65, "pw: ", "--mbox", dir)
	starts(66, "pw: no project has the list id \"dev\"; there are: dev.lists.example, other.lists.example", "--mbox", "-l", "dev", good)
	starts(65, "pw: to read an archive say --mbox, --maildir or --public-inbox", good)
	starts(65, "pw: say only one of --stdin, --mbox, --maildir and --public-inbox", "--mbox", "--stdin", good)
	starts(65, "pw: --stdin reads one mail from standard input and takes no file; for archives say --mbox", "--stdin", good)
	if got := in.count("SELECT COUNT(*) FROM mail"); got != 0 {
		t.Errorf("%d mails were stored on the way", got)
	}
}

// rows gives what intake stored, without ids, sorted.
func (in *inbox) rows() map[string]int {
	in.t.Helper()
	db := in.open()
	defer db.Close()
	out := map[string]int{}
	for name, query := range map[string]string{
		"mail":    "SELECT msgid, outcome, reason, size FROM mail",
		"raw":     "SELECT m.msgid, LENGTH(r.raw) FROM mail_raw r JOIN mail m ON m.id = r.mail_id",
		"message": "SELECT m.msgid, m.kind, t.msgid, m.date, b.content FROM message m JOIN message t ON t.id = m.thread_id JOIN message_body b ON b.message_id = m.id",
		"patch":   "SELECT m.msgid, p.name, p.hash, p.number, s.version, s.total, s.received, s.name, (SELECT SUM(hits) FROM patch_tag g WHERE g.patch_id = p.id) FROM patch p JOIN message m ON m.id = p.message_id JOIN series s ON s.id = p.series_id",
		"series":  "SELECT s.name, s.total, s.received, m.msgid FROM series s LEFT JOIN cover c ON c.id = s.cover_id LEFT JOIN message m ON m.id = c.message_id",
		"comment": "SELECT m.msgid, x.msgid FROM patch_comment c JOIN message m ON m.id = c.message_id JOIN patch p ON p.id = c.patch_id JOIN message x ON x.id = p.message_id",
		"event":   "SELECT kind, COUNT(*) FROM event GROUP BY kind",
		"count":   "SELECT state_id, delegate_id, patches FROM patch_count",
		"person":  "SELECT email, name, name_votes FROM person",
		"waiting": "SELECT msgid, distance FROM pending_reference",
	} {
		err := db.Each(context.Background(), func(r *sqlx.Rows) error {
			row, err := r.SliceScan()
			for i, v := range row { // not every engine has a type for text
				if b, ok := v.([]byte); ok {
					row[i] = string(b)
				}
			}
			out[fmt.Sprint(name, row)]++
			return err
		}, query)
		if err != nil {
			in.t.Fatal(err)
		}
	}
	return out
}

// TestNoMbox: what holds no mail is named, with what it looks like and what to do, and nothing is stored, not of the good file before it either.
func TestNoMbox(t *testing.T) {
	in := newInbox(t, sqldb.SQLite)
	dir := t.TempDir()
	write := func(name, content string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	gz := func(content string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(content))
		z.Close()
		return b.String()
	}
	maildir, repository, plain := filepath.Join(dir, "maildir"), filepath.Join(dir, "git"), filepath.Join(dir, "plain")
	for _, d := range []string{maildir + "/cur", maildir + "/new", repository + "/objects", plain} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	good := write("good.mbox", string(threads(1)))
	for _, tc := range []struct{ file, says string }{
		{write("a.pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Subject: (x) >>\n\nendobj\n"), "is no mbox: it looks like application/pdf. Nothing was taken in"},
		{write("a.mp3", "ID3\x03\x00\x00\x00\x00\x0f\x76"+strings.Repeat("\xff\xfb\x90\x64", 30000)), "is no mbox: it looks like audio/mpeg. Nothing was taken in"},
		{write("a.html", "<!DOCTYPE html><html><body>From: a</body></html>"), "is no mbox: it looks like text/html. Nothing was taken in"},
		{write("a.c", "/* From here on */\n\nint main(void) { return 0; }\n"), `is no mbox: no line in its beginning is a separator ("From ADDRESS DATE") or a field of a mail's header. Nothing was taken in`},
		{write("a.bin", strings.Repeat("\x00\x01\x02", 1000)), "is no mbox: it holds something other than text. Nothing was taken in"},
		{write("a.zip", "PK\x03\x04zip"), "is no mbox but a zip archive: unpack it, and give the files in it. Nothing was taken in"},
		{write("a.tar.gz", gz(strings.Repeat("x", 257)+"ustar\x00"+strings.Repeat("\x00", 600))),
			"is no mbox but a tar archive: unpack it, and give the files in it, or with --maildir its directories. Nothing was taken in"},
		{write("empty", ""), "is empty: there is no mail in it. Nothing was taken in"},
		{write("lines", "\n\r\n\n"), "is empty: there is no mail in it. Nothing was taken in"},
		{write("empty.gz", gz("")), "is empty: there is no mail in it. Nothing was taken in"},
		{maildir, "is no mbox but a maildir: say --maildir instead of --mbox"},
		{repository, "is no mbox but a git repository: if it is an archive of public-inbox, say --public-inbox instead of --mbox"},
		{plain, "is a directory: --mbox takes files, --maildir takes maildirs, --public-inbox archives of public-inbox"},
	} {
		in.wants("", 65, "", "pw: "+tc.file+" "+tc.says+"\n", "--mbox", good, tc.file)
	}
	in.wants("", 65, "N mails in T\n", "pw: standard input is empty: there is no mail in it. Nothing was taken in\n", "--mbox")
	if n := in.count("SELECT COUNT(*) FROM mail"); n != 0 {
		t.Errorf("%d mails are stored", n)
	}

	one := write("one.eml", "\ufeff"+mailOf("one", "[PATCH] one", "List-Id: <"+inboxList+">\n"+aDiff))
	formatted := write("0001.patch", "From 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567 Mon Sep 17 00:00:00 2001\n"+mailOf("two", "[PATCH] two", "List-Id: <"+inboxList+">\n"+aDiff))
	rubbish := write("rubbish.mbox", "What I kept of the list\n\nFrom a@x.example Mon Mar  1 10:00:00 2021\n"+mailOf("three", "[PATCH] three", "List-Id: <"+inboxList+">\n"+aDiff)+
		"\nFrom a@x.example Mon Mar  1 10:00:00 2021\n"+mailOf("four", "[PATCH] four", "List-Id: <"+inboxList+">\n"+aDiff))
	in.wants("", 0, "N mails in T\n       4  patch      \n       1  unrouted   no project for their list\n", "", "--mbox", one, formatted, rubbish)
}
