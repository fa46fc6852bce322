// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/http"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// headerLines are the stored headers with their encoded words decoded, for people.
func headerLines(headers string) string {
	var b strings.Builder
	for _, f := range mailmsg.Parse([]byte(headers + "\n\n")).Header {
		b.WriteString(f.Name + ": " + visible(mailmsg.Decode(f.Value)) + "\n")
	}
	return b.String()
}

func headersURL(linkname, msgid string) string {
	return messageURL(linkname, msgid) + headersPage + "/"
}

// showHeaders shows the headers of a mail.
func (p *Pages) showHeaders(c *web.Call, pr project.Project, m *mailstore.Message) error {
	mails, err := patch.Mails(c.R.Context(), p.db, []int64{m.ID})
	if err != nil {
		return err
	}
	mail := mails[m.ID]
	if mail == nil {
		return fault.New(fault.NotFound, "this mail was hidden")
	}
	meta := web.Meta{Title: "Headers of " + shown(mail.Subject), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML, NoIndex: true}
	return c.Render(http.StatusOK, meta, headersView(pr.Linkname, mail))
}

// reply prepares the answer to a mail of the page; that to a patch quotes its diff too.
func (p mailPage) reply(m patch.Mail) patchmail.Reply {
	text := ""
	if p.patch != nil && m.Message == p.patch.Message {
		part := mailmsg.Part{Type: "text/plain", Charset: p.patch.Charset, Body: p.patch.Diff[:min(len(p.patch.Diff), maxQuoted)]}
		text, _ = part.Text()
	}
	return replyTo(p.project, m, text)
}

// box is the mail of the page.
func (p mailPage) box() *mailBox {
	b := &mailBox{mail: p.mail, id: "message", files: filesOf(p.project.Linkname, &p.mail), reply: p.reply(p.mail)}
	if p.patch != nil {
		b.html = messageHTML(p.mail.Content)
	} else {
		b.html = textHTML(p.mail.Content)
	}
	return b
}

// maxQuoted is how much of a mail a reply can quote at most, in bytes: a mailto: address holds no more.
const maxQuoted = 8000

func replyTo(pr project.Project, m patch.Mail, diff string) patchmail.Reply {
	m.Content = fold.Cut(m.Content, maxQuoted)
	return patchmail.NewReply(&m, pr.ListEmail, diff)
}
