// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"io"
	"net/textproto"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/peers"
)

// bigMail is a mail of so many bytes.
func bigMail(id string, size int) string {
	line := strings.Repeat("x", 70) + "\n"
	return mailOf(id, "[PATCH] big", "\n"+strings.Repeat(line, size/len(line))+aDiff)
}

var smtpAddress = regexp.MustCompile(`msg="taking mail" listen=([^ ]+)`)

// mailServer starts pw ingress on a free port and gives its address.
func (in *inbox) mailServer(program string, env ...string) (*process, string) {
	in.t.Helper()
	p := in.serve(in.t, program, "ingress", env...)
	var address string
	peers.Eventually(in.t, "pw ingress listens", func() bool {
		if m := smtpAddress.FindStringSubmatch(p.err.String()); m != nil {
			address = m[1]
		}
		return address != ""
	})
	return p, address
}

// smtp sends a mail over a connection of its own and gives the last answer.
func smtp(t *testing.T, address, mail string) string {
	t.Helper()
	c, err := textproto.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, say := range []string{"", "HELO client.example", "MAIL FROM:<ann@people.example>", "RCPT TO:<dev@lists.example>", "DATA"} {
		if say != "" {
			c.PrintfLine("%s", say)
		}
		if line, err := c.ReadLine(); err != nil || line[0] > '3' {
			t.Fatalf("%s: %s, %v", say, line, err)
		}
	}
	w := c.DotWriter()
	io.WriteString(w, mail)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	line, err := c.ReadLine()
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// testFullSpool lets the disk run full on which large mails wait: their senders are told to come again, small mails are taken, nothing is left on the disk, also
// after a kill in the middle of a mail, and with room the large ones are taken.
func testFullSpool(t *testing.T, program string) {
	dir := smallDisk(t)
	in := newInbox(t, sqldb.SQLite)
	big := strings.Replace(bigMail("big", 8<<20), "\nSubject:", "\nList-Id: <"+inboxList+">\nSubject:", 1)
	fits := strings.Replace(bigMail("fits", 2<<20), "\nSubject:", "\nList-Id: <"+inboxList+">\nSubject:", 1)
	small := strings.Replace(mailOf("small", "[PATCH] small", aDiff), "\nSubject:", "\nList-Id: <"+inboxList+">\nSubject:", 1)
	p, address := in.mailServer(program, "PW_INGRESS_SPOOL_DIR="+dir)
	for range 2 {
		if got := smtp(t, address, big); !strings.HasPrefix(got, "452 4.3.1 no room for this mail now, try again later: ") || !strings.Contains(got, "no space left") {
			t.Errorf("a large mail on a full disk: %s", got)
		}
	}
	for _, mail := range []string{small, fits} {
		if got := smtp(t, address, mail); !strings.HasPrefix(got, "250 2.0.0 OK, patch") {
			t.Errorf("what fits: %s", got)
		}
	}
	emptySpool(t, dir)
	pipe := in.command(program, "ingress", "--stdin")
	pipe.Env, pipe.Stdin = append(pipe.Env, "TMPDIR="+dir), strings.NewReader(big)
	if err := pipe.Start(); err != nil {
		t.Fatal(err)
	}
	if code := pipe.code(t); code != 75 || !strings.Contains(pipe.err.String(), "no space left") {
		t.Errorf("by standard input: exit %d, %s", code, pipe.err.String())
	}
	emptySpool(t, dir)
	half, err := textproto.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	half.PrintfLine("HELO client.example\r\nMAIL FROM:<ann@people.example>\r\nRCPT TO:<dev@lists.example>\r\nDATA")
	io.WriteString(half.W, strings.ReplaceAll(fits[:1800<<10], "\n", "\r\n"))
	half.W.Flush()
	peers.Eventually(t, "a part of a mail is on the disk", func() bool { return spoolUsed(t, dir) > 0 })
	p.Process.Kill()
	p.code(t)
	emptySpool(t, dir)
	growDisk(t, dir, "100m")
	_, narrow := in.mailServer(program, "PW_INGRESS_SPOOL_DIR="+dir, "PW_LIMITS_MAIL_SPOOL=7MiB")
	if got := smtp(t, narrow, big); !strings.HasPrefix(got, "452 4.3.1 no room for this mail now, try again later") {
		t.Errorf("more than limits.mail-spool: %s", got)
	}
	_, address = in.mailServer(program, "PW_INGRESS_SPOOL_DIR="+dir)
	answers := make(chan string)
	for i := range 4 { // stored one after the other
		mail := strings.Replace(big, "<big@", "<big"+string(rune('a'+i))+"@", 1)
		go func() { answers <- smtp(t, address, mail) }()
	}
	for range 4 {
		if got := <-answers; !strings.HasPrefix(got, "250 2.0.0 OK, patch") {
			t.Errorf("four large mails at once: %s", got)
		}
	}
	if n := in.count("SELECT COUNT(*) FROM patch"); n != 6 {
		t.Errorf("%d patches", n)
	}
	emptySpool(t, dir)
}

// spoolUsed is how many blocks of the disk are in use.
func spoolUsed(t *testing.T, dir string) uint64 {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	return fs.Blocks - fs.Bfree
}

func emptySpool(t *testing.T, dir string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); spoolUsed(t, dir) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d blocks of the disk are in use", spoolUsed(t, dir))
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("%v is left, %v", list, err)
	}
}
