// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"testing"
)

func TestParseFrom(t *testing.T) {
	tests := []struct{ in, name, email string }{
		{"Joe Doe <joe@x.example>", "Joe Doe", "joe@x.example"},
		{`"Joe Doe" <joe@x.example>`, "Joe Doe", "joe@x.example"},
		{`"Doe, Joe" <Joe@X.example>`, "Doe, Joe", "Joe@X.example"},
		{"Doe, Joe <joe@x.example>", "Doe, Joe", "joe@x.example"},
		{"<joe@x.example>", "", "joe@x.example"},
		{"<joe@x.example> (Joe)", "Joe", "joe@x.example"},
		{"joe at x.example (Joe Doe)", "Joe Doe", "joe@x.example"},
		{"Joe <joe at x.example>", "Joe", "joe@x.example"},
		{"joe@x.example (Joe (the) Doe)", "Joe (the) Doe", "joe@x.example"},
		{"joe@x.example(Joe)", "Joe", "joe@x.example"},
		{"joe@x.example", "", "joe@x.example"},
		{"Joe joe@x.example", "Joe", "joe@x.example"},
		{"Joe <joe@x.example y>", "Joe", "joe@x.example"},
		{"Joe <joe@x.example>, Ann <ann@x.example>", "Joe", "joe@x.example"},
		{"joe@x.example, Ann <ann@x.example>", "", "joe@x.example"},
		{"Joe <nonsense>, Ann <ann@x.example>", "Ann", "ann@x.example"},
		{`"Joe <the> Doe" <joe@x.example>`, "Joe <the> Doe", "joe@x.example"},
		{`"Joe \"J\" Doe" <joe@x.example>`, `Joe "J" Doe`, "joe@x.example"},
		{`Joe "J <joe@x.example>`, `Joe "J`, "joe@x.example"},
		{"Joe <joe@x.example", "Joe", "joe@x.example"},
		{"Joe < joe@x.example >", "Joe", "joe@x.example"},
		{"Joe <mailto:joe@x.example>", "Joe", "joe@x.example"},
		{"Joe <'joe@x.example'>", "Joe", "joe@x.example"},
		{"root@localhost", "", "root@localhost"},
		{"o'brien@x.example", "", "o'brien@x.example"},
		{"Jörg <jörg@bücher.example>", "Jörg", "jörg@bücher.example"},
		{"joe@[192.0.2.1]", "", "joe@[192.0.2.1]"},
		{"Joe <joe@[IPv6:2001:db8::1]>", "Joe", "joe@[IPv6:2001:db8::1]"},
		{`"Joe D"@x.example`, "", `"Joe D"@x.example`},
		{"joe@x.org via List <l@x.example>", "joe@x.org via List", "l@x.example"},
		{"胡玮文 <h@x.example>", "胡玮文", "h@x.example"},
	}
	for _, tt := range tests {
		got, err := ParseFrom(tt.in)
		if want := (Address{tt.name, tt.email}); err != nil || got != want {
			t.Errorf("ParseFrom(%q) = %q, %v, want %q", tt.in, got, err, want)
		}
	}
	for _, in := range []string{"", " ", "Joe", "Joe <>", "joe@", "@x.example", "joe@x..example", "joe@x.example.", "undisclosed:;", "a@b@c.example", "x@[]",
		"joe@x.exa\x01mple"} {
		if got, err := ParseFrom(in); err == nil {
			t.Errorf("ParseFrom(%q) = %q, want an error", in, got)
		}
	}
}

func TestAuthor(t *testing.T) {
	const list = "devel@lists.example.org"
	tests := []struct{ name, header, body, wantName, wantEmail string }{
		{"not munged", "From: Joe <joe@x.example>\nX-Original-From: Ann <ann@x.example>", "", "Joe", "joe@x.example"},
		{"original from", "From: Joe D via Devel <Devel@lists.example.org>\nX-Original-From: Other <joe@x.example>", "", "Joe D", "joe@x.example"},
		{"original from, bare list", "From: devel@lists.example.org\nX-Original-From: Joe <joe@x.example>", "", "Joe", "joe@x.example"},
		{"original from unusable", "From: Joe via Devel <devel@lists.example.org>\nX-Original-From: nobody\nReply-To: Joe <joe@x.example>", "",
			"Joe", "joe@x.example"},
		{"mailman's original from", "From: Joe via Devel <devel@lists.example.org>\nX-Mailman-Original-From: joe@x.example", "", "Joe", "joe@x.example"},
		{"google's original from", "From: 'Joe' via Devel <devel@lists.example.org>\nX-Google-Original-From: J <joe@x.example>", "", "Joe", "joe@x.example"},
		{"author", "From: Joe via Devel <devel@lists.example.org>\nAuthor: Joe <joe@x.example>", "", "Joe", "joe@x.example"},
		{"reply-to", "From: Joe via Devel <devel@lists.example.org>\nReply-To: Devel <devel@lists.example.org>, Joe <joe@x.example>", "", "Joe", "joe@x.example"},
		{"cc", "From: Joe via Devel <devel@lists.example.org>\nReply-To: devel@lists.example.org\nCc: Ann <ann@x.example>,\n Joe <joe@x.example>", "",
			"Joe", "joe@x.example"},
		{"name with comma", "From: \"Doe, Joe via Devel\" <devel@lists.example.org>\nCc: Ann <ann@x.example>, \"Doe, Joe\" <joe@x.example>", "",
			"Doe, Joe", "joe@x.example"},
		{"encoded comma", "From: =?utf-8?q?D=C3=B6e=2C_Joe?= via Devel <devel@lists.example.org>\nCc: a@x.example, =?utf-8?q?D=C3=B6e=2C_Joe?= <joe@x.example>",
			"", "Döe, Joe", "joe@x.example"},
		{"last via counts", "From: Joe via Y via Devel <devel@lists.example.org>\nReply-To: Joe via Y <joe@x.example>", "", "Joe via Y", "joe@x.example"},
		{"address as name", "From: joe@x.example via Devel <devel@lists.example.org>\nReply-To: joe@x.example", "", "joe@x.example", "joe@x.example"},
		{"single reply-to", "From: Joe via Devel <devel@lists.example.org>\nReply-To: Joseph <joe@x.example>", "", "Joseph", "joe@x.example"},
		{"two strangers", "From: Joe via Devel <devel@lists.example.org>\nReply-To: a@x.example, b@x.example", "", "Joe via Devel", list},
		{"in the body", "From: Joe via Devel <devel@lists.example.org>", "\nFrom: =?utf-8?q?J=C3=B6?= <joe@x.example>\n\nText", "Jö", "joe@x.example"},
		{"in the body but not munged", "From: Ann <ann@x.example>", "From: Joe <joe@x.example>\n\nText", "Ann", "ann@x.example"},
		{"later in the body", "From: Joe via Devel <devel@lists.example.org>", "Hello\nFrom: Joe <joe@x.example>\n", "Joe via Devel", list},
		{"bare list", "From: devel@lists.example.org", "", "", list},
		{"list itself everywhere", "From: Joe via Devel <devel@lists.example.org>\nX-Original-From: devel@lists.example.org", "", "Joe via Devel", list},
		{"second From usable", "From: nobody\nFrom: Joe <joe@x.example>", "", "Joe", "joe@x.example"},
		{"raw 8-bit", "From: Rafa\xc5\x82 <r@x.example>", "", "Rafał", "r@x.example"},
		{"an address in an encoded word", "From: =?utf-8?q?Ann_=3Cann=40x=2Eexample=3E?= <joe@y.example>", "", "Ann <ann@x.example>", "joe@y.example"},
		{"the address alone in an encoded word", "From: =?utf-8?b?Sm9lIDxqb2VAeC5leGFtcGxlPg==?=", "", "Joe", "joe@x.example"},
		{"quotes in an encoded word", "From: =?utf-8?q?=22Doe=2C_J=C3=B6=22?= <joe@x.example>", "", "Doe, Jö", "joe@x.example"},
		{"at-signs in an encoded word", "From: =?utf-8?q?ann=40x=2Eexample=2C?= Joe <joe@y.example>", "", "ann@x.example, Joe", "joe@y.example"},
		{"google's sender", "From: 'Joe' via Devel <devel@lists.example.org>\nX-Original-Sender: joe@x.example", "", "Joe", "joe@x.example"},
		{"google's sender is the list", "From: 'Joe' via Devel <devel@lists.example.org>\nX-Original-Sender: devel@lists.example.org", "", "'Joe' via Devel", list},
		{"the address in the place of the name", "From: \"joe@x.example via Devel\" <devel@lists.example.org>", "", "", "joe@x.example"},
		{"the address in the name", "From: \"Joe <joe@x.example>\" <devel@lists.example.org>", "", "Joe", "joe@x.example"},
		{"a name with at", "From: Meet at noon via Devel <devel@lists.example.org>", "", "Meet at noon via Devel", list},
		{"unknown charset", "From: =?x-nonsense?q?Rafa=C5=82?= <r@x.example>", "", "Rafał", "r@x.example"},
	}
	for _, tt := range tests {
		got, err := Parse([]byte(tt.header + "\n\n" + tt.body)).Author(list)
		if want := (Address{tt.wantName, tt.wantEmail}); err != nil || got != want {
			t.Errorf("%s: Author = %q, %v, want %q", tt.name, got, err, want)
		}
	}
}

func TestAuthorErrors(t *testing.T) {
	for header, want := range map[string]string{
		"Subject: x":   "no From header",
		"From:":        `read From "": no usable address`,
		"From: nobody": `read From "nobody": no usable address`,
	} {
		if _, err := Parse([]byte(header + "\n\n")).Author(""); err == nil || err.Error() != want {
			t.Errorf("%q: error %v, want %q", header, err, want)
		}
	}
}

func TestAuthorBehindOtherAddresses(t *testing.T) {
	for _, tc := range []struct{ name, header, wantName, wantEmail string }{
		{"List-Post", "From: Joe via X <x@lists.example>\nList-Post: <mailto:X@lists.example?subject=a>\nX-Original-From: joe@y.example", "Joe", "joe@y.example"},
		{"another List-Post", "From: Joe via X <x@lists.example>\nList-Post: <mailto:y@lists.example>\nX-Original-From: joe@y.example", "Joe via X", "x@lists.example"},
		{"List-Post: NO", "From: Joe via X <x@lists.example>\nList-Post: NO\nX-Original-From: joe@y.example", "Joe via X", "x@lists.example"},
		{"groups.io", "From: \"Joe Doe via lists.example\" <joe.doe=y.example@lists.example>", "Joe Doe", "joe.doe@y.example"},
		{"groups.io, by its List-Id", "From: \"Joe via groups.example\" <joe=y.example@groups.example>\nList-Id: <devel.groups.example>", "Joe", "joe@y.example"},
		{"a stranger like groups.io", "From: \"Joe via evil.example\" <joe=y.example@evil.example>\nList-Id: <devel.lists.example>", "Joe via evil.example", "joe=y.example@evil.example"},
		{"B4 Relay", "From: Joe Doe via B4 Relay <devnull+joe.y.example@kernel.org>\nReply-To: joe@y.example\nX-Original-From: J <joe@y.example>", "Joe Doe", "joe@y.example"},
		{"B4 Relay, Reply-To only", "From: Joe via B4 Relay <devnull+joe.y.example@kernel.org>\nReply-To: Ann <ann@y.example>, Joe <Joe@y.example>", "Joe", "Joe@y.example"},
		{"B4 Relay for another", "From: Joe via B4 Relay <devnull+joe.y.example@kernel.org>\nX-Original-From: Ann <ann@y.example>", "Joe via B4 Relay",
			"devnull+joe.y.example@kernel.org"},
		{"a stranger like B4 Relay", "From: Joe via B4 Relay <devnull+joe.y.example@evil.example>\nX-Original-From: Joe <joe@y.example>", "Joe via B4 Relay",
			"devnull+joe.y.example@evil.example"},
		{"an equals sign of his own", "From: Joe <a=b@y.example>", "Joe", "a=b@y.example"},
		{"a bounce address", "From: Joe via X <bounce+joe=y.example@lists.example>", "Joe via X", "bounce+joe=y.example@lists.example"},
		{"authenticated", "From: Joe via L <l@lists.example>\nX-Authenticated-Sender: joe@y.example", "Joe", "joe@y.example"},
		{"authenticated as the list", "From: Joe via L <l@lists.example>\nX-Authenticated-Sender: l@lists.example", "Joe via L", "l@lists.example"},
	} {
		got, err := Parse([]byte(tc.header + "\n\nx\n")).Author("l@lists.example")
		if want := (Address{tc.wantName, tc.wantEmail}); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", tc.name, got, err, want)
		}
	}
}
