// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"regexp"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/web"
)

// search answers b4's question for other versions of a series, in public-inbox's way: a POST to the project with x=m and an expression in q, answered by the threads
// in one file. b4 takes 404 as "nothing".
func (p *Pages) search(c *web.Call) error {
	query := c.R.URL.Query()
	if query.Get("x") != "m" {
		return fault.New(fault.Invalid, "only searches of b4 are answered here: x=m")
	}
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	threads, err := patch.Threads(c.R.Context(), p.db, pr.ID, parseSearch(query.Get("q")))
	if err != nil {
		return err
	}
	var posts []mailstore.Post
	for _, thread := range threads {
		some, err := mailstore.Thread(c.R.Context(), p.db, pr.ID, thread)
		if err != nil {
			return err
		}
		posts = append(posts, some...)
		if err := mailstore.Bounded(posts); err != nil {
			return err
		}
	}
	if len(posts) == 0 {
		return fault.New(fault.NotFound, "nothing matches that")
	}
	return p.sendThread(c, posts, "results.mbox.gz")
}

// What b4 asks for. The operators between them are always the same: a change-id, or subject and sender; and a time.
var (
	searchSubject  = regexp.MustCompile(`\bs:"([^"]*)"`)
	searchFrom     = regexp.MustCompile(`\bf:"?([^\s"()]+)"?`)
	searchChangeID = regexp.MustCompile(`\bnq:"change-id:\s*([^\s"]+)"`)
	searchDays     = regexp.MustCompile(`\bd:(\d{8})?\.\.(\d{8})?`)
)

// parseSearch reads an expression of b4. What it does not know it leaves out.
func parseSearch(q string) patch.ThreadSearch {
	group := func(re *regexp.Regexp, n int) string {
		if m := re.FindStringSubmatch(q); m != nil {
			return m[n]
		}
		return ""
	}
	s := patch.ThreadSearch{Subject: strings.TrimSpace(group(searchSubject, 1)), From: group(searchFrom, 1), ChangeID: group(searchChangeID, 1)}
	if t, err := time.Parse("20060102", group(searchDays, 1)); err == nil {
		s.Since = clock.FromTime(t)
	}
	if t, err := time.Parse("20060102", group(searchDays, 2)); err == nil {
		s.Before = clock.FromTime(t.AddDate(0, 0, 1))
	}
	return s
}
