// SPDX-License-Identifier: GPL-2.0-or-later

package accountapi

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
	"patchwork.example/pw/internal/patch"
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

// each serves the people of apiseed on every engine.
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
			Routes(mux, rest.New(rest.Options{BaseURL: "http://h", SessionCookie: "pw_session", PerPage: 30, MostPerPage: 250}, account.NewSessions(db, now), now, slog.New(slog.DiscardHandler)), db, patch.SetBot)
			server := httptest.NewServer(mux)
			defer server.Close()
			s.Client = apiseed.Client{T: t, URL: server.URL, Tokens: s.Seed.Tokens}
			f(t, s)
		})
	}
}

func (s *served) fill(text string) string {
	pairs := []string{}
	for name, id := range s.Users {
		pairs = append(pairs, "{u."+name+"}", fmt.Sprint(id))
	}
	for name, id := range s.Persons {
		pairs = append(pairs, "{p."+name+"}", fmt.Sprint(id))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// ask expects a status and a body, in which {u.joe} is the number of that user and {p.ann} that of that person.
func (s *served) ask(t *testing.T, who, method, address, body string, status int, want string) {
	t.Helper()
	a := s.Do(who, method, s.fill("/api"+address), body)
	if want = s.fill(want); a.Status != status || want != "" && a.Body != want {
		t.Errorf("%s %s: %d %s\nwant %d %s", a.Request, body, a.Status, a.Body, status, want)
	}
}

func (s *served) lists(t *testing.T, address string, want ...string) {
	t.Helper()
	a := s.Get("joe", "/api"+address)
	if got, want := a.IDs(), s.fill("["+strings.Join(want, " ")+"]"); a.Status != 200 || got != want {
		t.Errorf("%s: %d %s, want %s", address, a.Status, got, want)
	}
}

const (
	noLogin = `{"detail":"Authentication credentials were not provided."}`
	denied  = `{"detail":"You do not have permission to perform this action."}`
)

// user is a user in a version, with what later versions add.
func user(version, name, more string) string {
	return `{"id":{u.` + name + `},"url":"http://h/api` + version + `/users/{u.` + name + `}/","username":"` + name + `","first_name":"` + strings.ToUpper(name[:1]) + name[1:] +
		`","last_name":"Example","email":"` + name + `@people.example"` + more + `}`
}

func TestPeople(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		for _, path := range []string{"/people/", "/1.0/people/{p.ann}/", "/people/999999/", "/users/", "/1.3/users/{u.joe}/", "/users/999999/"} {
			s.ask(t, "", "GET", path, "", 403, noLogin)
		}
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			for _, who := range []string{"", "root"} {
				s.ask(t, who, method, "/people/", "", 405, "")
				s.ask(t, who, method, "/1.1/people/{p.ann}", "{}", 405, `{"detail":"Method \"`+method+`\" not allowed."}`)
			}
		}
		s.ask(t, "joe", "GET", "/1.2/people/{p.dev}/", "", 200, `{"id":{p.dev},"url":"http://h/api/1.2/people/{p.dev}/","name":"Dev Example","email":"dev@people.example","user":`+user("/1.2", "dev", "")+`}`)
		s.ask(t, "joe", "GET", "/people/{p.ann}/", "", 200, `{"id":{p.ann},"url":"http://h/api/people/{p.ann}/","name":"Ann Author","email":"ann@people.example","user":null,"bot":null}`)
		err := s.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE person SET name = NULL, name_key = '' WHERE email = 'ann@people.example'")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		s.ask(t, "joe", "GET", "/1.0/people/{p.ann}/", "", 200, `{"id":{p.ann},"url":"http://h/api/1.0/people/{p.ann}/","name":null,"email":"ann@people.example","user":null}`)
		s.ask(t, "joe", "GET", "/people/999999/", "", 404, `{"detail":"Not found."}`)
		s.ask(t, "", "GET", "/people/ann/", "", 404, "404 page not found\n")

		s.lists(t, "/people/", "{p.dev}", "{p.ann}", "{p.rev}", "{p.sue}")
		s.lists(t, "/people/?order=email", "{p.ann}", "{p.dev}", "{p.rev}", "{p.sue}")
		s.lists(t, "/people/?order=-name", "{p.sue}", "{p.rev}", "{p.dev}", "{p.ann}")
		s.lists(t, "/people/?order=nonsense,-id", "{p.sue}", "{p.rev}", "{p.ann}", "{p.dev}")
		s.lists(t, "/people/?q=EXAMPLE,dev&project=beta", "{p.dev}")
		s.lists(t, "/people/?q=stran", "{p.sue}")
		s.lists(t, "/people/?q=%25")
		s.lists(t, "/people/?q=%00%ff")
		s.lists(t, "/people/?per_page=3&page=last", "{p.sue}")
		s.ask(t, "joe", "GET", "/people/?page=2", "", 404, `{"detail":"Invalid page."}`)
		s.ask(t, "joe", "GET", "/people/?q="+strings.Repeat("a,", 21), "", 400, `{"detail":"a search may have 20 words"}`)
	})
}

// TestWhoIsAProgram: administrators say so, from 1.4 on.
func TestWhoIsAProgram(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		const sue = `{"id":{p.sue},"url":"http://h/api/people/{p.sue}/","name":"Sue Stranger","email":"sue@people.example","user":null,"bot":`
		s.ask(t, "joe", "PUT", "/people/{p.sue}/bot/", `{"bot":true}`, 403, `{"detail":"You do not have permission to perform this action."}`)
		s.ask(t, "", "PUT", "/people/{p.sue}/bot/", `{"bot":true}`, 403, noLogin)
		s.ask(t, "root", "PUT", "/people/999999/bot/", `{"bot":true}`, 404, `{"detail":"Not found."}`)
		s.ask(t, "root", "PUT", "/people/{p.sue}/bot/", `{"bot":"perhaps"}`, 400, `{"bot":["Must be a valid boolean."]}`)
		s.ask(t, "root", "PUT", "/people/{p.sue}/bot/", `{"bot":true}`, 200, sue+`true}`)
		s.ask(t, "root", "PUT", "/people/{p.sue}/bot/", `{}`, 400, `{"bot":["This field is required."]}`)
		s.ask(t, "root", "PUT", "/1.3/people/{p.sue}/bot/", `{"bot":true}`, 404, "404 page not found\n")
		s.ask(t, "joe", "GET", "/people/{p.sue}/", "", 200, sue+`true}`)
		s.ask(t, "root", "PUT", "/people/{p.sue}/bot/", `{"bot":false}`, 200, sue+`false}`)
		s.ask(t, "root", "PUT", "/people/{p.sue}/bot/", `{"bot":null}`, 200, sue+`null}`)
	})
}

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		s.lists(t, "/users/", "{u.maint}", "{u.both}", "{u.dev}", "{u.deleg}", "{u.rev}", "{u.joe}", "{u.root}")
		s.lists(t, "/users/?order=-username&per_page=2", "{u.root}", "{u.rev}")
		s.lists(t, "/users/?q=DEV", "{u.dev}")
		s.lists(t, "/users/?q=root%20exam", "{u.root}")
		const settings = `,"settings":{"send_email":false,"items_per_page":100,"show_ids":false}`
		for _, version := range []string{"/1.0", "/1.1"} {
			s.ask(t, "joe", "GET", version+"/users/{u.joe}/", "", 200, user(version, "joe", ""))
		}
		for _, version := range []string{"/1.2", "/1.3", "/1.4", ""} {
			s.ask(t, "joe", "GET", version+"/users/{u.joe}/", "", 200, user(version, "joe", settings))
			s.ask(t, "root", "GET", version+"/users/{u.joe}/", "", 200, user(version, "joe", ""))
		}
		if a := s.Get("joe", "/api/1.4/users/"); a.Keys() != "id url username first_name last_name email" {
			t.Error(a.Keys())
		}
		for address, want := range map[string]int64{"/api/users/": 3, "/api/people/": 4, s.fill("/api/users/{u.dev}/"): 2, s.fill("/api/people/{p.dev}/"): 3} {
			before := s.queries.Load()
			s.Get("joe", address)
			if n := s.queries.Load() - before; n != want {
				t.Errorf("%s: %d queries, want %d", address, n, want)
			}
		}
	})
}

func TestChangeSelf(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		for _, method := range []string{"PATCH", "PUT"} {
			s.ask(t, "", method, "/users/{u.joe}/", `{bad`, 403, noLogin)
			s.ask(t, "maint", method, "/users/{u.joe}/", `{bad`, 403, denied)
			s.ask(t, "root", method, "/users/{u.joe}/", `{bad`, 403, denied)
			s.ask(t, "joe", method, "/users/999999/", `{}`, 404, `{"detail":"Not found."}`)
		}
		for version, want := range map[string]int{"/1.0": 1, "/1.2": 1, "": 1} { // what OPTIONS offers
			if got := strings.Count(s.Do("joe", "OPTIONS", s.fill("/api"+version+"/users/{u.joe}/"), "").Body, `"actions":{"PUT":{`); got != want {
				t.Errorf("%s: PUT is offered %d times", version, got)
			}
		}
		if a := s.Do("joe", "OPTIONS", s.fill("/api/users/{u.dev}/"), ""); strings.Contains(a.Body, "actions") {
			t.Error(a)
		}
		s.ask(t, "root", "DELETE", "/users/{u.root}/", "", 405, "")
		s.ask(t, "root", "POST", "/users/", "", 405, "")
		own := func(more string) string { return strings.Replace(user("", "joe", more), `"Joe"`, `"Jø"`, 1) }
		s.ask(t, "joe", "PATCH", "/users/{u.joe}/", `{"first_name":"Jø","username":"x","email":"x@y.example","settings":{"send_email":true,"items_per_page":"33","nonsense":1}}`, 200,
			own(`,"settings":{"send_email":true,"items_per_page":33,"show_ids":false}`))
		s.ask(t, "joe", "PATCH", "/users/{u.joe}/", `settings.items_per_page=44&settings.show_ids=True`, 200, own(`,"settings":{"send_email":true,"items_per_page":44,"show_ids":true}`))
		s.ask(t, "joe", "PATCH", "/1.1/users/{u.joe}/", `{"settings":{"items_per_page":-5}}`, 200, strings.ReplaceAll(own(""), "/api/", "/api/1.1/"))
		s.ask(t, "joe", "PUT", "/1.0/users/{u.joe}/", `{"last_name":"Other"}`, 200, "")
		s.ask(t, "joe", "GET", "/users/{u.joe}/", ``, 200, strings.Replace(own(`,"settings":{"send_email":true,"items_per_page":44,"show_ids":true}`), `"Example"`, `"Other"`, 1))
		s.ask(t, "joe", "PUT", "/users/{u.joe}/", `{"last_name":""}`, 400, `{"settings":["This field is required."]}`)
		s.ask(t, "joe", "PUT", "/users/{u.joe}/", `{"settings":{}}`, 200, "")
		for body, want := range map[string]string{
			`{"settings":{"items_per_page":"x","show_ids":"x"},"first_name":null}`: `{"first_name":["This field may not be null."],"settings":{"items_per_page":["A valid integer is required."],"show_ids":["Must be a valid boolean."]}}`,
			`{"settings":null}`:                                 `{"settings":["This field may not be null."]}`,
			`{"settings":[]}`:                                   `{"settings":{"detail":["Invalid data. Expected a dictionary, but got list."]}}`,
			`{"settings":{"items_per_page":0}}`:                 `{"settings":{"items_per_page":["items per page 0: want 1 to 500"]}}`,
			`{"settings":{"items_per_page":501}}`:               `{"settings":{"items_per_page":["items per page 501: want 1 to 500"]}}`,
			`{"settings":{"items_per_page":-1}}`:                `{"settings":{"items_per_page":["items per page -1: want 1 to 500"]}}`,
			`{"settings":{"items_per_page":null}}`:              `{"settings":{"items_per_page":["This field may not be null."]}}`,
			`settings.items_per_page=x`:                         `{"settings":{"items_per_page":["A valid integer is required."]}}`,
			`{"first_name":"` + strings.Repeat("x", 151) + `"}`: `{"first_name":["Ensure this field has no more than 150 characters."]}`,
		} {
			s.ask(t, "joe", "PATCH", "/users/{u.joe}/", body, 400, want)
		}
		var lines []string
		err := s.db.Select(t.Context(), &lines, "SELECT CONCAT_WS(' ', via, verb, subject) FROM audit WHERE actor_id = ?", s.Users["joe"])
		if got := strings.Join(lines, ", "); err != nil || got != "api user update user joe, api user update user joe, api user update user joe" {
			t.Error(got, err)
		}
	})
}

// TestUserIfMatch: of many changes of what was seen, made at the same time, one is done.
func TestUserIfMatch(t *testing.T) {
	each(t, func(t *testing.T, s *served) {
		path := s.fill("/api/1.4/users/{u.joe}/")
		tag := "If-Match: " + s.Get("joe", path).Header.Get("ETag")
		var wg sync.WaitGroup
		var changed, refused atomic.Int64
		for i := range 8 {
			wg.Go(func() {
				switch a := s.Do("joe", "PATCH", path, fmt.Sprintf(`{"first_name":"Joe %d"}`, i), tag); a.Status {
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
		if changed.Load() != 1 || refused.Load() != 7 {
			t.Errorf("%d changed him, %d were refused", changed.Load(), refused.Load())
		}
		if a := s.Do("joe", "PATCH", path, `{"settings":{"show_ids":true}}`, "If-Match: "+s.Get("joe", path).Header.Get("ETag")); a.Status != 200 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	})
}
