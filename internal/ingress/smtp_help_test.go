// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
)

const feedList = "widgets.lists.example.org"

// smtpSite is a server with a project on the list feedList.
type smtpSite struct {
	t         testing.TB
	db        *sqldb.DB
	network   string // tcp or unix
	addr      string
	collector *ingress.Collector
	stop      func() // begins to stop the server
	stopped   chan struct{}
}

// serve starts a server with generous limits, which change may lower. What it logs goes to the test's log.
func serve(t testing.TB, db *sqldb.DB, change func(*ingress.ServerOptions)) *smtpSite {
	t.Helper()
	opt := ingress.ServerOptions{Hostname: "mx.example.org", MaxConnections: 100, MaxPerAddress: 100, MaxRecipients: 100, MailSize: 1 << 20,
		MailMemory: 64 << 20, Spool: ingress.NewSpool(t.TempDir(), 1<<30), LineLength: 1 << 20, Timeout: 10 * time.Second, Grace: 10 * time.Second}
	if change != nil {
		change(&opt)
	}
	address := "127.0.0.1:0"
	if opt.LMTP {
		address = filepath.Join(t.TempDir(), "lmtp.sock")
	}
	l, err := ingress.Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if _, bench := t.(*testing.B); !bench {
		log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &smtpSite{t: t, db: db, network: l.Addr().Network(), addr: l.Addr().String(), stop: stop, stopped: make(chan struct{})}
	s.collector = ingress.StartCollector(ingress.New(db, clock.System{}, ingress.DefaultLimits, patchmail.New(clock.System{})), 5*time.Millisecond)
	server := ingress.NewServer(opt, s.collector, log)
	go func() {
		defer close(s.stopped)
		if err := server.Serve(ctx, l); err != nil {
			t.Error(err)
		}
		s.collector.Stop(time.Minute)
	}()
	t.Cleanup(func() {
		stop()
		<-s.stopped
	})
	return s
}

func addFeedProject(t testing.TB, db *sqldb.DB) {
	t.Helper()
	name, list, email := "widgets", feedList, "widgets@lists.example.org"
	_, err := project.Create(context.Background(), db, account.CLI, clock.System{}.Now(),
		project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email})
	if err != nil {
		t.Fatal(err)
	}
}

// peer is the other end of one conversation.
type peer struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// dial connects without waiting for the greeting.
func (s *smtpSite) dial() *peer {
	s.t.Helper()
	c, err := net.Dial(s.network, s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(20 * time.Second))
	return &peer{s.t, c, bufio.NewReader(c)}
}

// hello connects and greets.
func (s *smtpSite) hello() *peer {
	s.t.Helper()
	p := s.dial()
	p.want("220 mx.example.org")
	if s.network == "unix" {
		p.say("LHLO test.example", "250 ")
	} else {
		p.say("EHLO test.example", "250 ")
	}
	return p
}

func (p *peer) send(text string) {
	p.t.Helper()
	if _, err := p.Write([]byte(text)); err != nil {
		p.t.Fatalf("send %.60q: %v", text, err)
	}
}

// answer reads a whole reply; its lines are joined by newlines.
func (p *peer) answer() string {
	p.t.Helper()
	var lines []string
	for {
		line, err := p.r.ReadString('\n')
		if err != nil {
			p.t.Fatalf("after %q: %v", lines, err)
		}
		lines = append(lines, strings.TrimSuffix(line, "\r\n"))
		if len(line) < 4 || line[3] != '-' {
			return strings.Join(lines, "\n")
		}
	}
}

// want reads a reply whose last line begins like that, and returns it.
func (p *peer) want(begin string) string {
	p.t.Helper()
	got := p.answer()
	if last := got[strings.LastIndexByte(got, '\n')+1:]; !strings.HasPrefix(last, begin) {
		p.t.Fatalf("got %q, want %q", got, begin)
	}
	return got
}

// say sends a line and reads the reply.
func (p *peer) say(line, want string) string {
	p.t.Helper()
	p.send(line + "\r\n")
	return p.want(want)
}

// begin goes as far as the go-ahead for the mail.
func (p *peer) begin() {
	p.t.Helper()
	p.say("MAIL FROM:<ann@example.org>", "250 ")
	p.say("RCPT TO:<widgets@lists.example.org>", "250 ")
	p.say("DATA", "354 ")
}

// deliver sends a mail, whose lines end with LF, and reads the reply.
func (p *peer) deliver(mail, want string) string {
	p.t.Helper()
	p.begin()
	p.send(dotted(mail))
	return p.want(want)
}

// closed waits until the server has closed the connection.
func (p *peer) closed() {
	p.t.Helper()
	if line, err := p.r.ReadString('\n'); err == nil {
		p.t.Fatalf("got %q, want the end of the connection", line)
	}
}

// dotted is a mail as DATA sends it.
func dotted(mail string) string {
	var b strings.Builder
	w := textproto.NewWriter(bufio.NewWriter(&b)).DotWriter()
	w.Write([]byte(mail))
	w.Close()
	return b.String()
}

// letter is a mail to the list that is no patch.
func letter(id, body string) string {
	return fmt.Sprintf("From: Ann Lee <ann@example.org>\nTo: widgets@lists.example.org\nList-Id: <%s>\nSubject: Turning\n"+
		"Date: Mon, 02 Mar 2026 10:00:00 +0000\nMessage-ID: <%s>\n\n%s\n", feedList, id, body)
}

// patchMail is one patch; number 0 of a series is its cover, and total 1 is no series.
func patchMail(series, number, total int) string {
	id := fmt.Sprintf("s%d-%d@feed.example", series, number)
	subject, parent, diff := fmt.Sprintf("[PATCH %d/%d] turn widget %d a bit (part %d)", number, total, series, number), "", ""
	if total == 1 {
		subject = fmt.Sprintf("[PATCH] turn widget %d", series)
	} else if number > 0 {
		parent = fmt.Sprintf("In-Reply-To: <s%d-0@feed.example>\nReferences: <s%d-0@feed.example>\n", series, series)
	}
	if number > 0 {
		diff = fmt.Sprintf("Signed-off-by: Ann Lee <ann%d@example.org>\n---\n widget.c | 2 +-\n\n"+
			"diff --git a/widget%d.c b/widget%d.c\n--- a/widget%d.c\n+++ b/widget%d.c\n@@ -%d,3 +%d,3 @@ int turn(void)\n {\n-\treturn %d;\n+\treturn %d;\n }\n-- \n2.40.0\n",
			series%40, series, series, series, series, number, number, number, series)
	}
	return feedMail(series, subject, id, parent, fmt.Sprintf("Part %d of %d.\n\n%s%s", number, total, strings.Repeat("Widgets turn better when they are turned.\n", 30), diff))
}

// replyMail answers a mail of a series.
func replyMail(series, number int) string {
	return feedMail(series, fmt.Sprintf("Re: [PATCH %d] turn widget %d", number, series), fmt.Sprintf("r%d-%d@feed.example", series, number),
		fmt.Sprintf("In-Reply-To: <s%d-%d@feed.example>\n", series, number), "> Part\n\nReviewed-by: Bob Roe <bob@example.org>\n")
}

// feedMail is a mail about a series; one was sent every ten minutes.
func feedMail(series int, subject, id, refs, body string) string {
	date := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC).Add(time.Duration(series) * 10 * time.Minute).Format(time.RFC1123Z)
	return fmt.Sprintf("Return-Path: <bounce@lists.example.org>\nReceived: from a.example by b.example with ESMTP; Mon, 02 Mar 2026 10:00:00 +0000\n"+
		"From: Ann Lee <ann%d@example.org>\nTo: widgets@lists.example.org\nList-Id: Widgets <%s>\nSubject: %s\nDate: %s\n"+
		"Message-ID: <%s>\n%sMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\n%s", series%40, feedList, subject, date, id, refs, body)
}

// feed makes n mails: series of up to six patches with cover, single patches, and replies, in the order they would be sent.
func feed(n int) []string {
	var out []string
	for series := 0; len(out) < n; series++ {
		total := series % 7
		if total < 2 {
			out = append(out, patchMail(series, 1, 1), replyMail(series, 1))
			continue
		}
		for i := range total + 1 {
			out = append(out, patchMail(series, i, total))
		}
		out = append(out, replyMail(series, 0), replyMail(series, total))
	}
	return out[:n]
}

// mailRows counts the mails by Message-ID.
func mailRows(t testing.TB, db sqldb.Queryer) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := db.Each(context.Background(), func(rows *sqlx.Rows) error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		out[id]++
		return nil
	}, "SELECT msgid FROM mail")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// read waits until the server has read what was sent to it.
func (p *peer) read() {
	p.t.Helper()
	hex := func(a net.Addr) string { return fmt.Sprintf(":%04X", a.(*net.TCPAddr).Port) }
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		table, err := os.ReadFile("/proc/net/tcp")
		if err != nil {
			p.t.Fatal(err)
		}
		for line := range strings.Lines(string(table)) { // proc(5): sl local_address rem_address st tx_queue:rx_queue …
			f := strings.Fields(line)
			if strings.HasSuffix(f[1], hex(p.RemoteAddr())) && strings.HasSuffix(f[2], hex(p.LocalAddr())) && strings.HasSuffix(f[4], ":00000000") {
				return
			}
		}
	}
	p.t.Fatal("the server does not read")
}
