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

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

const clientPassword = "correct horse battery"

// clientSite is a site with the two versions of a series, of which the older is superseded, a maintainer mia and a delegate dora.
func clientSite(t *testing.T, db *sqldb.DB) (*site, author) {
	t.Helper()
	s := serve(t, db)
	s.project("alpha")
	a := s.twoVersions("20260301-engine-0123456789ab")
	for _, name := range []string{"mia", "dora", "joe"} {
		s.user(name, name+"@people.example", false)
	}
	s.maintainer("alpha", "mia")
	s.maintainer("alpha", "dora")
	password := clientPassword
	if _, err := account.UpdateUser(t.Context(), s.db, account.CLI, noon, "mia", account.UserChange{Password: &password}); err != nil {
		t.Fatal(err)
	}
	var superseded int64
	if err := s.db.Get(t.Context(), &superseded, "SELECT id FROM state WHERE slug = 'superseded'"); err != nil {
		t.Fatal(err)
	}
	done, err := patch.Update(t.Context(), s.db, account.CLI, noon, []int64{1, 2}, patch.Change{State: &superseded})
	if err != nil || done.Patches != 2 {
		t.Fatal(done, err)
	}
	return s, a
}

// whole tells whether a client does all that its test knows: on SQLite, and everywhere with PW_SOAK=1. Each call of one in Python takes half a second.
func whole(db *sqldb.DB) bool { return db.Engine() == sqldb.SQLite || os.Getenv("PW_SOAK") == "1" }

// TestGitPw uses Debian's git-pw as its users do.
func TestGitPw(t *testing.T) {
	peers.Need(t, "git-pw")
	dbtest.Each(t, testGitPw)
}

func testGitPw(t *testing.T, db *sqldb.DB) {
	s, a := clientSite(t, db)
	mia := peers.NewRepo(t, "pw.server", s.url+"/api/1.2", "pw.project", "alpha", "pw.format", "csv", "pw.token", s.key("mia"))
	mia.Run("git", "pull", "--quiet", a.Dir, a.base)
	g := gitPw{t, s, mia}
	if !whole(db) {
		g.session()
		s.sound()
		return
	}
	g.patches(a)
	g.series(a)
	g.bundles(a)
	t.Run("password", func(t *testing.T) {
		mia.Run("git", "config", "--unset", "pw.token")
		mia.Config("pw.username", "mia", "pw.password", clientPassword, "pw.server", s.url+"/api/1.2/")
		g.t = t
		engine := g.patch("engine", 2)
		g.pw("patch list --state under-review", "v2,1/2")
		g.pw(fmt.Sprintf("patch update --state accepted %d", engine), "accepted")
		g.pw(fmt.Sprintf("bundle create --private mine %d", engine), "mine")
		if text := g.downloaded(g.pw("bundle download mine"), "-mine.mbox"); !strings.Contains(text, "[PATCH v2 1/2]") {
			t.Errorf("%s", text)
		}
		mia.Config("pw.password", "wrong")
		g.refused(fmt.Sprintf("patch update --state rejected %d", engine), "Invalid username/password.")
	})
	s.sound()
}

type gitPw struct {
	t    *testing.T
	site *site
	*peers.Repo
}

// pw runs git pw and wants texts in what it writes; one that begins with ! must not be there.
func (g gitPw) pw(command string, want ...string) string {
	g.t.Helper()
	out, err := g.Try("git", append([]string{"pw"}, strings.Fields(command)...)...)
	if err != nil {
		g.t.Errorf("git pw %s: %v\n%s", command, err, out)
	}
	for _, w := range want {
		if text, not := strings.CutPrefix(w, "!"); strings.Contains(out, text) == not {
			g.t.Errorf("git pw %s: want %q in\n%s", command, w, out)
		}
	}
	return out
}

// refused wants git pw to fail and to say why.
func (g gitPw) refused(command, why string) {
	g.t.Helper()
	if out, err := g.Try("git", append([]string{"pw"}, strings.Fields(command)...)...); err == nil || !strings.Contains(out, why) || strings.Contains(out, "Traceback") {
		g.t.Errorf("git pw %s: %v, want %q in\n%s", command, err, why, out)
	}
}

func (g gitPw) patch(name string, version int) int64 {
	g.t.Helper()
	var id int64
	if err := g.site.db.Get(g.t.Context(), &id, "SELECT p.id FROM patch p JOIN series s ON s.id = p.series_id WHERE p.name LIKE ? AND s.version = ?", "%"+name+"%", version); err != nil {
		g.t.Fatal(err)
	}
	return id
}

// downloaded is the content of the file that a download says it has written.
func (g gitPw) downloaded(out, name string) string {
	g.t.Helper()
	m := regexp.MustCompile(`(?:Downloaded|to) (\S*?` + regexp.QuoteMeta(name) + `)\b`).FindStringSubmatch(out)
	if m == nil {
		g.t.Errorf("no %s in %q", name, out)
		return ""
	}
	text, err := os.ReadFile(filepath.Join(g.Dir, m[1]))
	if filepath.IsAbs(m[1]) {
		text, err = os.ReadFile(m[1])
	}
	if err != nil {
		g.t.Error(err)
	}
	return string(text)
}

// session is what a maintainer does every day: list, read, download, change.
func (g gitPw) session() {
	g.t.Helper()
	engine := g.patch("engine", 2)
	g.pw("patch list --state new --delegate dora", "!v2")
	g.pw("series list", "Engine and gearbox")
	text := g.downloaded(g.pw(fmt.Sprint("patch download ", engine)), "v2-1-2-engine-add-a-second-step.patch")
	if !strings.Contains(text, "Reviewed-by: Rita Reviewer") || !strings.Contains(text, "+two, but better\n") {
		g.t.Errorf("%s", text)
	}
	g.pw(fmt.Sprintf("patch update --state under-review --delegate dora %d", engine), "under-review", "dora")
	g.pw(fmt.Sprintf("bundle create --private mine %d", engine), "mine")
}

func (g gitPw) patches(a author) {
	g.t.Helper()
	old, engine, gearbox := g.patch("engine", 1), g.patch("engine", 2), g.patch("gearbox", 2)
	g.pw("patch list", "[v2,1/2] engine: add a second step", "[v2,2/2] gearbox: new", "!\"[v1", "Ann Author (ann@people.example)") // new and under review, as the configuration of git-pw has it
	g.pw("patch list --state superseded", "1/2", "!v2")
	g.pw("patch list --submitter ann@people.example --state new", "v2,1/2")
	g.pw("patch list --submitter Ann --state new", "v2,1/2")
	g.pw("patch list --delegate dora", "!v2")
	g.pw("patch list --limit 1 --page 2 --sort name", "v2,2/2", "!v2,1/2")
	g.pw("patch list --hash "+g.site.rows("SELECT hash FROM patch WHERE id = ?", gearbox)[0]+" --state new", "v2,2/2", "!v2,1/2")
	g.pw("patch list gearbox", "v2,2/2", "!engine")
	g.pw(fmt.Sprint("patch show ", engine), "[v2,1/2] engine: add a second step", "Ann Author (ann@people.example)", `"State","new"`, `"Archived","False"`, g.site.url+"/project/alpha/patch/", "Engine and gearbox")

	text := g.downloaded(g.pw(fmt.Sprint("patch download ", engine)), "v2-1-2-engine-add-a-second-step.patch")
	if !strings.Contains(text, "Reviewed-by: Rita Reviewer") || !strings.Contains(text, "+two, but better\n") {
		g.t.Errorf("%s", text)
	}
	text = g.downloaded(g.pw(fmt.Sprint("patch download --diff ", engine)), "v2-1-2-engine-add-a-second-step.diff")
	if !strings.HasPrefix(text, "diff --git a/engine.c b/engine.c\n") || strings.Contains(text, "Reviewed-by") {
		g.t.Errorf("%s", text)
	}
	g.pw(fmt.Sprint("patch apply ", gearbox)) // with the one before it
	if log := g.Run("git", "log", "--format=%s", a.base+".."); log != "gearbox: new\nengine: add a second step\n" {
		g.t.Errorf("%s", log)
	}
	g.Run("git", "reset", "--quiet", "--hard", a.base)
	g.pw(fmt.Sprint("patch apply --no-deps ", gearbox))
	if log := g.Run("git", "log", "--format=%s", a.base+".."); log != "gearbox: new\n" {
		g.t.Errorf("%s", log)
	}
	g.Run("git", "reset", "--quiet", "--hard", a.base)

	g.pw(fmt.Sprintf("patch update --state under-review --delegate dora --commit-ref %s %d", a.base, engine), "under-review", "dora", a.base)
	g.pw(fmt.Sprintf("patch update --archived true %d %d", old, gearbox))
	rows := g.site.rows("SELECT p.id, t.slug, COALESCE(u.username, '-'), CASE WHEN p.archived = TRUE THEN 1 ELSE 0 END, COALESCE(p.commit_ref, '-') FROM patch p JOIN state t ON t.id = p.state_id LEFT JOIN user_account u ON u.id = p.delegate_id WHERE p.id IN (?, ?, ?) ORDER BY p.id", old, engine, gearbox)
	if want := []string{fmt.Sprintf("%d superseded - 1 -", old), fmt.Sprintf("%d under-review dora 0 %s", engine, a.base), fmt.Sprintf("%d new - 1 -", gearbox)}; !slices.Equal(rows, want) {
		g.t.Errorf("%q, want %q", rows, want)
	}
	g.pw("patch list", "v2,1/2", "!v2,2/2")
	g.pw("patch list --archived", "!v2,1/2", "v2,2/2")
	g.pw("patch list --delegate dora", "v2,1/2")
	g.pw("patch list --delegate dora@people.example", "v2,1/2")
	g.pw(fmt.Sprintf("patch update --archived false %d", gearbox))
	g.refused(fmt.Sprintf("patch update --delegate joe %d", engine), "User 'joe' is not a maintainer")
	g.refused("patch show 99999", "Resource not found")
	g.site.sound()
}

func (g gitPw) series(a author) {
	g.t.Helper()
	g.pw("series list", "Engine and gearbox", "Ann Author")
	g.pw("series list --submitter ann@people.example gearbox", "Engine and gearbox")
	id := g.site.rows("SELECT id FROM series WHERE version = 2")[0]
	g.pw("series show "+id, "Engine and gearbox", `"Version","2"`, "2 of 2", "[v2,2/2] gearbox: new", "[v2,0/2] Engine and gearbox")
	if text := g.downloaded(g.pw("series download "+id), "Engine-and-gearbox.patch"); strings.Count(text, "\nFrom patchwork ")+1 != 2 {
		g.t.Errorf("%s", text)
	}
	g.pw("series apply " + id)
	if log := g.Run("git", "log", "--format=%s", a.base+".."); log != "gearbox: new\nengine: add a second step\n" {
		g.t.Errorf("%s", log)
	}
	g.Run("git", "reset", "--quiet", "--hard", a.base)
}

func (g gitPw) bundles(a author) {
	g.t.Helper()
	engine, gearbox := g.patch("engine", 2), g.patch("gearbox", 2)
	g.pw(fmt.Sprintf("bundle create --private queue %d", engine), "queue")
	g.refused(fmt.Sprintf("bundle create queue %d", engine), "name")
	g.pw("bundle list", "queue", "mia", "no")
	id := g.site.rows("SELECT id FROM bundle")[0] // git-pw 2.0 asks for the name as if it were the number when it changes one
	g.pw(fmt.Sprintf("bundle add %s %d", id, gearbox), "gearbox: new")
	g.pw("bundle show queue", "engine: add a second step", "gearbox: new", "mia")
	text := g.downloaded(g.pw("bundle download queue"), "bundle-"+id+"-queue.mbox")
	if strings.Count(text, "\nFrom patchwork ")+1 != 2 {
		g.t.Errorf("%s", text)
	}
	g.pw("bundle apply queue")
	if log := g.Run("git", "log", "--format=%s", a.base+".."); log != "engine: add a second step\ngearbox: new\n" { // git-pw puts what it adds before the rest
		g.t.Errorf("%s", log)
	}
	g.Run("git", "reset", "--quiet", "--hard", a.base)
	g.pw(fmt.Sprintf("bundle update --name later --public --patch %d %s", gearbox, id), "later")
	g.pw("bundle list --owner mia", "later", "yes", "!queue")
	g.pw(fmt.Sprintf("bundle add %s %d", id, engine))
	g.pw(fmt.Sprintf("bundle remove %s %d", id, engine))
	g.pw("bundle show later", "gearbox: new")
	g.pw("bundle delete " + id)
	if rows := g.site.rows("SELECT name FROM bundle"); len(rows) > 0 {
		g.t.Errorf("%q", rows)
	}
}
