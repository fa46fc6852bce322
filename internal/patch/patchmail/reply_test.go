// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
)

const list = "devel@lists.example"

func received(headers string) *patch.Mail {
	return &patch.Mail{MsgID: "<p1@mail.example>", Date: clock.FromTime(time.Date(2021, 3, 1, 10, 0, 0, 0, time.UTC)), Subject: "[PATCH] lib: add two",
		SubmitterName: "Ann Author", SubmitterMail: "ann@people.example", Headers: headers, Content: "One & two.\n\n> Three?\n"}
}

func TestReply(t *testing.T) {
	r := patchmail.NewReply(received("To: Devel <devel@lists.example>, \"Lee, Bob\" <bob@people.example>\nCc: BOB@people.example,\n cy@people.example, ann@people.example"), list, "+é\n")
	want := patchmail.Reply{To: "ann@people.example", Cc: []string{list, "bob@people.example", "cy@people.example"}, InReplyTo: "p1@mail.example", Subject: "Re: [PATCH] lib: add two",
		Quote: "On Mon, 1 Mar 2021 10:00:00 +0000, Ann Author wrote:\n> One & two.\n>\n>> Three?\n>\n> +é\n"}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantURL := "mailto:ann@people.example?cc=devel@lists.example,bob@people.example,cy@people.example&in-reply-to=%3Cp1@mail.example%3E&subject=Re%3A%20%5BPATCH%5D%20lib%3A%20add%20two" +
		"&body=On%20Mon%2C%201%20Mar%202021%2010%3A00%3A00%20%2B0000%2C%20Ann%20Author%20wrote%3A%0D%0A%3E%20One%20%26%20two.%0D%0A%3E%0D%0A%3E%3E%20Three%3F%0D%0A%3E%0D%0A%3E%20%2B%C3%A9%0D%0A"
	if diff := cmp.Diff(wantURL, r.Mailto()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantLine := "git send-email --in-reply-to=p1@mail.example --to=ann@people.example --cc=devel@lists.example --cc=bob@people.example --cc=cy@people.example YOUR_REPLY"
	if diff := cmp.Diff(wantLine, r.SendEmail()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReplyOddMails(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(m *patch.Mail)
		want   patchmail.Reply // without Quote
	}{
		{"a reply", func(m *patch.Mail) { m.Subject = "RE: x" }, patchmail.Reply{To: "ann@people.example", Cc: []string{list}, InReplyTo: "p1@mail.example", Subject: "RE: x"}},
		{"no subject", func(m *patch.Mail) { m.Subject = "" }, patchmail.Reply{To: "ann@people.example", Cc: []string{list}, InReplyTo: "p1@mail.example", Subject: "Re: "}},
		{"from the list itself", func(m *patch.Mail) { m.SubmitterMail = list }, patchmail.Reply{To: list, InReplyTo: "p1@mail.example", Subject: "Re: [PATCH] lib: add two"}},
		{"no Message-ID", func(m *patch.Mail) { m.MsgID = "<0123456789abcdef@no-message-id.invalid>" }, patchmail.Reply{To: "ann@people.example", Cc: []string{list}, Subject: "Re: [PATCH] lib: add two"}},
		{"bare Message-ID", func(m *patch.Mail) { m.MsgID = "p1" }, patchmail.Reply{To: "ann@people.example", Cc: []string{list}, InReplyTo: "p1", Subject: "Re: [PATCH] lib: add two"}},
		{"Message-ID that is no line", func(m *patch.Mail) { m.MsgID = "<p1\r\nBcc: eve@people.example>" }, patchmail.Reply{To: "ann@people.example", Cc: []string{list}, Subject: "Re: [PATCH] lib: add two"}},
		{"subject that is no line", func(m *patch.Mail) { m.Subject = "x\r\nBcc: eve@people.example\x1b[2J\u202e" }, patchmail.Reply{To: "ann@people.example", Cc: []string{list}, InReplyTo: "p1@mail.example", Subject: "Re: x Bcc: eve@people.example[2J"}},
		{"sender that can't be written to", func(m *patch.Mail) { m.SubmitterMail = "ann\r\n@people.example" }, patchmail.Reply{To: list, InReplyTo: "p1@mail.example", Subject: "Re: [PATCH] lib: add two"}},
		{"hostile recipients", func(m *patch.Mail) {
			m.Headers = "To: \"a b\"@x.example, -oops@x.example, a@b@x.example, =?utf-8?q?=0ABcc=3A_e=40x.example?= <f@x.example>, g\u202e@x.example, h\x1b@x.example, not an address\nCc: undisclosed:;, <i${id}@x.example>"
		}, patchmail.Reply{To: "ann@people.example", Cc: []string{list, "f@x.example", "i${id}@x.example"}, InReplyTo: "p1@mail.example", Subject: "Re: [PATCH] lib: add two"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := received("")
			tc.change(m)
			got := patchmail.NewReply(m, list, "")
			got.Quote = ""
			if len(got.Cc) == 0 {
				got.Cc = nil
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMailtoIsBounded(t *testing.T) {
	m := received("To: " + strings.Repeat("somebody.or.other@", 1) + "x.example" + many(500))
	m.Subject = strings.Repeat("ж", 1000)
	m.Content = strings.Repeat("a line of text &\n", 2000)
	r := patchmail.NewReply(m, list, "")
	got := r.Mailto()
	if len(got) > 8000 || len(got) < 7900 {
		t.Errorf("%d bytes", len(got))
	}
	if !strings.HasPrefix(got, "mailto:ann@people.example?cc=devel@lists.example,somebody.or.other@x.example,") || !strings.HasSuffix(got, "%20%26%0D%0A%3E%20%5B...%5D%0D%0A") {
		t.Errorf("got %s … %s", got[:200], got[len(got)-200:])
	}
	if u, err := url.Parse(got); err != nil || !strings.HasPrefix(u.Query().Get("body"), "On Mon, 1 Mar 2021") || u.Query().Get("in-reply-to") != "<p1@mail.example>" {
		t.Errorf("can't be read back: %v", err)
	}
	if n := strings.Count(r.SendEmail(), " --cc="); n != 100 {
		t.Errorf("%d copies on the command line", n)
	}
	m.MsgID, m.Content = "<"+strings.Repeat("x", 3000)+"@x.example>", strings.Repeat("ж", 10000)
	if got := patchmail.NewReply(m, list, "").Mailto(); len(got) > 8000 || strings.Contains(got, "in-reply-to") || !strings.HasSuffix(got, "wrote%3A%0D%0A%3E%20%5B...%5D%0D%0A") {
		t.Errorf("%d bytes: …%s", len(got), got[len(got)-100:])
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",\n person-number-" + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + "@x.example")
	}
	return b.String()
}

// TestSendEmailInShell has a real shell read the line.
func TestSendEmailInShell(t *testing.T) {
	m := received("To: a'b@x.example, `id`@x.example, ${x}&x@x.example, x*?{a}!~#|@x.example, jö@x.example")
	m.MsgID = `<a' "$HOME" \ ; rm -rf x & ' @x>`
	line := patchmail.NewReply(m, list, "").SendEmail()
	got, err := exec.Command("sh", "-c", "printf '%s\\n' "+line).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "git\nsend-email\n--in-reply-to=a' \"$HOME\" \\ ; rm -rf x & ' @x\n--to=ann@people.example\n--cc=devel@lists.example\n--cc=a'b@x.example\n--cc=`id`@x.example\n--cc=${x}&x@x.example\n" +
		"--cc=x*?{a}!~#|@x.example\n--cc=jö@x.example\nYOUR_REPLY\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
