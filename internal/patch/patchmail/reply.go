// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/patch"
)

// Reply is an answer to all that has yet to be written. Everything in it comes from mail, hence each address is one of printable characters without
// quotes, and each of To, Cc, InReplyTo and Subject is one line.
type Reply struct {
	To        string   // address; empty: none that can be used
	Cc        []string // addresses
	InReplyTo string   // Message-ID without brackets; empty: the mail had none
	Subject   string
	Quote     string // lines that begin with ">", under one that says whose they are
}

// NewReply prepares the answer to a mail: to its sender, with copies to the list and to whom it was sent. diff, in UTF-8, is quoted after the text.
func NewReply(m *patch.Mail, listEmail, diff string) Reply {
	header := mailmsg.Parse([]byte(m.Headers + "\n\n")).Header
	r := Reply{InReplyTo: replyID(m.MsgID), Subject: replySubject(m.Subject), Quote: quote(m, diff)}
	known := map[string]bool{}
	use := func(email string) bool {
		key := strings.ToLower(email)
		ok := !known[key] && isCopyable(email)
		known[key] = true
		return ok
	}
	if use(m.SubmitterMail) {
		r.To = m.SubmitterMail
	}
	if use(listEmail) {
		r.Cc = append(r.Cc, listEmail) // first: of many copies the last may have no room
	}
	for _, a := range append(header.Addresses("To"), header.Addresses("Cc")...) {
		if use(a.Email) {
			r.Cc = append(r.Cc, a.Email)
		}
	}
	if r.To == "" && len(r.Cc) > 0 {
		r.To, r.Cc = r.Cc[0], r.Cc[1:]
	}
	return r
}

// isCopyable tells whether an address means the same to everyone and does no harm in a header or on a command line.
func isCopyable(email string) bool {
	at := strings.LastIndexByte(email, '@')
	return at > 0 && at < len(email)-1 && len(email) <= 254 && email[0] != '-' && utf8.ValidString(email) && !strings.ContainsFunc(email, func(r rune) bool {
		return r == ' ' || !unicode.IsPrint(r) || strings.ContainsRune(`"\<>()[],;:`, r)
	})
}

// replyID is a Message-ID without brackets; empty when there is none or it could not be written into a header as it is.
func replyID(msgid string) string {
	id := strings.TrimSuffix(strings.TrimPrefix(msgid, "<"), ">")
	if strings.HasSuffix(id, "@no-message-id.invalid") || oneLine(id) != id || strings.ContainsAny(id, "<>") {
		return ""
	}
	return id
}

func replySubject(subject string) string {
	s := oneLine(subject)
	if len(s) >= 3 && strings.EqualFold(s[:3], "re:") {
		return s
	}
	return "Re: " + s
}

// quote sets the text of a mail off with ">", as mail programs do.
func quote(m *patch.Mail, diff string) string {
	who := oneLine(m.SubmitterName)
	if who == "" {
		who = oneLine(m.SubmitterMail)
	}
	text := strings.TrimRight(m.Content, "\n")
	if diff != "" {
		text += "\n\n" + strings.TrimRight(diff, "\n")
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/16 + 128)
	b.WriteString("On " + m.Date.Time().Format("Mon, 2 Jan 2006 15:04:05 +0000") + ", " + who + " wrote:\n")
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteByte('>')
		if line != "" && line[0] != '>' {
			b.WriteByte(' ')
		}
		b.WriteString(strings.Map(visible, line) + "\n")
	}
	return b.String()
}

// visible drops control characters but the tab.
func visible(r rune) rune {
	if r != '\t' && unicode.IsControl(r) {
		return -1
	}
	return r
}

// How long the pieces of a mailto: URL may be, in bytes as they are written there. Browsers and mail programs cut or refuse longer URLs.
const (
	mailtoLimit = 8000
	idLimit     = 1500
	wordsLimit  = 1500 // of the subject
	copiesLimit = 3000
)

const cutMark = "> [...]\n"

// Mailto is the reply as a mailto: URL (RFC 6068) of at most 8000 bytes: of many recipients the last are left out, and of the quoted
// text the end.
func (r Reply) Mailto() string {
	var b strings.Builder
	b.WriteString("mailto:" + percent(r.To))
	sep := byte('?')
	add := func(name, value string) {
		if value != "" {
			b.WriteByte(sep)
			b.WriteString(name + "=" + value)
			sep = '&'
		}
	}
	add("cc", r.copies())
	if id := percent("<" + r.InReplyTo + ">"); r.InReplyTo != "" && len(id) <= idLimit {
		add("in-reply-to", id)
	}
	add("subject", percent(cutTo(r.Subject, wordsLimit)))
	add("body", r.body(mailtoLimit-b.Len()-len("&body=")))
	return b.String()
}

func (r Reply) copies() string {
	var out []string
	left := copiesLimit
	for _, email := range r.Cc {
		e := percent(email)
		if left -= len(e) + 1; left < 0 {
			break
		}
		out = append(out, e)
	}
	return strings.Join(out, ",")
}

// body is the quoted text, encoded, with as many whole lines as there is room for.
func (r Reply) body(room int) string {
	if len(r.Quote) <= room {
		if whole := percentLines(r.Quote); len(whole) <= room {
			return whole
		}
	}
	mark := percentLines(cutMark)
	var b strings.Builder
	for line := range strings.Lines(r.Quote) {
		e := percentLines(line)
		if b.Len()+len(e)+len(mark) > room {
			break
		}
		b.WriteString(e)
	}
	return b.String() + mark
}

func percentLines(s string) string { return strings.ReplaceAll(percent(s), "%0A", "%0D%0A") }

// percent encodes all but unreserved characters (RFC 3986 §2.3) and "@".
func percent(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(s) + len(s)/2)
	for i := range len(s) {
		c := s[i]
		if '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte("-._~@", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// cutTo shortens s to what takes at most limit bytes when it is encoded.
func cutTo(s string, limit int) string {
	for i, r := range s {
		if limit -= len(percent(string(r))); limit < 0 {
			return s[:i]
		}
	}
	return s
}

// sendEmailCopies is how many --cc the command line holds at most.
const sendEmailCopies = 100

// SendEmail is the command line by which git send-email sends a file as the reply. It is safe to paste into any POSIX shell.
func (r Reply) SendEmail() string {
	words := []string{"git", "send-email"}
	if r.InReplyTo != "" {
		words = append(words, "--in-reply-to="+ShellWord(r.InReplyTo))
	}
	if r.To != "" {
		words = append(words, "--to="+ShellWord(r.To))
	}
	for _, email := range r.Cc[:min(len(r.Cc), sendEmailCopies)] {
		words = append(words, "--cc="+ShellWord(email))
	}
	return strings.Join(append(words, "YOUR_REPLY"), " ")
}

// ShellWord quotes s unless it holds nothing a shell could take for its own.
func ShellWord(s string) string {
	for i := range len(s) {
		c := s[i]
		if !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || strings.IndexByte("@%+=:,./_-", c) >= 0) {
			return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
		}
	}
	return s
}
