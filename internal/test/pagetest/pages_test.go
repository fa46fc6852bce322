// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/browser"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/web"
)

const (
	maintainer = "maintainer-with-a-name-as-long-as-names-of-users-get"
	password   = "kettle-pass-1"
	demoList   = "kettle-dev.lists.example.org"
)

var root = account.Actor{Admin: true, Via: "test"}

// site is a whole Patchwork on a database of its own.
type site struct {
	*app.App
	url     string
	session string // of maintainer; empty: there is no such user
	admin   string // session of an administrator
}

// newSite starts a site without projects and users.
func newSite(t *testing.T, changes ...func(*config.Config)) *site {
	t.Helper()
	cfg := config.Default()
	cfg.HTTP.WebPageSize = 30
	cfg.HTTP.FooterHTML = `<a href="https://example.org/privacy">Privacy</a>`
	for _, change := range changes {
		change(cfg)
	}
	a := &app.App{Config: cfg, DB: dbtest.Open(t, sqldb.SQLite), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)}
	server := httptest.NewServer(a.Handler("4.0"))
	t.Cleanup(server.Close)
	return &site{App: a, url: server.URL}
}

// addProject makes a project and takes in its mails.
func (s *site) addProject(t *testing.T, linkname, name, list string, mails ingress.Source) {
	t.Helper()
	email := linkname + "@lists.example.org"
	archive, commits := "https://lore.example.org/"+linkname+"/{}", "https://git.example.org/"+linkname+"/commit/{}"
	_, err := project.Create(t.Context(), s.DB, root, s.Clock.Now(), project.Change{Linkname: &linkname, Name: &name, ListID: &list, ListEmail: &email,
		ListArchiveURLFormat: &archive, CommitURLFormat: &commits, WebURL: &archive})
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Intake().Import(t.Context(), mails, func(ingress.Summary) {})
	if err != nil || sum.Outcomes["patch"] == 0 || sum.Outcomes["broken"] > 0 {
		t.Fatalf("import into %s: %v, %+v", linkname, err, sum)
	}
}

// addMaintainer makes the user who may change patches of the projects, and logs him in.
func (s *site) addMaintainer(t *testing.T, projects ...string) {
	t.Helper()
	name, email, pass, perPage := maintainer, "maintainer@example.org", password, 30
	_, err := account.CreateUser(t.Context(), s.DB, root, s.Clock.Now(), account.UserChange{Username: &name, Email: &email, Password: &pass, ItemsPerPage: &perPage})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range projects {
		if err := project.AddMaintainer(t.Context(), s.DB, root, s.Clock.Now(), p, maintainer); err != nil {
			t.Fatal(err)
		}
	}
	if s.session, _, err = account.NewSessions(s.DB, s.Clock).Login(t.Context(), maintainer, password, "192.0.2.1:1"); err != nil {
		t.Fatal(err)
	}
}

// addAdmin makes an administrator and logs him in.
func (s *site) addAdmin(t *testing.T) string {
	t.Helper()
	name, email, pass, yes := "admin", "admin@example.org", password, true
	if _, err := account.CreateUser(t.Context(), s.DB, root, s.Clock.Now(), account.UserChange{Username: &name, Email: &email, Password: &pass, IsAdmin: &yes}); err != nil {
		t.Fatal(err)
	}
	token, _, err := account.NewSessions(s.DB, s.Clock).Login(t.Context(), name, password, "192.0.2.2:1")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// addJobs fills the queue: jobs in all states, with a long target, a hostile error and a payload, workers alive and dead, periodic work.
func (s *site) addJobs(t *testing.T) {
	t.Helper()
	s.exec(t, `INSERT INTO job (id, kind, target, priority, payload, state, run_at, attempts, max_attempts, lease_owner, lease_until, error, created_at, finished_at)
		SELECT 1000000 + n.n, CASE n.n % 3 WHEN 0 THEN 'mail' WHEN 1 THEN 'webhook' ELSE 'notify-series-superseded' END, CASE n.n % 4 WHEN 0 THEN '' WHEN 1 THEN 'triage:1' WHEN 2 THEN 'mail:somebody.with.a.long.name@mail.example.org' ELSE 'https://hooks.example.org/a-long-path-without-any-place-to-break-it/' || n.n END,
			0, '{"url":"https://example.org/<b>","list":[1,2,3]}', CASE n.n % 7 WHEN 0 THEN 'waiting' WHEN 1 THEN 'blocked' WHEN 2 THEN 'queued' WHEN 3 THEN 'running' WHEN 4 THEN 'done' WHEN 5 THEN 'dead' ELSE 'cancelled' END,
			1792000000000000, n.n % 5, 10, '', 0, CASE n.n % 7 WHEN 5 THEN 'dial tcp 192.0.2.1:25: <script>alert(1)</script> connection refused, and a long story about it that goes on for a while' ELSE '' END, 1792000000000000, NULL
		FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 40) SELECT n FROM c) n`)
	s.exec(t, `INSERT INTO worker (id, host, pid, kinds, started_at, seen_at) VALUES ('a', 'a-machine-with-a-long-name.example.org', 4711, 'mail notify-series-superseded webhook', 1792000000000000, 1892000000000000),
		('b', 'gone', 12, 'mail', 1792000000000000, 1792000000000000)`)
	s.exec(t, `INSERT INTO job_periodic (name, due_at, started_at, finished_at, lease_owner, lease_until, error) VALUES ('old events', 1792000000000000, 1792000000000000, 1792000000000000, '', 0, ''),
		('weekly summary', 1792000000000000, 0, 0, 'a-machine-with-a-long-name.example.org:4711:ABCDEFGHIJKL', 1892000000000000, 'it failed the last time')`)
}

func demoMails(t *testing.T) ingress.Source {
	t.Helper()
	raw, err := os.ReadFile("../../../demo/demo.mbox")
	if err != nil {
		t.Fatal(err)
	}
	a, err := ingress.OpenArchive(bytes.NewReader(raw), "demo.mbox", demoList, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mailSource is mails in memory.
type mailSource []string

// Next implements ingress.Source.
func (m *mailSource) Next() (ingress.Delivery, error) {
	if len(*m) == 0 {
		return ingress.Delivery{}, io.EOF
	}
	raw := (*m)[0]
	*m = (*m)[1:]
	return ingress.Delivery{Raw: []byte(raw), Via: "test"}, nil
}

// busySite has a small project and one with hostile mails, decided patches, checks and addressed comments.
func busySite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.addProject(t, "kettle", "Kettle", demoList, demoMails(t))
	hostile := mailSource(hostileMails())
	s.addProject(t, "hostile", "Hostile & <b>Sons</b>", hostileList, &hostile)
	s.addMaintainer(t, "hostile", "kettle")
	s.addJobs(t)
	s.addChanges(t)
	s.exec(t, `UPDATE patch_comment SET addressed = (id % 2 = 0)`)
	s.exec(t, `INSERT INTO patch_check (id, patch_id, user_id, date, state, target_url, description, context)
		SELECT p.id * 4 + n.n, p.id, u.id, p.date, n.n, 'https://ci.example.org/' || n.n, 'the <b>result</b> of a long run, with some words about it', 'ci/kettle-' || n.n
		FROM patch p, user_account u, (SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3) n WHERE p.id % 3 = 0`)
	s.exec(t, `INSERT INTO mail_suspended (recipient_key, at, reason) VALUES ('maintainer@example.org', 1772366400000000, '3 mails came back since 2026-02-01')`)
	s.exec(t, `INSERT INTO webhook (id, project_id, url, secret, categories, filters, active, creator_id, created_at, pending, failures, failing_since, disabled_reason)
		SELECT p.id, p.id, 'https://hooks.example.org/a/path/that/is/as/long/as/paths/get/and/some/more/and/more/' || p.id, 's', 'patch-created check-created', '{"states":["accepted"],"check_contexts":["ci/*"]}',
		TRUE, u.id, 1772366400000000, 12, 3, 1772366400000000, '' FROM project p, user_account u`)
	s.exec(t, `INSERT INTO webhook_delivery (id, webhook_id, event_id, kind, body, state, attempts, created_at, error)
		SELECT n.n, p.id, n.n, 'cover-comment-created', CAST('{"name":"<b>long</b> ' || hex(zeroblob(300)) || '"}' AS BLOB), CASE n.n % 3 WHEN 0 THEN 'pending' WHEN 1 THEN 'failed' ELSE 'delivered' END, 1, 1772366400000000, 'answered 500 Internal Server Error'
		FROM project p, (WITH RECURSIVE k(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM k WHERE n < 120) SELECT n FROM k) n WHERE p.linkname = 'hostile'`)
	s.exec(t, `INSERT INTO webhook_attempt (delivery_id, number, at, took, request, status, response, body, cut, error)
		SELECT id, 1, 1772366400000000, 1234567, 'X-Patchwork-Signature: sha256=' || hex(zeroblob(32)), 500, 'Content-Type: text/html', CAST('<script>alert(1)</script> ' || char(8238) || ' turned' AS BLOB), TRUE, 'answered 500 Internal Server Error' FROM webhook_delivery`)
	s.exec(t, `INSERT INTO patch_check_latest (patch_id, user_id, context, check_id, state) SELECT patch_id, user_id, context, id, state FROM patch_check`)
	s.exec(t, `INSERT INTO bundle (id, owner_id, project_id, name, name_key, public) SELECT 1, u.id, p.id, 'a <b>bundle</b> with-a-name-without-any-place-to-br', 'x', TRUE
		FROM user_account u, project p WHERE p.linkname = 'hostile'`)
	s.exec(t, `INSERT INTO bundle_patch (bundle_id, patch_id, position) SELECT 1, p.id, p.id FROM patch p JOIN project j ON j.id = p.project_id WHERE j.linkname = 'hostile' ORDER BY p.id LIMIT 40`)
	s.exec(t, `INSERT INTO api_token (id, user_id, name, token_hash, scope, created_at, expires_at)
		SELECT 1000000, id, 'a <b>token</b> with-a-name-without-any-place-to-break-that-is-as-long-as-names-of-tokens-may-ever-get-x', randomblob(32), 'checks', 1772366400000000, 1782366400000000 FROM user_account LIMIT 1`)
	s.exec(t, `INSERT INTO saved_query (id, user_id, project_id, kind, name, query, public, opens, created_at)
		SELECT n.n, u.id, CASE n.n % 2 WHEN 0 THEN p.id END, CASE n.n WHEN 3 THEN 'series' ELSE 'patch' END, n.n || ' <b>query</b> with-a-name-without-any-place-to-br', 'q=' || hex(zeroblob(300)) || '&state=*', n.n = 2, FALSE, 1772366400000000
		FROM user_account u, project p, (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) n WHERE p.linkname = 'hostile'`)
	s.exec(t, `INSERT INTO change_set (id, project_id, actor_id, via, at, state, wanted, undoes_id, undone_by, total, done, changed, refused, overtaken, lost, back, reason, finished_at, expires_at)
		SELECT 1000009, 0, actor_id, via, at, 'done', wanted, 0, 0, total, done, changed, refused, overtaken, lost, back, reason, finished_at, expires_at FROM change_set WHERE id = 1000003`)
	s.exec(t, `INSERT INTO change_row (set_id, patch_id, field, old_value, new_value, later) SELECT 1000009, patch_id, field, old_value, new_value, later FROM change_row WHERE set_id = 1000003`)
	s.exec(t, `INSERT INTO change_row (set_id, patch_id, field, old_value, new_value, later) SELECT 1000009, p.id, 'overtaken', CASE p.id % 2 WHEN 0 THEN u.id ELSE '0' END, 'web', FALSE FROM user_account u, (SELECT id FROM patch ORDER BY id LIMIT 5) p`)
	s.exec(t, `UPDATE change_set SET overtaken = 7 WHERE id = 1000009`)
	s.admin = s.addAdmin(t)
	return s
}

// bundlePath is the page of the maintainer's bundle.
var bundlePath = patch.BundlePath(maintainer, "a <b>bundle</b> with-a-name-without-any-place-to-br")

func (s *site) exec(t *testing.T, query string) {
	t.Helper()
	err := s.DB.Tx(t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(t.Context(), query)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (s *site) number(t *testing.T, query string) int {
	t.Helper()
	var n int
	if err := s.DB.Get(t.Context(), &n, query); err != nil {
		t.Fatal(err)
	}
	return n
}

// brokenSite answers each path with the error page of its status.
func brokenSite(t *testing.T) *site {
	t.Helper()
	shell := web.New(web.Options{SiteName: "Patchwork", Version: "4.0"}, nobody{}, clock.System{}, slog.New(slog.DiscardHandler))
	mux := http.NewServeMux()
	mux.Handle("GET /static/", web.Assets())
	for path, kind := range map[string]fault.Kind{"/403/": fault.Denied, "/503/": fault.Unavailable, "/500/": fault.Internal, "/413/": fault.TooLarge} {
		mux.Handle(path, shell.Page(func(*web.Call) error { return fault.New(kind, "this is why") }))
	}
	server := httptest.NewServer(shell.Wrap(mux))
	t.Cleanup(server.Close)
	return &site{url: server.URL}
}

// nobody has no sessions.
type nobody struct{}

// Visitor implements web.Sessions.
func (nobody) Visitor(context.Context, string) (account.User, error) {
	return account.User{}, fault.New(fault.Unauthenticated, "nobody")
}

func mailPath(kind, id string) string {
	return "/project/hostile/" + kind + "/" + url.PathEscape(strings.ReplaceAll(id, "/", "%2F")) + "/"
}

// TestPages looks at the pages in a real browser, and uses them in another one that draws. It is one test, so that there are no more.
func TestPages(t *testing.T) {
	t.Parallel()
	busy := busySite(t)
	t.Run("look", func(t *testing.T) { testLook(t, browser.StartUndrawn(t), busy) })
	b := browser.Start(t)
	t.Run("accounts", func(t *testing.T) { testAccounts(t, b) })
	t.Run("use", func(t *testing.T) { testUse(t, b, busy) })
	t.Run("diff", func(t *testing.T) { testDiff(t, b, busy) })
	t.Run("API documentation", func(t *testing.T) { testAPIDocs(t, b, busy) })
	t.Run("keyboard", func(t *testing.T) { testKeys(t, b) })
	t.Run("use without JavaScript", func(t *testing.T) { testWithoutScript(t, b, busy) })
	t.Run("bundle without JavaScript", func(t *testing.T) { testBundleWithoutScript(t, b, busy) })
}

// views are all ways to look at a page. What one theme passed is asked again of the other only as far as it depends on colours.
var views = []struct {
	browser.View
	axe  func(*browser.Tab) []string // nil: looked at with PW_SOAK=1 only: a theme changes no width, and this width was asked in the other
	long bool                        // axe-core is asked with PW_SOAK=1 only: it was asked at nearly this width, or of these colours
}{
	{browser.View{Width: 1280, Height: 800}, (*browser.Tab).Axe, false},
	{browser.View{Width: 1280, Height: 800, Dark: true}, (*browser.Tab).AxeColours, false},
	{browser.View{Width: 390, Height: 844, Dark: true}, (*browser.Tab).Axe, false},
	{browser.View{Width: 390, Height: 844}, nil, false},
	{browser.View{Width: 320, Height: 640}, (*browser.Tab).Axe, true},
	{browser.View{Width: 320, Height: 640, Dark: true}, nil, false},
}

// ask says how much of axe-core a page is asked.
type ask int

const (
	whole ask = iota
	slow      // it takes seconds: only of a desktop
	alike     // with PW_SOAK=1 only, as the way of the focus: another page of the list has all parts of this one
)

func soak() bool { return os.Getenv("PW_SOAK") == "1" }

// testLook opens each page and wants in each view that it is not wider than the window, that axe-core finds nothing, and that the console is empty.
func testLook(t *testing.T, b *browser.Browser, busy *site) {
	empty, one, broken := newSite(t), newSite(t), brokenSite(t)
	one.addProject(t, "kettle", "Kettle", demoList, demoMails(t))
	laden := ladenSite(t)
	series, versions := busy.seriesPath(t), busy.newVersionPath(t)
	pages := []struct {
		name   string
		site   *site
		path   string
		user   bool
		status int
		axe    ask
	}{
		{"front, no project", empty, "/", false, 200, whole},
		{"front, one project", one, "/", false, 200, alike},
		{"front, two projects", busy, "/", false, 200, whole},
		{"about", busy, "/project/hostile/", false, 200, whole},
		{"list", busy, "/project/hostile/list/", false, 200, alike},
		{"list of a user", busy, "/project/hostile/list/", true, 200, alike},
		{"list, page 3", busy, "/project/hostile/list/?page=3&state=*", true, 200, alike},
		{"list, sorted and filtered", busy, "/project/hostile/list/?order=name&submitter=2&state=*", false, 200, alike},
		{"list, nothing", busy, "/project/hostile/list/?q=nothing-has-this", true, 200, whole},
		{"patch", busy, "/project/kettle/patch/20260204203000.5120-3-ann@example.org/", true, 200, whole},
		{"patch with scripts", busy, mailPath("patch", scriptID), true, 200, alike},
		{"patch with a slash", busy, mailPath("patch", slashID), false, 200, alike},
		{"patch with a long diff", busy, mailPath("patch", longDiffID), false, 200, slow},
		{"diff alone, long", busy, mailPath("patch", longDiffID) + "diff/?file=3", false, 200, whole},
		{"diff side by side", busy, mailPath("patch", scriptID) + "diff/?view=split", false, 200, whole},
		{"patch side by side", busy, mailPath("patch", bidiID) + "?view=split&ws=ignore", true, 200, whole},
		{"patch, binary", busy, mailPath("patch", binaryID), false, 200, alike},
		{"patch, wide", busy, mailPath("patch", wideID), false, 200, alike},
		{"patch, bidi", busy, mailPath("patch", bidiID), false, 200, alike},
		{"patch, CRLF", busy, mailPath("patch", crlfID), false, 200, alike},
		{"patch, no subject", busy, mailPath("patch", emptyID), true, 200, alike},
		{"patch 60 of 60", busy, mailPath("patch", lastID), true, 200, alike},
		{"cover", busy, mailPath("cover", coverID), true, 200, whole},
		{"series", busy, series, true, 200, alike},
		{"series with two versions", busy, versions, true, 200, whole},
		{"range-diff", busy, versions + "range-diff/", true, 200, whole},
		{"series list", busy, "/project/hostile/series/", false, 200, alike},
		{"series list of a user", busy, "/project/hostile/series/?who=*&state=1&q=a&order=name", true, 200, alike},
		{"queue", busy, "/project/kettle/queue/review/", true, 200, whole},
		{"queue, nothing", busy, "/project/kettle/queue/mine/", true, 200, alike},
		{"series with comments by date", busy, series + "?comments=date", false, 200, alike},
		{"headers of a mail", busy, "/project/kettle/20260204203000.5120-3-ann@example.org/headers/", false, 200, whole},
		{"thread", busy, "/project/hostile/" + coverID + "/T/", false, 200, alike},
		{"thread with scripts", busy, "/project/hostile/" + scriptID + "/T/", true, 200, whole},
		{"bundle", busy, bundlePath, false, 200, alike},
		{"bundle of one's own", busy, bundlePath, true, 200, whole},
		{"bundles", busy, "/user/bundles/", true, 200, whole},
		{"bundles of a project", busy, "/project/hostile/bundles/", true, 200, alike},
		{"to do", laden, "/user/todo/", true, 200, whole},
		{"to do, nothing", busy, "/user/todo/", true, 200, alike},
		{"delegated to me", laden, "/project/hostile/queue/delegated/", true, 200, alike},
		{"queue with an age", busy, "/project/hostile/queue/stale/?idle=90", false, 200, alike},
		{"change, a question", busy, "/project/hostile/change/1000001/", true, 200, whole},
		{"change, under way", busy, "/project/hostile/change/1000002/?refresh=no", true, 200, whole},
		{"change, done", busy, "/project/hostile/change/1000003/", true, 200, whole},
		{"recent changes", busy, "/user/changes/", true, 200, whole},
		{"who sent a mail", busy, "/project/kettle/person/1/", true, 200, whole},
		{"saved queries", busy, "/user/queries/", true, 200, alike},
		{"saved queries, all open", busy, "/user/queries/", true, 200, whole},
		{"list, all open", busy, "/project/hostile/list/?state=*&tag=1&since=2y&order=-tags", true, 200, whole},
		{"list of a visitor, all open", busy, "/project/hostile/list/?columns=name,id,version,comments,state&dates=relative&state=*", false, 200, whole},
		{"series list, all open", busy, "/project/hostile/series/?who=*&comments=none", true, 200, whole},
		{"queue over projects", laden, "/user/queue/review/", true, 200, alike},
		{"queue over projects, all open", laden, "/user/queue/delegated/?q=a", true, 200, whole},
		{"queue over projects, nothing", empty, "/user/queue/stale/", true, 200, alike},
		{"change in several projects", busy, "/user/changes/1000009/", true, 200, alike},
		{"webhooks", busy, "/project/hostile/webhooks/", true, 200, whole},
		{"webhook", busy, "/project/hostile/webhooks/2/?page=2", true, 200, whole},
		{"delivery of a webhook", busy, "/project/hostile/webhooks/2/deliveries/1/", true, 200, whole},
		{"webhooks of the site", busy, "/admin/webhooks/", false, 200, whole},
		{"login", busy, "/user/login/?next=/project/hostile/list/", false, 200, whole},
		{"administration", busy, "/admin/", false, 200, whole},
		{"jobs", busy, "/admin/jobs/", false, 200, whole},
		{"jobs that failed", busy, "/admin/jobs/?state=dead", false, 200, alike},
		{"job", busy, "/admin/jobs/1000005/", false, 200, whole},
		{"profile", busy, "/user/", true, 200, whole},
		{"tokens", busy, "/user/tokens/", true, 200, whole},
		{"logout", busy, "/user/logout/", true, 200, whole},
		{"notifications", busy, "/user/notifications/", true, 200, whole},
		{"mail settings", busy, "/mail/", false, 200, whole},
		{"unsubscribe", busy, busy.unsubscribePath(t), false, 200, whole},
		{"confirm", busy, busy.confirmPath(t), false, 200, whole},
		{"API, index", busy, "/api/1.2/", false, 200, whole},
		{"API, patches", busy, "/api/patches/?project=hostile&per_page=12&page=2", false, 200, alike},
		{"API, patch", busy, "/api/1.4/patches/3/", false, 200, whole},
		{"API, list", busy, "/api/1.4/projects/hostile/webhooks/2/deliveries/?per_page=20", true, 200, whole},
		{"API, object", busy, "/api/1.4/projects/hostile/webhooks/2/", true, 200, alike},
		{"API, error", busy, "/api/1.4/projects/hostile/webhooks/2/", false, 403, whole},
		{"API documentation", busy, "/api/docs", true, 200, alike},
		{"API documentation, open", busy, "/api/docs?version=1.4#createProjectWebhook", false, 200, whole},
		{"404", busy, "/project/none/list/", false, 404, whole},
		{"403", broken, "/403/", false, 403, whole},
		{"413", broken, "/413/", false, 413, alike},
		{"500", broken, "/500/", false, 500, alike},
		{"503", broken, "/503/", false, 503, alike},
	}
	tabs := make(chan *browser.Tab, runtime.GOMAXPROCS(0))
	for range cap(tabs) {
		tabs <- b.Tab(t)
	}
	for _, p := range pages {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			lent := <-tabs
			defer func() { tabs <- lent }()
			tab := lent.Lend(t)
			if p.user {
				tab.SetCookie(p.site.url, web.SessionCookie, p.site.session)
			}
			if strings.HasPrefix(p.path, "/admin/") {
				tab.SetCookie(p.site.url, web.SessionCookie, p.site.admin)
			}
			if got := tab.Open(p.site.url + p.path); got != p.status {
				t.Fatalf("%s: %d, want %d", p.path, got, p.status)
			}
			if strings.HasSuffix(p.name, ", all open") {
				browser.Eval[any](tab, `document.querySelectorAll("main details").forEach((d) => { d.open = true })`)
			}
			lookAt(t, tab, p.status, p.axe)
		})
	}
}

// lookAt wants what testLook says of the page that is open, which answered with a status.
func lookAt(t *testing.T, tab *browser.Tab, status int, axe ask) {
	t.Helper()
	if underRace {
		return
	}
	for i, v := range views {
		if v.axe == nil && !soak() {
			continue
		}
		tab.Look(v.View)
		if wide := tab.Overflow(); wide != "" {
			t.Errorf("%v: %s", v.View, wide)
		}
		if v.axe == nil || axe == slow && i > 1 || !soak() && (v.long || axe == alike) {
			continue
		}
		for _, found := range v.axe(tab) {
			t.Errorf("%v: %s", v.View, found)
		}
	}
	lookOtherwise(t, tab, axe == slow || axe == alike && !soak())
	for _, said := range tab.Complaints() {
		if status == 200 || !strings.Contains(said, "Failed to load resource") { // which is what Chromium says of an error page itself
			t.Errorf("console: %s", said)
		}
	}
}

// ladenSite has two projects, all patches of which are delegated to the maintainer.
func ladenSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	hostile := mailSource(hostileMails())
	s.addProject(t, "kettle", "Kettle", demoList, demoMails(t))
	s.addProject(t, "hostile", "Hostile & <b>Sons</b>", hostileList, &hostile)
	s.addMaintainer(t, "hostile", "kettle")
	s.exec(t, `UPDATE patch SET delegate_id = (SELECT id FROM user_account)`)
	if _, err := s.Check(t.Context(), true, func(string) {}); err != nil {
		t.Fatal(err)
	}
	return s
}

// unsubscribePath is the link in a notice.
func (s *site) unsubscribePath(t *testing.T) (path string) {
	t.Helper()
	err := s.DB.Tx(t.Context(), func(tx *sqldb.Tx) error {
		sign, err := outmail.LoadSigner(t.Context(), tx, s.Clock.Now())
		path = sign.UnsubscribePath("somebody-with-a-long-name@a-department.of-a-large-company.example.org")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// confirmPath is the link in the mail to who asked to opt out.
func (s *site) confirmPath(t *testing.T) string {
	t.Helper()
	err := account.AskOptout(t.Context(), s.DB, s.Clock.Now(), account.ConfirmOptOut, "somebody@example.org", "", 7)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := outmail.List(t.Context(), s.DB, outmail.Filter{Most: 1})
	if err != nil {
		t.Fatal(err)
	}
	m, err := rows[0].Mail()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(m.Shown("|"), "|")
	path, _, _ := strings.Cut(rest, "\n")
	return path
}

// newVersionPath is the page of a series that is the second version of another.
func (s *site) newVersionPath(t *testing.T) string {
	t.Helper()
	var id int64
	if err := s.DB.Get(t.Context(), &id, "SELECT MIN(id) FROM series WHERE previous_id IS NOT NULL"); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/project/kettle/series/%d/", id)
}

func (s *site) seriesPath(t *testing.T) string {
	t.Helper()
	tab, err := http.Get(s.url + mailPath("cover", coverID))
	if err != nil {
		t.Fatal(err)
	}
	defer tab.Body.Close()
	page, err := io.ReadAll(tab.Body)
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`href="(/project/hostile/series/\d+/)"`).FindSubmatch(page)
	if link == nil {
		t.Fatal("the cover letter does not link its series")
	}
	return string(link[1])
}

var shift = chromedp.ModifierShift
