// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/subject"
	"patchwork.example/pw/internal/format/trailer"
	"patchwork.example/pw/internal/mailstore"
)

// draft is what can be said of a mail without a database.
type draft struct {
	subject    string // decoded
	lists      []string
	hint       string   // lower case
	references []string // key forms, nearest first
	date       clock.Time
	headers    string
	content    string // text, cleaned
	diff       []byte // nil: none
	charset    string // of diff when it is not UTF-8
	hash       string
	files      []string
	pullURL    string
	depends    []trailer.Dependency
}

// maxReferences bounds how far back in a thread a mail is looked up.
const maxReferences = 100

// draft reads a mail; when it was received dates one that has no usable date.
func (c *Claimer) draft(m *mailmsg.Message, received clock.Time) *draft {
	d := &draft{
		subject: m.Header.Get("Subject"),
		lists:   mailmsg.ListIDs(m.Header),
		hint:    strings.ToLower(m.Header.Get("X-Patchwork-Hint")),
		headers: m.Header.Text(),
	}
	when, _ := m.Date(received.Time())
	d.date = clock.FromTime(when)
	for _, ref := range m.References() {
		if len(d.references) == maxReferences {
			break
		}
		d.references = append(d.references, mailstore.Key(ref))
	}
	d.readBody(m, subject.Parse(d.subject, "").Reply)
	return d
}

// readBody takes the text and, unless the mail is a reply, the diff out of the parts.
func (d *draft) readBody(m *mailmsg.Message, reply bool) {
	var texts []string
	var decoded string // the diff as text
	for i := range m.Parts {
		p := &m.Parts[i]
		switch {
		case p.Type == "text/plain" && (reply || d.diff != nil):
			text, _ := p.Text()
			texts = append(texts, strings.TrimSpace(text))
		case p.Type == "text/plain":
			var text string
			text, decoded = d.split(p)
			texts = append(texts, strings.TrimSpace(text))
		case !reply && (p.Type == "text/x-patch" || p.Type == "text/x-diff"):
			text, charset := p.Text()
			decoded = text
			d.setDiff(p.Body, text, charset)
		}
	}
	d.content = strings.ReplaceAll(diff.Clean(strings.Join(texts, "\n")), "\r\n", "\n")
	if d.diff != nil {
		d.hash = diff.Hash(decoded)
		d.files = diff.Files(decoded)
	}
	if !reply {
		d.pullURL = trailer.PullURL(d.content)
		d.depends = trailer.Dependencies(d.content)
	}
}

func (d *draft) split(p *mailmsg.Part) (text, decoded string) {
	whole, charset := p.Text()
	comment, patch := diff.Split([]byte(whole))
	if patch == nil {
		return whole, ""
	}
	raw, body := patch, p.Body
	if flowed, delSp := p.Flowed(); flowed {
		// Mail programs say flowed also of diffs that they have left alone; those make no sense once they are unflowed.
		if c, q := diff.Split([]byte(mailmsg.Unflow(whole, delSp))); diff.Sound(q) {
			comment, patch, raw, body = c, q, q, []byte(mailmsg.Unflow(string(body), delSp))
		}
	}
	if !utf8Name(charset) && asciiBased(charset) {
		_, raw = diff.Split(body)
	}
	d.setDiff(raw, string(patch), charset)
	return string(comment), string(patch)
}

// setDiff keeps the bytes as they were sent, so that they can be applied to files that are not in UTF-8. Where bytes and text
// don't correspond line by line the text is kept.
func (d *draft) setDiff(raw []byte, text, charset string) {
	if utf8Name(charset) || !asciiBased(charset) || bytes.IndexByte(raw, 0) >= 0 || string(raw) == text {
		d.diff, d.charset = []byte(text), ""
	} else {
		d.diff, d.charset = raw, fold.Cut(charset, 40)
	}
	if len(d.diff) == 0 {
		d.diff = nil
	}
}

func utf8Name(charset string) bool {
	return charset == "utf-8" || charset == "utf8" || charset == "us-ascii" || charset == ""
}

// asciiBased tells whether a byte below 128 always stands for itself, so that lines are the same before and after decoding.
func asciiBased(charset string) bool {
	for _, prefix := range []string{"utf-16", "utf-32", "utf-7", "iso-2022", "hz-", "unicode", "csiso2022"} {
		if strings.HasPrefix(charset, prefix) {
			return false
		}
	}
	return true
}
