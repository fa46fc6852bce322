// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/mailsink"
	"patchwork.example/pw/internal/test/peers"
)

const mainCF = `compatibility_level = 3.6
queue_directory = DIR/spool
data_directory = DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
myhostname = mx.pw.example
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
maillog_file = DIR/log
maillog_file_prefixes = /
smtp_host_lookup = native
smtp_dns_support_level = disabled
recipient_delimiter = +
default_transport = smtp:[127.0.0.1]:SINK
transport_maps = inline:{ { pw.example = smtp:[127.0.0.1]:INGRESS } }
`

const masterCF = `127.0.0.1:PORT inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`

// postfix starts a Postfix of the test's own: mail for pw.example goes to one port, all other mail to another. It needs root, as Postfix does.
func postfix(t *testing.T, ingress, sink int) (port int) {
	t.Helper()
	peers.Need(t, "postfix", "swaks")
	if os.Getuid() != 0 {
		t.Skip("Postfix starts as root only")
	}
	dir, err := os.MkdirTemp("", "pw-postfix")
	if err != nil {
		t.Fatal(err)
	}
	port = freePort(t)
	fill := strings.NewReplacer("DIR", dir, "SINK", fmt.Sprint(sink), "INGRESS", fmt.Sprint(ingress), "PORT", fmt.Sprint(port))
	for _, d := range []string{"etc", "spool", "data"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"main.cf": mainCF, "master.cf": masterCF} {
		if err := os.WriteFile(filepath.Join(dir, "etc", name), []byte(fill.Replace(text)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command := func(args ...string) {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			log, _ := os.ReadFile(dir + "/log")
			t.Fatalf("%v: %v\n%s\n%s", args, err, out, log)
		}
	}
	command("chmod", "755", dir)
	command("chown", "postfix", dir+"/data")
	command("postfix", "-c", dir+"/etc", "start")
	t.Cleanup(func() {
		exec.Command("postfix", "-c", dir+"/etc", "abort").Run()
		if t.Failed() {
			log, _ := os.ReadFile(dir + "/log")
			t.Logf("%s", log)
		}
		os.RemoveAll(dir)
	})
	return port
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Mail goes out by a real Postfix; what nobody takes comes back from it as a real report, is known by the address it was sent from, and counts for
// the recipient. A letter to the same address that is no report does not.
func TestPostfixSendsAndReturns(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	sink := mailsink.Start(t, mailsink.Options{})
	sink.Refuse(func(stage, to string) error {
		if stage == "rcpt" && strings.HasPrefix(to, "gone@") {
			return mailsink.Answer(550, [3]int{5, 1, 1}, "there is no such user")
		}
		return nil
	})
	ingressPort := freePort(t)
	port := postfix(t, ingressPort, sink.Port)
	s := serve(t, db, func(c *config.Config) {
		c.SMTP.Host, c.SMTP.Port = "127.0.0.1", port
		c.SMTP.From = mail.Address{Name: "Patchwork", Address: "patchwork@pw.example"}
		c.SMTP.BounceAddress = mail.Address{Address: "bounces@pw.example"}
		c.HTTP.BaseURL = "https://pw.example"
		c.Ingress.Listen = fmt.Sprintf("127.0.0.1:%d", ingressPort)
		c.Ingress.Recipients = []string{"bounces+*@pw.example"}
	})
	in, err := s.app.OpenIngress()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		in.Serve(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, to := range []string{"here@far.example", "gone@far.example"} {
			m := outmail.Mail{Kind: "test", To: mail.Address{Name: "Zoë", Address: to}, Subject: "Größe", Text: "See " + outmail.Link("/") + "\n.\nDone: größer\n", Notice: true}
			if _, err := outmail.Queue(ctx, tx, noon, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.work()
	s.await("one mail arrives", func() bool { return len(sink.Mails()) == 1 })
	got := sink.Mails()[0]
	if got.To != "here@far.example" || !strings.HasPrefix(got.From, "bounces+1-") || !strings.Contains(got.Raw, "\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n") || !strings.Contains(got.Raw, "\r\n.\r\nDone: gr=C3=B6=C3=9Fer\r\n") {
		t.Errorf("%+v", got)
	}
	s.await("the other comes back", func() bool { return s.rows("SELECT state FROM outgoing_mail WHERE id = 2")[0] == "bounced" })
	found, err := outmail.Troubles(ctx, db, "gone@far.example")
	if err != nil || len(found) != 1 || found[0].Permanent != 1 || !strings.Contains(found[0].Detail, "there is no such user") {
		t.Errorf("%+v, %v", found, err)
	}
	out, err := exec.Command("swaks", "--silent", "2", "--server", "127.0.0.1", "--port", fmt.Sprint(port), "--from", "eve@far.example", "--to", got.From,
		"--header", "Subject: hello", "--body", "I am no report. 5.1.1\n").CombinedOutput()
	if err != nil {
		t.Fatalf("swaks: %v\n%s", err, out)
	}
	s.await("the letter is taken in", func() bool { return s.rows("SELECT COUNT(*) FROM mail")[0] == "2" })
	if got := s.rows("SELECT outcome FROM mail ORDER BY id"); got[0] != "bounce" || got[1] == "bounce" {
		t.Errorf("outcomes %v", got)
	}
	if found, err := outmail.Troubles(ctx, db, "here@far.example"); err != nil || len(found) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}
