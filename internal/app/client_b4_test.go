// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// author is somebody who has sent two versions of a series of two to project alpha.
type author struct {
	*peers.Repo
	base   string    // the commit they are made for
	covers [2]string // Message-IDs without brackets
}

var messageID = regexp.MustCompile(`(?mi)^Message-ID: <(.*)>$`)

// twoVersions takes in the two versions, each a thread of its own, and a review of the first patch of the newer one.
func (s *site) twoVersions(changeID string) author {
	s.t.Helper()
	a := author{Repo: peers.NewRepo(s.t, "user.name", "Ann Author", "user.email", "ann@people.example")}
	a.base = a.Commit("engine.c", "one\n", "start")
	version := []string{"1", "2"}
	const more = "three\nfour\nfive\nsix\nseven\n"
	for v, second := range []string{"two\n" + more, "two, but better\n" + more} {
		a.Run("git", "reset", "--quiet", "--hard", a.base)
		a.Commit("engine.c", "one\n"+second, "engine: add a second step\n\nIt was missing.\n\nSigned-off-by: Ann Author <ann@people.example>")
		a.Commit("gearbox.c", "gear\n", "gearbox: new\n\nSigned-off-by: Ann Author <ann@people.example>")
		mails := a.FormatPatch("--cover-letter", "--thread=shallow", "-v", version[v], a.base)
		for i, m := range mails {
			m = strings.ReplaceAll(m, "<cover.", "<cover-v"+version[v]+".") // git names it by the second
			m = strings.Replace(m, "*** SUBJECT HERE ***", "Engine and gearbox", 1)
			m = strings.Replace(m, "*** BLURB HERE ***", "What both need.\n\nchange-id: "+changeID, 1)
			m = regexp.MustCompile(`(?m)^Date: .*$`).ReplaceAllLiteralString(m, fmt.Sprintf("Date: %d Mar 2026 09:%02d:00 +0000", v+1, i))
			m = strings.Replace(m, "\nSubject: ", "\nTo: alpha@lists.example\nList-Id: <alpha.lists.example>\nSubject: ", 1)
			s.deliver([]byte(m[strings.IndexByte(m, '\n')+1:]))
			id := messageID.FindStringSubmatch(m)[1]
			if i == 0 {
				a.covers[v] = id
			}
			if i == 1 && v == 1 {
				s.deliver([]byte("From: Rita Reviewer <rita@people.example>\nTo: alpha@lists.example\nSubject: Re: " + strings.TrimPrefix(regexp.MustCompile(`(?m)^Subject: .*$`).FindString(m), "Subject: ") +
					"\nMessage-ID: <review@people.example>\nIn-Reply-To: <" + id + ">\nReferences: <" + a.covers[v] + "> <" + id + ">\nDate: Mon, 2 Mar 2026 10:00:00 +0000\nList-Id: <alpha.lists.example>\n\nFine.\n\nReviewed-by: Rita Reviewer <rita@people.example>\n"))
			}
		}
	}
	a.Run("git", "reset", "--quiet", "--hard", a.base)
	return a
}

// TestB4 fetches threads with b4, its midmask set to a project of the site.
func TestB4(t *testing.T) {
	peers.Need(t, "b4")
	dbtest.Each(t, testB4)
}

func testB4(t *testing.T, db *sqldb.DB) {
	s := serve(t, db)
	s.project("alpha")
	a := s.twoVersions("20260301-engine-0123456789ab")
	mia := peers.NewRepo(t, "b4.midmask", s.url+"/project/alpha/%s", "b4.linkmask", s.url+"/project/alpha/%s", "b4.searchmask", s.url+"/project/alpha/?x=m&t=1&q=%s", "b4.attestation-policy", "off")
	mia.Run("git", "pull", "--quiet", a.Dir, a.base)
	mia.Run("git", "fetch", "--quiet", a.Dir, "+refs/*:refs/ann/*") // the blobs that a diff between versions needs

	t.Run("mbox", func(t *testing.T) {
		out := mia.Run("b4", "--no-stdin", "mbox", "-o-", a.covers[1])
		for _, want := range []string{"Subject: [PATCH v2 0/2] Engine and gearbox", "Subject: [PATCH v2 1/2]", "Subject: [PATCH v2 2/2]", "Reviewed-by: Rita Reviewer"} {
			if !strings.Contains(out, want) {
				t.Errorf("it lacks %q:\n%s", want, out)
			}
		}
		if strings.Contains(out, "[PATCH v1") {
			t.Errorf("another thread is in it:\n%s", out)
		}
	})
	t.Run("am", func(t *testing.T) {
		dir := filepath.Join(mia.Home, "am")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		mia.Run("b4", "--no-stdin", "am", "-l", "-o", dir, "review@people.example") // from a mail in the middle of the thread
		files, err := filepath.Glob(filepath.Join(dir, "*.mbx"))
		if err != nil || len(files) != 1 {
			t.Fatalf("%q %v", files, err)
		}
		mia.Run("git", "checkout", "--quiet", "-b", "applied", a.base)
		mia.Run("git", "am", "--quiet", files[0])
		log := mia.Run("git", "log", "--reverse", "--format=%an: %B", a.base+"..")
		if !strings.Contains(log, "Ann Author: engine: add a second step\n") || !strings.Contains(log, "Reviewed-by: Rita Reviewer <rita@people.example>") || !strings.Contains(log, "gearbox: new") {
			t.Errorf("%s", log)
		}
		if text := mia.Run("git", "show", "HEAD:engine.c"); !strings.HasPrefix(text, "one\ntwo, but better\nthree\n") {
			t.Errorf("%q", text)
		}
		for _, link := range regexp.MustCompile(`(?m)^Link: `+regexp.QuoteMeta(s.url)+`(.*)$`).FindAllStringSubmatch(log, -1) { // lead to the page of the patch
			to := s.get(link[1]).location()
			to = s.get(strings.TrimPrefix(to, s.url)).location()
			s.expect(s.get(to), 200, "<title>[v2,")
		}
		mia.Run("git", "checkout", "--quiet", "main")
	})
	if !whole(db) {
		return
	}
	t.Run("newer version", func(t *testing.T) {
		out := mia.Run("b4", "--no-stdin", "am", "-c", "-o", t.TempDir(), a.covers[0])
		if !strings.Contains(out, "v2") || !strings.Contains(out, "Will use the latest revision: v2") {
			t.Errorf("%s", out)
		}
	})
	t.Run("diff", func(t *testing.T) {
		out := mia.Run("b4", "--no-stdin", "diff", "--no-cache", a.covers[1])
		if out = regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(out, ""); !strings.Contains(out, "-+two\n") || !strings.Contains(out, "++two, but better\n") {
			t.Errorf("%s", out)
		}
	})
	t.Run("nothing", func(t *testing.T) {
		for _, id := range []string{"nosuch@x", "no/such%2F@x"} {
			if out, err := mia.Try("b4", "--no-stdin", "mbox", "-o-", id); err == nil && !strings.Contains(out, "not known") {
				t.Errorf("%s: %s", id, out)
			}
		}
	})
}

// TestThreadSearch: what b4 asks for finds threads of the project only, and nothing that is hidden.
func TestThreadSearch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.exec("UPDATE series SET change_id = '20260301-steps-1' WHERE cover_id = ?", s.id("cover", "c@x"))
		search := func(project, q string) answer {
			return s.visit("", "POST", "/project/"+project+"/?x=m&t=1&q="+strings.NewReplacer(" ", "+", `"`, "%22", "(", "%28", ")", "%29", ":", "%3A").Replace(q), "")
		}
		for q, want := range map[string]string{
			`((s:"two  STEPS" AND f:"ANN@people.example")) AND d:20260301..`:                                  "c@x p1@x p2@x r1@x r0@x",
			`((s:"Alone" AND f:"ann@people.example")) AND d:..20260301`:                                       "alone@x",
			`(nq:"change-id: 20260301-steps-1" OR (s:"no such" AND f:"ann@people.example")) AND d:..20260301`: "c@x p1@x p2@x r1@x r0@x",
			`((s:"Alone" AND f:"ann@people.example")) AND d:20260302..`:                                       "",
			`((s:"Alone" AND f:"rita@people.example")) AND d:20260301..`:                                      "",
			`s:"Alone"`: "", `f:"ann@people.example"`: "", ``: "", `s:"%" AND f:"ann@people.example"`: "", `nq:"change-id: nosuch"`: "",
		} {
			a := search("alpha", q)
			if want == "" {
				s.expect(a, 404, "Not found")
				continue
			}
			s.expect(a, 200)
			var got []string
			for _, id := range messageID.FindAllStringSubmatch(gunzip(t, a.body), -1) {
				got = append(got, id[1])
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %s, want %s", q, got, want)
			}
		}
		s.project("beta")
		s.expect(search("beta", `s:"Alone" AND f:"ann@people.example"`), 404)
		s.exec("UPDATE message SET hidden = TRUE WHERE msgid = '<alone@x>'")
		s.expect(search("alpha", `s:"Alone" AND f:"ann@people.example"`), 404)
		s.expect(s.visit("", "POST", "/project/alpha/?q=x", ""), 400)
		s.expect(s.visit("", "POST", "/project/nosuch/?x=m&q=x", ""), 404)
	})
}
