// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"strings"

	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/trailer"
)

// bodyReader collects the text and the diffs of the parts of a mail.
type bodyReader struct {
	reply  bool
	texts  []string
	pieces []piece
	mail   *mailmsg.Message

	own      strings.Builder // what the mail itself says, for together: of the first heard texts
	heard    int
	messages map[string]bool // of patches that are attached
	inflated int             // bytes that its compressed attachments became
}

// piece is one diff of a mail.
type piece struct {
	text    []byte // in UTF-8
	raw     []byte // as it was sent
	charset string
}

// readBody takes the text and, unless the mail is a reply, the diff out of the parts.
func (d *draft) readBody(m *mailmsg.Message, reply bool) {
	r := bodyReader{reply: reply, mail: m}
	for i := range m.Parts {
		r.part(&m.Parts[i])
	}
	if len(r.pieces) == 0 && strings.TrimSpace(strings.Join(r.texts, "")) == "" {
		r.html()
	}
	d.content = diff.Clean(strings.Join(r.texts, "\n"))
	if decoded := mailmsg.View(d.setDiff(r.distinct())); d.diff != nil {
		d.hash = diff.Hash(decoded)
		d.gitID = diff.PatchID(d.diff)
		d.files = diff.Files(decoded)
	}
	if !reply {
		d.pullURL = trailer.PullURL(d.content)
		d.depends = trailer.Dependencies(d.content)
		d.links = trailer.ReadLinks(d.content)
	}
}

func (r *bodyReader) part(p *mailmsg.Part) {
	if !r.reply && isAttachedPatch(p) {
		r.attached(p)
	} else if p.Type == "text/plain" {
		r.plain(p, !r.reply && len(r.pieces) == 0)
	}
}

// say adds text. Its first line keeps its indentation.
func (r *bodyReader) say(text string) {
	if text = diff.Trim(text); text != "" {
		r.texts = append(r.texts, text)
	}
}

// plain takes the diff out of a text, if one is wanted.
func (r *bodyReader) plain(p *mailmsg.Part, split bool) {
	text, charset := p.Text()
	body := p.Body
	if strings.Contains(text, "-----BEGIN PGP SIGNED") {
		text, body = string(mailmsg.Unarmour([]byte(text))), mailmsg.Unarmour(body)
	}
	flowed, delSp := p.Flowed()
	undone := false
	if split {
		text, undone = r.split(text, body, charset, flowed, delSp)
	}
	if flowed && !undone {
		text = mailmsg.UnflowLines(text, delSp)
	}
	if flowed {
		text = trailer.Rejoin(text)
	}
	r.say(text)
}

// split takes the diff out of a text and returns what is left; undone says that format=flowed was undone in it.
func (r *bodyReader) split(whole string, body []byte, charset string, flowed, delSp bool) (rest string, undone bool) {
	same := mailmsg.View(body) == whole
	text := body
	if !same {
		text = []byte(whole)
	}
	comment, patch := diff.Split(text)
	if patch == nil {
		return whole, false
	}
	raw := patch
	undo := unflowing(flowed, delSp, whole)
	if undo != nil {
		comment, patch = diff.Split([]byte(undo(whole)))
		raw, body = patch, []byte(undo(string(body)))
	}
	if !same && !utf8Name(charset) && asciiBased(charset) {
		_, raw = diff.Split(body)
	}
	r.pieces = append(r.pieces, piece{patch, raw, charset})
	return mailmsg.View(comment), undo != nil
}

// unflowing is how to undo format=flowed, nil if nothing is to be undone. Mail programs say flowed also of diffs that they have left alone; those make no sense
// once they are joined, and neither do diffs with spaces at the ends of lines, which only got the space before theirs.
func unflowing(flowed, delSp bool, text string) func(string) string {
	if !flowed {
		return nil
	}
	join := func(s string) string { return mailmsg.Unflow(s, delSp) }
	if _, patch := diff.Split([]byte(join(text))); diff.Sound(patch) {
		return join
	}
	if bare, ok := mailmsg.Unstuff(text); ok && bare != text {
		return func(s string) string { bare, _ := mailmsg.Unstuff(s); return bare }
	}
	return nil
}

// html makes text of the first HTML part: for a mail that has nothing else.
func (r *bodyReader) html() {
	for i := range r.mail.Parts {
		p := &r.mail.Parts[i]
		if p.Type != "text/html" {
			continue
		}
		source, _ := p.Text()
		text := mailmsg.HTMLText(source)
		// Few mail programs put a diff into HTML in a way that brings it out whole.
		if comment, patch := diff.Split([]byte(text)); !r.reply && diff.Sound(patch) {
			r.pieces = append(r.pieces, piece{patch, patch, ""})
			text = string(comment)
		}
		r.say(text)
		return
	}
}

// distinct leaves out diffs that were there before, such as an attached copy of what stands in the mail, and those that the mail program has wrapped, if there
// is one in order: people attach what would not survive.
func (r *bodyReader) distinct() []piece {
	if len(r.pieces) < 2 {
		return r.pieces
	}
	seen := map[string]bool{}
	var out, wrapped []piece
	for _, p := range r.pieces {
		hash := diff.Hash(mailmsg.View(p.text))
		if diff.Degenerate(hash) {
			hash = string(p.text)
		}
		switch {
		case seen[hash]:
		case bytes.Contains(p.text, []byte("@@ -")) && !diff.Sound(p.text):
			wrapped = append(wrapped, p)
		default:
			out = append(out, p)
		}
		seen[hash] = true
	}
	if out == nil {
		return wrapped
	}
	return out
}

// setDiff keeps the bytes as they were sent, so that they can be applied to files that are not in UTF-8. Where bytes and text
// don't correspond line by line, or several diffs are in different charsets, the text is kept. It returns the text.
func (d *draft) setDiff(pieces []piece) []byte {
	if len(pieces) == 0 {
		return nil
	}
	whole := pieces[0]
	for _, p := range pieces[1:] {
		if p.charset != whole.charset {
			whole.charset = ""
		}
		whole.text, whole.raw = join(whole.text, p.text), join(whole.raw, p.raw)
	}
	if raw := whole.raw; utf8Name(whole.charset) || !asciiBased(whole.charset) || bytes.IndexByte(raw, 0) >= 0 || bytes.Equal(raw, whole.text) {
		d.diff, d.charset = whole.text, ""
	} else {
		d.diff, d.charset = raw, fold.Cut(whole.charset, 40)
	}
	if len(d.diff) == 0 {
		d.diff = nil
	}
	return whole.text
}

// join puts b after a, on a line of its own.
func join(a, b []byte) []byte {
	out := append(make([]byte, 0, len(a)+1+len(b)), a...)
	if len(a) > 0 && a[len(a)-1] != '\n' {
		out = append(out, '\n')
	}
	return append(out, b...)
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
