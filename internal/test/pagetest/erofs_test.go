// SPDX-License-Identifier: GPL-2.0-or-later

package pagetest

import (
	"compress/gzip"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/browser"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
	"patchwork.example/pw/internal/web"
)

// The stories are told over the archive of a real list, which is imported once; each has a copy of the database. What they expect are facts of that archive: subjects, Message-IDs
// and numbers of patches, found by reading it.

const erofsList = "linux-erofs.lists.ozlabs.org"

// erofsDay is the day after the last mail of the archive: ages and the queue of stale series are the same whenever the tests run.
var erofsDay = clock.FromTime(time.Date(2026, 7, 16, 12, 0, 0, 0, time.UTC))

var erofs struct {
	once sync.Once
	file string
	err  error
}

// importErofs makes the database that the stories copy.
func importErofs(archive string) (string, error) {
	dir, err := os.MkdirTemp("", "pw-erofs")
	if err != nil {
		return "", err
	}
	dbtest.AtEnd(func() { os.RemoveAll(dir) })
	file := filepath.Join(dir, "erofs.db")
	cfg := config.Default()
	cfg.Database.URL, cfg.Database.AutoSync = "sqlite:"+file, true
	ctx := context.Background()
	a, err := app.Open(ctx, cfg)
	if err != nil {
		return "", err
	}
	a.Clock, a.Log = clock.NewFake(erofsDay), slog.New(slog.DiscardHandler)
	if err = fillErofs(ctx, a, archive); err == nil {
		err = a.Close()
	}
	return file, err
}

func fillErofs(ctx context.Context, a *app.App, archive string) error {
	link, name, list, email, format := "erofs", "EROFS", erofsList, "linux-erofs@lists.ozlabs.org", "https://lore.kernel.org/linux-erofs/{}"
	if _, err := project.Create(ctx, a.DB, root, a.Clock.Now(), project.Change{Linkname: &link, Name: &name, ListID: &list, ListEmail: &email, ListArchiveURLFormat: &format}); err != nil {
		return err
	}
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	source, err := ingress.OpenArchive(struct{ io.Reader }{z}, "erofs", list, 100<<20)
	if err != nil {
		return err
	}
	sum, err := a.Intake().Import(ctx, source, func(ingress.Summary) {})
	if err == nil && sum.Outcomes["patch"] != 6403 {
		err = fmt.Errorf("%d patches in the archive, want 6403", sum.Outcomes["patch"])
	}
	user, mail, pass := "mia", "mia@example.org", password
	if err == nil {
		_, err = account.CreateUser(ctx, a.DB, root, a.Clock.Now(), account.UserChange{Username: &user, Email: &mail, Password: &pass})
	}
	if err == nil {
		err = project.AddMaintainer(ctx, a.DB, root, a.Clock.Now(), link, user)
	}
	return err
}

// erofsSite is a site with the whole archive, one maintainer, who is logged in, and a worker.
func erofsSite(t *testing.T) *site {
	t.Helper()
	archive := filepath.Join(shared.Dir(t), "corpora", "lore-linux-erofs.mbox.gz")
	erofs.once.Do(func() { erofs.file, erofs.err = importErofs(archive) })
	if erofs.err != nil {
		t.Fatal(erofs.err)
	}
	file := filepath.Join(t.TempDir(), "erofs.db")
	if err := copyFile(erofs.file, file); err != nil {
		t.Fatal(err)
	}
	db, err := sqldb.Open(t.Context(), "sqlite:"+file, sqldb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	a := &app.App{Config: config.Default(), DB: db, Clock: clock.NewFake(erofsDay), Log: slog.New(slog.DiscardHandler)}
	server := httptest.NewServer(a.Handler("4.0"))
	t.Cleanup(server.Close)
	s := &site{App: a, url: server.URL}
	if s.session, _, err = account.NewSessions(db, a.Clock).Login(t.Context(), "mia", password, "192.0.2.1:1"); err != nil {
		t.Fatal(err)
	}
	return s
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// work runs jobs until the test ends.
func (s *site) work(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Work(ctx); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { stop(); <-done })
}

func (s *site) advance(d time.Duration) { s.Clock.(*clock.Fake).Advance(d) }

// story is a maintainer before a browser.
type story struct {
	*browser.Tab
	t        *testing.T
	site     *site
	noScript bool
}

// tell opens a browser for the maintainer.
func tell(t *testing.T, b *browser.Browser, s *site) *story {
	t.Helper()
	tab := b.Tab(t)
	tab.SetCookie(s.url, web.SessionCookie, s.session)
	return &story{Tab: tab, t: t, site: s}
}

// open opens a page and waits until it is painted: Chromium drops keys before.
func (p *story) open(path string) {
	p.t.Helper()
	if got := p.Open(p.site.url + path); got != 200 {
		p.t.Fatalf("%s: %d", path, got)
	}
	p.painted()
}

func (p *story) painted() {
	p.t.Helper()
	if p.noScript {
		return // there are no frames to be asked for
	}
	browser.Eval[any](p.Tab, `new Promise(f => requestAnimationFrame(() => requestAnimationFrame(() => f(null))))`)
}

// load presses keys that lead to another page, which must say something.
func (p *story) load(keys, flash string) {
	p.t.Helper()
	if got := p.PressAndLoad(keys); got != 200 {
		p.t.Fatalf("%s: %d", keys, got)
	}
	p.painted()
	p.is(keys+" says", p.text(".flash"), flash)
}

// goes presses keys that lead to a page.
func (p *story) goes(keys, where string) {
	p.t.Helper()
	if len(keys) > 1 {
		p.Press(keys[:len(keys)-1])
	}
	if got := p.PressAndLoad(keys[len(keys)-1:]); got != 200 {
		p.t.Fatalf("%s: %d", keys, got)
	}
	p.painted()
	p.is(keys+" leads to", p.where(), where)
}

// clicks clicks on what a selector finds and waits for the page it leads to.
func (p *story) clicks(selector string) {
	p.t.Helper()
	browser.Eval[any](p.Tab, fmt.Sprintf(`(e => { e.scrollIntoView({block: "center"}); e.focus(); return null })(document.querySelector(%q))`, selector))
	if got := p.PressAndLoad("\r"); got != 200 {
		p.t.Fatalf("%s: %d", selector, got)
	}
	p.painted()
}

func (p *story) is(what, got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// text is what the first element of a selector shows; empty if there is none.
func (p *story) text(selector string) string {
	p.t.Helper()
	return browser.Eval[string](p.Tab, fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? "").trim()`, selector))
}

// texts are what all elements of a selector show.
func (p *story) texts(selector string) []string {
	p.t.Helper()
	return browser.Eval[[]string](p.Tab, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.innerText.trim())`, selector))
}

func (p *story) where() string {
	p.t.Helper()
	return browser.Eval[string](p.Tab, `decodeURIComponent(location.pathname) + location.search`)
}

// cursor is the name in the row under the cursor.
func (p *story) cursor() string { return p.text(`tr[aria-current=true] td.name`) }

// silent wants that the console has said nothing.
func (p *story) silent() {
	p.t.Helper()
	if said := p.Complaints(); said != nil {
		p.t.Errorf("console: %q", said)
	}
}

// rows are rows of the database, their columns joined by blanks.
func (s *site) rows(t *testing.T, query string) (out []string) {
	t.Helper()
	rows, err := s.DB.SQL().QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		cells := make([]any, len(columns))
		texts := make([]sql.NullString, len(columns))
		for i := range cells {
			cells[i] = &texts[i]
		}
		if err := rows.Scan(cells...); err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, c := range texts {
			words = append(words, c.String)
		}
		out = append(out, strings.Join(words, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// has compares rows of the database.
func (s *site) has(t *testing.T, query string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.rows(t, query)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", query, diff)
	}
}

// sound wants that all counters and roll-ups are what they count.
func (s *site) sound(t *testing.T) {
	t.Helper()
	found, err := s.Check(t.Context(), false, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Errorf("pw db check: %d %s", f.Rows, f.What)
	}
}

// TestErofsStories tells what maintainers do, in a real browser over the archive of a real list. It is one test, so that there is one browser for all but the last.
func TestErofsStories(t *testing.T) {
	t.Parallel()
	shared.Dir(t)
	b := browser.Start(t)
	t.Run("triage by keyboard", func(t *testing.T) { storyTriage(t, b) })
	t.Run("bulk changes and undo", func(t *testing.T) { storyBulk(t, b) })
	s := erofsSite(t)
	t.Run("queues and filters", func(t *testing.T) { storyQueues(t, b, s) })
	t.Run("reading", func(t *testing.T) { storyReading(t, b, s) })
	t.Run("versions", func(t *testing.T) { storyVersions(t, b, s) })
	t.Run("phone", func(t *testing.T) { storyPhone(t, b, s) })
	t.Run("without JavaScript", func(t *testing.T) { storyNoScript(t, b, s) })
	t.Run("look", func(t *testing.T) { storyLook(t, browser.StartUndrawn(t), s) })
}
