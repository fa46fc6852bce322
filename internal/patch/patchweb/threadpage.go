// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// threadTexts is how many mails of a thread one page shows with their texts.
const threadTexts = 200

// threadView is what the template of a thread needs.
type threadView struct {
	project project.Project
	mails   []threadLine
	boxes   []*mailBox // of one page, with texts
	pager   web.Pager
	file    string // address of the thread as a file
	more    bool   // there are more mails than are listed
}

// threadLine is a mail in the list of a thread.
type threadLine struct {
	*patch.ThreadMail
	placed
	fresh bool // its subject is not that of the mail it answers
	link  string
	page  string // where it stands alone
}

func threadURL(linkname, msgid string) string {
	return messageURL(linkname, msgid) + threadPage + "/"
}

// showThread shows the thread of a message: all its mails as a list, and the texts of one page of them.
func (p *Pages) showThread(c *web.Call, pr project.Project, m *mailstore.Message) error {
	ctx := c.R.Context()
	mails, err := patch.Thread(ctx, p.db, pr.ID, m.Thread)
	if err != nil {
		return err
	}
	v := threadView{project: pr, more: len(mails) > patch.MaxThreadMails, file: messagePath(pr, m) + threadFile}
	mails = mails[:min(len(mails), patch.MaxThreadMails)]
	v.pager = web.Pager{Page: 1, Pages: max(1, (len(mails)+threadTexts-1)/threadTexts), Path: c.R.URL.EscapedPath(), Query: c.R.URL.Query()}
	if n, err := strconv.Atoi(c.R.URL.Query().Get("page")); err == nil {
		v.pager.Page = min(max(n, 1), v.pager.Pages)
	}
	v.list(mails)
	first := (v.pager.Page - 1) * threadTexts
	shown := v.mails[first:min(first+threadTexts, len(v.mails))]
	var ids []int64
	for _, l := range shown {
		ids = append(ids, l.Message)
	}
	texts, err := patch.Mails(ctx, p.db, ids)
	if err != nil {
		return err
	}
	v.texts(shown, texts)
	meta := web.Meta{Title: v.title(), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML, NoIndex: true}
	return c.Render(http.StatusOK, meta, threadPageView(v))
}

// list puts the mails in the order of the thread.
func (v *threadView) list(mails []*patch.ThreadMail) {
	order := treeOrder(len(mails), func(i int) string { return mailstore.Key(mails[i].MsgID) }, func(i int) string { return mails[i].InReplyTo })
	for i, at := range order {
		m := mails[at.at]
		l := threadLine{ThreadMail: m, placed: at, fresh: at.parent < 0 || bareSubject(mails[at.parent].Subject) != bareSubject(m.Subject),
			link: fmt.Sprintf("#m%d", m.Message), page: messageURL(v.project.Linkname, m.MsgID)}
		if page := i/threadTexts + 1; page != v.pager.Page {
			l.link = v.pager.Link(page) + l.link
		}
		v.mails = append(v.mails, l)
	}
}

// texts makes boxes of the mails that the page shows whole.
func (v *threadView) texts(lines []threadLine, mails map[int64]*patch.Mail) {
	boxes := map[int]*mailBox{} // by their place among all mails
	for _, l := range lines {
		m := mails[l.Message]
		if m == nil {
			continue // it was hidden meanwhile
		}
		b := &mailBox{mail: *m, files: filesOf(v.project.Linkname, m), id: fmt.Sprintf("m%d", m.Message), depth: l.depth, above: boxes[l.parent], page: l.page, title: m.Subject, reply: replyTo(v.project, *m, ""), headers: headersURL(v.project.Linkname, m.MsgID)}
		if l.Kind == patch.KindPatch {
			b.html = messageHTML(m.Content)
		} else {
			b.html = textHTML(m.Content)
		}
		boxes[l.at] = b
		v.boxes = append(v.boxes, b)
	}
}

func (v *threadView) title() string {
	if len(v.mails) == 0 {
		return "Thread"
	}
	return shown(v.mails[0].Subject)
}

// bareSubject is a subject without what mail programs put before it when one answers.
func bareSubject(s string) string {
	s = strings.TrimSpace(s)
	for len(s) > 3 && strings.EqualFold(s[:3], "re:") {
		s = strings.TrimSpace(s[3:])
	}
	return s
}

// kindWord says what a mail of a thread is, if it is not a reply.
func kindWord(kind string) string {
	switch kind {
	case patch.KindPatch:
		return "patch"
	case patch.KindCover:
		return "cover letter"
	}
	return ""
}
