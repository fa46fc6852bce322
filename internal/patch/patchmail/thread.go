// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
)

// How much of a thread is read at a time.
const (
	threadPiece = 1 << 20 // bytes, if more than one mail makes them
	threadMails = 64
)

// WriteThread writes mails as they were received, in the mboxrd format of public-inbox. What told how they came here is left out. A mail whose
// bytes are not kept, as after an import, is written from what is stored of it. It asks at most two queries per 64 mails or MiB.
func WriteThread(ctx context.Context, q sqldb.Queryer, w io.Writer, posts []mailstore.Post) error {
	for len(posts) > 0 {
		n, size := 1, posts[0].Mail.Size
		for n < len(posts) && n < threadMails && size+posts[n].Mail.Size <= threadPiece {
			size += posts[n].Mail.Size
			n++
		}
		if err := writePosts(ctx, q, w, posts[:n]); err != nil {
			return err
		}
		posts = posts[n:]
	}
	return nil
}

func writePosts(ctx context.Context, q sqldb.Queryer, w io.Writer, posts []mailstore.Post) error {
	var mails []mailstore.Mail
	for _, p := range posts {
		if p.Mail.ID != 0 {
			mails = append(mails, p.Mail)
		}
	}
	raws, err := mailstore.Raws(ctx, q, mails)
	if err != nil {
		return err
	}
	var lost []int64
	for _, p := range posts {
		if _, ok := raws[p.Mail.ID]; !ok {
			lost = append(lost, p.Message)
		}
	}
	stored, err := patch.Originals(ctx, q, lost)
	if err != nil {
		return err
	}
	for _, p := range posts {
		var b bytes.Buffer
		if raw, ok := raws[p.Mail.ID]; ok {
			writeRaw(&b, raw)
		} else if o, ok := stored[p.Message]; ok {
			writeOriginal(&b, p, o)
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return fmt.Errorf("write %s: %w", p.MsgID, err)
		}
	}
	return nil
}

// mboxrdLine begins each mail, as in public-inbox: it tells readers how "From " was quoted.
const mboxrdLine = "From mboxrd@z Thu Jan  1 00:00:00 1970\n"

// writeRaw writes one mail and the empty line after it.
func writeRaw(b *bytes.Buffer, raw []byte) {
	header, body := cutHeader(raw)
	b.Grow(len(mboxrdLine) + len(raw) + 2)
	b.WriteString(mboxrdLine)
	b.Write(header)
	b.WriteByte('\n')
	start := b.Len()
	writeQuoted(b, body)
	if b.Len() > start && !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
}

// cutHeader gives the header of a mail, as it is published, and the body. Line ends are LF if those of the header were CR and LF.
func cutHeader(raw []byte) (header, body []byte) {
	if i := bytes.IndexByte(raw, '\n'); i > 0 && raw[i-1] == '\r' {
		raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	}
	header, body, _ = bytes.Cut(raw, []byte("\n\n"))
	if bytes.HasPrefix(raw, []byte("\n")) {
		header, body = nil, raw[1:]
	}
	return publicHeader(header), body
}

// publicHeader leaves out of a header what concerns only the way to us: the lines of mbox files, where it was delivered, and, as public-inbox can, an address that
// would unsubscribe this site with one click.
func publicHeader(header []byte) []byte {
	oneClick := bytes.Contains(bytes.ToLower(header), []byte("\nlist-unsubscribe-post:"))
	var out bytes.Buffer
	keep := true
	for line := range bytes.Lines(header) {
		if line[0] != ' ' && line[0] != '\t' {
			name, _, isField := bytes.Cut(line, []byte(":"))
			keep = isField && !isPrivate(strings.ToLower(string(bytes.TrimSpace(name))), oneClick)
		}
		if keep {
			out.Write(line)
		}
	}
	if out.Len() > 0 && !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func isPrivate(field string, oneClick bool) bool {
	switch field {
	case "return-path", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "content-length", "lines", "status", "x-status":
		return true
	case "list-unsubscribe", "list-unsubscribe-post":
		return oneClick
	}
	return strings.HasPrefix(field, "from ") || strings.HasPrefix(field, ">from ") // the line before a mail in an mbox file
}

// writeOriginal writes a mail from what is stored of it.
func writeOriginal(b *bytes.Buffer, p mailstore.Post, o patch.Original) {
	body, charset, encoding := encodeBody([]byte(strings.TrimRight(o.Content, "\n")+"\n"), o.Diff, o.Charset)
	m := patch.MboxMail{Mail: patch.Mail{Headers: o.Headers, Date: p.Date}}
	header := originalHeader(&m, "")
	var raw bytes.Buffer
	if len(header) > 0 {
		raw.WriteString(header.Text() + "\n")
	}
	if !header.Has("Date") {
		raw.WriteString("Date: " + p.Date.Time().Format("Mon, 02 Jan 2006 15:04:05 -0000") + "\n")
	}
	if !header.Has("Message-ID") {
		raw.WriteString("Message-ID: " + oneLine(p.MsgID) + "\n")
	}
	raw.WriteString("MIME-Version: 1.0\nContent-Type: text/plain; charset=\"" + charset + "\"\nContent-Transfer-Encoding: " + encoding + "\n\n")
	raw.Write(body)
	writeRaw(b, raw.Bytes())
}
