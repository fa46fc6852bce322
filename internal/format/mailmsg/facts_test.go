// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestID(t *testing.T) {
	tests := []struct{ header, want string }{
		{"Message-ID: <a@b>", "<a@b>"},
		{"message-id:\n <a@b>", "<a@b>"},
		{"Message-Id: (c) <a@b> <d@e>", "<a@b>"},
		{"Message-Id: <abcdef>", "<abcdef>"},
		{"Message-Id: <a b@c>", "<a b@c>"},
		{"Message-Id: <\"a b\"@c>", "<\"a b\"@c>"},
		{"Message-Id: foo@bar>", "foo@bar>"},
		{"Message-Id:  foo bar ", "foo bar"},
		{"Message-Id: =?utf-8?q?=3Ca=40b=3E?=", "<a@b>"},
		{"Message-Id: <>", ""},
		{"Message-Id: <> <a@b>", "<a@b>"},
		{"Message-Id:", ""},
		{"Message-Id:\nMessage-Id: <a@b>", "<a@b>"},
		{"Subject: x", ""},
	}
	for _, tt := range tests {
		if got := Parse([]byte(tt.header + "\n\n")).ID(); got != tt.want {
			t.Errorf("%q: ID = %q, want %q", tt.header, got, tt.want)
		}
	}
}

func TestReferences(t *testing.T) {
	tests := []struct {
		name, header, replyTo string
		want                  []string
	}{
		{"none", "Subject: x", "", nil},
		{"both", "In-Reply-To: <c@x>\nReferences: <a@x> <b@x>\n\t<c@x>", "<c@x>", []string{"<c@x>", "<b@x>", "<a@x>"}},
		{"only references", "References: <a@x><b@x>", "", []string{"<b@x>", "<a@x>"}},
		{"first id only", "In-Reply-To: <a@x> <b@x>", "<a@x>", []string{"<a@x>"}},
		{"several headers", "In-Reply-To: <a@x>\nReferences: <b@x> <c@x>\nIn-Reply-To: <d@x>\nReferences: <e@x> <b@x>", "<a@x>",
			[]string{"<a@x>", "<d@x>", "<c@x>", "<b@x>", "<e@x>"}},
		{"no brackets", "In-Reply-To: a@x\nReferences: b@x c@x", "a@x", []string{"a@x", "<a@x>", "c@x", "<c@x>", "b@x", "<b@x>"}},
		{"no brackets, commas", "References: b@x, c@x", "", []string{"c@x", "<c@x>", "b@x,", "<b@x>"}},
		{"prose", "In-Reply-To: Your message of Friday", "", nil},
		{"prose and id", "In-Reply-To: message of Friday from Joe <a@x>", "<a@x>", []string{"<a@x>"}},
		{"empty", "In-Reply-To:\nIn-Reply-To: <>\nReferences: <>", "", nil},
	}
	for _, tt := range tests {
		m := Parse([]byte(tt.header + "\n\n"))
		if got := m.InReplyTo(); got != tt.replyTo {
			t.Errorf("%s: InReplyTo = %q, want %q", tt.name, got, tt.replyTo)
		}
		if diff := cmp.Diff(tt.want, m.References()); diff != "" {
			t.Errorf("%s: References (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestListIDs(t *testing.T) {
	tests := []struct {
		header string
		want   []string
	}{
		{"List-Id: <l.example.org>", []string{"l.example.org"}},
		{"List-Id: l.example.org", []string{"l.example.org"}},
		{"List-ID: \"Name\" <l.example.org>", []string{"l.example.org"}},
		{"list-id: A list\n\t<l.example.org>", []string{"l.example.org"}},
		{"List-Id: <a> x <B.example> y", []string{"B.example"}},
		{"List-Id: My list l.example.org", nil},
		{"List-Id: <a>\nList-Id: <b>\nX-list: <d>\nX-Mailing-List: c", []string{"a", "c", "d", "b"}},
		{"List-Id: <a>\nList-Id: <a>\nX-Mailing-List: a", []string{"a"}},
		{strings.Repeat("List-Id: <a>\nList-Id: <b>\nList-Id: c\nList-Id: d\nList-Id: e\nList-Id: f\nList-Id: g\nList-Id: h\nList-Id: i\nList-Id: j\nList-Id: k\n", 2),
			[]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}},
		{"List-Id: name without\nX-Mailing-List: <c>", []string{"c"}},
		{"List-Id: <>", nil},
		{"List-Id: <a> <b", []string{"a"}},
		{"List-Id:", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, ListIDs(Parse([]byte(tt.header+"\n\n")).Header)); diff != "" {
			t.Errorf("%q: ListIDs (-want +got):\n%s", tt.header, diff)
		}
	}
}

func TestParseDate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Mon, 6 May 2019 13:01:24 +0200", "2019-05-06 11:01:24"},
		{"Mon,  6 May 2019 13:01:24 -0730 (PDT)", "2019-05-06 20:31:24"},
		{"6 May 2019 13:01 +0000", "2019-05-06 13:01:00"},
		{"Mon, 6 May 19 13:01:24 GMT", "2019-05-06 13:01:24"},
		{"6 May 99 13:01:24", "1999-05-06 13:01:24"},
		{"6 May 119 13:01:24 +0000", "2019-05-06 13:01:24"},
		{"Mon May  6 13:01:24 2019", "2019-05-06 13:01:24"},
		{"Mon May  6 13:01:24 CEST 2019", "2019-05-06 11:01:24"},
		{"Mon May  6 13:01:24 EDT 2019", "2019-05-06 17:01:24"},
		{"Mon, 6 May 2019 13:01:24 PST", "2019-05-06 21:01:24"},
		{"Mon,6 May 2019 13:01:24+0200", "2019-05-06 11:01:24"},
		{"Mon, 6 May 2019 13:01:24 +02:00", "2019-05-06 11:01:24"},
		{"Mon, 6 May 2019 13:01:24 GMT+2", "2019-05-06 11:01:24"},
		{"Mon, 6 May 2019 13:01:24 -0000", "2019-05-06 13:01:24"},
		{"Mon, 6 May 2019 13:01:24 NOWHERE", "2019-05-06 13:01:24"},
		{"Mon, 6 May 2019 13:01:24 +9999", "2019-05-06 13:01:24"},
		{"Monday, 6-May-19 13:01:24 GMT", "2019-05-06 13:01:24"},
		{"Mon, 06-September-2019 13:01:24 GMT", "2019-09-06 13:01:24"},
		{"May 6, 2019 1:01 PM", "2019-05-06 13:01:00"},
		{"Wed 09 Oct 2019 12:26:06 AM CEST", "2019-10-08 22:26:06"},
		{"2019-05-06T13:01:24Z", "2019-05-06 13:01:24"},
		{"2019-05-06T13:01:24.123+02:00", "2019-05-06 11:01:24"},
		{"2019-05-06 13:01:24 -0700", "2019-05-06 20:01:24"},
		{"2019/05/06 13:01", "2019-05-06 13:01:00"},
		{"Mon, 6 (six (6)) May 2019 13.01.24 +0200", "2019-05-06 11:01:24"},
		{"6 May 2019", "2019-05-06 00:00:00"},
		{"Thu, 31 Feb 2019 10:00:00 +0000", "2019-03-03 10:00:00"},
		{"Mon, 6 May 2019 24:00:00 +0000", "2019-05-07 00:00:00"},
		{"1 Jan 0004 00:00:00 +0000", "0004-01-01 00:00:00"},
		{"", ""},
		{"yesterday", ""},
		{"Mon, 6 May", ""},
		{"Mon, 6 Foo 2019 13:01:24", ""},
		{"Mon, 0 May 2019 13:01:24", ""},
		{"Mon, 6 May 2019 25:01:24", ""},
		{"Mon, 6 May 2019 13:99:24", ""},
		{"Mon, 6 May 111111111111111111111111 13:01:24", ""},
		{"1557133284", ""},
		{"2019-05", ""},
		{"2019-5-6", ""},
		{"2019-05-06T", ""},
		{"2019-05-xx 10:00", ""},
		{"6/5/2019 10:00", ""},
		{"6 May 2019 1000:00", ""},
		{"6 May 2019 10:", ""},
		{"-", ""},
		{"13:", ""},
	}
	for _, tt := range tests {
		got, ok := ParseDate(tt.in)
		text := ""
		if ok {
			text = got.Format("2006-01-02 15:04:05")
		}
		if text != tt.want {
			t.Errorf("ParseDate(%q) = %q, want %q", tt.in, text, tt.want)
		}
	}
}

func TestDate(t *testing.T) {
	now := time.Date(2020, 2, 3, 4, 5, 6, 0, time.FixedZone("", 3600))
	const received = "Received: from a (b; c)\n\tby d; Sun, 2 Feb 2020 10:00:00 +0100\nReceived: by e; Sat, 1 Feb 2020 10:00:00 +0100\n"
	tests := []struct {
		name, header, want string
		ok                 bool
	}{
		{"good", "Date: Mon, 6 May 2019 13:01:24 +0200\n", "2019-05-06 11:01:24", true},
		{"encoded", "Date: =?utf-8?q?6_May_2019_13:01:24?=\n", "2019-05-06 13:01:24", true},
		{"missing", "", "2020-02-03 03:05:06", false},
		{"missing, received", received, "2020-02-02 09:00:00", false},
		{"junk, received", "Date: soon\n" + received, "2020-02-02 09:00:00", false},
		{"future", "Date: 4 Feb 2020 03:05:07 +0000\n" + received, "2020-02-02 09:00:00", false},
		{"tomorrow", "Date: 4 Feb 2020 03:05:06 +0000\n" + received, "2020-02-04 03:05:06", true},
		{"unset clock", "Date: Thu, 1 Jan 1970 00:00:00 +0000\n" + received, "2020-02-02 09:00:00", false},
		{"oldest allowed", "Date: 1 Jan 1990 00:00:00 +0000\n", "1990-01-01 00:00:00", true},
		{"received unusable too", "Date: 1 Jan 2100 00:00:00\nReceived: by x; 1 Jan 2100 00:00:00\nReceived: nonsense\n", "2020-02-03 03:05:06", false},
		{"second received", "Received: by x; soon\n" + received, "2020-02-02 09:00:00", false},
	}
	for _, tt := range tests {
		got, ok := Parse([]byte(tt.header + "\n")).Date(now)
		if text := got.Format("2006-01-02 15:04:05"); text != tt.want || ok != tt.ok || got.Location() != time.UTC {
			t.Errorf("%s: Date = %s %s, %v, want %s UTC, %v", tt.name, text, got.Location(), ok, tt.want, tt.ok)
		}
	}
}
