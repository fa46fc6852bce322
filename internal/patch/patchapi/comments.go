// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// CommentDetail is a reply to a patch or cover letter.
type CommentDetail struct {
	ID             int64        `json:"id"`
	URL            string       `json:"url" since:"1.3"`
	WebURL         string       `json:"web_url"`
	MsgID          string       `json:"msgid"`
	ListArchiveURL *string      `json:"list_archive_url" since:"1.2"`
	Date           string       `json:"date"`
	Subject        string       `json:"subject"`
	Submitter      *rest.Person `json:"submitter"`
	Content        string       `json:"content"`
	Headers        Headers      `json:"headers"`
	Addressed      *bool        `json:"addressed" since:"1.3"`
	Attachments    []Attachment `json:"attachments" since:"1.4" doc:"the files that the mail carries"`
}

// Attachment is a file that a mail carries.
type Attachment struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type" doc:"as the sender said"`
	Size        int    `json:"size" doc:"in bytes"`
	IsPatch     bool   `json:"is_patch"`
	URL         string `json:"url"`
}

func (a Addresses) attachments(p *project.Project, m *patch.Mail) []Attachment {
	out := []Attachment{}
	for _, f := range m.Files() {
		out = append(out, Attachment{f.Name, f.Type, f.Size, f.Patch, a.Base + patch.FilePath(p.Linkname, m.MsgID, f)})
	}
	return out
}

// commentRoutes are those of comments on patches and on cover letters.
func (f *face) commentRoutes() []rest.Route {
	body := []rest.Field{{Name: "addressed", Type: rest.Bool, Null: true, Doc: "false: it asks for something; true: no longer; null: it never did"}}
	var out []rest.Route
	for _, on := range []commented{{f, "patches", "patch"}, {f, "covers", "cover letter"}} {
		path := "/" + on.parents + "/{id}/comments/"
		out = append(out,
			rest.Route{Path: path, Since: rest.V11, Tag: "comments", Methods: map[string]rest.Op{
				"GET": {Do: on.list, Doc: "List the comments on a " + on.noun, Answer: []CommentDetail{}, Paged: true, Query: []rest.Param{
					{Name: "q", Doc: "words that the subject or the text has"},
					{Name: "order", Doc: "id, subject, date, submitter; with a minus in reverse"},
					rest.CursorParam,
				}},
			}},
			rest.Route{Path: path + "{comment}/", Since: rest.V13, Tag: "comments", Methods: map[string]rest.Op{
				"GET":   {Do: on.get, Doc: "Show a comment on a " + on.noun, Answer: CommentDetail{}},
				"PATCH": {Do: on.change, Doc: "Say whether a comment still asks for something", Body: body, Answer: CommentDetail{}},
				"PUT":   {Do: on.change, Doc: "As PATCH", Body: body, Answer: CommentDetail{}},
			}},
		)
	}
	return out
}

// commented is comments on one sort of mail.
type commented struct {
	*face
	parents string // in addresses
	noun    string
}

// target is what the address names; it may not exist.
func (f commented) target(c *rest.Call) (patch.Target, error) {
	id, err := c.ID("id")
	if f.parents == "patches" {
		return patch.Target{Patch: id}, err
	}
	return patch.Target{Cover: id}, err
}

func (f commented) list(c *rest.Call) error {
	on, err := f.target(c)
	if err != nil {
		return err
	}
	in, err := patch.ProjectOf(c.R.Context(), f.db, on)
	if err != nil {
		return err
	}
	q := patch.CommentQuery{On: on, Order: order(c, "id", "subject", "date", "submitter")}
	fs := c.Filters()
	if q.Words, err = wordsOf(fs); err != nil {
		return err
	}
	var ids []int64
	if !fs.None() {
		if ids, err = patch.FindComments(c.R.Context(), f.db, q); err != nil {
			return err
		}
	}
	if ids, err = part(c, ids, q.Order); err != nil {
		return err
	}
	found, err := patch.ReadComments(c.R.Context(), f.db, on, ids)
	if err != nil {
		return err
	}
	out, err := f.comments(c.R.Context(), f.db, c, on, in, found...)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// part is the part of all comments that was asked for.
func part(c *rest.Call, ids []int64, order []string) ([]int64, error) {
	var last int64
	cur, err := c.Cursor(strings.Join(order, ","), &last)
	if err != nil {
		return nil, err
	}
	if cur == nil {
		page, err := c.Page(len(ids))
		return ids[min(page.Offset, len(ids)):min(page.Offset+page.Limit, len(ids))], err
	}
	at := slices.Index(ids, last)
	switch {
	case cur.Begun && at < 0:
		return nil, fault.New(fault.Invalid, "the comment where the page begins is not here any more")
	case cur.Back:
		ids = slices.Clone(ids[max(0, at-cur.Limit-1):at])
		slices.Reverse(ids)
	default:
		ids = ids[at+1 : min(at+2+cur.Limit, len(ids))]
	}
	return rest.CursorPage(cur, ids, func(id int64) []any { return []any{id} }), nil
}

func (f commented) get(c *rest.Call) error {
	on, id, err := f.at(c)
	if err != nil {
		return err
	}
	return f.show(c, on, id)
}

// at is the comment that the address names; it may not exist.
func (f commented) at(c *rest.Call) (on patch.Target, id int64, err error) {
	if on, err = f.target(c); err == nil {
		id, err = c.ID("comment")
	}
	return on, id, err
}

func (f commented) show(c *rest.Call, on patch.Target, id int64) error {
	out, err := f.comment(c.R.Context(), f.db, c, on, id)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, out)
}

// comment reads and makes one comment.
func (f commented) comment(ctx context.Context, q sqldb.Queryer, c *rest.Call, on patch.Target, id int64) (CommentDetail, error) {
	in, err := patch.ProjectOf(ctx, q, on)
	if err != nil {
		return CommentDetail{}, err
	}
	found, err := patch.ReadComment(ctx, q, on, id)
	if err != nil {
		return CommentDetail{}, err
	}
	out, err := f.comments(ctx, q, c, on, in, found)
	if err != nil {
		return CommentDetail{}, err
	}
	return out[0], nil
}

// precondition compares the comment with If-Match.
func (f commented) precondition(c *rest.Call, on patch.Target, id int64) func(context.Context, *sqldb.Tx) error {
	return c.Precondition(func(ctx context.Context, q sqldb.Queryer) (any, error) { return f.comment(ctx, q, c, on, id) })
}

// change sets what can be set. Who may not is told before what is wrong with the body.
func (f commented) change(c *rest.Call) error {
	on, id, err := f.at(c)
	if err != nil {
		return err
	}
	if err := patch.MayMark(c.R.Context(), f.db, c.Actor(), on, id); err != nil {
		return err
	}
	body, err := c.Body()
	if err != nil {
		return err
	}
	value, sent := body.Value("addressed", false)
	var addressed *bool
	if value != nil {
		addressed = body.Bool("addressed")
		sent = addressed != nil // an empty one in a form is not
	}
	if err := body.Err(); err != nil {
		return err
	}
	if sent {
		if err := patch.SetAddressed(c.R.Context(), f.db, c.Actor(), c.Now, on, id, addressed, f.precondition(c, on, id)); err != nil {
			return err
		}
	}
	return f.show(c, on, id)
}

// comments makes the wire types; all are of one project.
func (f commented) comments(ctx context.Context, q sqldb.Queryer, c *rest.Call, on patch.Target, in int64, found ...*patch.Comment) ([]CommentDetail, error) {
	of, err := project.ByIDs(ctx, q, []int64{in})
	if err != nil {
		return nil, err
	}
	if of[in] == nil {
		return nil, fault.New(fault.NotFound, "project %d has gone", in)
	}
	out := []CommentDetail{}
	for _, x := range found {
		e := addressesFor(c).comment(of[in], f.parents, &patch.MailRef{ID: x.ID, Parent: on.Patch + on.Cover, MsgID: x.MsgID, Date: x.Date})
		out = append(out, CommentDetail{ID: x.ID, URL: e.URL, WebURL: e.WebURL, MsgID: e.MsgID, ListArchiveURL: e.ListArchiveURL, Date: e.Date, Subject: x.Subject,
			Submitter: rest.EmbedPerson(c.API, x.Submitter, x.SubmitterName, x.SubmitterMail), Content: x.Content, Headers: Headers(x.Headers), Addressed: x.Addressed, Attachments: addressesFor(c).attachments(of[in], &x.Mail)})
	}
	return out, nil
}
