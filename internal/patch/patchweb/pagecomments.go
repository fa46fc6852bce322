// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/web"
)

// maxDepth bounds how far a mail is indented; deeper ones name what they answer.
const maxDepth = 6

// mailBox is one mail as pages show it.
type mailBox struct {
	mail  patch.Mail
	id    string // the anchor
	html  string // the text
	files files
	reply patchmail.Reply

	headers string // the page of its headers, which most mails show on demand only: they are longer than what is said; empty: they stand here
	title   string // the subject, where mails of several subjects stand together
	page    string // where the mail stands alone; empty: here
	depth   int
	above   *mailBox // what it answers; nil: nothing that is shown
	stub    bool     // only a line that says what the mails below it are on

	comment   int64 // its number; 0: it is none
	addressed *bool
	action    string // where the form to mark it goes to; empty: the visitor may not
	sender    string // the page of who sent it; empty: the visitor can't do anything there
	back      string // where that leads to then; empty: to the mail on the page of its patch
}

// answersAfar tells whether the mail does not stand right below what it answers, as its indentation shows it.
func (b *mailBox) answersAfar() bool { return b.above != nil && b.depth > maxDepth }

func (b *mailBox) class() string {
	return fmt.Sprintf("mail d%d", min(b.depth, maxDepth))
}

// who names the sender.
func (b *mailBox) who() string { return person(b.mail.SubmitterName, b.mail.SubmitterMail) }

// addressedState is what the page shows of the comment: "", "todo" or "done".
func (b *mailBox) addressedState() string {
	switch {
	case b.addressed == nil:
		return ""
	case *b.addressed:
		return "done"
	}
	return "todo"
}

// inThread puts boxes, which come by date, below those that they answer, root being the mail of the page; flat: leaves them by date.
func inThread(boxes []*mailBox, flat bool) []*mailBox {
	if flat {
		return boxes
	}
	order := treeOrder(len(boxes), func(i int) string { return mailstore.Key(boxes[i].mail.MsgID) }, func(i int) string { return boxes[i].mail.InReplyTo })
	out := make([]*mailBox, len(order))
	for i, p := range order {
		b := boxes[p.at]
		b.depth = p.depth
		if p.parent >= 0 {
			b.above = boxes[p.parent]
		}
		out[i] = b
	}
	return out
}

// talk is the comments of a page.
type talk struct {
	boxes []*mailBox
	flat  bool   // by date, not as a thread
	where string // what it is about, for people: "" or " on the cover letter"
	more  bool   // there are more than are shown
}

// count is how many comments there are.
func (t talk) count() (n int) {
	for _, b := range t.boxes {
		if !b.stub {
			n++
		}
	}
	return n
}

// answered leaves out the lines of mails that nobody answered.
func answered(boxes []*mailBox) []*mailBox {
	used := map[*mailBox]bool{}
	for _, b := range boxes {
		used[b.above] = true
	}
	return slices.DeleteFunc(boxes, func(b *mailBox) bool { return b.stub && !used[b] })
}

// open lists what is not addressed yet.
func (t talk) open() (out []*mailBox) {
	for _, b := range t.boxes {
		if b.addressedState() == "todo" {
			out = append(out, b)
		}
	}
	return out
}

// isFlat tells whether the visitor wants comments by date.
func isFlat(c *web.Call) bool { return c.R.URL.Query().Get("comments") == "date" }

// talk is the comments on the mail of the page.
func (p mailPage) talk() talk {
	t := talk{flat: p.flat}
	for _, c := range p.comments {
		b := &mailBox{mail: c.Mail, id: strconv.FormatInt(c.ID, 10), html: textHTML(c.Content), files: filesOf(p.project.Linkname, &c.Mail), reply: replyTo(p.project, c.Mail, ""), headers: headersURL(p.project.Linkname, c.MsgID), comment: c.ID, addressed: c.Addressed}
		if p.marks(c) {
			b.action = patch.PagePath(p.project.Linkname, p.kind(), p.mail.MsgID)
		}
		if p.maintains {
			b.sender = personURL(p.project.Linkname, c.Submitter)
		}
		t.boxes = append(t.boxes, b)
	}
	t.boxes = inThread(t.boxes, t.flat)
	return t
}

func (p mailPage) kind() string {
	if p.patch != nil {
		return patch.KindPatch
	}
	return patch.KindCover
}

func (p mailPage) marks(c *patch.Comment) bool {
	delegate := int64(0)
	if p.patch != nil {
		delegate = p.patch.Delegate
	}
	return patch.MarksComment(p.visitor, p.maintains, c.User, p.mail.User, delegate)
}

// markComment marks a comment as the form on its page says, and leads back to it.
func (p *Pages) markComment(c *web.Call, to string, on patch.Target) error {
	id, err := strconv.ParseInt(c.R.PostForm.Get("comment"), 10, 64)
	if err != nil {
		return fault.New(fault.Invalid, "comment %q is no number", c.R.PostForm.Get("comment"))
	}
	addressed, err := parseAddressed(c.R.PostForm.Get("addressed"))
	if err != nil {
		return err
	}
	if err := patch.SetAddressed(c.R.Context(), p.db, c.Actor(), c.Now, on, id, addressed, nil); err != nil {
		return err
	}
	c.Flash(web.Flash{Text: markedText(addressed)})
	to += "#" + strconv.FormatInt(id, 10)
	if series, err := strconv.ParseInt(c.R.PostForm.Get("series"), 10, 64); err == nil {
		message, _ := strconv.ParseInt(c.R.PostForm.Get("message"), 10, 64)
		to = seriesURL(c.R.PathValue("link"), series) + fmt.Sprintf("#m%d", message)
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// parseAddressed reads what a comment is to be marked as; nil: it asks for nothing.
func parseAddressed(s string) (*bool, error) {
	switch s {
	case "true", "false":
		yes := s == "true"
		return &yes, nil
	case "none":
		return nil, nil
	}
	return nil, fault.New(fault.Invalid, "addressed %q: want true, false or none", s)
}

func markedText(addressed *bool) string {
	switch {
	case addressed == nil:
		return "The comment asks for nothing"
	case *addressed:
		return "Comment marked as addressed"
	}
	return "Comment marked as not addressed"
}
