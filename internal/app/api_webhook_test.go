// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// apiToken makes a token of a user and gives the header that brings it.
func (s *site) apiToken(username string) string {
	s.t.Helper()
	secret, _, err := account.CreateToken(s.t.Context(), s.db, account.CLI, noon, account.NewToken{Username: username, Name: "test", Scope: account.ScopeWrite})
	if err != nil {
		s.t.Fatal(err)
	}
	return "Authorization: Token " + secret
}

const asJSON = "Content-Type: application/json"

// is wants a status and a whole body.
func (s *site) is(a answer, status int, body string) {
	s.t.Helper()
	if a.StatusCode != status || a.body != body {
		s.t.Errorf("%s %s: %d, want %d: %s", a.Request.Method, a.Request.URL.Opaque, a.StatusCode, status, cmp.Diff(body, a.body))
	}
}

const noCredentials, notAllowed, notFound = `{"detail":"Authentication credentials were not provided."}`, `{"detail":"You do not have permission to perform this action."}`, `{"detail":"Not found."}`

// TestWebhookAPIPermissions: the hooks of a project are for its maintainers and for administrators.
func TestWebhookAPIPermissions(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	newCastOnly(s)
	const list = "/api/1.4/projects/alpha/webhooks/"
	mia, joe, root := s.apiToken("mia"), s.apiToken("joe"), s.apiToken("root")
	s.expect(s.visit("", "POST", list, `{"url":"https://a.example/"}`, asJSON, mia), 201)
	for _, test := range []struct {
		who    string
		status int
		body   string
	}{{"X: y", 403, noCredentials}, {joe, 403, notAllowed}} {
		for path, methods := range map[string]string{list: "GET POST", list + "1/": "GET PATCH PUT DELETE", list + "1/ping/": "POST", list + "1/deliveries/": "GET",
			list + "1/deliveries/1/": "GET", list + "1/deliveries/1/redeliver/": "POST", list + "1/deliveries/1/skip/": "POST"} {
			for method := range strings.FieldsSeq(methods) {
				s.is(s.visit("", method, path, `{"url":"https://b.example/"}`, asJSON, test.who), test.status, test.body)
			}
		}
	}
	s.expect(s.visit("", "GET", list, "", root), 200, "https://a.example/")
	for _, path := range []string{"/api/1.4/projects/nosuch/webhooks/", list + "99/", list + "x/", "/api/1.4/projects/beta/webhooks/1/", list + "1/deliveries/99/", "/api/1.4/projects/beta/webhooks/1/deliveries/"} {
		s.is(s.visit("", "GET", path, "", root), 404, notFound)
	}
	s.is(s.visit("", "DELETE", list, "", root), 405, `{"detail":"Method \"DELETE\" not allowed."}`)
	for _, path := range []string{"/api/1.5/", "/api/1.5/projects/", "/api/1x1/", "/api/1.4/nosuch/", "/api/1.3/projects/1/webhooks/"} {
		s.expect(s.visit("", "GET", path, "", root), 404, "<html")
	}
	// A session is good as well, but not from another site.
	session := s.session(1)
	s.expect(s.visit(session, "GET", list, ""), 403, "do not have permission")
	miaSession := s.session(2)
	s.expect(s.visit(miaSession, "PATCH", list+"1/", "active=false"), 200, `"active":false`)
	s.expect(s.visit(miaSession, "PATCH", list+"1/", "active=true", "Sec-Fetch-Site: cross-site"), 403)
	s.expect(s.visit("", "GET", list+"1/", "", mia), 200, `"active":false`)
}

// newCastOnly makes projects alpha and beta, joe (1), mia (2), who maintains alpha, and the administrator root.
func newCastOnly(s *site) {
	s.project("alpha")
	s.project("beta")
	for _, name := range []string{"joe", "mia", "root"} {
		email, admin := name+"@people.example", name == "root"
		if _, err := account.CreateUser(s.t.Context(), s.db, account.CLI, noon, account.UserChange{Username: &name, Email: &email, IsAdmin: &admin}); err != nil {
			s.t.Fatal(err)
		}
	}
	s.maintainer("alpha", "mia")
}

// TestWebhookAPI follows a hook through its life.
func TestWebhookAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db, func(c *config.Config) { c.HTTP.BaseURL = "https://pw.example" })
		newCastOnly(s)
		mia := s.apiToken("mia")
		const list = "/api/1.4/projects/1/webhooks/"
		s.is(s.visit("", "GET", list, "", mia), 200, "[]")
		made := s.visit("", "POST", list, `{"url":"https://a.example/x","secret":"sesame","events":["patch-created","check-created"],"states":["accepted"],"check_states":["fail"],"check_contexts":["ci/*"],"tags":["Acked-by"]}`, asJSON, mia)
		const project = `{"id":1,"url":"https://pw.example/api/1.4/projects/1/","name":"ALPHA","link_name":"alpha","list_id":"alpha.lists.example","list_email":"alpha@lists.example","web_url":"","scm_url":"","webscm_url":"","list_archive_url":"","list_archive_url_format":"","commit_url_format":""}`
		const creator = `{"id":2,"url":"https://pw.example/api/1.4/users/2/","username":"mia","first_name":"","last_name":"","email":"mia@people.example"}`
		hook := `{"id":1,"api_url":"https://pw.example/api/1.4/projects/1/webhooks/1/","project":` + project + `,"url":"https://a.example/x","events":["patch-created","check-created"],"states":["accepted"],"check_states":["fail"],"check_contexts":["ci/*"],"tags":["Acked-by"],"active":true,"has_secret":true,"creator":` + creator +
			`,"created":"2026-03-01T12:00:00","pending":0,"failures":0,"failing_since":null,"last_delivered":null,"disabled":null,"disabled_reason":"","deliveries":"https://pw.example/api/1.4/projects/1/webhooks/1/deliveries/"`
		s.is(made, 201, hook+`,"secret":"sesame"}`)
		if made.location() != "https://pw.example/api/1.4/projects/1/webhooks/1/" {
			t.Error(made.location())
		}
		s.is(s.visit("", "GET", list+"1/", "", mia), 200, hook+"}")
		got := s.visit("", "GET", "/api/1.4/projects/alpha/webhooks", "", mia)
		s.is(got, 200, "["+hook+"}]")
		if link := got.Header.Get("Link"); link != `<https://pw.example/api/1.4/projects/alpha/webhooks?page=1>; rel="first", <https://pw.example/api/1.4/projects/alpha/webhooks?page=1>; rel="last"` {
			t.Error(link)
		}
		// Forms, as git-pw sends them; what is not sent stays, and what can't be set is not looked at.
		s.expect(s.visit("", "PATCH", list+"1/", "active=no&events=patch-created&id=7&has_secret=false&tags=", mia), 200, `"id":1,`, `"active":false`, `"events":["patch-created"]`, `"tags":[]`, `"has_secret":true`, `"states":["accepted"]`, "!sesame")
		s.expect(s.visit("", "PATCH", list+"1/", "", mia), 200, `"active":false`)
		s.is(s.visit("", "PUT", list+"1/", `{}`, asJSON, mia), 400, `{"url":["This field is required."]}`)
		s.expect(s.visit("", "PUT", list+"1/", `{"url":"https://b.example/"}`, asJSON, mia), 200, `"url":"https://b.example/"`)
		for body, want := range map[string]string{
			`{}`:                 `{"url":["This field is required."]}`,
			`{"url":null}`:       `{"url":["This field may not be null."]}`,
			`{"url":"ftp://x/"}`: `{"url":["address \"ftp://x/\": want http:// or https://, a host, and at most 2000 bytes"]}`,
			`{"url":"https://x/","events":["nosuch"]}`:             `{"events":["there is no event \"nosuch\"; there are: check-created, check-updated, cover-comment-addressed, cover-comment-created, cover-created, patch-archived-changed, patch-comment-addressed, patch-comment-created, patch-commit-ref-changed, patch-completed, patch-created, patch-delegated, patch-pull-url-changed, patch-relation-changed, patch-state-changed, series-completed, series-created, series-metadata-changed, series-version-changed"]}`,
			`{"url":"https://x/","tags":["x"]}`:                    `{"tags":["there is no tag \"x\"; there are: Acked-by, Reviewed-by, Tested-by"]}`,
			`{"url":"https://x/","active":"perhaps","states":"x"}`: `{"active":["Must be a valid boolean."],"states":["Expected a list of items but got type \"str\"."]}`,
			`[]`: `{"detail":["Invalid data. Expected a dictionary, but got list."]}`,
		} {
			s.is(s.visit("", "POST", list, body, asJSON, mia), 400, want)
		}
		ping := s.visit("", "POST", list+"1/ping/", "", mia)
		s.is(ping, 202, `{"id":1,"url":"https://pw.example/api/1.4/projects/1/webhooks/1/deliveries/1/","event":null,"category":"ping","state":"pending","attempts":0,"created":"2026-03-01T12:00:00","finished":null,"error":""}`)
		s.is(s.visit("", "POST", list+"1/deliveries/1/skip/", "", mia), 200, `{"id":1,"url":"https://pw.example/api/1.4/projects/1/webhooks/1/deliveries/1/","event":null,"category":"ping","state":"cancelled","attempts":0,"created":"2026-03-01T12:00:00","finished":"2026-03-01T12:00:00","error":"skipped"}`)
		s.is(s.visit("", "POST", list+"1/deliveries/1/skip/", "", mia), 409, `{"detail":"delivery 1 is cancelled: only one that is pending can be skipped"}`)
		s.exec("UPDATE webhook_delivery SET state = 'failed', attempts = 1, finished_at = ?, error = 'answered 500'", int64(noon))
		s.exec("INSERT INTO webhook_attempt (delivery_id, number, at, took, request, status, response, body, cut, error) VALUES (1, 1, ?, 1500000, 'A: b', 500, 'C: d', ?, FALSE, 'answered 500')", int64(noon), []byte("\xffno"))
		const delivery = `{"id":1,"url":"https://pw.example/api/1.4/projects/1/webhooks/1/deliveries/1/","event":null,"category":"ping","state":"failed","attempts":1,"created":"2026-03-01T12:00:00","finished":"2026-03-01T12:00:00","error":"answered 500"`
		s.is(s.visit("", "GET", list+"1/deliveries/", "", mia), 200, "["+delivery+"}]")
		var body string
		if err := json.Unmarshal([]byte(`"{\"category\":\"ping\",\"date\":\"2026-03-01T12:00:00\",\"payload\":{\"webhook\":{\"id\":1,\"project\":\"alpha\",\"url\":\"https://b.example/\",\"events\":[\"patch-created\"]}}}"`), &body); err != nil {
			t.Fatal(err)
		}
		s.is(s.visit("", "GET", list+"1/deliveries/1/", "", mia), 200, delivery+fmt.Sprintf(`,"body":%q,"history":[{"number":1,"date":"2026-03-01T12:00:00","duration":1.5,"request_headers":"A: b","status":500,"response_headers":"C: d","response_body":"`+"\uFFFD"+`no","response_cut":false,"error":"answered 500"}]}`, body))
		s.is(s.visit("", "POST", list+"1/deliveries/1/redeliver/", "", mia), 202, delivery+"}")
		if jobs := s.rows("SELECT COUNT(*) FROM job WHERE kind = 'webhook'"); jobs[0] != "2" {
			t.Errorf("%v jobs", jobs)
		}
		s.is(s.visit("", "DELETE", list+"1/", "", mia), http.StatusNoContent, "")
		s.is(s.visit("", "DELETE", list+"1/", "", mia), 404, notFound)
	})
}

// TestNoAPI: with http.api off there is none.
func TestNoAPI(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) { c.HTTP.API = false })
	newCastOnly(s)
	s.expect(s.visit("", "GET", "/api/1.4/projects/1/webhooks/", "", s.apiToken("root")), 404, "<html")
}

// TestWebhookIfMatch: of many changes of what was seen, made at the same time, one is done.
func TestWebhookIfMatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		newCastOnly(s)
		mia := s.apiToken("mia")
		s.expect(s.visit("", "POST", "/api/1.4/projects/alpha/webhooks/", `{"url":"https://a.example/"}`, asJSON, mia), 201)
		const path = "/api/1.4/projects/alpha/webhooks/1/"
		tag := func() string { return "If-Match: " + s.visit("", "GET", path, "", mia).Header.Get("ETag") }
		race := func(method string, good int) {
			t.Helper()
			seen := tag()
			var wg sync.WaitGroup
			var changed, refused atomic.Int64
			for i := range 8 {
				wg.Go(func() {
					a := s.visit("", method, path, fmt.Sprintf(`{"url":"https://a.example/%s/%d"}`, method, i), asJSON, mia, seen) // each another object
					switch a.StatusCode {
					case good:
						changed.Add(1)
					case 412, 404:
						refused.Add(1)
					default:
						t.Errorf("%d %s", a.StatusCode, a.body)
					}
				})
			}
			wg.Wait()
			if changed.Load() != 1 || refused.Load() != 7 {
				t.Errorf("%s: %d changed it, %d were refused", method, changed.Load(), refused.Load())
			}
		}
		race("PATCH", 200)
		race("PUT", 200)
		s.expect(s.visit("", "DELETE", path, "", mia, `If-Match: "x"`), 412)
		race("DELETE", 204)
	})
}
