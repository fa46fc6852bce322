// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// readRelated reads what the patch of the page is related to: one query for every patch.
func (p *Pages) readRelated(c *web.Call, page *mailPage) (err error) {
	if page.patch == nil {
		return nil
	}
	page.related, err = patch.Related(c.R.Context(), p.db, page.patch.Relation, page.patch.ID, page.project.ID)
	return err
}

// otherProject is the name of the project a related patch is in; empty: that of the page.
func (p mailPage) otherProject(r *patch.RelatedPatch) string {
	if r.Project == p.project.ID {
		return ""
	}
	return r.ProjectName
}

// relate takes patches into the relation of one, or one out of it, as the form on its page says. What the visitor got wrong is told there.
func (p *Pages) relate(c *web.Call, pr project.Project, to string, d *patch.Detail) error {
	id, others, said := d.ID, []int64{}, "Patch taken out of the relation"
	err := error(nil)
	if form := c.R.PostForm; form.Has("relate") {
		others, err = p.named(c.R.Context(), pr, form.Get("relate"))
		said = "Patches related"
	} else if id, err = strconv.ParseInt(form.Get("unrelate"), 10, 64); err != nil {
		err = fault.New(fault.Invalid, "patch %q is no number", form.Get("unrelate"))
	}
	var done patch.Changed
	if err == nil {
		done, err = patch.Update(c.R.Context(), p.db, c.Actor(), c.Now, []int64{id}, patch.Change{Related: &others, AllOrNone: true})
	}
	switch text := fault.UserText(err); {
	case err == nil:
		c.Flash(web.Flash{Text: said, Undo: undoPath(done.Set)})
	case text != "" && !fault.Is(err, fault.Denied):
		c.Flash(web.Flash{Text: text, Bad: true})
	default:
		return err
	}
	return c.Redirect(http.StatusSeeOther, to+"#related")
}

// named finds patches by what people write: their numbers, Message-IDs of the project, or addresses of their pages.
func (p *Pages) named(ctx context.Context, pr project.Project, text string) ([]int64, error) {
	var ids []int64
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' }) {
		id, err := p.namedOne(ctx, pr, word)
		if err != nil {
			return nil, err
		}
		if ids = append(ids, id); len(ids) > maxNamed {
			return nil, fault.New(fault.Invalid, "at most %d patches can be named at once", maxNamed)
		}
	}
	if len(ids) == 0 {
		return nil, fault.New(fault.Invalid, "no patch is named")
	}
	return ids, nil
}

// maxNamed is how many patches a form can name: each is looked for by itself.
const maxNamed = 20

func (p *Pages) namedOne(ctx context.Context, pr project.Project, word string) (int64, error) {
	if id, err := strconv.ParseInt(word, 10, 64); err == nil {
		return id, nil
	}
	t := target{ids: []string{mailstore.Key("<" + strings.Trim(word, "<>") + ">"), mailstore.Key(word)}}
	if u, err := url.Parse(word); err == nil && strings.HasPrefix(u.EscapedPath(), "/project/") {
		parts := strings.Split(u.EscapedPath(), "/")
		link, err := url.PathUnescape(parts[2])
		if err == nil {
			pr, err = project.ByLinkname(ctx, p.db, link)
		}
		if err != nil {
			return 0, err
		}
		t = parseTarget(u.EscapedPath())
	}
	m, err := p.locate(ctx, pr.ID, t)
	if fault.Is(err, fault.NotFound) || err == nil && m.Kind != patch.KindPatch {
		return 0, fault.New(fault.Invalid, "there is no patch %s in %s", word, pr.Name)
	}
	if err != nil {
		return 0, err
	}
	d, err := patch.ReadPatch(ctx, p.db, m.ID)
	if err != nil {
		return 0, err
	}
	return d.ID, nil
}
