// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/apiseed"
	"patchwork.example/pw/internal/test/dbtest"
)

// redirects wants a redirect within the site.
func (k *kit) redirects(a apiseed.Answer, to string) {
	k.t.Helper()
	if got := strings.TrimPrefix(a.Header.Get("Location"), k.URL); a.Status != 302 || got != to {
		k.t.Errorf("%s: %d to %s, want 302 to %s", a.Request, a.Status, got, to)
	}
}

const (
	patchPage = "/project/alpha/patch/" + apiseed.Patch1 + "/"
	coverPage = "/project/alpha/cover/" + apiseed.Cover1 + "/"
)

var webChecks = []conformance{
	{99, "one project: its list is the first page; two: they are listed", false, func(k *kit) {
		k.says(k.Get("", "/"), 200, `/project/beta/`)
		db := dbtest.Open(k.t, k.db.Engine())
		name, list, email := "alone", "alone.lists.example", "alone@lists.example"
		if _, err := project.Create(k.t.Context(), db, account.CLI, apiseed.Now, project.Change{Linkname: &name, Name: &name, ListID: &list, ListEmail: &email}); err != nil {
			k.t.Fatal(err)
		}
		k.URL = serveDB(k.t, db, apiseed.Now).URL
		k.redirects(k.Get("", "/"), "/project/alone/list/")
	}},
	{100, "addresses by number lead to those by Message-ID", false, func(k *kit) {
		k.redirects(k.Get("", fmt.Sprintf("/patch/%d/", k.Patches[1])), patchPage)
		k.redirects(k.Get("", fmt.Sprintf("/patch/%d/mbox/", k.Patches[1])), patchPage+"mbox/")
		k.redirects(k.Get("", fmt.Sprintf("/patch/%d/raw/", k.Patches[1])), patchPage+"raw/")
		k.redirects(k.Get("", fmt.Sprintf("/cover/%d/", k.Covers[1])), coverPage)
		k.redirects(k.Get("", fmt.Sprintf("/cover/%d/mbox/", k.Covers[1])), coverPage+"mbox/")
		k.redirects(k.Get("", fmt.Sprintf("/comment/%d/", k.Comments[2])), fmt.Sprintf("%s#%d", patchPage, k.Comments[2]))
	}},
	{101, "a patch opened as a cover letter, and the other way round", false, func(k *kit) {
		k.redirects(k.Get("", "/project/alpha/cover/"+apiseed.Patch1+"/"), patchPage)
		k.redirects(k.Get("", "/project/alpha/patch/"+apiseed.Cover1+"/"), coverPage)
	}},
	{102, "a private bundle is for its owner; its mbox by Token and by Basic too", true, func(k *kit) {
		k.is(k.postBundle("maint", "se cret", false, 2, 1), 201)
		const mbox = "/bundle/maint/se%20cret/mbox/"
		basic := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("maint:"+apiseed.Password))
		for _, a := range []apiseed.Answer{k.Get("maint", mbox), k.Do("", "GET", mbox, "", basic)} {
			k.is(a, 200)
			second, first := strings.Index(a.Body, "kettle: new handle"), strings.Index(a.Body, "kettle: close the hole")
			if second < 0 || first < second {
				k.t.Errorf("%s: not both patches in the order of the bundle: %.300s", a.Request, a.Body)
			}
		}
		k.each("- dev root", "GET", mbox, "", 404)
		const page = "/bundle/maint/se%20cret/"
		k.each("- maint dev", "GET", page, "", 404) // a token opens no pages
		k.says(k.Do("", "GET", page, "", "Cookie: "+k.session("maint")), 200, "kettle: new handle")
	}},
	{103, "pwclientrc can be read by pwclient, and has the name of who asks", true, func(k *kit) {
		a := k.is(k.Get("", "/project/alpha/pwclientrc/"), 200)
		if got, want := ini(a.Body), map[string]string{"section": "alpha", "backend": "rest", "url": k.URL + "/api/"}; fmt.Sprint(got) != fmt.Sprint(want) {
			k.t.Errorf("%v, want %v", got, want)
		}
		if got := a.Header.Get("Content-Disposition"); got != "attachment; filename=.pwclientrc" {
			k.t.Error(got)
		}
		if got := ini(k.is(k.Do("", "GET", "/project/alpha/pwclientrc/", "", "Cookie: "+k.session("maint")), 200).Body); got["username"] != "maint" || got["backend"] != "rest" {
			k.t.Errorf("%v", got)
		}
	}},
	{104, "autocompletion by name, mail, limit; visitors get no addresses", true, func(k *kit) {
		k.exec("INSERT INTO person (id, email, email_key, name, name_key, name_votes) VALUES (900001, 'O@devices.example', 'o@devices.example', 'DEVON', 'devon', 0), (900002, 'dev_ices@x.example', 'dev_ices@x.example', NULL, '', 0)")
		says := func(who, address, want string) {
			k.t.Helper()
			a := k.is(k.Do("", "GET", address, "", who), 200)
			if got := strings.TrimSpace(a.Body); got != want || a.Header.Get("Content-Type") != "application/json" {
				k.t.Errorf("%s: %s, %s, want %s", a.Request, got, a.Header.Get("Content-Type"), want)
			}
		}
		const visitor = "X-Nobody: 1"
		user := "Cookie: " + k.session("maint")
		dev := fmt.Sprintf(`{"pk":%d,"name":"Dev Example","email":"dev@people.example"}`, k.Persons["dev"])
		devon, bare := `{"pk":900001,"name":"DEVON","email":"O@devices.example"}`, `{"pk":900002,"name":"","email":"dev_ices@x.example"}`
		says(user, "/submitter/?q=dev", "["+dev+","+devon+","+bare+"]") // by name, then by address, each once
		says(user, "/submitter/?q=DEV%20ex", "["+dev+"]")
		says(user, "/submitter/?q=dev&l=2", "["+dev+","+devon+"]")
		says(user, "/submitter/?q=dev&l=-1", "["+dev+","+devon+","+bare+"]")
		says(user, "/submitter/?q=dev@p", "["+dev+"]")
		says(user, "/submitter/?q=o@devices", "["+devon+"]")
		says(user, "/submitter/?q=de_", "[]") // no wildcard
		says(user, "/submitter/?q=%25%25%25", "[]")
		says(visitor, "/submitter/?q=dev", fmt.Sprintf(`[{"pk":%d,"name":"Dev Example","email":""},{"pk":900001,"name":"DEVON","email":""}]`, k.Persons["dev"]))
		says(visitor, "/submitter/?q=dev@p", "[]")
		k.exec("INSERT INTO person (id, email, email_key, name, name_key, name_votes) VALUES (900003, 'devon@x.example', 'devon@x.example', 'Devon', 'devon', 0)")
		says(user, "/submitter/?q=devo", "["+devon+"]") // two addresses under one name are one line
		says(user, "/submitter/?q=devon@", `[{"pk":900003,"name":"Devon","email":"devon@x.example"}]`)
		for _, q := range []string{"", "?q=de", "?q=%20%20%20d%20", "?l=5"} {
			says(user, "/submitter/"+q, "")
			says(visitor, "/delegate/"+q, "")
		}
		maint, both := fmt.Sprintf(`{"pk":%d,"name":"maint"}`, k.Users["maint"]), fmt.Sprintf(`{"pk":%d,"name":"both"}`, k.Users["both"])
		says(visitor, "/delegate/?q=MAI&l=1000000", "["+maint+"]")
		says(user, "/delegate/?q=both", "["+both+"]")
		says(user, "/delegate/?q=joe", "[]") // maintains nothing
		says(user, "/delegate/?q=del", "[]") // does so no more
		k.is(k.Do("", "POST", "/submitter/?q=dev", "x=1"), 405)
	}},
	{105, "registration, opting out and in, a new password, linking and unlinking addresses", true, func(k *kit) {
		k.URL = serveMailing(k.t, k.db, apiseed.Now).URL
		k.registers()
		email := url.Values{"email": {"Some@Example.org"}}.Encode()
		k.says(k.Do("", "POST", "/mail/", email), 200, "may send notices to")
		k.says(k.Do("", "POST", "/mail/optin/", email), 409, "This address has not opted out.")
		k.is(k.Do("", "POST", "/mail/optout/", email), 303)
		k.is(k.Do("", "POST", k.mailedLink(), "x=1"), 200)
		k.says(k.Do("", "POST", "/mail/", email), 200, "has opted out")
		k.is(k.Do("", "POST", "/mail/optin/", email), 303)
		k.is(k.Do("", "POST", k.mailedLink(), "x=1"), 200)
		k.says(k.Do("", "POST", "/mail/", email), 200, "may send notices to")
		k.unlinks()
		k.changesPassword()
		k.links()
	}},
}

// registers wants an account to be made, with the texts that Patchwork 3.2 has for what is wrong, and to work when the address is confirmed.
func (k *kit) registers() {
	k.t.Helper()
	register := func(fields ...string) apiseed.Answer {
		form := url.Values{"username": {""}, "email": {""}, "password": {""}, "first_name": {"New"}, "last_name": {"Comer"}}
		for i := 0; i < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		return k.Do("", "POST", "/register/", form.Encode())
	}
	k.says(k.Get("", "/register/"), 200, `name="username"`)
	k.says(register(), 200, "Fill in a user name")
	for _, field := range []string{"username", "email", "password"} {
		good := map[string]string{"username": "comer", "email": "sue@people.example", "password": "kettle on the hob"}
		delete(good, field)
		var fields []string
		for name, value := range good {
			fields = append(fields, name, value)
		}
		k.says(register(fields...), 200, "Fill in a user name")
	}
	k.says(register("username", "comer", "email", "nowhere", "password", "kettle on the hob"), 200, "not one that mail can be sent to")
	k.says(register("username", "maint", "email", "sue@people.example", "password", "kettle on the hob"), 200, "This username is already taken. Please choose another.")
	k.says(register("username", "other", "email", "MAINT@people.example", "password", "kettle on the hob"), 200, "A mail was sent to") // 3.2 tells whose it is
	if link := k.mailedLink(); link != "" {
		k.t.Errorf("a link to register an address that has an account: %s", link)
	}
	k.says(register("username", "comer", "email", "sue@people.example", "password", "kettle on the hob"), 200, "A mail was sent to")
	k.is(k.Do("root", "GET", "/api/users/?q=comer", ""), 200, "1.username", "comer", "1.email", "sue@people.example")
	login := func(want int) {
		k.t.Helper()
		k.is(k.Do("", "POST", "/user/login/", "username=comer&password=kettle+on+the+hob"), want)
	}
	login(403)
	link := k.mailedLink()
	k.says(k.Get("", link), 200, "Confirm your account")
	login(403)
	k.says(k.Do("", "POST", link, "x=1"), 200, "Your account works")
	login(303)
	k.is(k.Get("root", fmt.Sprintf("/api/people/%d/", k.Persons["sue"])), 200, "user.username", "comer")
	k.says(k.Get("", link), 409, "already been processed")
	k.says(register("username", "tardy", "email", "tardy@people.example", "password", "kettle on the hob"), 200, "A mail was sent to")
	link = k.mailedLink()
	k.exec("UPDATE email_confirmation SET created_at = ? WHERE email = 'tardy@people.example'", int64(apiseed.Now.Add(-7*24*time.Hour))-1)
	k.says(k.Get("", link), 409, "has expired")
	k.says(k.Get("", "/confirm/"+strings.Repeat("0", 40)+"/"), 404, "no such confirmation")
	k.exec("UPDATE person SET user_id = NULL WHERE id = ?", k.Persons["sue"])
}

// changesPassword wants a user who knows his password to get another.
func (k *kit) changesPassword() {
	k.t.Helper()
	form := func(old string) string {
		return url.Values{"old_password": {old}, "new_password1": {"tea from the kettle"}, "new_password2": {"tea from the kettle"}}.Encode()
	}
	cookie := "Cookie: " + k.session("maint")
	k.redirects(k.Get("", "/user/password-change/"), "/user/login/?next=%2Fuser%2Fpassword-change%2F")
	k.says(k.Do("", "POST", "/user/password-change/", form("wrong"), cookie), 200, "The old password is wrong.")
	if a := k.is(k.Do("", "POST", "/user/password-change/", form(apiseed.Password), cookie), 303); a.Header.Get("Location") != "/user/password-change/done/" {
		k.t.Errorf("%s: to %s", a.Request, a.Header.Get("Location"))
	}
	k.says(k.Do("", "GET", "/user/password-change/done/", "", cookie), 200, "Password changed")
	k.is(k.Do("", "POST", "/user/login/", "username=maint&password="+url.QueryEscape(apiseed.Password)), 403)
	k.is(k.Do("", "POST", "/user/login/", "username=maint&password=tea+from+the+kettle"), 303)
}

// links wants an address to become a user's when he, logged in, confirms it.
func (k *kit) links() {
	k.t.Helper()
	a := k.is(k.Do("", "POST", "/user/login/", "username=maint&password=tea+from+the+kettle"), 303)
	cookie := "Cookie: " + strings.SplitN(a.Header.Get("Set-Cookie"), ";", 2)[0]
	k.is(k.Do("", "POST", "/user/link/", url.Values{"email": {"Ann@people.example"}}.Encode(), cookie), 303)
	link := k.mailedLink()
	k.redirects(k.Get("", link), "/user/login/?next="+url.QueryEscape(link))
	k.says(k.Do("", "POST", link, "x=1", cookie), 200, "The address is yours")
	k.is(k.Get("root", fmt.Sprintf("/api/people/%d/", k.Persons["ann"])), 200, "user.username", "maint")
}

// unlinks wants a user's second address to be unlinked by him, those of others not, and that of his account neither.
func (k *kit) unlinks() {
	k.t.Helper()
	own, second, cookie := k.Persons["dev"], k.Persons["sue"], "Cookie: "+k.session("maint")
	k.exec("UPDATE user_account SET email = 'dev@people.example', email_key = 'dev@people.example' WHERE id = ?", k.Users["maint"])
	linked := func(person int64, want string) {
		k.t.Helper()
		if got := k.is(k.Get("root", fmt.Sprintf("/api/people/%d/", person)), 200).At("user.username"); fmt.Sprint(got) != want {
			k.t.Errorf("person %d is of %v, want %s", person, got, want)
		}
	}
	for _, test := range []struct {
		person     int64
		of         string // before
		status     int
		afterwards string
	}{{second, "joe", 404, "joe"}, {own, "maint", 303, "maint"}, {second, "maint", 303, "(missing)"}} {
		k.exec("UPDATE person SET user_id = ? WHERE id = ?", k.Users[test.of], test.person)
		linked(test.person, test.of)
		k.is(k.Do("", "POST", fmt.Sprintf("/user/unlink/%d/", test.person), "x=1", cookie), test.status)
		linked(test.person, test.afterwards)
	}
	linked(own, "maint")
}

// mailedLink is the address in the newest mail that asks to confirm something.
func (k *kit) mailedLink() string {
	k.t.Helper()
	rows, err := outmail.List(k.t.Context(), k.db, outmail.Filter{Most: 1})
	if err != nil || len(rows) != 1 {
		k.t.Fatalf("%+v, %v", rows, err)
	}
	m, err := rows[0].Mail()
	if err != nil {
		k.t.Fatal(err)
	}
	return regexp.MustCompile(`/confirm/[0-9a-f]{40}/`).FindString(m.Shown(""))
}

// ini reads the settings of a file with one section.
func ini(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		key, value, ok := strings.Cut(line, "=")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			out["section"] = strings.Trim(line, "[]")
		case ok:
			out[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return out
}
