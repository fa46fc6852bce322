// SPDX-License-Identifier: GPL-2.0-or-later

package arch

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// floors says on which floor each package stands, by its path below internal/ (cmd/pw is the one outside). A * stands for one
// path element.
var floors = []struct {
	floor    int
	packages string
}{
	{0, "format/*"},
	{1, "base/config base/sqldb base/schema base/fault base/clock base/egress base/etag base/recent"},
	{2, "account project event job mailstore outmail webhook irc search review"},
	{3, "patch issue index"},
	{4, "web rest ingress"},
	{5, "patch/patchmail patch/patchweb patch/patchapi patch/patchnotify"},
	{5, "issue/issuemail issue/issueweb issue/issueapi"},
	{5, "index/indexweb index/indexapi index/indexmirror"},
	{5, "account/accountweb account/accountapi project/projectweb project/projectapi job/jobweb search/searchweb webhook/webhookweb webhook/webhookapi"},
	{5, "crosslink legacy/*"},
	{6, "app"},
	{7, "cmd/pw"},
}

// sideways lists what may be imported within one floor; everything else there is refused.
var sideways = []struct{ from, to string }{
	{"format/*", "format/*"},
	{"base/*", "base/fault"},
	{"base/*", "base/clock"},
	{"base/schema", "base/sqldb"},
	{"base/etag", "base/recent"},
	{"account", "event"},   // what a core does is an event
	{"account", "outmail"}, // who asks for something by mail gets one
	{"account", "job"},     // what must not be told by how long an answer takes is done afterwards
	{"outmail", "job"},
	{"outmail", "event"},
	{"project", "event"},
	{"project", "account"},
	{"webhook", "account"}, // who may, of which project, told by an event, sent by a job
	{"webhook", "project"},
	{"webhook", "event"},
	{"webhook", "job"},
	{"irc", "account"},
	{"irc", "project"},
	{"irc", "event"},
	{"irc", "job"},
	{"job", "event"},                        // who may retry a job, and the record of it
	{"patch/patchweb", "patch/patchmail"},   // pages offer mboxes
	{"patch/patchweb", "patch/patchnotify"}, // a page of what one wants to be told
}

const (
	domainFloor = 3
	shellFloor  = 4
	faceFloor   = 5
)

// spanning packages may know several domains; they stand on the faces' floor.
var spanning = []string{"crosslink", "legacy/*"}

// floorOf gives the floor of a package; ok is false for one that is in no table.
func floorOf(pkg string) (floor int, ok bool) {
	for _, f := range floors {
		for pattern := range strings.FieldsSeq(f.packages) {
			if matches(pattern, pkg) {
				return f.floor, true
			}
		}
	}
	return 0, false
}

func matches(pattern, pkg string) bool {
	ok, err := path.Match(pattern, pkg)
	return ok && err == nil
}

func forTests(pkg string) bool { return strings.HasPrefix(pkg, "test/") }

// domain gives the noun on the domain floor that pkg is or is a face of; empty for the common nouns and everything else.
func domain(pkg string) string {
	noun, _, _ := strings.Cut(pkg, "/")
	if f, ok := floorOf(noun); ok && f == domainFloor {
		return noun
	}
	return ""
}

// mayImport says why code that is not a test must not import to from from; empty if it may. Who may not import a package must
// not read its tables either.
func mayImport(from, to string) (refusal string) {
	switch {
	case from == to:
		return ""
	case forTests(to) && !forTests(from):
		return "packages of internal/test are for _test.go files"
	case forTests(from):
		return ""
	}
	ff, fok := floorOf(from)
	tf, tok := floorOf(to)
	switch {
	case !fok || !tok: // reported once per package, not once per import
		return ""
	case tf > ff:
		return fmt.Sprintf("floor %d must not know floor %d above it", ff, tf)
	case tf == ff && !isSideways(from, to):
		return fmt.Sprintf("both stand on floor %d and the table sideways does not allow it", ff)
	}
	return domainRefusal(from, ff, to)
}

func isSideways(from, to string) bool {
	for _, s := range sideways {
		if matches(s.from, from) && matches(s.to, to) {
			return true
		}
	}
	return false
}

func domainRefusal(from string, floor int, to string) string {
	d := domain(to)
	switch {
	case d == "" || d == domain(from):
		return ""
	case floor == shellFloor:
		return "a shell must not know a domain; declare a small interface and let app plug the domain in"
	case floor == faceFloor && !isSpanning(from):
		return "only a face of " + d + ", crosslink and legacy may know " + d
	}
	return ""
}

func isSpanning(pkg string) bool {
	return slices.ContainsFunc(spanning, func(p string) bool { return matches(p, pkg) })
}
