// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// openInbox is an inbox in a database that users other than root may write, and pw where they may run it.
func openInbox(t *testing.T) (in *inbox, program, dir string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pwopen")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o777)
	image, err := os.ReadFile(strings.TrimPrefix(dbtest.MigratedURL(t, sqldb.SQLite), "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(dir+"/pw.db", image, 0o600)
	built, err := os.ReadFile(builtProgram(t))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(dir+"/pw", built, 0o755)
	os.Chmod(dir+"/pw.db", 0o666)
	os.Chmod(dir+"/pw", 0o755)
	in = &inbox{t: t, url: "sqlite:" + dir + "/pw.db"}
	in.project("dev", inboxList)
	return in, dir + "/pw", dir
}

// listening starts pw ingress at an address and waits until it can be reached.
func (in *inbox) listening(t *testing.T, program, network, address string) *process {
	t.Helper()
	p := in.command(program, "ingress")
	p.Env = append(p.Env, "PW_INGRESS_LISTEN="+address)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill() })
	peers.Eventually(t, "pw ingress listens", func() bool {
		c, err := net.Dial(network, address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return p
}

// peer runs a program that sends mail; HOME and git's configuration are dir's.
func peer(t *testing.T, dir, input, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "EDITOR=" + dir + "/editor", "LC_ALL=C.UTF-8",
		"GIT_AUTHOR_DATE=2026-03-02T10:00:00Z", "GIT_COMMITTER_DATE=2026-03-02T10:00:00Z"}
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func swaks(t *testing.T, port, to, mail string) {
	t.Helper()
	peer(t, t.TempDir(), mail, "swaks", "--server", "127.0.0.1:"+port, "--from", "ann@people.example", "--to", to, "--data", "-", "--suppress-data")
}

func (in *inbox) has(id string) bool {
	return in.count("SELECT COUNT(*) FROM mail WHERE msgid = ?", "<"+id+"@mail.example>") > 0
}

func listMail(id string) string {
	return "List-Id: <" + inboxList + ">\n" + mailOf(id, "[PATCH] by "+id, aDiff)
}

// TestPostfix: a transport map to LMTP and the pipe bring mail in; while pw is away Postfix keeps it, and nothing is lost or doubled.
func TestPostfix(t *testing.T) {
	t.Parallel()
	peers.Need(t, "postfix", "swaks")
	peers.NeedRoot(t)
	in, program, dir := openInbox(t)
	socket := dir + "/lmtp.sock"
	postfix := peers.NewPostfix(t, "lmtp:unix:"+socket, program+" ingress --stdin --database-url "+in.url)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(postfix.Log())
		}
	})
	arrived := func(ids ...string) {
		t.Helper()
		peers.Eventually(t, fmt.Sprintf("%v are here", ids), func() bool {
			for _, id := range ids {
				if !in.has(id) {
					return false
				}
			}
			return postfix.Queued() == 0
		})
	}
	server := in.listening(t, program, "unix", socket)
	os.Chmod(socket, 0o666) // in place of a group
	swaks(t, postfix.Port, "dev@lists.example", listMail("lmtp"))
	arrived("lmtp")
	swaks(t, postfix.Port, "anybody@pipe.example", listMail("pipe"))
	arrived("pipe")

	server.Process.Kill()
	server.code(t)
	swaks(t, postfix.Port, "dev@lists.example", listMail("killed"))
	swaks(t, postfix.Port, "dev@lists.example", listMail("lmtp"))
	peers.Eventually(t, "Postfix keeps two mails", func() bool { return postfix.Queued() == 2 && strings.Contains(postfix.Log(), "status=deferred") })
	server = in.listening(t, program, "unix", socket)
	os.Chmod(socket, 0o666)
	arrived("killed", "lmtp")

	os.Chmod(dir+"/pw.db", 0o000) // mail is not root: the pipe says 75
	swaks(t, postfix.Port, "anybody@pipe.example", listMail("later"))
	peers.Eventually(t, "Postfix keeps the mail of the pipe", func() bool { return postfix.Queued() == 1 && strings.Count(postfix.Log(), "relay=pw,") > 1 })
	os.Chmod(dir+"/pw.db", 0o666)
	arrived("later")
	// The mail that was sent twice has another Received header the second time.
	if patches, mails := in.count("SELECT COUNT(*) FROM patch"), in.count("SELECT COUNT(*) FROM mail"); patches != 4 || mails != 5 {
		t.Errorf("%d patches of %d mails", patches, mails)
	}
	server.Process.Signal(syscall.SIGTERM)
	if code := server.code(t); code != 0 {
		t.Errorf("exit %d: %s", code, server.err.String())
	}
}

// TestSenders: git send-email, b4 send and swaks speak SMTP to pw itself; what has no list headers goes by its recipient.
func TestSenders(t *testing.T) {
	t.Parallel()
	in, program := newInbox(t, sqldb.SQLite), builtProgram(t)
	port := peers.FreePort(t)
	in.listening(t, program, "tcp", "127.0.0.1:"+port)

	t.Run("swaks", func(t *testing.T) {
		peers.Need(t, "swaks")
		swaks(t, port, "dev@lists.example", mailOf("swaks", "[PATCH] by swaks", aDiff))
		if !in.has("swaks") {
			t.Error("the mail is not here")
		}
	})
	t.Run("git send-email", func(t *testing.T) {
		peers.Need(t, "git")
		peers.NeedSendEmail(t)
		dir := senderRepository(t, port)
		commits(t, dir, 3)
		peer(t, dir, "", "git", "send-email", "--quiet", "--confirm=never", "--suppress-cc=all", "--to=dev@lists.example", "--cover-letter", "--annotate", "-3", "--compose-encoding=UTF-8")
		in.wantSeries(t, "pot", "3 3 3 1")
	})
	t.Run("b4 send", func(t *testing.T) {
		peers.Need(t, "b4")
		dir := senderRepository(t, port)
		peer(t, dir, "", "b4", "prep", "-n", "warm-pot")
		commits(t, dir, 2)
		peer(t, dir, "", "b4", "prep", "--edit-cover")
		peer(t, dir, "\n", "b4", "send", "--no-sign", "--to", "dev@lists.example")
		in.wantSeries(t, "pot", "2 2 2 1")
	})
}

// wantSeries compares the newest series: its total, how many are here, its patches and covers.
func (in *inbox) wantSeries(t *testing.T, name, want string) {
	t.Helper()
	db := in.open()
	defer db.Close()
	var got struct {
		Name                             string
		Total, Received, Patches, Covers int
	}
	err := db.Get(t.Context(), &got, `SELECT s.name, s.total, s.received, (SELECT COUNT(*) FROM patch p WHERE p.series_id = s.id) AS patches,
		(SELECT COUNT(*) FROM cover c WHERE c.id = s.cover_id) AS covers FROM series s ORDER BY s.id DESC LIMIT 1`)
	if text := fmt.Sprint(got.Total, got.Received, got.Patches, got.Covers); err != nil || text != want || !strings.Contains(got.Name, name) {
		t.Errorf("%v %q: %s, want %s", err, got.Name, text, want)
	}
}

// senderRepository is a repository, and a home, of somebody who sends by SMTP to a port of this machine.
func senderRepository(t *testing.T, port string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	os.WriteFile(filepath.Join(dir, ".gitconfig"), fmt.Appendf(nil, "[user]\n\tname = Ann Lee\n\temail = ann@people.example\n[init]\n\tdefaultBranch = master\n"+
		"[sendemail]\n\tsmtpServer = 127.0.0.1\n\tsmtpServerPort = %s\n", port), 0o600)
	// The editor of the cover letter, git's as a patch file and b4's as plain text.
	os.WriteFile(filepath.Join(dir, "editor"), []byte(`#!/bin/sh
for f; do
	if grep -q 'SUBJECT HERE' "$f"; then
		sed -i -e 's/\*\*\* SUBJECT HERE \*\*\*/brew: a better pot/' -e 's/\*\*\* BLURB HERE \*\*\*/Tea is better in a warm pot./' "$f"
	elif ! grep -q '^Subject:' "$f"; then
		printf 'brew: warm the pot\n\nA cold pot makes weak tea.\n\nSigned-off-by: Ann Lee <ann@people.example>\n' >"$f"
	fi
done
`), 0o700)
	peer(t, dir, "", "git", "init", "--quiet", ".")
	os.WriteFile(filepath.Join(dir, "pot"), []byte("1\n2\n3\n"), 0o600)
	peer(t, dir, "", "git", "add", "pot")
	peer(t, dir, "", "git", "commit", "--quiet", "-m", "base")
	return dir
}

func commits(t *testing.T, dir string, n int) {
	t.Helper()
	for i := range n {
		f, err := os.OpenFile(filepath.Join(dir, "pot"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, "step %d\n", i)
		f.Close()
		peer(t, dir, "", "git", "commit", "--quiet", "-a", "-m", fmt.Sprintf("brew: step %d\n\nSigned-off-by: Ann Lee <ann@people.example>", i))
	}
}

// TestServeIMAP: the daemon fetches by TLS with the password of a file, and goes on after it was killed.
func TestServeIMAP(t *testing.T) {
	t.Parallel()
	d := peers.NewDovecot(t)
	in, mails := newInbox(t, sqldb.SQLite), mailsOf(t, threads(20))
	password := file(t, "password", []byte(peers.DovecotPassword+"\n"))
	address := "imaps://" + peers.DovecotUser + "@localhost:" + d.TLSPort + "/INBOX?list-id=" + inboxList + "&password-file=" + password
	program := builtProgram(t)
	start := func() *process {
		return in.serve(t, program, "ingress", "SSL_CERT_FILE="+d.CertFile, "PW_INGRESS_IMAP="+address)
	}
	d.Deliver(mails[:60]...)
	for n := range int64(3) {
		s := start()
		peers.Eventually(t, "some mails", func() bool { return in.count("SELECT COUNT(*) FROM mail") > n*16 })
		s.Process.Kill() // in the middle
		s.code(t)
	}
	s := start()
	d.Deliver(mails[60:]...)
	peers.Eventually(t, "all mails", func() bool { return in.count("SELECT COUNT(*) FROM mail") == int64(len(mails)) })
	calm := newInbox(t, sqldb.SQLite)
	calm.wants("", 0, "N mails in T\n      60  patch      \n      40  comment    replies to patches and cover letters\n      20  cover      cover letters\n", "",
		"--mbox", "-l", inboxList, file(t, "threads.mbox", threads(20)))
	in.equals(calm.rows())
	s.Process.Signal(syscall.SIGTERM)
	if code := s.code(t); code != 0 {
		t.Errorf("exit %d: %s", code, s.err.String())
	}
	starttls := strings.Replace(strings.Replace(address, "imaps:", "imap:", 1), d.TLSPort, d.Port, 1)
	if got := in.pw("", "sources"); got.code != 0 || !regexp.MustCompile(`imaps://reader@localhost:\d+/INBOX +imap +1\d\d`).MatchString(got.out) {
		t.Errorf("%+v", got)
	}
	got := pw("", in.env("PW_INGRESS_IMAP="+strings.Replace(starttls, "reader@", "reader:secret@", 1)), "ingress")
	if got.code != 78 || strings.Contains(got.err, "secret") || !strings.Contains(got.err, "reader:REDACTED@") {
		t.Errorf("a password in the address: %+v", got)
	}
}
