// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/semaphore"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// Pages serves the pages of patches.
type Pages struct {
	db        *sqldb.DB
	opt       Options
	palette   palette
	comparing *semaphore.Weighted // comparisons of series that may be under way
}

// maxComparing is how many series are compared at a time: each may take a second of a processor.
const maxComparing = 2

// Options are what a site decides about its pages of patches.
type Options struct {
	PerPage         int           // rows of a list for a visitor who has not said otherwise
	LegacyRedirects bool          // numbers in addresses lead to the pages they meant in older versions
	Totals          *patch.Totals // of lists; nil: none is remembered
	Describe        Describer     // of the events in feeds
	// Recognize, if set, finds who asks for a private file by the credentials of the API.
	Recognize func(http.ResponseWriter, *http.Request) (account.User, error)
}

// messagePattern is for what is in a project and has no page of its own: a Message-ID.
const messagePattern = "GET /project/{link}/{rest...}"

// Routes hangs the pages into mux.
func Routes(mux *http.ServeMux, shell *web.Shell, db *sqldb.DB, opt Options) {
	p := &Pages{db: db, opt: opt, palette: newPalette(), comparing: semaphore.NewWeighted(maxComparing)}
	mux.Handle("GET /project/{link}/list/{$}", shell.Page(p.list))
	mux.Handle("POST /project/{link}/list/{$}", shell.Page(p.bulk(p.matchingPatches)))
	mux.Handle("GET /project/{link}/patch/{rest...}", shell.Mixed(p.patch, fileOfMail))
	mux.Handle("POST /project/{link}/patch/{rest...}", shell.Page(p.postMail(patch.KindPatch)))
	mux.Handle("GET /project/{link}/cover/{rest...}", shell.Mixed(p.cover, fileOfMail))
	mux.Handle("POST /project/{link}/cover/{rest...}", shell.Page(p.postMail(patch.KindCover)))
	mux.Handle("GET /user/todo/{$}", shell.Page(p.todos))
	mux.Handle("GET /user/todo/{link}/{$}", shell.Page(p.todo))
	mux.Handle("GET /project/{link}/series/{$}", shell.Page(p.seriesList))
	mux.Handle("POST /project/{link}/series/{$}", shell.Page(p.bulk(p.matchingSeries)))
	mux.Handle("GET /project/{link}/list.atom", shell.Text(p.listFeed))
	mux.Handle("GET /project/{link}/series.atom", shell.Text(p.seriesFeed))
	mux.Handle("GET /project/{link}/events.atom", shell.Text(p.eventFeed))
	mux.Handle("GET /project/{link}/queue/{$}", shell.Page(p.firstQueue))
	mux.Handle("GET /project/{link}/queue/{queue}/{$}", shell.Page(p.queueList))
	mux.Handle("POST /project/{link}/queue/{queue}/{$}", shell.Page(p.bulk(p.matchingSeries)))
	mux.Handle("GET "+ownQueuesPath+"{$}", shell.Page(p.firstOwnQueue))
	mux.Handle("GET "+ownQueuesPath+"{queue}/{$}", shell.Page(p.ownQueue))
	mux.Handle("POST "+ownQueuesPath+"{queue}/{$}", shell.Page(p.bulk(p.matchingSeries)))
	mux.Handle("GET /project/{link}/series/{id}/{$}", shell.Page(p.series))
	mux.Handle("POST /project/{link}/series/{id}/unsupersede/{$}", shell.Page(p.unsupersede))
	mux.Handle("GET /project/{link}/person/{id}/{$}", shell.Page(p.showPerson))
	mux.Handle("POST /project/{link}/person/{id}/{$}", shell.Page(p.savePerson))
	mux.Handle("GET /series/{id}/{$}", shell.Page(p.seriesRedirect))
	mux.Handle("GET /series/{id}/mbox/{$}", shell.Text(p.seriesMbox))
	mux.Handle("GET /project/{link}/series/{id}/range-diff/{$}", shell.Page(p.rangeDiff))
	mux.Handle("GET /series/{id}/range-diff/{$}", shell.Text(p.rangeDiffText))
	mux.Handle(messagePattern, shell.Mixed(p.message(mux), fileOfMessage))
	mux.Handle("POST /project/{link}/{$}", shell.Page(p.search))
	mux.Handle("GET "+notificationsPath+"{$}", shell.Page(p.showNotifications))
	mux.Handle("POST "+notificationsPath+"{$}", shell.Page(p.saveNotifications))
	mux.Handle("GET /bundle/{user}/{name}/mbox/{$}", shell.Text(p.bundleMbox))
	mux.Handle("POST "+columnsPath+"{$}", shell.Page(p.keepColumns))
	mux.Handle("GET "+savedPath+"{$}", shell.Page(p.savedQueries))
	mux.Handle("POST "+savedPath+"{$}", shell.Page(p.saveQuery))
	mux.Handle("POST "+savedPath+"{id}/{$}", shell.Page(p.changeQuery))
	mux.Handle("GET /query/{id}/{$}", shell.Page(p.openQuery))
	p.bundleRoutes(mux, shell)
	p.changeRoutes(mux, shell)
	kinds := []string{patch.KindComment}
	if opt.LegacyRedirects {
		mux.Handle("GET /user/bundle/{id}/{$}", shell.Page(p.oldBundle("")))
		mux.Handle("GET /user/bundle/{id}/mbox/{$}", shell.Text(p.oldBundle("mbox/")))
		kinds = append(kinds, patch.KindPatch, patch.KindCover)
	}
	for _, kind := range kinds {
		mux.Handle("GET /"+kind+"/{id}/{rest...}", shell.Mixed(p.numbered(kind), fileOfNumber))
	}
}

func (p *Pages) project(c *web.Call) (project.Project, error) {
	return project.ByLinkname(c.R.Context(), p.db, c.R.PathValue("link"))
}

// projectIfAny is the project that an address names; ID 0: it is not about one.
func (p *Pages) projectIfAny(c *web.Call) (project.Project, error) {
	if c.R.PathValue("link") == "" {
		return project.Project{}, nil
	}
	return p.project(c)
}

// numbered sends the addresses of older systems, which have numbers, to the page or download they mean.
func (p *Pages) numbered(kind string) func(*web.Call) error {
	return func(c *web.Call) error {
		id, err := strconv.ParseInt(c.R.PathValue("id"), 10, 64)
		rest := strings.TrimSuffix(c.R.PathValue("rest"), "/")
		if err != nil || rest != "" && (rest != "mbox" && rest != "raw" || kind == patch.KindComment || rest == "raw" && kind == patch.KindCover) {
			return fault.New(fault.NotFound, "there is no such page")
		}
		at, err := patch.PlaceOf(c.R.Context(), p.db, kind, id)
		if err != nil {
			return err
		}
		to := patch.PagePath(at.Project, at.Kind, at.MsgID)
		if rest != "" {
			to += rest + "/"
		}
		to = withQuery(to, c)
		if at.Comment != 0 {
			to += "#" + strconv.FormatInt(at.Comment, 10)
		}
		return c.Redirect(http.StatusFound, to)
	}
}

// withQuery is an address with the query of the one that was asked for.
func withQuery(path string, c *web.Call) string {
	if c.R.URL.RawQuery == "" {
		return path
	}
	return path + "?" + c.R.URL.RawQuery
}

// target is what the last part of an address names: a Message-ID and perhaps a download.
type target struct {
	ids      []string // the forms the Message-ID may have, the likeliest first
	download string   // "" or the name of what is asked for
}

// parseTarget reads what follows /project/NAME/patch/ or …/cover/ in the escaped path.
func parseTarget(escapedPath string) target { return targetIn(escapedPath, 4, "mbox", "raw", "diff") }

// parseMessage reads what follows /project/NAME/ in the escaped path.
func parseMessage(escapedPath string) target {
	return targetIn(escapedPath, 3, threadFile, threadPage, rawFile, allPatches, headersPage)
}

// parsePart reads a Message-ID with the number and name of a part behind it, MESSAGE-ID/2-x.patch; 0: there is none.
func parsePart(escapedPath string) (part int, of target) {
	i := strings.LastIndexByte(escapedPath, '/')
	number, _, ok := strings.Cut(escapedPath[i+1:], "-")
	part, err := strconv.Atoi(number)
	if !ok || err != nil || part < 1 {
		return 0, target{}
	}
	return part, targetIn(escapedPath[:i], 3)
}

// fileOfMail tells whether the address of a patch or cover letter names a file, not its page.
func fileOfMail(r *http.Request) bool { return parseTarget(r.URL.EscapedPath()).download != "" }

// fileOfMessage tells whether the address of a message names a file.
func fileOfMessage(r *http.Request) bool {
	path := r.URL.EscapedPath()
	name := parseMessage(path).download
	part, _ := parsePart(path)
	return name == threadFile || name == rawFile || name == allPatches || part > 0 && strings.Count(path, "/") > 3
}

// fileOfNumber tells whether an address with a number, as older versions had them, names a file.
func fileOfNumber(r *http.Request) bool {
	name := strings.TrimSuffix(r.PathValue("rest"), "/")
	return name == "mbox" || name == "raw"
}

// targetIn reads what follows some parts of an escaped path: a Message-ID without its brackets, in which a slash may be escaped twice, once or not at all,
// and perhaps one of some downloads.
func targetIn(escapedPath string, parts int, downloads ...string) target {
	rest := ""
	if all := strings.SplitN(escapedPath, "/", parts+1); len(all) == parts+1 {
		rest = strings.TrimSuffix(all[parts], "/")
	}
	var t target
	for _, d := range downloads {
		if id, ok := strings.CutSuffix(rest, "/"+d); ok && id != "" {
			rest, t.download = id, d
			break
		}
	}
	for _, f := range spellings(rest) {
		f = strings.ToValidUTF8(strings.ReplaceAll(f, "\x00", "\uFFFD"), "\uFFFD")              // no database takes them
		t.ids = append(t.ids, mailstore.Key("<"+f+">"), mailstore.Key(f), mailstore.Key("<"+f)) // the last is the key of a long one
	}
	return t
}

// spellings are what a Message-ID in a path may mean, the likeliest first: what patch.PathID makes of one, whatever else it has that looks escaped; what was
// escaped once, as any program would; and what was escaped twice.
func spellings(escaped string) []string {
	once, err := url.PathUnescape(escaped)
	if err != nil {
		once = escaped
	}
	forms := []string{strings.ReplaceAll(once, "%2F", "/")}
	if once != forms[0] {
		forms = append(forms, once)
	}
	if twice, err := url.PathUnescape(once); err == nil && !slices.Contains(forms, twice) {
		forms = append(forms, twice)
	}
	return forms
}

// locate finds the message that an address names.
func (p *Pages) locate(ctx context.Context, projectID int64, t target) (*mailstore.Message, error) {
	return patch.Locate(ctx, p.db, projectID, t.ids...)
}
