// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"html"
	"net/url"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/irc"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/webhook"
)

// hostileError is what a remote server may answer.
const hostileError = "550 <script>alert(1)</script>\r\nsecond line"

func TestJobPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		_, user := s.user("ursa", "ursa@people.example", false)
		_, admin := s.user("root", "root@people.example", true)
		s.enqueue(job.New{Kind: "mail", Target: "smtp:x&y", RunAt: noon, MaxAttempts: 3, Payload: map[string]string{"to": "ann@people.example"}})
		s.enqueue(job.New{Kind: "hook", RunAt: noon + 1_000_000, TriedFor: 72 * time.Hour})
		s.exec("UPDATE job SET state = 'dead', attempts = 3, error = ?, finished_at = ? WHERE kind = 'mail'", hostileError, int64(noon))

		s.redirects(s.get("/admin/jobs/"), 302, "/user/login/?next=%2Fadmin%2Fjobs%2F")
		s.expect(s.visit(user, "GET", "/admin/jobs/", ""), 403, "Only an administrator may see jobs", "You are logged in as ursa", "!smtp:x", `!href="/admin/`)
		s.expect(s.visit(user, "GET", "/admin/", ""), 403, "Only an administrator may see this page")
		s.redirects(s.get("/admin/"), 302, "/user/login/?next=%2Fadmin%2F")
		s.expect(s.visit(admin, "GET", "/admin/", ""), 200, `href="/admin/jobs/"`, `href="/admin/webhooks/"`)
		for _, name := range []string{"change", "delegate-rule", "irc", "maintainer", "message", "optout", "person", "project", "series", "state", "tag", "user"} { // all but webhook, which has pages
			s.expect(s.visit(admin, "GET", "/admin/", ""), 200, "pw admin "+name+"<")
		}
		s.expect(s.visit(user, "GET", "/admin/jobs/1/", ""), 403, "!ann@people.example")
		s.expect(s.visit(user, "POST", "/admin/jobs/retry/", "id=1"), 403)
		s.expect(s.visit(user, "POST", "/admin/jobs/cancel/", "state=waiting"), 403)

		s.expect(s.visit(admin, "GET", "/admin/jobs/", ""), 200, `href="/admin/"`, "1 mail", "smtp:x&amp;y", "3/3", "550 &lt;script&gt;alert(1)&lt;/script&gt;", "!second line",
			`aria-label="1 mail, dead"`, "2 hook", "No process runs jobs", "!role=\"alert\"")
		s.expect(s.visit(admin, "GET", "/admin/jobs/?state=dead&kind=mail", ""), 200, "Retry all of these", "!Cancel all of these", "!2 hook")
		s.expect(s.visit(admin, "GET", "/admin/jobs/?state=gone", ""), 400, "is no state of a job")
		s.expect(s.visit(admin, "GET", "/admin/jobs/?before=x", ""), 400)
		s.expect(s.visit(admin, "GET", "/admin/jobs/1/", ""), 200, "&#34;to&#34;: &#34;ann@people.example&#34;", "second line", "Retry now", "!>Cancel<", "3 of 3")
		s.expect(s.visit(admin, "GET", "/admin/jobs/2/", ""), 200, "Retry now", ">Cancel<", "<dd>0, tried for 3 days</dd>")
		s.expect(s.visit(admin, "GET", "/admin/jobs/9/", ""), 404, "There is no job 9")
		s.expect(s.visit(admin, "GET", "/admin/jobs/x/", ""), 404)
		s.expect(s.visit(admin, "POST", "/admin/jobs/retry/", "id=1", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"), 403)

		a := s.visit(admin, "POST", "/admin/jobs/retry/", "id=1")
		s.redirects(a, 303, "/admin/jobs/1/")
		if a.flash() != "+1 job will run again." {
			t.Error(a.flash())
		}
		s.expect(s.visit(admin, "POST", "/admin/jobs/retry/", "id=1"), 409, "Job 1 is queued")
		s.expect(s.visit(admin, "POST", "/admin/jobs/cancel/", "id=9"), 404)
		s.expect(s.visit(admin, "POST", "/admin/jobs/cancel/", "id=x"), 404)
		s.expect(s.visit(admin, "POST", "/admin/jobs/cancel/", ""), 400, "Say which jobs")
		a = s.visit(admin, "POST", "/admin/jobs/cancel/", url.Values{"state": {"waiting"}, "kind": {"hook"}}.Encode())
		s.redirects(a, 303, "/admin/jobs/?kind=hook&state=waiting")
		if got := s.rows("SELECT kind, state FROM job ORDER BY id"); got[0] != "mail queued" || got[1] != "hook cancelled" {
			t.Error(got)
		}
		if got := s.rows("SELECT via, verb, subject FROM audit ORDER BY id"); len(got) < 2 || got[len(got)-2] != "web job retry job 1" || got[len(got)-1] != "web job cancel job 2" {
			t.Error(got)
		}

		s.exec("UPDATE job SET run_at = ? WHERE kind = 'mail'", int64(noon)-3600_000_000)
		s.expect(s.visit(admin, "GET", "/admin/jobs/", ""), 200, `role="alert"`, "Jobs have been due for 1 hour and no worker runs")
		s.exec("UPDATE job SET run_at = ? WHERE kind = 'mail'", int64(noon))
		s.exec("INSERT INTO job_periodic (name, due_at, started_at, finished_at, lease_owner, lease_until, error) VALUES ('x', 0, ?, 0, '', 0, '')", int64(noon)-3*3600_000_000)
		s.expect(s.visit(admin, "GET", "/admin/jobs/", ""), 200, `role="alert"`, "Nothing has been done in the background for 3 hours and no worker runs")
		s.exec("INSERT INTO worker (id, host, pid, kinds, started_at, seen_at) VALUES ('w', 'build7', 42, 'hook mail', ?, ?), ('v', 'build8', 43, 'hook', ?, ?)",
			int64(noon)-7200_000_000, int64(noon)-3_000_000, int64(noon)-7200_000_000, int64(noon)-300_000_000)
		s.expect(s.visit(admin, "GET", "/admin/jobs/", ""), 200, "!role=\"alert\"", "build7, process 42", "3s ago", "dead: 5m ago")
	})
}

// What a job is about is said in words, which lead there; the target stays what jobs are looked for by.
func TestJobSubjects(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		_, admin := s.user("root", "root@people.example", true)
		s.project("alpha")
		hook, channel := "https://ci.example.org/hook", "irc://irc.example.org/patches"
		for _, link := range []string{"", "alpha"} {
			if _, _, err := webhook.Create(t.Context(), db, account.CLI, noon, webhook.Words{}, link, webhook.Change{URL: &hook}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := irc.Create(t.Context(), db, account.CLI, noon, nil, "alpha", irc.Change{URL: &channel}); err != nil {
			t.Fatal(err)
		}
		cells := map[string]string{
			"change:1":                 `<a href="/project/alpha/">Changes in ALPHA</a>`,
			"change:0":                 "Changes in several projects",
			"change:77":                "change:77",
			"triage:1":                 `<a href="/project/alpha/series/">Series of ALPHA</a>`,
			"webhook:1":                `<a href="/admin/webhooks/1/">Webhook 1 of the site</a>`,
			"webhook:2":                `<a href="/project/alpha/webhooks/2/">Webhook 2 of alpha</a>`,
			"webhook-once:2":           `<a href="/project/alpha/webhooks/2/">Webhook 2 of alpha, once</a>`,
			"webhook:77":               "webhook:77",
			"irc:1":                    "irc://irc.example.org/patches",
			"mail:ann@people.example":  "Mail to ann@people.example",
			"password-reset:<b>@x":     "Password of &lt;b&gt;@x",
			"smtp:mail.example.org:25": "smtp:mail.example.org:25",
		}
		for target := range cells {
			s.enqueue(job.New{Kind: "n", Target: target})
		}
		page := s.visit(admin, "GET", "/admin/jobs/", "")
		for target, cell := range cells {
			s.expect(page, 200, `<td class="who">`+cell+"</td>")
			s.expect(s.visit(admin, "GET", "/admin/jobs/?target="+url.QueryEscape(target), ""), 200, cell+"</td>", `value="`+html.EscapeString(target)+`"`)
		}
		id := s.rows("SELECT id FROM job WHERE target = 'webhook:2'")[0]
		s.expect(s.visit(admin, "GET", "/admin/jobs/"+id+"/", ""), 200, "<dt>About</dt><dd>"+cells["webhook:2"]+"</dd>", `<a href="/admin/jobs/?target=webhook%3A2">webhook:2</a>`)
		id = s.rows("SELECT id FROM job WHERE target = 'webhook:77'")[0]
		s.expect(s.visit(admin, "GET", "/admin/jobs/"+id+"/", ""), 200, "!<dt>About</dt>", `<a href="/admin/jobs/?target=webhook%3A77">webhook:77</a>`)
		for _, link := range []string{"/project/alpha/", "/project/alpha/series/", "/admin/webhooks/1/", "/project/alpha/webhooks/2/"} {
			s.expect(s.visit(admin, "GET", link, ""), 200)
		}
	})
}

func TestJobPageGoesOn(t *testing.T) {
	s := serve(t, dbtest.Open(t, sqldb.SQLite))
	_, admin := s.user("root", "root@people.example", true)
	for range 101 {
		s.enqueue(job.New{Kind: "n"})
	}
	s.expect(s.visit(admin, "GET", "/admin/jobs/?kind=n", ""), 200, "101 n", "!>1 n<", `href="/admin/jobs/?before=2&amp;kind=n"`)
	s.expect(s.visit(admin, "GET", "/admin/jobs/?before=2&kind=n", ""), 200, ">1 n<", "!>2 n<", "!rel=\"next\"")
}
