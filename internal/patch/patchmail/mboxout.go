// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/trailer"
	"patchwork.example/pw/internal/patch"
)

// ExportMbox reads the texts of mails and writes them as an mbox file, in which git am finds one mail each. Nothing is written before the first texts
// are read.
func ExportMbox(ctx context.Context, q sqldb.Queryer, w io.Writer, mails []*patch.MboxMail) error {
	first := true
	return patch.ReadMbox(ctx, q, mails, func(m *patch.MboxMail) error {
		if !first {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		first = false
		return WriteMbox(w, m)
	})
}

// WriteMbox writes mails, which must have their texts, as an mbox file, with an empty line between two. The form is that of Patchwork 3.2, but: lines of
// the body that begin with "From " are quoted in the way of mboxrd, the diff keeps the bytes that were sent, and no header appears twice.
// See docs/manual/mbox.md.
func WriteMbox(w io.Writer, mails ...*patch.MboxMail) error {
	for i, m := range mails {
		var b bytes.Buffer
		b.Grow(len(m.Headers) + len(m.Content) + len(m.Diff) + 1024)
		if i > 0 {
			b.WriteByte('\n')
		}
		writeMail(&b, m)
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// WriteDiff writes the diff of a patch, which must have its texts, byte by byte as it was sent. A mail without one is fault.NotFound.
func WriteDiff(w io.Writer, m *patch.MboxMail) error {
	if len(m.Diff) == 0 {
		return fault.New(fault.NotFound, "%s has no diff", m.MsgID)
	}
	_, err := w.Write(m.Diff)
	return err
}

// FileName makes the name of a downloaded file, such as "v2-1-2-fix-it.patch", of the name of a patch, cover letter or series and an extension with its
// dot. Every run of bytes other than ASCII letters, digits, "-", "_" and "." becomes one "-", as Patchwork 3.2 does; a name of which nothing
// is left gives "patchwork-" and the id. One that is too long for a file system is cut.
func FileName(name string, id int64, extension string) string {
	var b strings.Builder
	gap := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '-' || c == '_' || c == '.' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z':
			b.WriteByte(c)
			gap = false
		case !gap:
			b.WriteByte('-')
			gap = true
		}
	}
	const most = 240 // a file system takes 255 bytes, and programs put numbers before them
	base := strings.Trim(fold.Cut(strings.Trim(b.String(), "-"), most), "-")
	if strings.Trim(base, ".") == "" {
		base = "patchwork-" + strconv.FormatInt(id, 10)
	}
	return base + extension
}

// writeMail writes one mail with its "From " line.
func writeMail(b *bytes.Buffer, m *patch.MboxMail) {
	body, charset, encoding := encodeBody(mailText(m), m.Diff, m.Charset)
	b.WriteString("From patchwork " + m.Date.Time().Format("Mon Jan _2 15:04:05 2006") + "\n")
	b.WriteString("Content-Type: text/plain; charset=\"" + charset + "\"\nMIME-Version: 1.0\nContent-Transfer-Encoding: " + encoding + "\n")
	writeHeader(b, m)
	b.WriteByte('\n')
	if encoding == "quoted-printable" {
		b.Write(body) // has its own way to hide "From "
	} else {
		writeQuoted(b, body)
	}
}

// encodeBody is text and diff as the body of a mail, and what its header must say of it.
func encodeBody(text, diff []byte, diffCharset string) (body []byte, charset, encoding string) {
	text, charset = encodeText(text, diffCharset)
	body, encoding = append(text, diffText(diff)...), "7bit"
	switch {
	case ownsCR(diff):
		encoding, body = "quoted-printable", quotedPrintable(body)
	case !isASCII(body):
		encoding = "8bit"
	}
	return body, charset, encoding
}

// mailText is what stands before the diff: the text of the mail, with the trailers of its replies put in where a commit message ends.
func mailText(m *patch.MboxMail) []byte {
	message, rest := splitMessage(m.Content)
	var b bytes.Buffer
	b.WriteString(strings.TrimRightFunc(message, fold.IsSpace) + "\n")
	for _, line := range responses(m) {
		b.WriteString(line + "\n")
	}
	if rest != "" {
		b.WriteString(strings.TrimRightFunc(rest, fold.IsSpace) + "\n")
	}
	return b.Bytes()
}

// responses are the trailers of the replies: those to the mail, then those to the cover letter of its series, which count for every patch, as in b4. A line that is
// there already is not repeated for the cover letter.
func responses(m *patch.MboxMail) []string {
	lines := trailerLines(m.Comments)
	have := map[string]bool{}
	for _, l := range append(trailerLines([]string{m.Content}), lines...) {
		have[l] = true
	}
	for _, l := range trailerLines(m.Inherited) {
		if !have[l] {
			have[l] = true
			lines = append(lines, l)
		}
	}
	return lines
}

// trailerLines are the trailers of texts, each in one line, also where a mail program has broken it.
func trailerLines(texts []string) (out []string) {
	for _, text := range texts {
		text = trailer.Rejoin(text)
		for line := range strings.SplitSeq(text, "\n") {
			if isResponse(line) {
				out = append(out, strings.TrimRight(line, "\r"))
			}
		}
	}
	return out
}

// splitMessage cuts a text where git am ends the commit message: before a "---" line or a diff. A text without one is cut at a line "--", which
// people write for the same purpose, though git does not end the message there.
func splitMessage(text string) (message, rest string) {
	dashes := -1
	for start := 0; start < len(text); {
		line, _, _ := strings.Cut(text[start:], "\n")
		if endsMessage(line) {
			return text[:start], text[start:]
		}
		if dashes < 0 && (line == "--" || line == "-- ") {
			dashes = start
		}
		start += len(line) + 1
	}
	if dashes < 0 {
		return text, ""
	}
	return text[:dashes], text[dashes:]
}

// endsMessage tells the lines after which git looks for a diff.
func endsMessage(line string) bool {
	if strings.HasPrefix(line, "diff -") || strings.HasPrefix(line, "Index: ") {
		return true
	}
	after, ok := strings.CutPrefix(line, "---")
	if !ok {
		return false
	}
	return strings.Trim(after, " \t\r") == "" || len(after) > 1 && after[0] == ' ' && after[1] != ' ' && after[1] != '\t'
}

// isResponse tells the trailer lines of replies that go into the mail: those of Patchwork 3.2, whatever tags a site counts.
func isResponse(line string) bool {
	key, _, ok := strings.Cut(line, ":")
	if !ok {
		return false
	}
	for _, known := range [...]string{"Tested-by", "Reviewed-by", "Acked-by", "Signed-off-by", "Nacked-by", "Reported-by"} {
		if len(key) == len(known) && strings.EqualFold(key, known) {
			return true
		}
	}
	return false
}

// diffText is a diff after the empty line that sets it off, its last line ended.
func diffText(diff []byte) []byte {
	if len(diff) == 0 {
		return nil
	}
	out := make([]byte, 0, len(diff)+2)
	out = append(append(out, '\n'), diff...)
	if diff[len(diff)-1] != '\n' {
		out = append(out, '\n')
	}
	return out
}

// writeQuoted puts a ">" before each line that is "From " after any number of ">", so that no reader takes it for the beginning of a mail, and one
// of mboxrd files finds what was there before.
func writeQuoted(b *bytes.Buffer, body []byte) {
	if !bytes.Contains(body, []byte("From ")) {
		b.Write(body)
		return
	}
	for len(body) > 0 {
		n := bytes.IndexByte(body, '\n') + 1
		if n == 0 {
			n = len(body)
		}
		if isFromLine(body[:n]) {
			b.WriteByte('>')
		}
		b.Write(body[:n])
		body = body[n:]
	}
}

func isFromLine(line []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From "))
}
