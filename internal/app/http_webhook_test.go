// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/webhook"
)

// TestWebhookPages: a maintainer makes, tries, changes and deletes a hook without JavaScript.
func TestWebhookPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db, localAllowed)
		newCastOnly(s)
		in := newInbox(t)
		joe, mia, root := s.session(1), s.session(2), s.session(3)
		const list = "/project/alpha/webhooks/"
		s.redirects(s.get(list), 302, "/user/login/?next="+url.QueryEscape(list))
		s.redirects(s.visit("", "POST", list, "url="+url.QueryEscape(in.URL)), 302, "/user/login/?next="+url.QueryEscape(list))
		for path, form := range map[string]string{list: "url=x", list + "1/": "url=x", list + "1/ping/": "x=y", list + "1/delete/": "x=y", list + "1/deliveries/1/redeliver/": "x=y", list + "1/deliveries/1/skip/": "x=y", "/admin/webhooks/": "url=x"} {
			if strings.Contains(path, "/1/") { // there is none yet
				s.expect(s.visit(joe, "POST", path, form), 404)
			} else {
				s.expect(s.visit(joe, "POST", path, form), 403)
			}
		}
		s.expect(s.visit(joe, "GET", list, ""), 403)
		s.expect(s.visit(mia, "GET", "/admin/webhooks/", ""), 403)
		s.expect(s.visit(mia, "GET", "/project/beta/webhooks/", ""), 403)
		s.expect(s.visit(mia, "GET", "/project/alpha/", ""), 200, `href="/project/alpha/webhooks/"`)
		s.expect(s.visit(joe, "GET", "/project/alpha/", ""), 200, `!href="/project/alpha/webhooks/"`)
		s.expect(s.visit(mia, "GET", list, ""), 200, "Another one", `name="events" value="patch-created"`, `name="states" value="under-review"`, `name="tags" value="Acked-by"`)

		made := s.visit(mia, "POST", list, "url="+url.QueryEscape(in.URL+"/a")+"&active=1&events=patch-created&states=accepted&check_contexts=ci%2F*,+lint")
		s.expect(made, 201, "whsec_", in.URL+"/a")
		secret := regexp.MustCompile(`whsec_[\w+/]*=`).FindString(made.body)
		s.expect(s.visit(mia, "GET", list+"1/", ""), 200, "!"+secret, `value="ci/*, lint"`, `value="patch-created" checked`, "by mia", "None yet")
		s.expect(s.visit(mia, "POST", list, "url=ftp%3A%2F%2Fx&events=nosuch"), 400, "want http:// or https://", `value="ftp://x"`)
		s.expect(s.visit(mia, "POST", list, "url=https%3A%2F%2Fx.example&events=nosuch"), 400, "there is no event &#34;nosuch&#34;")
		s.expect(s.visit(mia, "POST", list+"1/", "url=ftp%3A%2F%2Fx"), 400, "want http:// or https://")
		s.expect(s.visit(mia, "POST", list, strings.Repeat("x", 70000)), 413)
		s.expect(s.visit(mia, "POST", list+"1/", "url=https://x.example/", "Sec-Fetch-Site: cross-site"), 403)
		s.redirects(s.visit(mia, "POST", list+"1/", "url="+url.QueryEscape(in.URL+"/b")+"&active=1&secret=sesame"), 303, list+"1/")
		s.redirects(s.visit(mia, "POST", list+"1/", "url="+url.QueryEscape(in.URL+"/b")+"&active=1"), 303, list+"1/") // the secret stays
		s.redirects(s.visit(mia, "POST", list+"1/ping/", ""), 303, list+"1/deliveries/1/")
		s.works()
		in.take(t, 1)
		for s.rows("SELECT state FROM webhook_delivery")[0] != "delivered" {
			time.Sleep(5 * time.Millisecond)
		}
		s.expect(s.visit(mia, "GET", list+"1/deliveries/1/", ""), 200, "X-Patchwork-Event: ping", "answered 200 OK", "&#34;category&#34;:&#34;ping&#34;", "Send it again", "!sesame")
		s.expect(s.visit(mia, "GET", list+"1/", ""), 200, `href="/project/alpha/webhooks/1/deliveries/1/"`, "delivered")
		s.redirects(s.visit(mia, "POST", list+"1/deliveries/1/redeliver/", ""), 303, list+"1/deliveries/1/")
		in.take(t, 1)
		for _, path := range []string{list + "99/", list + "x/", list + "1/deliveries/99/", list + "1/deliveries/x/", "/project/nosuch/webhooks/", "/project/beta/webhooks/1/", "/admin/webhooks/1/"} {
			s.expect(s.visit(root, "GET", path, ""), 404)
		}
		// One that waits is named by the hook's page, and can be skipped.
		s.exec("INSERT INTO webhook_delivery (id, webhook_id, event_id, kind, body, state, attempts, created_at, error) VALUES (77, 1, 5, 'check-created', ?, 'pending', 3, 9000000000000000, 'answered 500')", []byte("{}")) // an old one is swept away when it is done
		s.exec("INSERT INTO job (id, kind, target, priority, payload, state, run_at, attempts, max_attempts, lease_owner, lease_until, error, created_at) VALUES (99, 'webhook', 'webhook:1', 0, '{\"delivery\":77}', 'waiting', 9000000000000000, 1, 10, '', 0, '', 0)")
		s.expect(s.visit(mia, "GET", list+"1/", ""), 200, `<a href="/project/alpha/webhooks/1/deliveries/77/">delivery 77</a>`)
		s.expect(s.visit(mia, "GET", list+"1/deliveries/77/", ""), 200, "Skip it")
		s.redirects(s.visit(mia, "POST", list+"1/deliveries/77/skip/", ""), 303, list+"1/deliveries/77/")
		s.expect(s.visit(mia, "GET", list+"1/deliveries/77/", ""), 200, "skipped; the last attempt: answered 500", "!Skip it")
		s.expect(s.visit(mia, "POST", list+"1/deliveries/77/skip/", ""), 409)
		for s.rows("SELECT state FROM job WHERE id = 99")[0] != "done" {
			time.Sleep(5 * time.Millisecond)
		}
		s.expect(s.visit(root, "POST", "/admin/webhooks/", "url=https%3A%2F%2Fsite.example&unsigned=1"), 201, "site.example", "!whsec_")
		s.expect(s.visit(root, "GET", "/admin/webhooks/", ""), 200, "site.example", "off")
		s.redirects(s.visit(mia, "POST", list+"1/delete/", ""), 303, list)
		s.expect(s.visit(mia, "GET", list+"1/", ""), 404)
	})
}

// TestWebhookDisabledMail: the maintainers are told by mail when a hook is switched off, in the transaction that does it. One without an address does not
// keep the others from that.
func TestWebhookDisabledMail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		newCastOnly(s)
		nobody, address := "aaron", "aaron@people.example"
		if _, err := account.CreateUser(t.Context(), db, account.CLI, noon, account.UserChange{Username: &nobody, Email: &address}); err != nil {
			t.Fatal(err)
		}
		s.maintainer("alpha", nobody)
		s.exec("UPDATE user_account SET email = '' WHERE username = 'aaron'") // as old databases have it
		for _, linkname := range []string{"alpha", ""} {
			err := db.Tx(context.Background(), func(tx *sqldb.Tx) error {
				h := webhook.Hook{ID: 7, Linkname: linkname, URL: "https://a.example/", DisabledReason: "it answered 410 Gone"}
				if linkname != "" {
					h.Project = 1
				}
				return s.app.tellDisabled(context.Background(), tx, h)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		got := s.rows("SELECT kind, recipient, subject FROM outgoing_mail ORDER BY id")
		want := "webhook-disabled mia@people.example Webhook 7 of project alpha was switched off\nwebhook-disabled root@people.example Webhook 7 of the whole site was switched off"
		if strings.Join(got, "\n") != want {
			t.Errorf("%s", strings.Join(got, "\n"))
		}
	})
}

// TestWebhookGivesUp: the whole way, from a hook that answers 410 to the mail about it.
func TestWebhookGivesUp(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite), localAllowed)
	newCastOnly(s)
	s.works()
	s.settled()
	words, err := s.app.WebhookWords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone := newGone(t)
	if _, _, err := webhook.Create(t.Context(), s.db, account.CLI, clock.Time(noon), words, "alpha", webhook.Change{URL: &gone}); err != nil {
		t.Fatal(err)
	}
	s.patchMail("alpha", "p1@x", "[PATCH] One")
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if got := fmt.Sprint(s.rows("SELECT subject FROM outgoing_mail")); got == "[Webhook 1 of project alpha was switched off]" {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(got)
		}
	}
}
