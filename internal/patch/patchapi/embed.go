// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"fmt"
	"net/url"
	"strings"

	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
)

// Addresses makes the addresses in objects. All begin with the scheme and host of the site, unless that is not known: then they are paths.
type Addresses struct {
	Base        string // scheme and host without a slash at the end: pages
	API         string // objects in one version of the API: https://host/api/1.2
	Unversioned string // what in Patchwork 3.2 never has a version: https://host/api

	made map[int64]*rest.Project // projects of one answer, each made once; nil: none is kept
}

// AddressesAt are those of API 1.4 at a site. An empty base makes them paths.
func AddressesAt(base string) Addresses {
	return Addresses{Base: base, API: base + "/api/" + rest.Newest.String(), Unversioned: base + "/api"}
}

// addressesFor are those that the answer to a call has.
func addressesFor(c *rest.Call) Addresses {
	return Addresses{c.Base, c.API, c.Unversioned, map[int64]*rest.Project{}}
}

func (a Addresses) project(p *project.Project) *rest.Project {
	if made := a.made[p.ID]; made != nil {
		return made
	}
	made := rest.EmbedProject(a.API, p)
	if a.made != nil {
		a.made[p.ID] = made
	}
	return made
}

// Patch is a patch as other objects embed it.
type Patch struct {
	ID             int64   `json:"id"`
	URL            string  `json:"url"`
	WebURL         string  `json:"web_url" since:"1.1"`
	MsgID          string  `json:"msgid"`
	ListArchiveURL *string `json:"list_archive_url" since:"1.2"`
	Date           string  `json:"date"`
	Name           string  `json:"name"`
	Mbox           string  `json:"mbox"`
}

// Cover is a cover letter as other objects embed it.
type Cover struct {
	ID             int64   `json:"id"`
	URL            string  `json:"url"`
	WebURL         string  `json:"web_url" since:"1.1"`
	MsgID          string  `json:"msgid"`
	ListArchiveURL *string `json:"list_archive_url" since:"1.2"`
	Date           string  `json:"date"`
	Name           string  `json:"name"`
	Mbox           string  `json:"mbox" since:"1.1"`
}

// Series is a series as other objects embed it.
type Series struct {
	ID      int64   `json:"id"`
	URL     string  `json:"url"`
	WebURL  string  `json:"web_url" since:"1.1"`
	Date    string  `json:"date"`
	Name    *string `json:"name"`
	Version int     `json:"version"`
	Mbox    string  `json:"mbox"`
}

// Comment is a comment as events embed it.
type Comment struct {
	ID             int64   `json:"id"`
	URL            string  `json:"url" since:"1.3"`
	WebURL         string  `json:"web_url"`
	MsgID          string  `json:"msgid"`
	ListArchiveURL *string `json:"list_archive_url" since:"1.2"`
	Date           string  `json:"date"`
}

// Check is a check as events embed it.
type Check struct {
	ID        int64   `json:"id"`
	URL       string  `json:"url"`
	Date      string  `json:"date"`
	State     string  `json:"state"`
	TargetURL *string `json:"target_url"`
	Context   string  `json:"context"`
}

func (a Addresses) patch(p *project.Project, m *patch.MailRef) *Patch {
	page := a.page(p, patch.KindPatch, m.MsgID)
	return &Patch{ID: m.ID, URL: rest.Address(a.API, "/patches/", m.ID, "/"), WebURL: page, MsgID: m.MsgID, ListArchiveURL: archive(p, m.MsgID),
		Date: rest.Date(m.Date), Name: m.Name, Mbox: page + "mbox/"}
}

func (a Addresses) cover(p *project.Project, m *patch.MailRef) *Cover {
	page := a.page(p, patch.KindCover, m.MsgID)
	return &Cover{ID: m.ID, URL: rest.Address(a.API, "/covers/", m.ID, "/"), WebURL: page, MsgID: m.MsgID, ListArchiveURL: archive(p, m.MsgID),
		Date: rest.Date(m.Date), Name: m.Name, Mbox: page + "mbox/"}
}

// comment is one on a patch or cover letter; parents is "patches" or "covers".
func (a Addresses) comment(p *project.Project, parents string, m *patch.MailRef) *Comment {
	return &Comment{ID: m.ID, URL: rest.Address(a.API, "/", parents, "/", m.Parent, "/comments/", m.ID, "/"), WebURL: rest.Address(a.Base, "/comment/", m.ID, "/"),
		MsgID: m.MsgID, ListArchiveURL: archive(p, m.MsgID), Date: rest.Date(m.Date)}
}

func (a Addresses) series(p *project.Project, s *patch.SeriesRef) *Series {
	return &Series{ID: s.ID, URL: rest.Address(a.API, "/series/", s.ID, "/"),
		WebURL: rest.Address(a.Base, "/project/", url.PathEscape(p.Linkname), "/list/?series=", s.ID),
		Date:   rest.Date(s.Date), Name: orNil(s.Name), Version: s.Version, Mbox: rest.Address(a.Base, "/series/", s.ID, "/mbox/")}
}

func (a Addresses) check(c *patch.CheckRef) *Check {
	return &Check{ID: c.ID, URL: rest.Address(a.API, "/patches/", c.Patch, "/checks/", c.ID, "/"), Date: rest.Date(c.Date), State: checkStateName(c.State),
		TargetURL: orNil(c.TargetURL), Context: c.Context}
}

func checkStateName(state int) string {
	if names := patch.CheckStates(); state >= 0 && state < len(names) {
		return names[state]
	}
	return fmt.Sprint(state)
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// page is the address of the page of a patch or cover letter.
func (a Addresses) page(p *project.Project, kind, msgid string) string {
	return a.Base + patch.PagePath(p.Linkname, kind, msgid)
}

func bare(msgid string) string { return strings.TrimSuffix(strings.TrimPrefix(msgid, "<"), ">") }

// archive is where the list's archive has a mail; nil if the project does not say.
func archive(p *project.Project, msgid string) *string {
	if p.ListArchiveURLFormat == "" {
		return nil
	}
	return orNil(strings.ReplaceAll(p.ListArchiveURLFormat, "{}", bare(msgid)))
}
