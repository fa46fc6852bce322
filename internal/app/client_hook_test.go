// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

// hooked is a bare repository with our hook, and one that pushes into it.
func hooked(t *testing.T, s *site, config ...string) (bare string, work *peers.Repo) {
	t.Helper()
	peers.Need(t, "curl")
	work = peers.NewRepo(t)
	bare = filepath.Join(work.Home, "project.git")
	work.Run("git", "init", "--quiet", "--bare", "--initial-branch=main", bare)
	hook, err := os.ReadFile("../../contrib/git-hooks/post-receive")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bare, "hooks", "post-receive"), hook, 0o700); err != nil {
		t.Fatal(err)
	}
	config = append([]string{"patchwork.url", s.url + "/", "patchwork.project", "alpha"}, config...)
	for i := 0; i < len(config); i += 2 {
		work.Run("git", "--git-dir="+bare, "config", "--add", config[i], config[i+1])
	}
	work.Run("git", "remote", "add", "origin", bare)
	return bare, work
}

// told is state and commit of each patch, by name.
func (s *site) told() []string {
	return s.rows("SELECT p.name, t.slug, CASE WHEN p.archived = TRUE THEN 1 ELSE 0 END, COALESCE(p.commit_ref, '-') FROM patch p JOIN state t ON t.id = p.state_id ORDER BY p.name")
}

// TestPostReceive pushes into a repository with the hook: patches are found by Message-ID, by the address in Link, and by their diff.
func TestPostReceive(t *testing.T) {
	dbtest.Each(t, testPostReceive)
}

func testPostReceive(t *testing.T, db *sqldb.DB) {
	s := serve(t, db)
	s.project("alpha")
	s.project("beta")
	s.user("mia", "mia@people.example", false)
	s.maintainer("alpha", "mia")
	s.maintainer("beta", "mia")
	keyFile := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(keyFile, []byte(s.key("mia")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	bare, w := hooked(t, s, "patchwork.tokenfile", keyFile, "patchwork.ref", "refs/heads/main accepted", "patchwork.ref", "refs/heads/next/* awaiting-upstream")
	w.Commit("f", strings.Repeat("line\n", 30), "start")
	push := func(args ...string) string {
		t.Helper()
		return w.Run("git", append([]string{"push", "--quiet", "origin"}, args...)...)
	}
	if out := push("main"); !strings.Contains(out, "start: no patch") {
		t.Errorf("%s", out)
	}
	commits := map[string]string{}
	send := func(id, list string) { // what the newest commit was, as a mail
		t.Helper()
		m := w.FormatPatch("-1")[0]
		s.deliver([]byte(strings.Replace(m[strings.IndexByte(m, '\n')+1:], "\nSubject: ", "\nMessage-ID: <"+id+">\nList-Id: <"+list+".lists.example>\nSubject: ", 1)))
	}
	amend := func(message string) { w.Run("git", "commit", "--quiet", "--amend", "-m", message) }

	// By hash: of two with the same diff the newer one; white space at the end of a diff does not count, and what the last line is makes no difference.
	w.Commit("f", strings.Repeat("line\n", 13)+"changed \n\n"+strings.Repeat("line\n", 2)+"\n", "byhash: change")
	send("old-one@x", "alpha")
	s.exec("UPDATE patch SET name = 'old version', date = date - 1000000")
	s.exec("UPDATE message SET date = date - 1000000")
	if _, err := s.app.Check(t.Context(), true, func(string) {}); err != nil { // the index of words goes by dates
		t.Fatal(err)
	}
	send("new-one@x", "alpha")
	send("other-project@x", "beta")
	s.exec("UPDATE patch SET name = 'other project' WHERE project_id = (SELECT id FROM project WHERE linkname = 'beta')")
	amend("byhash: change, with another text")
	commits["byhash: change"] = w.Head()
	// By the trailer of git am --message-id, though the maintainer has changed the diff.
	w.Commit("dos", "a\r\nb\r\n", "trailer: change")
	send("odd/%2F+id@x", "alpha")
	w.Write("dos", "a\r\nB\r\n")
	w.Run("git", "add", "-A")
	amend("trailer: change\n\nText.\n\nMessage-Id: <nosuch@x>\nMessage-ID: <odd/%2F+id@x>\nSigned-off-by: Mia <mia@people.example>")
	commits["trailer: change"] = w.Head()
	// By the address in a Link.
	w.Commit("-- dashes", "x\n", "link: new file")
	send("link-1@x", "alpha")
	w.Write("-- dashes", "y\n")
	w.Run("git", "add", "-A")
	amend("link: new file\n\nLink: https://bugs.example/12\nLink: https://lore.example/r/link-1%40x/")
	commits["link: new file"] = w.Head()
	// A diff that has no lines has a hash that says nothing.
	w.Run("git", "mv", "dos", "unix")
	w.Run("git", "commit", "--quiet", "-m", "rename: only")
	send("rename@x", "alpha")
	amend("rename: another one")
	// A root of another history, merged: both sides are looked at, the merge is not.
	w.Run("git", "checkout", "--quiet", "-b", "side", "HEAD~1")
	w.Commit("side", "--- removed\n", "side: first")
	w.Commit("side", "++ b/x\n", "side: lines that look like names")
	send("side@x", "alpha")
	commits["side: lines that look like names"] = w.Head()
	w.Run("git", "checkout", "--quiet", "main")
	w.Run("git", "merge", "--quiet", "--no-edit", "side")

	want := func(state string) (out []string) {
		for name, commit := range commits {
			out = append(out, name+" "+state+" 0 "+commit)
		}
		out = append(out, "old version new 0 -", "other project new 0 -", "rename: only new 0 -")
		slices.Sort(out)
		return out
	}
	if out := push("main:other/branch"); strings.Contains(out, "patchwork:") {
		t.Errorf("%s", out)
	}
	if out := push("main:next/a"); strings.Contains(out, "patchwork:") { // another branch has all of it
		t.Errorf("%s", out)
	}
	if slices.ContainsFunc(s.told(), func(r string) bool { return strings.Contains(r, "awaiting-upstream") }) {
		t.Errorf("what another branch has is told again: %q", s.told())
	}
	push("--delete", "other/branch", "next/a")
	push("main:next/b")
	if got, want := s.told(), want("awaiting-upstream"); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	out := push("main")
	if got, want := s.told(), want("accepted"); !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q\n%s", got, want, out)
	}
	if !regexp.MustCompile(`[0-9a-f]{7} trailer: change: patch \d+ is accepted`).MatchString(out) || !strings.Contains(out, "rename: another one: no patch") || strings.Contains(out, "Merge") {
		t.Errorf("%s", out)
	}
	s.sound()

	// The archive, a limit, and a site that is not there.
	w.Run("git", "--git-dir="+bare, "config", "patchwork.archive", "true")
	w.Commit("g", "g\n", "archive: it")
	send("g@x", "alpha")
	push("main")
	if got := s.rows("SELECT CASE WHEN p.archived = TRUE THEN 1 ELSE 0 END FROM patch p WHERE p.name LIKE 'archive%'"); len(got) != 1 || got[0] != "1" {
		t.Errorf("%q", got)
	}
	w.Run("git", "--git-dir="+bare, "config", "patchwork.limit", "1")
	for i := range 2 {
		w.Commit("h", fmt.Sprint(i), "many")
	}
	if out := push("main"); !strings.Contains(out, "2 new commits, more than patchwork.limit (1)") {
		t.Errorf("%s", out)
	}
	w.Run("git", "--git-dir="+bare, "config", "patchwork.limit", "10")
	w.Run("git", "--git-dir="+bare, "config", "patchwork.url", "http://127.0.0.1:1")
	for i := range 5 {
		w.Commit("h", fmt.Sprint("x", i), "nobody hears it")
	}
	if out := push("main"); strings.Count(out, "the site did not take that") != 3 || !strings.Contains(out, "given up") {
		t.Errorf("%s", out)
	}
	if head := strings.TrimSpace(w.Run("git", "--git-dir="+bare, "rev-parse", "main")); head != w.Head() {
		t.Error("the push was stopped")
	}
}

// TestPostReceiveRefused: who may not change a patch is told so, and nothing changes.
func TestPostReceiveRefused(t *testing.T) {
	dbtest.Each(t, testPostReceiveRefused)
}

func testPostReceiveRefused(t *testing.T, db *sqldb.DB) {
	s := serve(t, db)
	s.project("alpha")
	s.user("joe", "joe@people.example", false)
	s.patchMail("alpha", "p@x", "[PATCH] change")
	_, w := hooked(t, s, "patchwork.token", s.key("joe"), "patchwork.ref", "refs/heads/main accepted")
	w.Commit("f", "x\n", "change\n\nMessage-ID: <p@x>")
	if out := w.Run("git", "push", "--quiet", "origin", "main"); !strings.Contains(out, "403") || !strings.Contains(out, "the site did not take that") {
		t.Errorf("%s", out)
	}
	if got := s.told(); len(got) != 1 || !strings.HasPrefix(got[0], "change new ") {
		t.Errorf("%q", got)
	}
}
