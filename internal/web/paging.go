// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"net/url"
	"strconv"
)

// Pager links the pages of a list; all other parameters of the address stay.
type Pager struct {
	Page, Pages int
	Path        string
	Query       url.Values
	Open        bool // there are pages behind the last one, without numbers; Next leads to them

	Previous, Next string // addresses of the pages beside, if others than those of their numbers
}

func (p Pager) previous() string {
	if p.Previous != "" {
		return p.Previous
	}
	return p.Link(p.Page - 1)
}

func (p Pager) next() string {
	if p.Next != "" {
		return p.Next
	}
	return p.Link(p.Page + 1)
}

// Link is the address of page n; the first page needs no number.
func (p Pager) Link(n int) string {
	q := url.Values{}
	for k, v := range p.Query {
		q[k] = v
	}
	q.Del("page")
	if n > 1 {
		q.Set("page", strconv.Itoa(n))
	}
	if len(q) == 0 {
		return p.Path
	}
	return p.Path + "?" + q.Encode()
}

// Numbers are the pages to link: all of up to seven, else the first two, the current one with its neighbours, and the last two, with 0 for a gap, and for what an open
// list has behind them.
func (p Pager) Numbers() []int {
	var out []int
	for n := 1; n <= p.Pages; n++ {
		if p.Pages <= 7 || n <= 2 || n > p.Pages-2 || n >= p.Page-1 && n <= p.Page+1 {
			out = append(out, n)
		} else if out[len(out)-1] != 0 {
			out = append(out, 0)
		}
	}
	if p.Page > p.Pages+1 {
		out = append(out, 0)
	}
	if p.Page > p.Pages {
		out = append(out, p.Page)
	}
	if p.Open {
		out = append(out, 0)
	}
	return out
}
