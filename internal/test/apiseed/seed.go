// SPDX-License-Identifier: GPL-2.0-or-later

package apiseed

import (
	"context"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
)

// Now is the time at which the site was filled.
var Now = clock.FromTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

// Password is that of user maint; the others have none.
const Password = "kettle on the hob"

// Seed is the ids of what is in the site, which differ from engine to engine. Keys of Patches, Covers and Comments are those of the constants.
type Seed struct {
	Users    map[string]int64  // maint, both, dev, deleg, rev, joe, root
	Tokens   map[string]string // of each user, for everything
	Projects map[string]int64  // alpha, beta
	Patches  map[int]int64     // 1 … 5
	Series   map[int]int64     // by the number of the first patch in it: 1, 3, 4, 5
	Covers   map[int]int64     // 1: of the series of two; 2: one whose Message-ID has slashes
	Comments map[int]int64     // 1: of rev on patch 1, 2: of a stranger on patch 1
	Replies  map[int]int64     // 1: of rev on cover 1
	Persons  map[string]int64  // by the part before the @
}

// Message-IDs without brackets.
const (
	Cover1, Patch1, Patch2 = "20260301-kettle-0@mail.example", "20260301-kettle-1@mail.example", "20260301-kettle-2@mail.example"
	Patch3                 = "20260301-lid@mail.example"
	Patch4                 = "20260301-beta@mail.example"
	Cover2, Patch5         = "20260301/slash/0%2F@mail.example", "20260301/slash/1%41+x@mail.example"
	Comment1, Comment2     = "re-1@mail.example", "re-2@mail.example"
	Reply1                 = "re-cover@mail.example"
)

// ArchiveFormat is how alpha's archive names a mail; beta has none.
const ArchiveFormat = "https://archive.example/alpha/{}"

// Fill makes the site:
//
//   - project alpha, which shows dependencies and has an archive, and beta
//   - maint maintains alpha, both maintains alpha and beta, root is administrator
//   - dev has sent patches 1 and 2 (series with cover 1), patch 4 in beta, and patch 5 with cover 2; patch 3 is of a stranger, Ann
//   - patch 1 is delegated to deleg, who is no maintainer (any more), has two Received headers, one Acked-by, and the comments 1 and 2
//   - rev has written comment 1 and the reply to cover 1; joe has nothing to do with any of it
func Fill(t testing.TB, db *sqldb.DB) *Seed {
	t.Helper()
	s := &Seed{Users: map[string]int64{}, Tokens: map[string]string{}, Projects: map[string]int64{}, Patches: map[int]int64{}, Series: map[int]int64{}, Covers: map[int]int64{},
		Comments: map[int]int64{}, Replies: map[int]int64{}, Persons: map[string]int64{}}
	f := filler{t, db, s}
	f.project("alpha", ArchiveFormat)
	f.project("beta", "")
	f.mails()
	for _, name := range strings.Fields("maint both dev deleg rev joe root") {
		f.user(name)
	}
	for _, m := range []struct{ project, user string }{{"alpha", "maint"}, {"alpha", "both"}, {"beta", "both"}, {"alpha", "deleg"}} {
		f.must(project.AddMaintainer(t.Context(), db, account.CLI, Now, m.project, m.user))
	}
	f.find()
	to := s.Users["deleg"]
	_, err := patch.Update(t.Context(), db, account.CLI, Now, []int64{s.Patches[1]}, patch.Change{Delegate: &to})
	f.must(err)
	f.must(project.RemoveMaintainer(t.Context(), db, account.CLI, Now, "alpha", "deleg"))
	return s
}

type filler struct {
	t  testing.TB
	db *sqldb.DB
	s  *Seed
}

func (f filler) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f filler) project(linkname, archive string) {
	name, list, email, show := strings.ToUpper(linkname), linkname+".lists.example", linkname+"@lists.example", linkname == "alpha"
	web := "https://" + linkname + ".example/"
	p, err := project.Create(f.t.Context(), f.db, account.CLI, Now, project.Change{Linkname: &linkname, Name: &name, ListID: &list, ListEmail: &email, ListArchiveURLFormat: &archive, WebURL: &web,
		ShowDependencies: &show})
	f.must(err)
	f.s.Projects[linkname] = p.ID
}

func (f filler) user(name string) {
	email, admin := name+"@people.example", name == "root"
	first, last := strings.ToUpper(name[:1])+name[1:], "Example"
	c := account.UserChange{Username: &name, Email: &email, FirstName: &first, LastName: &last, IsAdmin: &admin}
	if name == "maint" {
		password := Password
		c.Password = &password
	}
	u, err := account.CreateUser(f.t.Context(), f.db, account.CLI, Now, c)
	f.must(err)
	f.s.Users[name] = u.ID
	f.s.Tokens[name], _, err = account.CreateToken(f.t.Context(), f.db, account.CLI, Now, account.NewToken{Username: name, Name: "test", Scope: account.ScopeWrite})
	f.must(err)
}

// Diff is the diff of patches 1 and 3; Hash is its hash.
const (
	Diff = "diff --git a/lib/kettle.c b/lib/kettle.c\nindex 1d2c3b4..5a69788 100644\n--- a/lib/kettle.c\n+++ b/lib/kettle.c\n@@ -7,2 +7,3 @@ int boil(void)\n one\n+two\n three\n"
	Hash = "c757850c6d587074c4448472a235af2f35777979"
)

func (f filler) mails() {
	f.t.Helper()
	other := strings.ReplaceAll(Diff, "kettle", "spout")
	text := func(s, diff string) string {
		return s + "\n\nSigned-off-by: Dev Example <dev@people.example>\n---\n\n" + diff
	}
	Deliver(f.t, f.db,
		Mail{Project: "alpha", From: dev, ID: Cover1, Subject: "[PATCH 0/2] Mend the kettle", Body: "It leaks.\n"},
		Mail{Project: "alpha", From: dev, ID: Patch1, Parent: Cover1, Subject: "[PATCH 1/2] kettle: close the hole", Body: text("Tin it.", Diff), Hour: 1,
			More: "Received: from a.example by b.example; Sun, 1 Mar 2026 09:00:00 +0000\nReceived: from c.example by a.example;\n\tSun, 1 Mar 2026 08:59:00 +0000\n"},
		Mail{Project: "alpha", From: dev, ID: Patch2, Parent: Cover1, Subject: "[PATCH 2/2] kettle: new handle", Body: text("Wood.", other), Hour: 2},
		Mail{Project: "alpha", From: "Ann Author <ann@people.example>", ID: Patch3, Subject: "[PATCH] lid: fit the lid", Body: text("Same change.", Diff), Hour: 3},
		Mail{Project: "beta", From: dev, ID: Patch4, Subject: "[PATCH] beta: a patch of the other project", Body: text("Other.", other), Hour: 4},
		Mail{Project: "alpha", From: dev, ID: Cover2, Subject: "[PATCH v2 0/1] names with slashes", Body: "Cover.\n", Hour: 5},
		Mail{Project: "alpha", From: dev, ID: Patch5, Parent: Cover2, Subject: "[PATCH v2 1/1] names: 100% odd", Body: text("Slashes.", other), Hour: 6},
		Mail{Project: "alpha", From: "Rev Example <rev@people.example>", ID: Comment1, Parent: Patch1, Subject: "Re: [PATCH 1/2] kettle: close the hole", Body: "Good.\n\nAcked-by: Rev Example <rev@people.example>\n", Hour: 7},
		Mail{Project: "alpha", From: "Sue Stranger <sue@people.example>", ID: Comment2, Parent: Comment1, Subject: "Re: [PATCH 1/2] kettle: close the hole", Body: "Why tin?\n", Hour: 8},
		Mail{Project: "alpha", From: "Rev Example <rev@people.example>", ID: Reply1, Parent: Cover1, Subject: "Re: [PATCH 0/2] Mend the kettle", Body: "At last.\n", Hour: 9})
}

const dev = "Dev Example <dev@people.example>"

// Mail is one to the list of a project.
type Mail struct {
	Project, From, ID, Subject, Body string
	Parent                           string // the Message-ID it answers, without brackets; empty: none
	Hour                             int    // after 8 on 1 March 2026
	More                             string // header lines
}

// Deliver takes mails in as one batch; each must become a patch, a cover letter or a comment.
func Deliver(t testing.TB, db *sqldb.DB, mails ...Mail) {
	t.Helper()
	var list []ingress.Delivery
	for _, m := range mails {
		list = append(list, ingress.Delivery{Raw: []byte(m.raw()), Via: "test"})
	}
	c := clock.NewFake(Now)
	out, err := ingress.New(db, c, ingress.DefaultLimits, patchmail.New(c)).Deliver(t.Context(), list)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range out {
		if o.Kind != "patch" && o.Kind != "cover" && o.Kind != "comment" {
			t.Fatalf("mail %d became %q: %s\n%s", i, o.Kind, o.Reason, list[i].Raw)
		}
	}
}

func (m Mail) raw() string {
	parent := ""
	if m.Parent != "" {
		parent = "In-Reply-To: <" + m.Parent + ">\n"
	}
	date := time.Date(2026, 3, 1, 8+m.Hour, 0, 0, 0, time.UTC)
	return m.More + "From: " + m.From + "\nTo: " + m.Project + "@lists.example\nDate: " + date.Format(time.RFC1123Z) + "\nMessage-ID: <" + m.ID + ">\n" + parent +
		"Subject: " + m.Subject + "\nList-Id: <" + m.Project + ".lists.example>\nContent-Type: text/plain; charset=utf-8\n\n" + m.Body
}

// find fills in the ids of what the mails have become.
func (f filler) find() {
	f.t.Helper()
	for n, msgid := range []string{Patch1, Patch2, Patch3, Patch4, Patch5} {
		f.s.Patches[n+1] = ID(f.t, f.db, "patch", msgid)
	}
	for _, n := range []int{1, 3, 4, 5} {
		var series int64
		f.must(f.db.Get(f.t.Context(), &series, "SELECT series_id FROM patch WHERE id = ?", f.s.Patches[n]))
		f.s.Series[n] = series
	}
	f.s.Covers[1], f.s.Covers[2] = ID(f.t, f.db, "cover", Cover1), ID(f.t, f.db, "cover", Cover2)
	f.s.Comments[1], f.s.Comments[2] = ID(f.t, f.db, "patch_comment", Comment1), ID(f.t, f.db, "patch_comment", Comment2)
	f.s.Replies[1] = ID(f.t, f.db, "cover_comment", Reply1)
	var persons []struct {
		ID    int64
		Email string
	}
	f.must(f.db.Select(f.t.Context(), &persons, "SELECT id, email FROM person"))
	for _, p := range persons {
		name, _, _ := strings.Cut(p.Email, "@")
		f.s.Persons[name] = p.ID
	}
}

// ID is the number that the message with a Message-ID (without brackets) has in a table: patch, cover, patch_comment or cover_comment.
func ID(t testing.TB, db *sqldb.DB, table, msgid string) (id int64) {
	t.Helper()
	queries := map[string]string{
		"patch":         "SELECT p.id FROM patch p JOIN message m ON m.id = p.message_id WHERE m.msgid = ?",
		"cover":         "SELECT c.id FROM cover c JOIN message m ON m.id = c.message_id WHERE m.msgid = ?",
		"patch_comment": "SELECT c.id FROM patch_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = ?",
		"cover_comment": "SELECT c.id FROM cover_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = ?",
	}
	if err := db.Get(context.WithoutCancel(t.Context()), &id, queries[table], "<"+msgid+">"); err != nil {
		t.Fatalf("%s <%s>: %v", table, msgid, err)
	}
	return id
}
