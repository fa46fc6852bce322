// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"cmp"
	"context"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/mailstore"
)

// maxCarried bounds how many files of a mail are listed.
const maxCarried = 100

// carried lists the files of a mail: all parts but its text, the HTML beside it, and signatures.
func carried(m *mailmsg.Message) []mailstore.Attachment {
	var out []mailstore.Attachment
	for i := range m.Parts {
		p := &m.Parts[i]
		if !isFile(p) || len(out) == maxCarried {
			continue
		}
		out = append(out, mailstore.Attachment{Part: i + 1, Name: fold.Cut(p.Filename, 255), Type: fold.Cut(p.Type, 100), Size: len(p.Body), Patch: isAttachedPatch(p)})
	}
	return out
}

// isFile tells the files of a mail from its text.
func isFile(p *mailmsg.Part) bool {
	switch p.Type {
	case "text/plain", "text/html":
		return p.Filename != "" || p.Disposition == "attachment"
	case "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-encrypted":
		return false
	}
	return len(p.Body) > 0
}

// Carried is a file of a mail.
type Carried struct {
	mailstore.Attachment
	Body []byte
}

// ReadCarried reads the files that a message carries, from the mail as it was received. A message whose mail is not kept has none.
func ReadCarried(ctx context.Context, q sqldb.Queryer, message int64) ([]Carried, error) {
	m, err := received(ctx, q, message)
	if m == nil || err != nil {
		return nil, err
	}
	var out []Carried
	for _, a := range carried(m) {
		out = append(out, Carried{a, m.Parts[a.Part-1].Body})
	}
	return out, nil
}

// received reads a mail as it was received; nil: it is not kept.
func received(ctx context.Context, q sqldb.Queryer, message int64) (*mailmsg.Message, error) {
	post, err := mailstore.PostOf(ctx, q, message)
	if err != nil || post.Mail.ID == 0 {
		return nil, err
	}
	raws, err := mailstore.Raws(ctx, q, []mailstore.Mail{post.Mail})
	if err != nil || raws[post.Mail.ID] == nil {
		return nil, err
	}
	return mailmsg.Parse(raws[post.Mail.ID]), nil
}

// AttachedPatches writes the patches that are attached to a message as an mbox file, unpacked, in their order, as git am takes it: those of git format-patch as they are, other diffs
// as mails with sender, subject and date of the message. One without patches is fault.NotFound.
func AttachedPatches(ctx context.Context, q sqldb.Queryer, message int64) ([]byte, error) {
	m, err := received(ctx, q, message)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if m != nil {
		r := bodyReader{mail: m}
		for _, a := range carried(m) {
			if a.Patch {
				writeAttached(&b, m, r.unpacked(&m.Parts[a.Part-1]))
			}
		}
	}
	if b.Len() == 0 {
		return nil, fault.New(fault.NotFound, "no patches are attached to message %d", message)
	}
	return b.Bytes(), nil
}

func writeAttached(b *bytes.Buffer, m *mailmsg.Message, p *mailmsg.Part) {
	body := bytes.TrimPrefix(p.Body, []byte{'>'})
	if startsMail(body) && bytes.HasPrefix(body, []byte("From ")) {
		b.Write(bytes.TrimRight(body, "\n"))
		b.WriteString("\n\n")
		return
	}
	if startsMail(body) {
		writeRaw(b, body)
		return
	}
	text, found := diff.Split(bytes.TrimPrefix(body, []byte("\ufeff")))
	if found == nil {
		return
	}
	var raw bytes.Buffer
	for _, name := range []string{"From", "Date"} {
		writeField(&raw, name, oneLine(m.Header.Raw(name)))
	}
	writeField(&raw, "Subject", oneLine(m.Header.Raw("Subject")))
	raw.WriteString("Content-Type: text/plain; charset=" + cmp.Or(charsetToken(p.Charset), "utf-8") + "\nContent-Transfer-Encoding: 8bit\n\n")
	raw.Write(bytes.TrimSpace(text))
	raw.WriteString("\n---\n\n")
	raw.Write(found)
	writeRaw(b, raw.Bytes())
}

// charsetToken is a charset that may stand in a header; "" if it may not.
func charsetToken(charset string) string {
	if strings.ContainsFunc(charset, func(r rune) bool { return !(r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z') }) {
		return ""
	}
	return charset
}
