// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Address is a mailbox. Name may be empty; Email has the spelling received.
type Address struct{ Name, Email string }

// errNoAddress is what ParseFrom returns; the mail as a whole names the header.
var errNoAddress = errors.New("no usable address")

// ParseFrom reads the first mailbox of a decoded From value, in the forms of the older system: "Name" <addr>; local at domain (Name); addr
// (Name); addr. The name may hold unquoted commas or be empty. It fails only when there is no usable address anywhere; local hosts, address
// literals, apostrophes and international domains are usable.
func ParseFrom(decoded string) (Address, error) {
	s := strings.TrimSpace(decoded)
	if first, _, more := strings.Cut(s, ","); more && usable(strings.TrimSpace(first)) {
		return Address{Email: strings.TrimSpace(first)}, nil
	}
	for _, form := range [...]func(string) (Address, bool){angleQuoted, angleAnywhere, spelledOut, bare, anyWord} {
		if a, ok := form(s); ok {
			return a, nil
		}
	}
	return Address{}, errNoAddress
}

// parseRawFrom reads the first mailbox of a From value as it was received. What stands in an encoded word is part of a name (RFC 2047 §5): with
// `=?utf-8?q?Ann_=3Cann=40x.example=3E?= <joe@y.example>` Joe could pose as Ann where only his own address is checked. An address in such a word counts
// only when there is no other.
func parseRawFrom(raw string) (Address, error) {
	if strings.Contains(raw, "=?") {
		a, err := ParseFrom(squeeze(decodeWords(raw, shield)))
		if err == nil && !strings.ContainsFunc(a.Email, isShield) {
			a.Name = cleanName(strings.Map(unshield, a.Name))
			return a, nil
		}
	}
	return ParseFrom(Decode(raw))
}

// The characters that have a meaning among addresses are shielded by others, which have no meaning at all, from firstShield on.
const (
	specials    = `<>()[]@,;:"\`
	firstShield = '\uf700'
)

func shield(r rune) rune {
	if i := strings.IndexRune(specials, r); i >= 0 {
		return firstShield + rune(i)
	}
	return r
}

func unshield(r rune) rune {
	if isShield(r) {
		return rune(specials[r-firstShield])
	}
	return r
}

func isShield(r rune) bool { return firstShield <= r && int(r-firstShield) < len(specials) }

// angleQuoted reads Name <addr>, taking brackets inside a quoted name for a part of it.
func angleQuoted(s string) (Address, bool) {
	return angle(s, true)
}

// angleAnywhere is angleQuoted for unbalanced quotes.
func angleAnywhere(s string) (Address, bool) {
	return angle(s, false)
}

func angle(s string, quotes bool) (Address, bool) {
	nameAt := 0
	for from := 0; ; {
		i := unquoted(s[from:], "<", quotes)
		if i < 0 {
			return Address{}, false
		}
		i += from
		from = i + 1
		inside := s[i+1:]
		if end := unquoted(inside, "<>", quotes); end >= 0 {
			inside = inside[:end]
		}
		after := s[min(i+1+len(inside)+1, len(s)):]
		if email, ok := cleanEmail(inside); ok {
			return Address{angleName(s[nameAt:i], after), email}, true
		}
		if strings.HasPrefix(strings.TrimSpace(after), ",") {
			nameAt = len(s) - len(after) + strings.IndexByte(after, ',') + 1
		}
	}
}

// unquoted is where one of some brackets stands first, with quotes outside what is quoted; -1: nowhere.
func unquoted(s, brackets string, quotes bool) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"' && quotes:
			quoted = !quoted
		case strings.IndexByte(brackets, s[i]) >= 0 && !quoted:
			return i
		}
	}
	return -1
}

// angleName is the phrase before the brackets, or the comment after them.
func angleName(before, after string) string {
	if name := cleanName(before); name != "" {
		return name
	}
	if after = strings.TrimSpace(after); strings.HasPrefix(after, "(") {
		return commentName(after)
	}
	return ""
}

// spelledOut reads "local at domain (Name)", which list archives write against harvesters.
func spelledOut(s string) (Address, bool) {
	local, rest, ok := strings.Cut(s, " at ")
	if !ok || strings.ContainsAny(local, " @") {
		return Address{}, false
	}
	domain, comment := firstWord(strings.TrimSpace(rest))
	email := local + "@" + domain
	return Address{commentName(comment), email}, usable(email)
}

// bare reads "addr" and "addr (Name)".
func bare(s string) (Address, bool) {
	if usable(s) {
		return Address{Email: s}, true
	}
	word, rest := firstWord(s)
	email, ok := cleanEmail(word)
	if !ok || rest != "" && rest[0] != '(' {
		return Address{}, false
	}
	return Address{commentName(rest), email}, true
}

// firstWord splits at the first space or parenthesis; rest begins with neither space.
func firstWord(s string) (word, rest string) {
	i := strings.IndexAny(s, " (")
	if i < 0 {
		return s, ""
	}
	return s[:i], strings.TrimSpace(s[i:])
}

// anyWord is the last resort: the first word that is an address, with the text before it as its name.
func anyWord(s string) (Address, bool) {
	for pos := 0; pos < len(s); {
		n := strings.IndexAny(s[pos:], " \t,;<>()[]")
		if n < 0 {
			n = len(s) - pos
		}
		if email, ok := cleanEmail(s[pos : pos+n]); ok {
			return Address{cleanName(strings.TrimRight(s[:pos], " <([,;")), email}, true
		}
		pos += n + 1
	}
	return Address{}, false
}

// commentName is the text of a comment at the start of s, up to its last parenthesis.
func commentName(s string) string {
	s = strings.TrimPrefix(s, "(")
	if i := strings.LastIndexByte(s, ')'); i >= 0 {
		s = s[:i]
	}
	return cleanName(s)
}

// cleanName takes quotes and backslashes off a display name.
func cleanName(s string) string {
	s = strings.TrimSpace(s)
	s = strings.TrimPrefix(s, `"`)
	if !strings.HasSuffix(s, `\"`) {
		s = strings.TrimSuffix(s, `"`)
	}
	s = strings.ReplaceAll(s, `\"`, `"`)
	s = strings.ReplaceAll(s, `\\`, `\`)
	return strings.TrimSpace(s)
}

// cleanEmail takes off what surrounds an address by mistake and says whether a usable one is left.
func cleanEmail(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 7 && sameName(s[:7], "mailto:") {
		s = s[7:]
	}
	if !strings.HasPrefix(s, `"`) || strings.Count(s, `"`) == 2 && strings.HasSuffix(s, `"`) {
		s = strings.Trim(s, `"'`)
	}
	if local, domain, ok := strings.Cut(s, " at "); ok {
		s = strings.TrimSpace(local) + "@" + strings.TrimSpace(domain)
	}
	return s, usable(s)
}

// usable says whether a reply could be sent to s: something, "@", a host. The local part may be anything without white space, brackets or
// commas, or a quoted string.
func usable(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || s[0] == '\'' || !utf8.ValidString(s) {
		return false // a quote at the beginning is around a name, as cleanEmail knows
	}
	local, host := s[:at], s[at+1:]
	if !isQuoted(local) {
		if strings.ContainsAny(local, " \t\r\n<>()[],;:\\\"@\x7f\ufffd") || hasControl(local) {
			return false
		}
	}
	if host[0] == '[' && host[len(host)-1] == ']' {
		return len(host) > 2 && !strings.ContainsAny(host, " <>@") && !hasControl(host)
	}
	return isHost(host)
}

// isQuoted accepts a quoted string (RFC 5322, 3.2.4) that is not empty.
func isQuoted(s string) bool {
	if len(s) < 3 || s[0] != '"' {
		return false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i == len(s)-1
		}
	}
	return false
}

// isHost accepts letters and digits of any script, hyphens, underscores, and dots between labels.
func isHost(host string) bool {
	dot := true
	for _, r := range host {
		switch {
		case r == '.' && dot:
			return false
		case r != '.' && r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r):
			return false
		}
		dot = r == '.'
	}
	return !dot
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' {
			return true
		}
	}
	return false
}

// splitAddresses reads a raw address list: it splits at the commas that separate mailboxes, before decoding, because encoded words hide
// commas of names. Entries without a usable address are left out.
func splitAddresses(raw string) []Address {
	var list []Address
	for raw != "" {
		var one string
		one, raw = nextMailbox(raw)
		if a, err := parseRawFrom(one); err == nil {
			list = append(list, a)
		}
	}
	return list
}

// nextMailbox cuts at the first comma behind an address, outside quotes and comments: the comma in "Last, First <a@b.example>" is part of
// the name.
func nextMailbox(raw string) (one, rest string) {
	quoted, depth, hasAt := false, 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '\\' && (quoted || depth > 0):
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth = max(depth-1, 0)
		case c == '@':
			hasAt = true
		case c == ',' && hasAt && depth == 0:
			return raw[:i], raw[i+1:]
		}
	}
	return raw, ""
}
