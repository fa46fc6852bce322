// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"context"
	"strings"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/rangediff"
	"patchwork.example/pw/internal/patch"
)

// Commits reads mails as the commits that git am would make of them, to compare two versions of a series. Their names are the first digits of the hash
// of the diff; one without a diff has only dashes.
func Commits(ctx context.Context, q sqldb.Queryer, mails []*patch.MboxMail) ([]rangediff.Patch, error) {
	out := make([]rangediff.Patch, 0, len(mails))
	err := patch.ReadMbox(ctx, q, mails, func(m *patch.MboxMail) error {
		out = append(out, commitOf(m))
		return nil
	})
	return out, err
}

const nameLength = 7 // as git shortens them

func commitOf(m *patch.MboxMail) rangediff.Patch {
	message, _ := splitMessage(m.Content)
	author, subject, message := inBody(message)
	if author == "" {
		author = nameAddr(m.SubmitterName, m.SubmitterMail)
	}
	if subject == "" {
		subject = m.Name
	}
	p := rangediff.Patch{Name: strings.Repeat("-", nameLength), Author: author, Message: withoutPrefix(subject) + "\n\n" + message}
	if len(m.Hash) >= nameLength {
		p.Name = m.Hash[:nameLength]
	}
	if len(m.Diff) > 0 {
		part := mailmsg.Part{Type: "text/plain", Charset: m.Charset, Body: m.Diff}
		text, _ := part.Text()
		p.Diff = []byte(text)
	}
	return p
}

func nameAddr(name, mail string) string {
	if name == "" {
		name = mail
	}
	return name + " <" + mail + ">"
}

// withoutPrefix is a subject without what stands in brackets before it.
func withoutPrefix(s string) string {
	for strings.HasPrefix(s, "[") {
		_, rest, ok := strings.Cut(s, "]")
		if !ok || strings.TrimSpace(rest) == "" {
			break
		}
		s = strings.TrimLeft(rest, " ")
	}
	return s
}

// inBody takes the header lines off with which a text may begin (git-format-patch(1): in-body headers).
func inBody(text string) (author, subject, rest string) {
	rest = strings.TrimLeft(text, "\n")
	for {
		line, after, _ := strings.Cut(rest, "\n")
		key, value, ok := strings.Cut(strings.TrimPrefix(line, ">"), ": ")
		switch {
		case ok && key == "From" && author == "":
			if a, err := mailmsg.ParseFrom(value); err == nil {
				author = nameAddr(a.Name, a.Email)
			}
		case ok && key == "Subject" && subject == "":
			subject = strings.TrimSpace(value)
		case ok && key == "Date":
		default:
			return author, subject, strings.TrimLeft(rest, "\n")
		}
		rest = after
	}
}
