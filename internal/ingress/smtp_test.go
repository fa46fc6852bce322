// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/test/dbtest"
)

func serveSQLite(t *testing.T, change func(*ingress.ServerOptions)) *smtpSite {
	t.Helper()
	db := dbtest.Open(t, sqldb.SQLite)
	addFeedProject(t, db)
	return serve(t, db, change)
}

func lmtp(o *ingress.ServerOptions) { o.LMTP = true }

// one is the only delivery with a Message-ID.
func (s *smtpSite) one(msgid string) mailstore.Mail {
	s.t.Helper()
	found, err := mailstore.Deliveries(context.Background(), s.db, msgid)
	if err != nil || len(found) != 1 {
		s.t.Fatalf("%d deliveries of %s, %v; want one", len(found), msgid, err)
	}
	return found[0]
}

func TestSMTPGreeting(t *testing.T) {
	s := serveSQLite(t, nil)
	p := s.dial()
	p.want("220 mx.example.org ESMTP")
	got := p.say("EHLO test.example", "250 ")
	for _, extension := range []string{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "CHUNKING", "SMTPUTF8", "SIZE 1048576"} {
		if !strings.Contains(got+"\n", "-"+extension+"\n") && !strings.HasSuffix(got, " "+extension) {
			t.Errorf("EHLO does not announce %s:\n%s", extension, got)
		}
	}
	if strings.Contains(got, "STARTTLS") || strings.Contains(got, "AUTH") {
		t.Errorf("EHLO announces what there is not:\n%s", got)
	}
	p.say("QUIT", "221 ")
	p.closed()
}

func TestSMTPStoresWhatItWasGiven(t *testing.T) {
	s := serveSQLite(t, nil)
	p := s.hello()
	mail := letter("exact@example.org", ".\n..dots\n8 bit: \xc3\xa4 \xe4\nNUL \x00 and a line of 5000: "+strings.Repeat("x", 5000))
	p.deliver(mail, "250 2.0.0 OK, ignored")
	p.deliver(mail, "250 2.0.0 OK, known before")
	m := s.one("<exact@example.org>")
	raw, err := mailstore.Raw(t.Context(), s.db, m.ID, 1<<20)
	if err != nil || string(raw) != mail {
		t.Errorf("stored %q, %v\nwant %q", raw, err, mail)
	}
	if m.Via != "smtp" || m.Outcome != mailstore.Ignored {
		t.Errorf("stored as %s via %s", m.Outcome, m.Via)
	}
	p.deliver(patchMail(1, 1, 1), "250 2.0.0 OK, patch")
}

// TestSMTPRefuses sends one mail in each dialogue, as it stands on the wire.
func TestSMTPRefusesMails(t *testing.T) {
	head := strings.ReplaceAll(letter("bad@example.org", ""), "\n", "\r\n")
	tests := []struct{ name, wire, want string }{
		{"bare LF", head + "one\ntwo\r\n.\r\n", "554 5.6.0 line 9 ends with a bare LF"},
		{"smuggled end LF . CRLF", head + "x\n.\r\nMAIL FROM:<evil@example.org>\r\n.\r\n", "554 5.6.0 line 9 ends with a bare LF"},
		{"smuggled end LF . LF", head + "x\n.\nMAIL FROM:<evil@example.org>\r\n.\r\n", "554 5.6.0 line 9 ends with a bare LF"},
		{"smuggled end CR . CR", head + "x\r.\rMAIL FROM:<evil@example.org>\r\n.\r\n", "554 5.6.0 line 9 holds a bare CR"},
		{"bare CR", head + "one\rtwo\r\n.\r\n", "554 5.6.0 line 9 holds a bare CR"},
		{"CR CR LF", head + "one\r\r\ntwo\r\n.\r\n", "554 5.6.0 the mail holds a bare CR"},
		{"CR CR LF before the end", head + "one\r\r\n.\r\n", "554 5.6.0 the mail holds a bare CR"},
		{"long line", head + strings.Repeat("x", 4001) + "\r\n.\r\n", "554 5.6.0 line 9 has more than 4000 bytes"},
		{"too large", head + strings.Repeat(strings.Repeat("x", 998)+"\r\n", 101) + ".\r\n", "552 5.3.4 the mail is larger than 100000 bytes"},
	}
	for _, start := range []struct {
		name   string
		change func(*ingress.ServerOptions)
	}{{"smtp", func(*ingress.ServerOptions) {}}, {"lmtp", lmtp}} {
		s := serveSQLite(t, func(o *ingress.ServerOptions) {
			o.LineLength, o.MailSize = 4000, 100_000
			start.change(o)
		})
		for _, tt := range tests {
			t.Run(start.name+" "+tt.name, func(t *testing.T) {
				p := s.hello()
				p.t = t
				p.begin()
				p.send(tt.wire)
				p.want(replyFor(start.name, tt.want))
				p.deliver(letter("next-"+strings.ReplaceAll(tt.name, " ", "-")+"@example.org", "fine"), "250 ")
			})
		}
		if n := mailRows(t, s.db)["<bad@example.org>"]; n != 0 {
			t.Errorf("%s: %d refused mails are stored", start.name, n)
		}
	}
}

// replyFor is a reply to the only recipient: LMTP names him.
func replyFor(protocol, want string) string {
	if code, text, _ := strings.Cut(want, " "); protocol == "lmtp" {
		class, text, _ := strings.Cut(text, " ")
		return code + " " + class + " <widgets@lists.example.org> " + text
	}
	return want
}

func TestSMTPChunks(t *testing.T) {
	s := serveSQLite(t, func(o *ingress.ServerOptions) { o.MailSize = 10_000 })
	p := s.hello()
	wire := strings.ReplaceAll(letter("chunks@example.org", ".\nnot dotted"), "\n", "\r\n")
	chunks := func(parts ...string) {
		p.say("MAIL FROM:<ann@example.org> BODY=8BITMIME SMTPUTF8", "250 ")
		p.say("RCPT TO:<widgets@lists.example.org>", "250 ")
		for i, part := range parts {
			last := ""
			if i == len(parts)-1 {
				last = " LAST"
			}
			p.send(fmt.Sprintf("BDAT %d%s\r\n%s", len(part), last, part))
			if last == "" {
				p.want("250 ")
			}
		}
	}
	chunks(wire[:50], wire[50:100], wire[100:])
	p.want("250 2.0.0 OK, ignored")
	raw, err := mailstore.Raw(t.Context(), s.db, s.one("<chunks@example.org>").ID, 1<<20)
	if err != nil || string(raw) != letter("chunks@example.org", ".\nnot dotted") {
		t.Errorf("stored %q, %v", raw, err)
	}
	chunks(wire + "bare\nLF\r\n")
	p.want("554 5.6.0 line 10 ends with a bare LF")
	chunks(strings.Repeat("x", 10_001))
	p.want("552 5.3.4 ")
	chunks(strings.ReplaceAll(letter("after@example.org", "x"), "\n", "\r\n"))
	p.want("250 2.0.0 OK")
}

func TestSMTPCommands(t *testing.T) {
	s := serveSQLite(t, func(o *ingress.ServerOptions) {
		o.MaxRecipients = 2
		o.Recipients = []string{"widgets@lists.example.org", "*@Patches.example.org"}
	})
	p := s.hello()
	p.say("MAIL FROM:<ann@example.org> SIZE=1048577", "552 5.3.4 ")
	p.say("RCPT TO:<widgets@lists.example.org>", "502 ")
	p.say("DATA", "502 ")
	p.say("MAIL FROM:<> SIZE=1048576", "250 ")
	p.say("MAIL FROM:<bob@example.org>", "503 5.5.1 ")
	p.say("RCPT TO:<someone@elsewhere.example>", "550 5.1.1 <someone@elsewhere.example> is no address of this server, and it does not relay mail")
	p.say("RCPT TO:<x@lists.example.org>", "550 5.1.1 ")
	p.say("DATA", "502 ")
	p.say("RCPT TO:<Widgets@LISTS.example.org>", "250 ")
	p.say("RCPT TO:<any@patches.example.org>", "250 ")
	p.say("RCPT TO:<more@patches.example.org>", "452 4.5.3 ")
	p.say("DATA", "354 ")
	p.send(dotted(letter("two@example.org", "x")))
	p.want("250 2.0.0 ")
	s.one("<two@example.org>")
	p.say("MAIL FROM:<ann@example.org>", "250 ")
	p.say("RSET", "250 ")
	p.say("MAIL FROM:<ann@example.org>", "250 ")
	p.say("XYZZ", "500 ")
	p.say("AUTH PLAIN AGEAYg==", "523 ")
}

func TestSMTPForeignRecipientsEndTheConversation(t *testing.T) {
	s := serveSQLite(t, func(o *ingress.ServerOptions) { o.Recipients = []string{"*@lists.example.org"} })
	p := s.hello()
	p.say("MAIL FROM:<ann@example.org>", "250 ")
	for i := range 19 {
		p.say(fmt.Sprintf("RCPT TO:<r%d@elsewhere.example>", i), "550 5.1.1 ")
	}
	p.say("RCPT TO:<last@elsewhere.example>", "550 5.1.1 ")
	p.want("421 4.7.0 too many errors")
	p.closed()
}

func TestSMTPTalkWithoutMail(t *testing.T) {
	s := serveSQLite(t, nil)
	p := s.hello()
	for n := 0; ; n++ {
		p.send("NOOP " + strings.Repeat("x", 400) + "\r\n")
		got := p.answer()
		if strings.HasPrefix(got, "250 ") && n < 1000 {
			continue
		}
		if n < 100 || !strings.HasPrefix(got, "421 4.7.0 too many commands without a mail") {
			t.Errorf("after %d commands: %s", n, got)
		}
		p.closed()
		return
	}
}

func TestSMTPLongCommandLine(t *testing.T) {
	s := serveSQLite(t, nil)
	p := s.hello()
	if _, err := io.WriteString(p, strings.Repeat("x", 100<<20)); err == nil {
		t.Error("the server reads a command of 100 MiB")
	}
}

func TestSMTPPipelining(t *testing.T) {
	s := serveSQLite(t, nil)
	p := s.hello()
	p.send("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n")
	for _, want := range []string{"250 ", "250 ", "250 ", "354 "} {
		p.want(want)
	}
	p.send(dotted(letter("p1@example.org", "x")) + "MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n")
	for _, want := range []string{"250 2.0.0 OK, ignored", "250 ", "250 ", "354 "} {
		p.want(want)
	}
	p.send(dotted(letter("p2@example.org", "x")) + "QUIT\r\n")
	p.want("250 2.0.0 OK, ignored")
	p.want("221 ")
}

func TestSMTPClients(t *testing.T) {
	s := serveSQLite(t, nil)
	for i, mail := range []string{patchMail(1, 1, 1), "no header at all\n", "", "Content-Type: multipart/mixed; boundary=\x00\n\n--\xff\n",
		"Message-ID: no at sign\n\nSubject: ?\n", "Subject: =?unknown-8bit?q?=FF?=\nContent-Type: text/plain; charset=unknown-8bit\n\n\xff\n"} {
		err := smtp.SendMail(s.addr, nil, "ann@example.org", []string{"widgets@lists.example.org"}, []byte(mail))
		if err != nil {
			t.Errorf("mail %d: %v", i, err)
		}
	}
	if n := len(mailRows(t, s.db)); n != 6 {
		t.Errorf("%d mails are stored, want all 6", n)
	}
}

func TestSMTPUnknownList(t *testing.T) {
	foreign := strings.ReplaceAll(letter("foreign@example.org", "x"), feedList, "gadgets.lists.example.org")
	nowhere := strings.ReplaceAll(foreign, "List-Id:", "X-Was:")
	t.Run("keep", func(t *testing.T) {
		s := serveSQLite(t, nil)
		s.hello().deliver(foreign, "250 2.0.0 OK, unrouted: no project for the list gadgets.lists.example.org")
		if m := s.one("<foreign@example.org>"); m.Outcome != mailstore.Unrouted {
			t.Errorf("stored as %s", m.Outcome)
		}
	})
	t.Run("reject", func(t *testing.T) {
		s := serveSQLite(t, func(o *ingress.ServerOptions) { o.RefuseUnknownLists = true })
		p := s.hello()
		for range 2 {
			p.deliver(foreign, "550 5.1.1 no project for the list gadgets.lists.example.org")
		}
		p.say("MAIL FROM:<ann@example.org>", "250 ")
		p.say("RCPT TO:<nobody@lists.example.org>", "250 ")
		p.say("DATA", "354 ")
		p.send(dotted(nowhere))
		p.want("550 5.1.1 it has no List-Id")
		p.deliver(letter("good@example.org", "x"), "250 ")
		if n := len(mailRows(t, s.db)); n != 1 {
			t.Errorf("%d mails are stored, want one", n)
		}
	})
	t.Run("no list but its address", func(t *testing.T) {
		s := serveSQLite(t, func(o *ingress.ServerOptions) { o.RefuseUnknownLists = true })
		s.hello().deliver(nowhere, "250 2.0.0 OK, ignored") // to widgets@lists.example.org, of a project
		if m := s.one("<foreign@example.org>"); m.Project == 0 {
			t.Error("the mail has no project")
		}
	})
}

func TestLMTPAnswersEachRecipient(t *testing.T) {
	s := serveSQLite(t, func(o *ingress.ServerOptions) {
		o.LMTP, o.RefuseUnknownLists, o.Recipients = true, true, []string{"*@lists.example.org"}
	})
	p := s.hello()
	recipients := func() {
		p.say("MAIL FROM:<ann@example.org>", "250 ")
		p.say("RCPT TO:<a@lists.example.org>", "250 ")
		p.say("RCPT TO:<b@elsewhere.example>", "550 5.1.1 ")
		p.say("RCPT TO:<c@lists.example.org>", "250 ")
		p.say("DATA", "354 ")
	}
	recipients()
	p.send(dotted(letter("lmtp@example.org", "x")))
	p.want("250 2.0.0 <a@lists.example.org> OK, ignored")
	p.want("250 2.0.0 <c@lists.example.org> OK, ignored")
	if m := s.one("<lmtp@example.org>"); m.Via != "lmtp" {
		t.Errorf("stored via %s", m.Via)
	}
	recipients()
	p.send(dotted(strings.ReplaceAll(letter("x@example.org", "x"), feedList, "gadgets.example")))
	p.want("550 5.1.1 <a@lists.example.org> no project for the list gadgets.example")
	p.want("550 5.1.1 <c@lists.example.org> no project for the list gadgets.example")
	p.say("EHLO test.example", "500 ")
}

func TestLMTPClient(t *testing.T) {
	s := serveSQLite(t, lmtp)
	conn, err := net.Dial("unix", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	c := gosmtp.NewClientLMTP(conn)
	defer c.Close()
	if err := c.Mail("ann@example.org", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("widgets@lists.example.org", nil); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, letter("client@example.org", "x"))
	if told, err := w.CloseWithLMTPResponse(); err != nil || told["widgets@lists.example.org"] == nil {
		t.Errorf("answer %v, %v", told, err)
	}
	s.one("<client@example.org>")
}

func TestConnectionLimits(t *testing.T) {
	t.Run("in all", func(t *testing.T) {
		s := serveSQLite(t, func(o *ingress.ServerOptions) { o.MaxConnections = 2 })
		first := s.hello()
		s.hello()
		s.dial().want("421 4.3.2 too many connections")
		first.say("QUIT", "221 ")
		first.closed()
		s.hello()
	})
	t.Run("per address", func(t *testing.T) {
		s := serveSQLite(t, func(o *ingress.ServerOptions) { o.MaxPerAddress = 1 })
		s.hello()
		p := s.dial()
		p.want("421 4.7.0 too many connections from your address")
		p.closed()
	})
	t.Run("networks", func(t *testing.T) {
		s := serveSQLite(t, func(o *ingress.ServerOptions) {
			o.AllowedNetworks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		})
		p := s.dial()
		p.want("554 5.7.1 127.0.0.1 may not send mail here")
		p.closed()
		s = serveSQLite(t, func(o *ingress.ServerOptions) {
			o.AllowedNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		})
		s.hello()
	})
	t.Run("a socket has no address", func(t *testing.T) {
		s := serveSQLite(t, func(o *ingress.ServerOptions) {
			o.LMTP, o.MaxPerAddress, o.AllowedNetworks = true, 1, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		})
		s.hello()
		s.hello()
	})
	t.Run("memory", func(t *testing.T) {
		s := serveSQLite(t, func(o *ingress.ServerOptions) { o.MailSize, o.MailMemory = 40<<10, 50<<10 })
		big := strings.Repeat(strings.Repeat("x", 70)+"\n", 500)
		first := s.hello()
		first.begin()
		wire := dotted(letter("first@example.org", big))
		first.send(wire[:len(wire)-10])
		first.read()
		s.hello().deliver(letter("second@example.org", big), "452 4.3.1 no memory for this mail now")
		first.send(wire[len(wire)-10:])
		first.want("250 ")
		s.hello().deliver(letter("second@example.org", big), "250 ")
	})
}

func TestTimeouts(t *testing.T) {
	s := serveSQLite(t, func(o *ingress.ServerOptions) { o.Timeout = 3 * time.Second })
	tests := []struct {
		name string
		talk func(p *peer)
	}{
		{"no command", func(p *peer) {}},
		{"slow command", func(p *peer) { dribble(p, "NOOP is said so slowly that nobody can wait for the end of it") }},
		{"no mail", func(p *peer) { p.begin() }},
		{"slow mail", func(p *peer) {
			p.begin()
			dribble(p, "Subject: this mail comes byte by byte, and it would take days\r\n")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := s.hello()
			start := time.Now()
			tt.talk(p)
			for {
				if _, err := p.r.ReadString('\n'); err != nil {
					break
				}
			}
			if took := time.Since(start); took < time.Second || took > time.Minute {
				t.Errorf("cut off after %s", took)
			}
		})
	}
}

// dribble sends a byte every 50 ms, until the other side hangs up or two minutes are over.
func dribble(p *peer, text string) {
	for i := range 2400 {
		if _, err := p.Write([]byte{text[i%len(text)]}); err != nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func TestDrain(t *testing.T) {
	s := serveSQLite(t, nil)
	idle, busy, half := s.hello(), s.hello(), s.hello()
	half.say("MAIL FROM:<ann@example.org>", "250 ")
	busy.begin()
	busy.send("Subject: x\r\n")
	time.Sleep(50 * time.Millisecond) // until the server reads it
	s.stop()
	idle.want("421 4.3.2 the service is stopping")
	idle.closed()
	half.want("421 4.3.2 the service is stopping")
	busy.send(dotted("Message-ID: <busy@example.org>\nList-Id: <" + feedList + ">\n\nx\n"))
	busy.want("250 2.0.0 OK, ")
	busy.want("421 4.3.2 the service is stopping")
	select {
	case <-s.stopped:
	case <-time.After(time.Minute):
		t.Fatal("the server does not end")
	}
	s.one("<busy@example.org>")
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("the port is still open")
	}
}

func TestDrainEndsAtItsGrace(t *testing.T) {
	s := serveSQLite(t, func(o *ingress.ServerOptions) { o.Grace = 100 * time.Millisecond })
	p := s.hello()
	p.begin()
	p.send("Subject: never ends\r\n")
	time.Sleep(50 * time.Millisecond)
	s.stop()
	select {
	case <-s.stopped:
	case <-time.After(time.Minute):
		t.Fatal("the server waits for a mail that does not end")
	}
	if n := len(mailRows(t, s.db)); n != 0 {
		t.Errorf("%d mails are stored, of none was the end seen", n)
	}
}

func TestListenSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lmtp.sock")
	l, err := ingress.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v; want 0660", info.Mode(), err)
	}
	if _, err := ingress.Listen(path); err == nil || !strings.Contains(err.Error(), "another process takes mail at "+path) {
		t.Errorf("a socket in use: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as a killed process leaves it
	l.Close()
	if l, err = ingress.Listen(path); err != nil {
		t.Fatalf("a stale socket: %v", err)
	}
	l.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ingress.Listen(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Error("the file is gone")
	}
}
