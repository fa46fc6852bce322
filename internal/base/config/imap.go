// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

// IMAP is a mailbox to follow.
type IMAP struct {
	Scheme       string // imaps or imap
	Security     string // tls, starttls or none
	User         string
	Host, Port   string
	Mailbox      string
	ListID       string // overrides the list headers; empty: none
	PasswordFile string // empty: ingress.imap-password
	Seen         bool
	MoveTo       string
}

func imapBoxes(to *[]IMAP) field {
	return field{kind: kindList, accepts: `a list of addresses such as "imaps://patchwork@mail.example.org/INBOX", without password`,
		value: list[IMAP]{to, readIMAP, IMAP.String}}
}

// Name is the address without what says how the mailbox is read.
func (m IMAP) Name() string {
	u := url.URL{Scheme: m.Scheme, User: url.User(m.User), Host: m.Host, Path: "/" + m.Mailbox}
	if strings.Contains(m.Host, ":") {
		u.Host = "[" + m.Host + "]"
	}
	if m.Port != map[string]string{"imaps": "993", "imap": "143"}[m.Scheme] {
		u.Host += ":" + m.Port
	}
	return u.String()
}

// String is the address in the form that is read.
func (m IMAP) String() string {
	q := url.Values{}
	for name, value := range map[string]string{"list-id": m.ListID, "password-file": m.PasswordFile, "move-to": m.MoveTo} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if m.Seen {
		q.Set("seen", "true")
	}
	if m.Scheme == "imap" && m.Security == "none" && !isLocal(m.Host) {
		q.Set("tls", "none")
	}
	if len(q) == 0 {
		return m.Name()
	}
	return m.Name() + "?" + q.Encode()
}

// readIMAP takes imaps://USER@HOST[:PORT]/MAILBOX?OPTIONS. imap:// means STARTTLS, or no encryption to this machine. An @ in the user is written %40.
func readIMAP(s string) (IMAP, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "imaps" && u.Scheme != "imap" || u.Hostname() == "" || u.User == nil || u.Fragment != "" ||
		strings.ContainsAny(s, ",") || strings.ContainsFunc(s, unicode.IsControl) {
		return IMAP{}, false
	}
	_, hasPassword := u.User.Password()
	m := IMAP{Scheme: u.Scheme, Security: "tls", User: u.User.Username(), Host: u.Hostname(), Port: u.Port(), Mailbox: strings.TrimPrefix(path.Clean(u.Path), "/")}
	if m.Mailbox == "" || m.Mailbox == "." {
		m.Mailbox = "INBOX"
	}
	if m.Port == "" {
		m.Port = map[string]string{"imaps": "993", "imap": "143"}[m.Scheme]
	}
	if m.Scheme == "imap" {
		m.Security = "starttls"
		if isLocal(m.Host) {
			m.Security = "none"
		}
	}
	return m, !hasPassword && m.User != "" && m.options(u.RawQuery) && len(m.Name()) <= maxLocation
}

func (m *IMAP) options(query string) bool {
	q, err := url.ParseQuery(query)
	if err != nil {
		return false
	}
	for name, values := range q {
		value := values[0]
		ok := len(values) == 1 && value != ""
		switch name {
		case "list-id":
			m.ListID = value
			ok = ok && !strings.ContainsAny(value, "<> ")
		case "password-file":
			m.PasswordFile = value
		case "move-to":
			m.MoveTo = value
		case "seen":
			m.Seen = value == "true"
			ok = ok && (value == "true" || value == "false")
		case "tls":
			m.Security = value
			ok = ok && value == "none" && m.Scheme == "imap"
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return true
}
