// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/http"
	"strings"

	"patchwork.example/pw/internal/web"
)

// viewCookie remembers whether a visitor wants diffs side by side.
const viewCookie = "pw_diff"

// view is how a diff is shown.
type view struct {
	split   bool // what was beside what is
	spaces  bool // lines that differ in white space only are context
	colours bool // are looked for, if they are not known yet
}

// readView finds out how the visitor wants diffs; what he asks for by ?view= is remembered for a year.
func readView(c *web.Call) view {
	q := c.R.URL.Query()
	v := view{spaces: q.Get("ws") == "ignore", colours: q.Get("colours") == "1"}
	switch asked := q.Get("view"); asked {
	case "split", "unified":
		v.split = asked == "split"
		http.SetCookie(c.W, &http.Cookie{Name: viewCookie, Value: asked, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, Secure: c.Secure(), SameSite: http.SameSiteLaxMode})
	default:
		if k, err := c.R.Cookie(viewCookie); err == nil {
			v.split = k.Value == "split"
		}
	}
	return v
}

// query is that of an address with this view, and more; empty: none is needed.
func (v view) query(more string) string {
	var s []string
	if more != "" {
		s = append(s, more)
	}
	if v.split {
		s = append(s, "view=split")
	}
	if v.spaces {
		s = append(s, "ws=ignore")
	}
	if len(s) == 0 {
		return ""
	}
	return "?" + strings.Join(s, "&")
}

// viewLink is a link to another view of the same page.
type viewLink struct {
	text, href string
	on         bool
}

// choices are the views of the diff. The page that is left alone keeps the file it shows.
func (p *diffPage) choices() []viewLink {
	keep := ""
	if p.alone && len(p.files) == 1 && p.count > 1 {
		keep = "file=" + strings.TrimPrefix(p.files[0].anchor(), "f")
	}
	here := p.path
	if p.alone {
		here += "diff/"
	}
	to := func(v view) string {
		q := v.query(keep)
		if !v.split { // said, so that it is remembered
			q = view{spaces: v.spaces}.query(strings.TrimPrefix(keep+"&view=unified", "&"))
		}
		return here + q + "#diff"
	}
	one, two, all := p.view, p.view, p.view
	one.split, two.split, all.spaces = false, true, !p.view.spaces
	return []viewLink{{"Unified", to(one), !p.view.split}, {"Side by side", to(two), p.view.split}, {"Ignore white space", to(all), p.view.spaces}}
}
