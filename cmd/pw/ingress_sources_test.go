// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mbox"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// mailsOf takes an mbox apart.
func mailsOf(t *testing.T, archive []byte) (out []string) {
	t.Helper()
	r := mbox.NewReader(bytes.NewReader(archive), 1<<20)
	for {
		m, err := r.Next()
		if err != nil {
			return out
		}
		out = append(out, string(m.Raw))
	}
}

func TestIngressMaildir(t *testing.T) {
	in := newInbox(t, sqldb.SQLite)
	dir := t.TempDir()
	for _, sub := range []string{"cur", "new"} {
		os.Mkdir(filepath.Join(dir, sub), 0o700)
	}
	for i, m := range mailsOf(t, threads(2)) {
		os.WriteFile(fmt.Sprintf("%s/%s/%d.M1P1.host:2,", dir, []string{"cur", "new"}[i%2], 1700000000+i), []byte(m), 0o600)
	}
	summary := "N mails in T\n       6  patch      \n       4  comment    replies to patches and cover letters\n       2  cover      cover letters\n"
	in.wants("", 0, summary, "", "--maildir", "--list-id", inboxList, dir)
	in.wants("", 0, "N mails in T\n      12  known      the same bytes were taken in before: nothing changed\n", "", "--maildir", "-l", inboxList, dir)
	os.WriteFile(dir+"/new/1800000000.empty", nil, 0o600)
	in.wants("", 65, "N mails in T\n      24  known      the same bytes were taken in before: nothing changed\n",
		"pw: "+dir+"/new/1800000000.empty passed over: it is empty\npw: "+dir+"/new/1800000000.empty passed over: it is empty\n"+
			"pw: 2 files could not be read; all others are taken in\n", "--maildir", "-l", inboxList, dir, dir)
	in.wants("", 66, "", "pw: "+dir+"/cur is no maildir: it has neither cur nor new\n", "--maildir", dir, dir+"/cur")
	in.wants("", 65, "", "pw: say which directories to read behind --maildir or --public-inbox\n", "--maildir")
}

func TestIngressPublicInbox(t *testing.T) {
	in, archive, mails := newInbox(t, sqldb.SQLite), peers.NewInbox(t), mailsOf(t, threads(1))
	in.wants("", 66, "N mails in T\n", "pw: "+archive.Dir+" is no public-inbox: it has neither git/0.git nor is it a git repository\n", "--public-inbox", archive.Dir)
	archive.Add(0, mails[:5]...)
	in.wants("", 0, "N mails in T\n       3  patch      \n       1  comment    replies to patches and cover letters\n       1  cover      cover letters\n", "", "--public-inbox", "-l", inboxList, archive.Dir)
	archive.Add(1, mails[5])
	in.wants("", 0, "N mails in T\n       1  comment    replies to patches and cover letters\n", "", "--public-inbox", "-l", inboxList, archive.Dir)
	in.wants("", 0, "N mails in T\n       6  known      the same bytes were taken in before: nothing changed\n", "", "--public-inbox", "--rescan", "-l", inboxList, archive.Dir)
	for args, says := range map[string]string{
		"--follow": "--follow and --rescan need --public-inbox", "--public-inbox --follow --json x": "--follow does not come to an end; leave --json out",
		"--public-inbox --mbox x": "say only one of --stdin, --mbox, --maildir and --public-inbox",
	} {
		in.wants("", 65, "", "pw: "+says+"\n", strings.Fields(args)...)
	}
	got := in.pw("", "sources", "--json")
	var rows []map[string]any
	if err := json.Unmarshal([]byte(got.out), &rows); err != nil || len(rows) != 1 || rows[0]["mails"] != 12.0 || rows[0]["error"] != "" || rows[0]["name"] != archive.Dir {
		t.Errorf("%v %+v", err, got)
	}
}

// The daemon follows what the configuration names, beside taking mail.
func TestServeFollows(t *testing.T) {
	archive := peers.NewInbox(t)
	archive.Add(0, mailsOf(t, threads(1))...)
	program := builtProgram(t)
	for _, command := range []string{"ingress", "serve"} {
		in := newInbox(t, sqldb.SQLite)
		s := in.serve(t, program, command, "PW_INGRESS_PUBLIC_INBOX="+archive.Dir+"="+inboxList)
		peers.Eventually(t, "six mails", func() bool { return in.count("SELECT COUNT(*) FROM mail") == 6 })
		s.Process.Signal(syscall.SIGTERM)
		if code := s.code(t); code != 0 {
			t.Errorf("pw %s: exit %d\n%s", command, code, s.err.String())
		}
	}
}

// serve starts a daemon of this test on free ports.
func (in *inbox) serve(t *testing.T, program, command string, env ...string) *process {
	t.Helper()
	p := in.command(program, command)
	p.Env = append(p.Env, "PW_INGRESS_LISTEN=127.0.0.1:0", "PW_HTTP_LISTEN=127.0.0.1:0")
	p.Env = append(p.Env, env...)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	return p
}

// testKillFollower kills a pw that follows an archive when it has read a part of it: in the end each mail is there once.
func testKillFollower(t *testing.T, program string) {
	mails := mailsOf(t, threads(60))
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			archive := peers.NewInbox(t)
			archive.Add(0, mails[:200]...)
			archive.Add(1, mails[200:]...)
			calm := newInbox(t, engine)
			if p := calm.run(program, "--public-inbox", "-l", inboxList, archive.Dir); p.code(t) != 0 {
				t.Fatal(p.err.String())
			}
			hit := 0
			undisturbed := calm.rows()
			for range faultRounds() {
				in := newInbox(t, engine)
				for range 3 {
					p := in.run(program, "--public-inbox", "--follow", "-l", inboxList, archive.Dir)
					if in.killMidway(p, fmt.Sprintf("SELECT %d - COUNT(*) FROM mail", len(mails))) {
						hit++
					}
				}
				if p := in.run(program, "--public-inbox", "-l", inboxList, archive.Dir); p.code(t) != 0 {
					t.Fatal(p.err.String())
				}
				in.equals(undisturbed)
				if read := in.count("SELECT mails FROM mail_source"); read < int64(len(mails)) {
					t.Errorf("%d mails were read", read)
				}
			}
			if hit == 0 {
				t.Error("no kill hit the middle of an import")
			}
		})
	}
}
