// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/test/dbtest"
)

// change is a commit that is sent by mail in many ways.
type change struct {
	name   string
	before map[string]string
	after  map[string]string // what is not there before or after is new or gone
	mode   string            // of the file run.sh, after
}

var changes = []change{
	{"a line", map[string]string{"lib/a.c": "one\ntwo\nthree\n"}, map[string]string{"lib/a.c": "one\n2\nthree \n\n"}, ""},
	{"names and charsets", map[string]string{"d/é b.txt": "grün\n", "latin": "gr\xfcn\n"}, map[string]string{"d/é b.txt": "grün\nrot\n", "latin": "gr\xfcn\nwei\xdf\n"}, ""},
	{"no newline", map[string]string{"a": "one"}, map[string]string{"a": "two", "empty": "", "-- x": "sql\n"}, ""},
	{"binary, mode, rename", map[string]string{"b": "\x00\x01\x02\n", "run.sh": "exit\n", "old": strings.Repeat("same\n", 20)},
		map[string]string{"b": "\x00\x03", "run.sh": "exit\n", "new": strings.Repeat("same\n", 20), "n.png": "\x89PNG\x00"}, "755"},
	{"words like marks", map[string]string{"a": "-- \nFrom here\n>From there\n---\n"}, map[string]string{"a": "-- \nFrom now\n>From then\n--- \n- x\n"}, ""},
	{"lines of dashes", map[string]string{"q.sql": "-- a comment\n--- more\n+++ b\nselect\n"}, map[string]string{"q.sql": "++ b\nselect\n- x\n"}, ""},
}

const ownMessage = "lib: go on\n\n  An indented line first, and größer.\n\nFrom here on it is right.\n- a list\n- with dashes\n\nSigned-off-by: Ann Author <ann@people.example>\n"

// wrap is a way to send the output of git format-patch: header and body of a mail, of its message and the file as a whole.
type wrap struct {
	name  string
	tree  bool // only the tree is as before: the mail is not what git would have sent
	clean bool // for changes in UTF-8 only
	crlf  bool
	make  func(message, file string) (header, body string)
}

func quoted(s string) string {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return strings.ReplaceAll(b.String(), "\r\n", "\n")
}

func flowed(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "From ") || strings.HasPrefix(line, ">") {
			line = " " + line
		}
		b.WriteString(line)
	}
	return b.String()
}

const eightBit = "MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\nContent-Type: text/plain; charset="

var wraps = []wrap{
	{name: "inline", make: func(body, _ string) (string, string) { return eightBit + "UTF-8\n", body }},
	{name: "quoted-printable", make: func(body, _ string) (string, string) {
		return strings.Replace(eightBit, "8bit", "quoted-printable", 1) + "UTF-8\n", quoted(body)
	}},
	{name: "base64", make: func(body, _ string) (string, string) {
		return strings.Replace(eightBit, "8bit", "base64", 1) + "utf-8\n", wrapped(body)
	}},
	{name: "CRLF", crlf: true, make: func(body, _ string) (string, string) {
		return eightBit + "UTF-8\n", strings.ReplaceAll(body, "\n", "\r\n")
	}},
	{name: "flowed", clean: true, make: func(body, _ string) (string, string) { return eightBit + "UTF-8; format=flowed\n", flowed(body) }},
	{name: "PGP clear-signed", make: func(body, _ string) (string, string) { return eightBit + "UTF-8\n", clearSigned(body) }},
	{name: "S/MIME", make: func(body, _ string) (string, string) {
		return "MIME-Version: 1.0\nContent-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64\n", cms(oidSigned, eightBit+"UTF-8\n\n"+body)
	}},
	{name: "with a list's footer", make: func(body, _ string) (string, string) {
		return eightBit + "UTF-8\n", body + "_______________________________________________\ndevel mailing list\nhttps://lists.example/devel\n"
	}},
	{name: "attached", make: func(_, file string) (string, string) {
		return mixed, multipart("Content-Type: text/x-patch; name=a.patch\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment\n\n" + wrapped(file))
	}},
	{name: "attached to words", tree: true, make: func(_, file string) (string, string) {
		return mixed, multipart("Content-Type: text/plain\n\nPlease find it attached.\n", "Content-Type: application/octet-stream; name=0001-a.patch\nContent-Transfer-Encoding: base64\n\n"+
			base64.StdEncoding.EncodeToString([]byte(file)))
	}},
	{name: "attached as text", tree: true, make: func(_, file string) (string, string) {
		return mixed, multipart("Content-Type: text/plain\n\nPlease find it attached.\n", "Content-Type: text/plain; charset=utf-8; name=0001-a.patch\nContent-Transfer-Encoding: quoted-printable\n\n"+quoted(file))
	}},
	{name: "forwarded", tree: true, make: func(_, file string) (string, string) {
		_, mail, _ := strings.Cut(file, "\n")
		return mixed, multipart("Content-Type: message/rfc822\n\n" + mail)
	}},
}

// TestGitAmOwnMails commits changes, has git format-patch write them, sends that in every way, and has git apply what comes out: the commits must be the same.
func TestGitAmOwnMails(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	w := newWorkshop(t)
	s := newSite(t, db, "own")
	for n, c := range changes {
		base, want, file := w.commitChange(c)
		head, body, _ := strings.Cut(file, "\n\n")
		if !strings.Contains(head, "Subject: [PATCH] lib: go on") {
			t.Fatalf("git format-patch wrote %q", head)
		}
		for k, way := range wraps {
			latin := c.after["latin"] != ""
			if way.clean && latin {
				continue
			}
			t.Run(c.name+", "+way.name, func(t *testing.T) {
				s := *s
				s.t = t
				header, text := way.make(body, file)
				raw := letter{id: strings.Join([]string{"own", string(rune('a' + n)), string(rune('a' + k))}, "-"), subject: "[PATCH] lib: go on", header: header, body: text}.raw()
				s.deliver(raw)
				var b bytes.Buffer
				var id int64
				if err := db.Get(t.Context(), &id, "SELECT MAX(id) FROM patch"); err != nil {
					t.Fatal(err)
				}
				mails, err := patch.MboxOfPatch(t.Context(), db, id)
				if err == nil {
					err = patchmail.ExportMbox(t.Context(), db, &b, mails)
				}
				if err != nil {
					t.Fatal(err)
				}
				got, err := w.apply(base, b.Bytes(), "--patch-format=mboxrd")
				if err != nil || len(got) != 1 {
					t.Fatalf("%d commits, %v\n%s", len(got), err, b.Bytes())
				}
				if got[0].tree != want.tree {
					t.Errorf("tree %s, want %s\n%s", got[0].tree, want.tree, b.Bytes())
				}
				if !way.tree && got[0].message != want.message {
					t.Errorf("message %q, want %q", got[0].message, want.message)
				}
				if !strings.HasPrefix(got[0].author, "Ann Author <ann@people.example>") {
					t.Errorf("author %s", got[0].author)
				}
			})
		}
	}
}

// commitChange commits a change and returns what it builds on, the commit, and the file git format-patch writes of it.
func (w *workshop) commitChange(c change) (base string, want result, file string) {
	w.t.Helper()
	commit := func(files map[string]string, message string) {
		runGit(w.t, w.dir, nil, "rm", "-rfq", "--ignore-unmatch", ".")
		for name, content := range files {
			path := filepath.Join(w.dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				w.t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				w.t.Fatal(err)
			}
		}
		if _, ok := files["run.sh"]; ok && message == ownMessage && c.mode != "" {
			if err := os.Chmod(filepath.Join(w.dir, "run.sh"), 0o755); err != nil {
				w.t.Fatal(err)
			}
		}
		runGit(w.t, w.dir, nil, "add", "-A")
		runGit(w.t, w.dir, []byte(message), "commit", "-q", "--author", author, "-F", "-")
	}
	commit(c.before, "before")
	base = strings.TrimSpace(runGit(w.t, w.dir, nil, "rev-parse", "HEAD"))
	commit(c.after, ownMessage)
	commits, err := w.commits(base)
	if err != nil {
		w.t.Fatal(err)
	}
	return base, commits[0], runGit(w.t, w.dir, nil, "format-patch", "--stdout", "--binary", "-M", "-1")
}
