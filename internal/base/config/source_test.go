// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadIMAP(t *testing.T) {
	for text, want := range map[string]IMAP{
		"imaps://ann%40example.org@mx.example.org":                               {Scheme: "imaps", Security: "tls", User: "ann@example.org", Host: "mx.example.org", Port: "993", Mailbox: "INBOX"},
		"imap://ann@mx.example.org:1143/Lists/pw?list-id=a.example&seen=true":    {Scheme: "imap", Security: "starttls", User: "ann", Host: "mx.example.org", Port: "1143", Mailbox: "Lists/pw", ListID: "a.example", Seen: true},
		"imap://ann@mx.example.org/INBOX?tls=none&move-to=Done&password-file=/p": {Scheme: "imap", Security: "none", User: "ann", Host: "mx.example.org", Port: "143", Mailbox: "INBOX", MoveTo: "Done", PasswordFile: "/p"},
		"imap://ann@127.0.0.1/": {Scheme: "imap", Security: "none", User: "ann", Host: "127.0.0.1", Port: "143", Mailbox: "INBOX"},
		"imap://ann@[::1]/x":    {Scheme: "imap", Security: "none", User: "ann", Host: "::1", Port: "143", Mailbox: "x"},
	} {
		got, ok := readIMAP(text)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s: %v %s", text, ok, diff)
		}
		if again, ok := readIMAP(got.String()); !ok || again != got {
			t.Errorf("%s is written as %s", text, got)
		}
	}
	for _, bad := range []string{"", "imaps://mx.example.org/INBOX", "imaps://ann:pw@mx.example.org/", "https://ann@mx.example.org/", "imaps://ann@mx.example.org/?tls=none",
		"imaps://ann@mx.example.org/?sseen=true", "imaps://ann@mx.example.org/?seen=maybe", "imaps://ann@mx.example.org/?move-to=", "imaps://ann@/", "imaps://ann@mx/#x",
		"imaps://" + strings.Repeat("a", 256) + "@mx/"} {
		if got, ok := readIMAP(bad); ok {
			t.Errorf("%s is read as %+v", bad, got)
		}
	}
}

func TestReadPublicInbox(t *testing.T) {
	for text, want := range map[string]PublicInbox{
		"/srv/a":                        {"/srv/a", ""},
		"/srv/a=b/c":                    {"/srv/a=b/c", ""},
		"/srv/a=dev.example.org":        {"/srv/a", "dev.example.org"},
		"https://lore.example.org/a/=l": {"https://lore.example.org/a/", "l"},
		"git://lore.example.org/a":      {"git://lore.example.org/a", ""},
		"file:///srv/a":                 {"file:///srv/a", ""},
	} {
		if got, ok := readPublicInbox(text); !ok || got != want {
			t.Errorf("%s: %v %+v", text, ok, got)
		}
	}
	for _, bad := range []string{"", "=x", "/a=", "/a=<x>", "ssh://x/y", "https://a:b@x/y", "https:///x", "https://x/?a", "https://x/#a", "/a,b", "/a\nb", "ext::sh -c x://"} {
		if got, ok := readPublicInbox(bad); ok {
			t.Errorf("%s is read as %+v", bad, got)
		}
	}
}

// A password where none belongs is not repeated in the message.
func TestRefusalHidesPasswords(t *testing.T) {
	for _, key := range []string{"ingress.imap", "ingress.public-inbox", "http.base-url"} {
		_, err := Load(Sources{Flags: map[string]string{key: "imaps://ann:hunter/2@mx.example.org/"}})
		if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "ann:REDACTED@mx") {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestPlainIMAPWarns(t *testing.T) {
	for address, want := range map[string]bool{"imap://ann@mx.example.org/?tls=none": true, "imap://ann@mx.example.org/": false, "imap://ann@localhost/": false} {
		l, err := Load(Sources{Flags: map[string]string{"ingress.imap": address}})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(strings.Join(l.Config.Warnings(), " "), "cross the network in clear"); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
