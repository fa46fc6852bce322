// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// kind says which TOML types a key takes.
type kind int

const (
	kindText kind = iota
	kindBool
	kindInt
	kindSize
	kindDuration
	kindList
)

// value is a field of Config behind its text form. A key that is not a list has exactly one item.
type value interface {
	set(items []string) bool
	items() []string
}

type field struct {
	kind    kind
	accepts string
	hide    func(string) string // what may be shown of a secret; nil if the value is none
	value   value
}

type single[T any] struct {
	to   *T
	read func(string) (T, bool)
	show func(T) string
}

func (s single[T]) set(items []string) bool {
	if len(items) != 1 {
		return false
	}
	v, ok := s.read(items[0])
	if ok {
		*s.to = v
	}
	return ok
}

func (s single[T]) items() []string { return []string{s.show(*s.to)} }

type list[T any] struct {
	to   *[]T
	read func(string) (T, bool)
	show func(T) string
}

func (l list[T]) set(items []string) bool {
	var all []T
	for _, item := range items {
		v, ok := l.read(strings.TrimSpace(item))
		if !ok {
			return false
		}
		all = append(all, v)
	}
	*l.to = all
	return true
}

func (l list[T]) items() []string {
	out := make([]string, 0, len(*l.to))
	for _, v := range *l.to {
		out = append(out, l.show(v))
	}
	return out
}

func boolean(to *bool) field {
	read := func(s string) (bool, bool) {
		switch strings.ToLower(s) {
		case "true", "yes", "on", "1":
			return true, true
		case "false", "no", "off", "0":
			return false, true
		}
		return false, false
	}
	return field{kind: kindBool, accepts: "true or false", value: single[bool]{to, read, strconv.FormatBool}}
}

func integer(to *int, least, most int) field {
	read := func(s string) (int, bool) {
		n, err := strconv.Atoi(s)
		return n, err == nil && n >= least && n <= most
	}
	return field{kind: kindInt, accepts: fmt.Sprintf("a whole number from %d to %d", least, most), value: single[int]{to, read, strconv.Itoa}}
}

func asIs(s string) string { return s }

func text(to *string, accepts string) field {
	read := func(s string) (string, bool) { return s, utf8.ValidString(s) }
	return field{kind: kindText, accepts: accepts, value: single[string]{to, read, asIs}}
}

func secret(to *string) field {
	f := text(to, "a password")
	f.hide = hidePassword
	return f
}

func host(to *string) field {
	read := func(s string) (string, bool) {
		return s, !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == '/' || r == '@' })
	}
	return field{kind: kindText, accepts: "a host name or an IP address", value: single[string]{to, read, asIs}}
}

func choice(to *string, options ...string) field {
	read := func(s string) (string, bool) { return s, slices.Contains(options, s) }
	accepts := "one of " + strings.Join(options, ", ")
	return field{kind: kindText, accepts: accepts, value: single[string]{to, read, asIs}}
}

func level(to *slog.Level) field {
	read := func(s string) (slog.Level, bool) {
		var l slog.Level
		err := l.UnmarshalText([]byte(s))
		return l, err == nil && !strings.ContainsAny(s, "+-") // slog also reads "INFO+2", which nobody needs here
	}
	show := func(l slog.Level) string { return strings.ToLower(l.String()) }
	return field{kind: kindText, accepts: "one of debug, info, warn, error", value: single[slog.Level]{to, read, show}}
}

func duration(to *time.Duration, most time.Duration) field {
	read := func(s string) (time.Duration, bool) {
		d, ok := readDuration(s)
		return d, ok && (most == 0 || d <= most)
	}
	accepts := `a duration such as "30d", "12h" or "500ms"`
	if most != 0 {
		accepts = "a duration up to " + showDuration(most)
	}
	return field{kind: kindDuration, accepts: accepts, value: single[time.Duration]{to, read, showDuration}}
}

// durationBetween is duration for what must not be nothing.
func durationBetween(to *time.Duration, least, most time.Duration) field {
	read := func(s string) (time.Duration, bool) {
		d, ok := readDuration(s)
		return d, ok && d >= least && d <= most
	}
	accepts := "a duration from " + showDuration(least) + " to " + showDuration(most)
	return field{kind: kindDuration, accepts: accepts, value: single[time.Duration]{to, read, showDuration}}
}

func size(to *int64, least, most int64) field {
	read := func(s string) (int64, bool) {
		n, ok := readSize(s)
		return n, ok && n >= least && n <= most
	}
	accepts := fmt.Sprintf(`a size from %s to %s such as "50MiB", or a number of bytes`, showSize(least), showSize(most))
	return field{kind: kindSize, accepts: accepts, value: single[int64]{to, read, showSize}}
}

// listen takes host:port with a numeric port, and a path where a unix socket is possible.
// listenOrOff is listen for what need not be.
func listenOrOff(to *string) field {
	f := listen(to, false)
	v := f.value.(single[string])
	read := v.read
	v.read = func(s string) (string, bool) {
		if s == "" {
			return "", true
		}
		return read(s)
	}
	f.accepts, f.value = "nothing, or "+f.accepts, v
	return f
}

func listen(to *string, socket bool) field {
	read := func(s string) (string, bool) {
		if strings.Contains(s, "/") {
			return s, socket
		}
		_, port, err := net.SplitHostPort(s)
		if err != nil {
			return "", false
		}
		_, err = strconv.ParseUint(port, 10, 16)
		return s, err == nil
	}
	accepts := "host:port such as 127.0.0.1:8080"
	if socket {
		accepts = "host:port such as 127.0.0.1:2525, or the path of a unix socket with a slash in it"
	}
	return field{kind: kindText, accepts: accepts, value: single[string]{to, read, asIs}}
}

func webURL(to *string) field {
	read := func(s string) (string, bool) {
		s = strings.TrimRight(s, "/")
		if s == "" {
			return "", true
		}
		u, err := url.Parse(s)
		ok := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" &&
			u.User == nil && u.RawQuery == "" && !strings.ContainsAny(s, "?#")
		return s, ok
	}
	accepts := "an address such as https://patchwork.example.org, without user, query and fragment"
	return field{kind: kindText, accepts: accepts, value: single[string]{to, read, asIs}}
}

func databaseURL(to *string) field {
	read := func(s string) (string, bool) {
		_, err := ParseDatabaseURL(s)
		return s, err == nil
	}
	accepts := `sqlite:PATH, postgres://… or mariadb://… with special characters percent-encoded ("pw config url" writes it)`
	return field{kind: kindText, accepts: accepts, hide: hideURL, value: single[string]{to, read, asIs}}
}

const anAddress = "such as Ann Lee <ann@example.org>"

func address(to *mail.Address) field {
	read := func(s string) (mail.Address, bool) {
		if s == "" {
			return mail.Address{}, true
		}
		return readAddress(s)
	}
	return field{kind: kindText, accepts: "a mail address " + anAddress, value: single[mail.Address]{to, read, showAddress}}
}

func addresses(to *[]mail.Address) field {
	return field{kind: kindList, accepts: "a list of mail addresses " + anAddress, value: list[mail.Address]{to, readAddress, showAddress}}
}

func readAddress(s string) (mail.Address, bool) {
	a, err := mail.ParseAddress(s)
	if err != nil || strings.ContainsFunc(a.Name+a.Address, unicode.IsControl) {
		return mail.Address{}, false
	}
	return *a, true
}

// showAddress is the form people write, not the RFC 2047 one of mail.Address.String.
func showAddress(a mail.Address) string {
	plain := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == ' ' || r == '-' }
	switch {
	case a.Name == "":
		return a.Address
	case strings.ContainsFunc(a.Name, func(r rune) bool { return !plain(r) }):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name) + `" <` + a.Address + ">"
	}
	return a.Name + " <" + a.Address + ">"
}

func prefixes(to *[]netip.Prefix) field {
	read := func(s string) (netip.Prefix, bool) {
		if ip, err := netip.ParseAddr(s); err == nil && ip.Zone() == "" {
			return netip.PrefixFrom(ip, ip.BitLen()), true
		}
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err == nil
	}
	return field{kind: kindList, accepts: `a list of networks such as "10.0.0.0/8" or "::1"`,
		value: list[netip.Prefix]{to, read, netip.Prefix.String}}
}

// origins takes what a browser sends as Origin: scheme, host and port, in small letters and without the port that the scheme has anyway.
func origins(to *[]string) field {
	read := func(s string) (string, bool) {
		if s == "*" {
			return s, true
		}
		u, err := url.Parse(strings.ToLower(strings.TrimSuffix(s, "/")))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || strings.ContainsAny(s, "?#*") {
			return "", false
		}
		usual := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
		return u.Scheme + "://" + strings.TrimSuffix(u.Host, usual), true
	}
	return field{kind: kindList, accepts: `a list of origins such as "https://ci.example.org", or "*"`, value: list[string]{to, read, asIs}}
}

// addressPatterns takes what can match a mail address.
func addressPatterns(to *[]string) field {
	read := func(s string) (string, bool) {
		ok := s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) || r == '<' || r == '>' })
		return s, ok && (strings.Contains(s, "@") || strings.Contains(s, "*"))
	}
	return field{kind: kindList, accepts: `a list of addresses such as "patches@example.org" or "*@lists.example.org"`,
		value: list[string]{to, read, asIs}}
}
