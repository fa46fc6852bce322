// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// manualCommands are the commands of a page of the manual in which curl occurs, with their continuation lines. Those that never end (-N) are left out.
func manualCommands(t *testing.T, page string) (out []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/manual", page))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?m)^    (.*\bcurl\b(?:.*\\\n)*.*)$`)
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(m[1], " -N ") {
			out = append(out, m[1])
		}
	}
	return out
}

// TestManualCurl runs the commands of the manual as they stand there, but for the site, and the names and numbers that are others here. None may be refused.
func TestManualCurl(t *testing.T) {
	peers.Need(t, "curl")
	dbtest.Each(t, testManualCurl)
}

func testManualCurl(t *testing.T, db *sqldb.DB) {
	s, a := clientSite(t, db)
	s.project("beta")
	for i := range 5 {
		s.patchMail("alpha", fmt.Sprintf("m%d@x", i), fmt.Sprintf("[PATCH] Number %d", i))
	}
	g := gitPw{t, s, peers.NewRepo(t)}
	g.Run("git", "pull", "--quiet", a.Dir, a.base)
	if err := os.WriteFile(filepath.Join(g.Home, ".curlrc"), []byte("fail\nsilent\nshow-error\nmax-time = 30\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, engine, gearbox := context.Background(), g.patch("engine", 2), g.patch("gearbox", 2)
	mia, err := account.UserByName(ctx, s.db, "mia")
	if err != nil {
		t.Fatal(err)
	}
	s.mail("alpha", "From: Ann <ann@people.example>\nSubject: [PATCH] a new file\nMessage-ID: <new@x>", "Text.\n---\n--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+new\n")
	by, name, patches := account.Actor{User: mia.ID}, "mine", []int64{s.id("patch", "new@x")}
	bundle, err := patch.CreateBundle(ctx, s.db, by, 0, patch.BundleChange{Name: &name, Patches: &patches})
	if err != nil {
		t.Fatal(err)
	}
	s.expect(s.visit("", "POST", fmt.Sprintf("/api/1.4/patches/%d/checks/", engine), "state=fail&context=x", "Authorization: Token "+s.key("mia")), 201)
	key, _, err := account.CreateToken(ctx, s.db, account.CLI, noon, account.NewToken{Username: "mia", Name: "curl", Scope: account.ScopeWrite})
	if err != nil {
		t.Fatal(err)
	}
	here := strings.NewReplacer(
		"https://patchwork.example.org", s.url, "https://pw.example.org", s.url, "https://HOST", s.url,
		"netdev", "alpha", "linux-erofs", "alpha", "PROJECT", "alpha", "MESSAGE-ID", patch.PathID(s.rows("SELECT m.msgid FROM message m JOIN patch p ON p.message_id = m.id WHERE p.id = ?", engine)[0]),
		"/patches/7/", fmt.Sprintf("/patches/%d/", engine), "/patches/NUMBER/", fmt.Sprintf("/patches/%d/", engine), "/series/NUMBER/", "/series/2/", "/series/4711/", "/series/2/", "series=4711", "series=2",
		"4711", fmt.Sprint(engine), "4712", fmt.Sprint(gearbox+1), "4713", fmt.Sprint(gearbox), "4700", fmt.Sprint(gearbox+2), "4650", fmt.Sprint(gearbox+3),
		"delegate=7", fmt.Sprintf("delegate=%d", mia.ID), "/bundles/12/", fmt.Sprintf("/bundles/%d/", bundle.ID), "/bundle/ann/", "/bundle/mia/", "/checks/99/", "/checks/"+s.rows("SELECT id FROM patch_check")[0]+"/",
		"/comments/99/", "/comments/"+s.rows("SELECT id FROM patch_comment WHERE patch_id = ?", engine)[0]+"/")
	g.Run("mkdir", "lib")
	g.Commit("lib/a.c", strings.Repeat("\n", 6)+"one\nthree\n", "what the other patches are for")
	ran := 0
	for _, page := range []string{"api.md", "patches.md", "series.md", "checks.md", "bundles.md", "events.md", "clients.md", "mbox.md"} {
		script := "set -e\nTOKEN=" + key + "\n"
		for _, command := range manualCommands(t, page) {
			command = here.Replace(command)
			if strings.Contains(command, "for-6.9/mbox") { // its owner has published it
				s.exec("UPDATE bundle SET public = TRUE WHERE name = 'for-6.9'")
			}
			script += command + "\n"
			ran++
			g.Run("sh", "-c", "rm -f *.patch") // curl writes over nothing
			if out, err := g.Try("bash", "-o", "pipefail", "-c", script); err != nil {
				t.Errorf("%s: %s: %v\n%s", page, command, err, out)
			}
			script = keep(script)
		}
	}
	if ran < 15 {
		t.Errorf("the manual has %d commands", ran)
	}
	s.sound()
}

// keep are the lines of a script that set something.
func keep(script string) string {
	return "set -e\n" + strings.Join(regexp.MustCompile(`(?m)^\w+=.*$`).FindAllString(script, -1), "\n") + "\n"
}
