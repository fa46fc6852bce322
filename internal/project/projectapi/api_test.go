// SPDX-License-Identifier: GPL-2.0-or-later

package projectapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/rest"
	"patchwork.example/pw/internal/test/apiseed"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

type served struct {
	apiseed.Client
	*apiseed.Seed
	db      *sqldb.DB
	queries *atomic.Int64
}

// each serves the projects of apiseed on every engine.
func each(t *testing.T, f func(t *testing.T, s *served)) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			s := &served{queries: &atomic.Int64{}}
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(string) { s.queries.Add(1) }})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s.db, s.Seed = db, apiseed.Fill(t, db)
			mux, now := http.NewServeMux(), clock.NewFake(apiseed.Now)
			Routes(mux, rest.New(rest.Options{BaseURL: "http://h", SessionCookie: "pw_session", PerPage: 30, MostPerPage: 250}, account.NewSessions(db, now), now, slog.New(slog.DiscardHandler)), db)
			server := httptest.NewServer(mux)
			defer server.Close()
			s.Client = apiseed.Client{T: t, URL: server.URL, Tokens: s.Seed.Tokens}
			f(t, s)
		})
	}
}

// ask expects a status and a body, in which {alpha} is the number of that project and {maint} of that user.
func (s *served) ask(t *testing.T, who, method, address, body string, status int, want string) {
	t.Helper()
	pairs := []string{}
	for name, id := range s.Projects {
		pairs = append(pairs, "{"+name+"}", fmt.Sprint(id))
	}
	for name, id := range s.Users {
		pairs = append(pairs, "{"+name+"}", fmt.Sprint(id))
	}
	fill := strings.NewReplacer(pairs...).Replace
	a := s.Do(who, method, fill("/api"+address), body)
	if want = fill(want); a.Status != status || want != "" && a.Body != want {
		t.Errorf("%s: %d %s\nwant %d %s", a.Request, a.Status, a.Body, status, want)
	}
}

// object is alpha in a version, with fields of later versions behind maintainers.
func object(version, later string) string {
	user := func(name, first string) string {
		return `{"id":{` + name + `},"url":"http://h/api` + version + `/users/{` + name + `}/","username":"` + name + `","first_name":"` + first + `","last_name":"Example","email":"` + name + `@people.example"}`
	}
	return `{"id":{alpha},"url":"http://h/api` + version + `/projects/{alpha}/","name":"ALPHA","link_name":"alpha","list_id":"alpha.lists.example","list_email":"alpha@lists.example","web_url":"https://alpha.example/","scm_url":"","webscm_url":"","maintainers":[` +
		user("maint", "Maint") + "," + user("both", "Both") + `]` + later + `}`
}

const archive = `,"list_archive_url":"","list_archive_url_format":"https://archive.example/alpha/{}","commit_url_format":""`

func TestGet(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		for version, later := range map[string]string{"/1.0": "", "/1.1": `,"subject_match":""`, "/1.2": `,"subject_match":""` + archive, "/1.3": `,"subject_match":""` + archive,
			"/1.4": `,"subject_match":""` + archive + `,"show_dependencies":true`, "": `,"subject_match":""` + archive + `,"show_dependencies":true`} {
			for _, key := range []string{"{alpha}", "alpha"} {
				s.ask(t, "", "GET", version+"/projects/"+key+"/", "", 200, object(version, later))
			}
		}
		numeric := "77001"
		if _, err := project.Update(t.Context(), s.db, account.CLI, apiseed.Now, "beta", project.Change{Linkname: &numeric}); err != nil {
			t.Fatal(err)
		}
		if a := s.Get("", "/api/projects/77001"); a.At("id") != s.Projects["beta"] {
			t.Error(a)
		}
		taken := fmt.Sprint(s.Projects["alpha"])
		if _, err := project.Update(t.Context(), s.db, account.CLI, apiseed.Now, numeric, project.Change{Linkname: &taken}); err != nil {
			t.Fatal(err)
		}
		if a := s.Get("", "/api/projects/"+taken+"/"); a.At("id") != s.Projects["alpha"] {
			t.Errorf("a link name hides a number: %+v", a)
		}
		s.ask(t, "", "GET", "/projects/ALPHA/", "", 404, `{"detail":"Not found."}`)
		s.ask(t, "", "GET", "/projects/999999/", "", 404, `{"detail":"Not found."}`)
		for _, key := range []string{"%00", "alpha%00", "%ff", "%ED%A0%80"} { // no text of any engine
			s.ask(t, "", "GET", "/projects/"+key+"/", "", 404, "404 page not found\n")
		}
	})
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		a, b := s.Projects["alpha"], s.Projects["beta"]
		both, back := fmt.Sprintf("[%d %d]", a, b), fmt.Sprintf("[%d %d]", b, a)
		for query, want := range map[string]string{
			"": both, "?order=-name": back, "?order=link_name": both, "?order=-list_id,id": back, "?order=nothing": both, "?order=-id": back, "?q=alpha": fmt.Sprintf("[%d]", a),
			"?q=LISTS.example": both, "?q=lists,bet": fmt.Sprintf("[%d]", b), "?q=gamma": "[]", "?q=x&q=alp": fmt.Sprintf("[%d]", a), "?project=nonsense": both, "?q=%25": "[]", "?q=%00": "[]",
		} {
			if got := s.Get("", "/api/1.0/projects/"+query); got.IDs() != want || got.Status != 200 {
				t.Errorf("%s: %d %s, want %s", query, got.Status, got.IDs(), want)
			}
		}
		got := s.Get("", "/api/1.2/projects/?per_page=1&page=2")
		if link := got.Header.Get("Link"); got.IDs() != fmt.Sprintf("[%d]", b) || link != `<http://h/api/1.2/projects/?per_page=1>; rel="prev", <http://h/api/1.2/projects/?page=1&per_page=1>; rel="first", <http://h/api/1.2/projects/?page=2&per_page=1>; rel="last"` {
			t.Error(got.IDs(), link)
		}
		s.ask(t, "", "GET", "/projects/?per_page=1&page=3", "", 404, `{"detail":"Invalid page."}`)
		for address, want := range map[string]int64{"/api/projects/": 2, "/api/projects/alpha/": 2} {
			before := s.queries.Load()
			s.Get("", address)
			if n := s.queries.Load() - before; n != want {
				t.Errorf("%s: %d queries, want %d", address, n, want)
			}
		}
	})
}

func TestChange(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		for _, method := range []string{"PATCH", "PUT"} {
			s.ask(t, "", method, "/projects/alpha/", `{bad`, 403, `{"detail":"Authentication credentials were not provided."}`)
			for _, who := range []string{"joe", "dev", "deleg"} {
				s.ask(t, who, method, "/projects/alpha/", `{bad`, 403, `{"detail":"You do not have permission to perform this action."}`)
			}
			s.ask(t, "", method, "/projects/nosuch/", `{bad`, 404, `{"detail":"Not found."}`)
		}
		for _, method := range []string{"POST", "DELETE"} {
			s.ask(t, "root", method, "/projects/alpha/", "", 405, `{"detail":"Method \"`+method+`\" not allowed."}`)
			s.ask(t, "", method, "/projects/", "", 405, "")
		}
		s.ask(t, "maint", "PUT", "/1.0/projects/alpha/", `{}`, 200, object("/1.0", ""))
		s.ask(t, "maint", "PATCH", "/1.0/projects/alpha/", `link_name=other&name=x&list_id=y&subject_match=z&maintainers=1`, 200, object("/1.0", ""))
		changed := strings.ReplaceAll(object("/1.4", `,"subject_match":"","list_archive_url":"a","list_archive_url_format":"b{}c{}","commit_url_format":"{}","show_dependencies":false`),
			`"web_url":"https://alpha.example/","scm_url":"","webscm_url":""`, `"web_url":"<é>","scm_url":"git://x","webscm_url":"w"`)
		s.ask(t, "maint", "PATCH", "/1.4/projects/alpha/", `{"web_url":"<é>","scm_url":"git://x","webscm_url":"w","list_archive_url":"a","list_archive_url_format":"b{}c{}","commit_url_format":"{}","show_dependencies":"no","nonsense":[]}`, 200, changed)
		s.ask(t, "", "GET", "/1.4/projects/alpha/", "", 200, changed)
		s.ask(t, "root", "PATCH", "/1.4/projects/{alpha}/", "web_url=", 200, strings.Replace(changed, `"<é>"`, `""`, 1))
		for body, want := range map[string]string{
			`{"list_archive_url_format":"https://x/{0}{1}"}`:  `{"list_archive_url_format":["Only {} is replaced; other braces are not allowed."]}`,
			`{"commit_url_format":"{x}","web_url":null}`:      `{"commit_url_format":["Only {} is replaced; other braces are not allowed."],"web_url":["This field may not be null."]}`,
			`{"show_dependencies":"maybe"}`:                   `{"show_dependencies":["Must be a valid boolean."]}`,
			`{"scm_url":"` + strings.Repeat("é", 2001) + `"}`: `{"scm_url":["Ensure this field has no more than 2000 characters."]}`,
			`[1]`: `{"detail":["Invalid data. Expected a dictionary, but got list."]}`,
		} {
			s.ask(t, "maint", "PATCH", "/projects/alpha/", body, 400, want)
		}
		s.ask(t, "maint", "PATCH", "/projects/alpha/", `{"scm_url":"`+strings.Repeat("é", 2000)+`"}`, 200, "")
		var lines []string
		err := s.db.Select(t.Context(), &lines, "SELECT CONCAT_WS(' ', a.via, u.username, a.subject) FROM audit a JOIN user_account u ON u.id = a.actor_id WHERE a.verb = 'project update' ORDER BY a.id")
		if got := strings.Join(lines, ", "); err != nil || got != "api maint project alpha, api root project alpha, api maint project alpha" {
			t.Error(got, err)
		}
	})
}

// TestIfMatch: of many who change what they have seen at the same time, one does.
func TestIfMatch(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		const path = "/api/1.4/projects/alpha/"
		tag := "If-Match: " + s.Get("", path).Header.Get("ETag")
		var wg sync.WaitGroup
		var changed, refused atomic.Int64
		for i := range 6 {
			wg.Go(func() {
				switch a := s.Do("maint", "PATCH", path, fmt.Sprintf(`{"scm_url":"git://%d"}`, i), tag); a.Status {
				case 200:
					changed.Add(1)
				case 412:
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			})
		}
		wg.Wait()
		if changed.Load() != 1 || refused.Load() != 5 {
			t.Errorf("%d changed it, %d were refused", changed.Load(), refused.Load())
		}
	})
}
