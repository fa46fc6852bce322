// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
)

const noRoomAnswer = "the mail can't be stored now, try again later\n"

// refused posts a mail for which there is no room: 503, and when to come again.
func (p *poster) refused(what, form, kind, body string) {
	p.in.t.Helper()
	status, text, header := p.postForm(form, kind, body)
	if status != 503 || text != noRoomAnswer || header.Get("Retry-After") != "60" {
		p.in.t.Errorf("%s without room: %d %q, Retry-After %q", what, status, text, header.Get("Retry-After"))
	}
}

// taken posts a mail that is a new patch.
func (p *poster) taken(what, form, kind, body string) {
	p.in.t.Helper()
	status, text, header := p.postForm(form, kind, body)
	if status != 200 || text != `{"known":false,"outcome":"patch","reason":""}`+"\n" || header.Get("Retry-After") != "" {
		p.in.t.Errorf("%s with room: %d %q, Retry-After %q", what, status, text, header.Get("Retry-After"))
	}
}

func postmarkBody(mail string) string {
	body, _ := json.Marshal(map[string]string{"RawEmail": mail})
	return string(body)
}

// testFullSpoolUnderHTTP lets the disk run full on which large mails wait: who posts one is told to come again, small mails are taken, nothing is left on the disk,
// and the same pw takes the large ones when there is room.
func testFullSpoolUnderHTTP(t *testing.T, program string) {
	dir := smallDisk(t)
	p := newPoster(newInbox(t, sqldb.SQLite))
	p.start(program, "PW_INGRESS_SPOOL_DIR="+dir)
	big, wrapped := bigMail("big", 8<<20), postmarkBody(bigMail("wrapped", 6<<20))
	for range 3 {
		p.refused("a large mail", "", "message/rfc822", big)
		p.refused("a large mail of a service", "postmark", "application/json", wrapped)
	}
	if n := p.in.count("SELECT COUNT(*) FROM mail"); n != 0 {
		t.Errorf("%d mails are stored that were refused", n)
	}
	p.taken("a small mail", "", "message/rfc822", mailOf("small", "[PATCH] small", aDiff))
	p.taken("a large mail that fits", "", "message/rfc822", bigMail("fits", 2<<20))
	emptySpool(t, dir)
	growDisk(t, dir, "100m")
	p.taken("a large mail", "", "message/rfc822", big)
	p.taken("a large mail of a service", "postmark", "application/json", wrapped)
	if n := p.in.count("SELECT COUNT(*) FROM patch"); n != 4 {
		t.Errorf("%d patches", n)
	}
	emptySpool(t, dir)
	p.server.Process.Kill()
	p.server.code(t) // the whole log is here
	if said := p.server.err.String(); strings.Count(said, "no space left on device") != 6 {
		t.Errorf("the log does not say six times why: %s", said)
	}
}

// testFullDiskUnderHTTP lets the disk of a SQLite database run full while four clients post: what was answered 200 is there, what was answered 503 is not, and with
// room the same pw takes it. In the end all is as if there had been room.
func testFullDiskUnderHTTP(t *testing.T, program string) {
	dir := smallDisk(t)
	calm := newPoster(newInbox(t, sqldb.SQLite))
	p := &poster{in: calm.in.copied(dir), secret: calm.secret}
	p.start(program)
	taken, refused := p.fill()
	refused = append(refused, fillMail(4, 0), bigMail("large", 2<<20))
	for range 3 {
		for _, mail := range refused {
			p.refused("a mail", "", "message/rfc822", mail)
		}
	}
	if said := p.server.err.String(); !strings.Contains(said, "disk is full") {
		t.Errorf("the log does not say why: %s", said)
	}
	if n := p.in.count("SELECT COUNT(*) FROM mail"); n != int64(len(taken)) || n == 0 {
		t.Errorf("%d mails are stored of %d that were answered 200", n, len(taken))
	}
	growDisk(t, dir, "400m")
	for _, mail := range refused {
		p.taken("a mail", "", "message/rfc822", mail)
	}
	p.server.Process.Kill()
	p.server.code(t)
	calm.start(program)
	for _, mail := range append(taken, refused...) {
		calm.taken("undisturbed, a mail", "", "message/rfc822", mail)
	}
	p.in.equals(calm.in.rows())
}

func fillMail(client, i int) string {
	return mailOf(fmt.Sprintf("fill%d-%d", client, i), "[PATCH] fill", "\n"+strings.Repeat("Some text that fills the disk.\n", 3000)+aDiff)
}

// fill posts with four clients, each until it is refused, then with one until it is refused three times in a row: a mail that did not fit with three others may fit
// alone. It gives the mails that were answered 200 and those that were answered 503.
func (p *poster) fill() (taken, refused []string) {
	var mu sync.Mutex
	post := func(mail string) bool {
		status, text, header := p.postForm("", "message/rfc822", mail)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case status == 200:
			taken = append(taken, mail)
		case status == 503 && text == noRoomAnswer && header.Get("Retry-After") == "60":
			refused = append(refused, mail)
		default:
			p.in.t.Errorf("a mail on a disk that fills: %d %q, Retry-After %q", status, text, header.Get("Retry-After"))
		}
		return status == 200
	}
	var clients sync.WaitGroup
	for client := range 4 {
		clients.Go(func() {
			for i := range 500 {
				if !post(fillMail(client, i)) {
					return
				}
			}
			p.in.t.Error("the disk does not fill")
		})
	}
	clients.Wait()
	still := refused
	refused = nil
	for _, mail := range still {
		post(mail)
	}
	for i, row := 0, 0; row < 3; i++ {
		if row++; post(fillMail(5, i)) {
			row = 0
		}
	}
	return taken, refused
}
