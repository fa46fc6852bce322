// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// pwclient sends requests as the REST backend of pwclient 2.9 does, and reads answers as it does: the shapes stand in the reference, not in its source.
type pwclient struct {
	t    *testing.T
	site *site
	auth string
}

// list reads all pages of a list. The next one is found by splitting Link at commas and taking the piece that begins with "<" and ends with rel="next".
func (p pwclient) list(path string) []map[string]any {
	p.t.Helper()
	var all []map[string]any
	for page := "1"; page != ""; {
		at := path + "&page=" + page
		a := p.site.visit("", "GET", "/api/1.2/"+at, "", "Authorization: "+p.auth)
		var some []map[string]any
		if err := json.Unmarshal([]byte(a.body), &some); a.StatusCode != 200 || err != nil {
			p.t.Fatalf("%s: %d %v %s", at, a.StatusCode, err, a.body)
		}
		all, page = append(all, some...), ""
		for piece := range strings.SplitSeq(a.Header.Get("Link"), ",") {
			if strings.HasPrefix(piece, "<") && strings.HasSuffix(piece, `; rel="next"`) {
				u, err := url.Parse(strings.TrimPrefix(piece[:strings.Index(piece, ">")], "<"))
				if err != nil {
					p.t.Fatal(err)
				}
				page = u.Query().Get("page")
			}
		}
	}
	return all
}

func (p pwclient) send(method, path, body string) answer {
	p.t.Helper()
	return p.site.visit("", method, "/api/1.2/"+path, body, "Authorization: "+p.auth, "Content-Type: application/json")
}

func names(objects []map[string]any) (out []string) {
	for _, o := range objects {
		out = append(out, fmt.Sprint(o["name"]))
	}
	return out
}

// TestPwclient replays what pwclient asks for, with a password and with a token.
func TestPwclient(t *testing.T) {
	dbtest.Each(t, testPwclient)
}

func testPwclient(t *testing.T, db *sqldb.DB) {
	s, _ := clientSite(t, db)
	for i := range 40 { // more than a page
		s.patchMail("alpha", fmt.Sprintf("more%d@x", i), fmt.Sprintf("[PATCH] More of it %d", i))
	}
	g := gitPw{t, s, nil}
	engine := g.patch("engine", 2)
	hash := s.rows("SELECT hash FROM patch WHERE id = ?", engine)[0]
	msgid := s.rows("SELECT m.msgid FROM patch p JOIN message m ON m.id = p.message_id WHERE p.id = ?", engine)[0]
	for _, auth := range []string{"Token " + s.key("mia"), "Basic " + base64.StdEncoding.EncodeToString([]byte("mia:"+clientPassword))} {
		p := pwclient{t, s, auth}
		for filter, want := range map[string]int{
			"project=alpha":                              44,
			"project=alpha&state=new&archived=False":     42,
			"project=alpha&state=superseded":             2,
			"project=alpha&archived=True":                0,
			"project=alpha&hash=" + hash:                 1,
			"msgid=" + strings.Trim(msgid, "<>"):         1,
			"project=alpha&submitter=ann@people.example": 44,
			"project=alpha&delegate=dora":                0,
			"project=nosuch":                             0,
			"series=2":                                   2,
			"project=alpha&per_page=10":                  44,
		} {
			if got := p.list("patches/?" + filter); len(got) != want {
				t.Errorf("%s: %d, want %d: %q", filter, len(got), want, names(got))
			}
		}
		for _, o := range p.list("patches/?project=alpha") {
			for _, name := range []string{"id", "url", "msgid", "date", "name", "commit_ref", "hash", "state", "archived", "delegate", "submitter", "project", "mbox", "check", "checks"} {
				if _, ok := o[name]; !ok {
					t.Errorf("%s has no %s", o["name"], name)
				}
			}
			if link, _ := o["project"].(map[string]any)["link_name"].(string); link != "alpha" {
				t.Errorf("%v", o["project"])
			}
		}
		if got := p.list("projects/?"); len(got) != 1 || got[0]["link_name"] != "alpha" {
			t.Errorf("%v", got)
		}
		s.expect(p.send("GET", "patches/99999/", ""), 404)
		one := p.send("GET", fmt.Sprintf("patches/%d/", engine), "")
		var o struct {
			Mbox, Diff string
		}
		if err := json.Unmarshal([]byte(one.body), &o); err != nil || !strings.Contains(o.Diff, "two, but better") {
			t.Fatalf("%v %s", err, one.body)
		}
		file := s.get(strings.TrimPrefix(o.Mbox, s.url))
		if d := file.Header.Get("Content-Disposition"); file.StatusCode != 200 || !regexp.MustCompile(`^attachment; filename=[\w.-]+\.patch$`).MatchString(d) {
			t.Errorf("%s: %d %q", o.Mbox, file.StatusCode, d)
		}
		path := fmt.Sprintf("patches/%d/", engine)
		s.expect(p.send("PATCH", path, `{"state": "accepted", "commit_ref": "0123456789abcdef", "archived": "yes"}`), 200, `"state":"accepted"`, `"commit_ref":"0123456789abcdef"`, `"archived":true`)
		s.expect(p.send("PATCH", path, `{"state": "new", "archived": "no"}`), 200, `"state":"new"`, `"archived":false`)
		s.expect(p.send("PATCH", path, `{"state": "nosuch"}`), 400, "Expected one of: new, ")
		s.expect(p.send("POST", path+"checks/", `{"context": "ci-build", "state": "success", "target_url": "", "description": ""}`), 201, `"context":"ci-build"`, `"username":"mia"`)
		for _, check := range p.list(path + "checks/?") {
			if user, _ := check["user"].(map[string]any); user["username"] != "mia" || check["state"] != "success" {
				t.Errorf("%v", check)
			}
		}
		for _, e := range p.list("events/?project=alpha&category=series-completed") {
			series, _ := e["payload"].(map[string]any)["series"].(map[string]any)
			for _, name := range []string{"id", "url", "name", "mbox"} {
				if series[name] == nil {
					t.Errorf("%v", e)
				}
			}
		}
	}
	s.sound()
}

// TestB4States: b4 am tells that a series is under review, b4 ty that it was applied.
func TestB4States(t *testing.T) {
	peers.Need(t, "b4")
	dbtest.Each(t, testB4States)
}

func testB4States(t *testing.T, db *sqldb.DB) {
	s, a := clientSite(t, db)
	mia := peers.NewRepo(t, "b4.midmask", s.url+"/project/alpha/%s", "b4.searchmask", s.url+"/project/alpha/?x=m&t=1&q=%s", "b4.attestation-policy", "off",
		"b4.pw-url", s.url, "b4.pw-project", "alpha", "b4.pw-key", s.key("mia"), "b4.pw-review-state", "under-review", "b4.pw-accept-state", "accepted", "b4.pw-discard-state", "rejected")
	mia.Run("git", "pull", "--quiet", a.Dir, a.base)
	states := func() string {
		return strings.Join(s.rows("SELECT t.slug FROM patch p JOIN state t ON t.id = p.state_id JOIN series s ON s.id = p.series_id WHERE s.version = 2 ORDER BY p.number"), " ")
	}
	dir := t.TempDir()
	out := mia.Run("b4", "--no-stdin", "am", "-o", dir, a.covers[1])
	if got := states(); got != "under-review under-review" {
		t.Errorf("after am: %s\n%s", got, out)
	}
	mia.Run("sh", "-c", "git am --quiet "+dir+"/*.mbx")
	out = mia.Run("b4", "--no-stdin", "ty", "-a", "-o", dir)
	if got := states(); got != "accepted accepted" {
		t.Errorf("after ty: %s\n%s", got, out)
	}
}
