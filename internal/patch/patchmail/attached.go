// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"strings"

	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/mbox"
)

// isAttachedPatch tells by type or name, or by the beginning of what else might be one.
func isAttachedPatch(p *mailmsg.Part) bool {
	if p.Type == "text/plain" && p.Filename == "" { // nearly all
		return false
	}
	if says(p) {
		return true
	}
	kind, _, _ := strings.Cut(p.Type, "/")
	if kind != "text" && kind != "application" || p.Type == "text/html" {
		return false
	}
	return mailmsg.PatchName(p.Filename) || beginsPatch(p)
}

// beginsPatch knows a file of git format-patch, whatever its name and type, and a diff in a part that is not shown as text.
func beginsPatch(p *mailmsg.Part) bool {
	const enough = 8 << 10
	head := bytes.TrimPrefix(p.Body[:min(len(p.Body), enough)], []byte("\ufeff"))
	if isFormatPatch(head) {
		return true
	}
	if p.Type == "text/plain" {
		return false
	}
	head = bytes.TrimLeft(head, "\r\n")
	return (bytes.HasPrefix(head, []byte("diff -")) || bytes.HasPrefix(head, []byte("Index: ")) || bytes.HasPrefix(head, []byte("--- "))) && diff.Sound(p.Body)
}

// isFormatPatch knows the first line of git format-patch: "From ", the commit, and always the same date.
func isFormatPatch(body []byte) bool {
	line, _, _ := bytes.Cut(body, []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("From "))
	commit, date, _ := bytes.Cut(rest, []byte(" "))
	return ok && (len(commit) == 40 || len(commit) == 64) && string(bytes.TrimSuffix(date, []byte("\r"))) == "Mon Sep 17 00:00:00 2001"
}

// says tells whether a part says by its type that it is a patch: then all of it is.
func says(p *mailmsg.Part) bool {
	switch p.Type {
	case "text/x-patch", "text/x-diff", "text/patch", "text/diff", "application/x-patch", "application/x-diff", "application/patch", "application/diff":
		return true
	}
	return false
}

// attached takes an attached patch: a file of git format-patch with its mails, or a diff.
func (r *bodyReader) attached(p *mailmsg.Part) {
	p = r.unpacked(p)
	// Some mailers put ">" before a line that begins with "From ".
	if mails := formatPatch(bytes.TrimPrefix(p.Body, []byte{'>'})); mails != nil {
		for _, m := range mails {
			r.attachedMail(m, p)
		}
		return
	}
	text, charset := p.Text()
	text = strings.TrimPrefix(text, "\ufeff")
	body := bytes.TrimPrefix(p.Body, []byte("\ufeff"))
	whole := body
	if mailmsg.View(body) != text {
		whole = []byte(text)
	}
	comment, found := diff.Split(whole)
	switch {
	case says(p):
		r.pieces = append(r.pieces, piece{whole, body, charset})
	case found != nil && p.Type == "text/plain":
		r.plain(p, true)
	case found != nil && len(bytes.TrimSpace(comment)) == 0:
		r.pieces = append(r.pieces, piece{whole, body, charset})
	case found != nil:
		said, _ := r.split(text, body, charset, false, false)
		r.say(said)
	case p.Type == "text/plain":
		r.plain(p, false)
	}
}

// maxAttachedMails bounds the mails of one file.
const maxAttachedMails = 1000

// formatPatch reads a file of git format-patch, which holds mails; nil if it is none.
func formatPatch(body []byte) []*mailmsg.Message {
	if !startsMail(body) {
		return nil
	}
	var mails []*mailmsg.Message
	for in := mbox.NewReader(bytes.NewReader(body), len(body)); len(mails) < maxAttachedMails; {
		m, err := in.Next()
		if err != nil {
			break
		}
		mails = append(mails, mailmsg.Parse(m.Raw))
	}
	return mails
}

// startsMail tells whether a file begins with git's separator or with a header that has a subject.
func startsMail(body []byte) bool {
	if !bytes.HasPrefix(body, []byte("From ")) && !bytes.HasPrefix(body, []byte("From: ")) && !bytes.HasPrefix(body, []byte("Subject: ")) &&
		!bytes.HasPrefix(body, []byte("Date: ")) {
		return false
	}
	const enough = 64 << 10 // of header
	head := append([]byte("\n"), body[:min(len(body), enough)]...)
	head, _, _ = bytes.Cut(bytes.ReplaceAll(head, []byte("\r\n"), []byte("\n")), []byte("\n\n"))
	return bytes.Contains(head, []byte("\nSubject: ")) && bytes.Contains(head, []byte("\nFrom"))
}

// attachedMail takes the message and the diff of an attached mail. Where the mail around it says nothing, so that the message is all the text there is, and
// another one wrote it, it begins with his name, as git has it.
func (r *bodyReader) attachedMail(m *mailmsg.Message, file *mailmsg.Part) {
	said := r.texts
	r.texts = nil
	if author, err := m.Author(""); err == nil && len(said) == 0 {
		if sender, err := r.mail.Author(""); err == nil && !strings.EqualFold(sender.Email, author.Email) {
			r.texts = append(r.texts, "From: "+author.Name+" <"+author.Email+">", "")
		}
	}
	for i := range m.Parts {
		p := m.Parts[i]
		if p.Type != "text/plain" {
			continue
		}
		if p.Charset == "" {
			p.Charset = file.Charset
		}
		r.plain(&p, true)
	}
	r.texts = r.together(said, diff.Clean(strings.Join(r.texts, "\n")))
}

// maxHeard is how much of what a mail says is compared with the messages of the patches attached to it, in bytes.
const maxHeard = 1 << 20

// together adds the message of an attached patch to what the mail says, with an empty line between, unless the mail, or another patch, has said it.
func (r *bodyReader) together(said []string, message string) []string {
	if len(said) == 0 {
		return []string{message}
	}
	for _, text := range said[min(r.heard, len(said)):] {
		if r.own.Len() < maxHeard {
			r.own.WriteString(fold.Collapse(text) + " ")
		}
	}
	r.heard = len(said)
	words, _, _ := strings.Cut(message, "\n---\n")
	words = fold.Collapse(words)
	if message == "" || r.messages[words] || strings.Contains(r.own.String(), words) {
		return said
	}
	if r.messages == nil {
		r.messages = map[string]bool{}
	}
	r.messages[words] = true
	r.heard += 2 // what follows is none of the mail's own words
	return append(said, "", message)
}
