// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
)

var noon = clock.FromTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

// The people of the seed.
const (
	userAnn  = 11 // submits, under two addresses
	userMia  = 12 // maintains alpha and beta
	userMax  = 13 // maintains alpha
	userDel  = 14 // maintains nothing, but patches are delegated to him
	userJoe  = 15 // nobody in particular
	userRoot = 16 // administrator

	projectAlpha = 1
	projectBeta  = 2 // has no patches but two, and sends notifications
)

type seedUser struct {
	id    int64
	name  string
	admin bool
}

var seedUsers = []seedUser{{userAnn, "Ann", false}, {userMia, "mia", false}, {userMax, "max_100%", false}, {userDel, "Delia", false}, {userJoe, "joe", false}, {userRoot, "root", true}}

type seedPerson struct {
	id          int64
	email, name string
	user        int64
}

var seedPersons = []seedPerson{
	{1, "ann@home.example", "Ann Author", userAnn},
	{2, "ann@work.example", "Ann Author (work)", userAnn},
	{3, "bob@people.example", "bob builder", 0},
	{4, "Zoe@people.example", "", 0}, // sorts by her address
	{5, "aegir@people.example", "Ægir Öberg", 0},
}

type seedPatch struct {
	id, project, person int64
	day                 int // of March 2026
	name                string
	state, delegate     int64 // 0: none
	archived            bool
	series, number      int64
}

// seedPatches are out of order in every column; several share a date, a name, a state.
var seedPatches = []seedPatch{
	{1, projectAlpha, 1, 7, "net: fix a leak", 1, 0, false, 0, 0},
	{2, projectAlpha, 1, 9, "[1/3] mm: split pages", 2, userMia, false, 1, 1},
	{3, projectAlpha, 1, 9, "[2/3] mm: split 100% of the pages", 2, userMia, false, 1, 2},
	{4, projectAlpha, 1, 9, "[3/3] mm: test_split", 3, 0, false, 1, 3},
	{5, projectAlpha, 2, 3, "Größe der Seiten ändern", 1, 0, false, 0, 0},
	{6, projectAlpha, 2, 4, "GRÖSSE again", 1, userMax, false, 0, 0},
	{7, projectAlpha, 3, 2, "net: fix another leak!", 4, 0, true, 0, 0},
	{8, projectAlpha, 3, 2, "net: fix a leak", 1, userDel, false, 0, 0},
	{9, projectAlpha, 3, 20, "Net: Fix A Leak", 5, 0, false, 0, 0},
	{10, projectAlpha, 4, 19, "доки: ПРИВЕТ мир", 1, 0, false, 0, 0},
	{11, projectAlpha, 4, 18, "docs: привет", 10, userMia, false, 0, 0},
	{12, projectAlpha, 4, 17, "100 % of it", 9, 0, true, 0, 0},
	{13, projectAlpha, 5, 16, "a\\b", 1, 0, false, 0, 0},
	{14, projectAlpha, 5, 15, "a'b\"c", 2, 0, false, 0, 0},
	{15, projectAlpha, 5, 14, "same name", 2, 0, false, 0, 0},
	{16, projectAlpha, 5, 14, "same name", 2, 0, false, 0, 0},
	{17, projectAlpha, 1, 14, "same name", 2, userMax, true, 0, 0},
	{18, projectAlpha, 3, 14, "same name", 1, userMax, true, 0, 0},
	{19, projectAlpha, 2, 1, "[1/2] usb: one", 7, userDel, false, 2, 1},
	{20, projectAlpha, 2, 1, "[2/2] usb: two", 7, userDel, true, 2, 2},
	{21, projectAlpha, 3, 28, "zz top", 0, 0, false, 0, 0}, // in no state: from an import
	{22, projectAlpha, 3, 28, "zz bottom", 0, userMia, true, 0, 0},
	{23, projectAlpha, 1, 5, "x1 leak", 1, 0, false, 0, 0},
	{24, projectAlpha, 1, 6, "x2 leak", 2, 0, false, 0, 0},
	{25, projectAlpha, 1, 8, "x3 leak", 3, 0, false, 0, 0},
	{26, projectAlpha, 2, 10, "x4 leak", 4, 0, false, 0, 0},
	{27, projectAlpha, 2, 11, "x5 leak", 5, 0, false, 0, 0},
	{28, projectAlpha, 3, 12, "x6 leak", 6, 0, false, 0, 0},
	{29, projectAlpha, 3, 13, "x7 leak", 7, 0, false, 0, 0},
	{30, projectAlpha, 4, 21, "x8 leak", 8, 0, false, 0, 0},
	{31, projectAlpha, 4, 22, "x9 leak", 9, 0, false, 0, 0},
	{32, projectAlpha, 5, 23, "x10 leak", 10, 0, false, 0, 0},
	{33, projectAlpha, 5, 24, "x11 LEAK", 1, userMia, false, 0, 0},
	{34, projectAlpha, 1, 25, "x12", 1, userMia, false, 0, 0},
	{35, projectAlpha, 2, 26, "x13", 2, userMax, false, 0, 0},
	{36, projectAlpha, 3, 27, "x14", 2, userDel, false, 0, 0},
	{37, projectAlpha, 4, 1, "x15", 1, 0, false, 0, 0},
	{38, projectAlpha, 5, 1, "x16", 2, 0, true, 0, 0},
	{39, projectBeta, 1, 1, "beta one", 1, 0, false, 0, 0},
	{40, projectBeta, 3, 2, "beta two leak", 1, userMia, false, 0, 0},
}

func (p seedPatch) date() clock.Time {
	return clock.FromTime(time.Date(2026, 3, p.day, 8, 0, 0, 0, time.UTC))
}

func (p seedPatch) msgid() string { return fmt.Sprintf("<p%d@mail.example>", p.id) }

// seed fills a database with all of the above; message ids are patch ids plus 1000.
func seed(t testing.TB, db *sqldb.DB) {
	t.Helper()
	ctx := context.Background()
	err := db.Tx(ctx, func(tx *sqldb.Tx) error {
		for _, s := range seedTables() {
			if err := tx.Insert(ctx, s.table, strings.Fields(s.columns), s.rows); err != nil {
				return err
			}
		}
		return tx.Insert(ctx, "patch_words_fill", []string{"id", "done", "last"}, [][]any{{1, 0, 1000}})
	})
	if err != nil {
		t.Fatal(err)
	}
	fillWords(t, db)
	settle(t, db)
}

type seedTable struct {
	table, columns string
	rows           [][]any
}

func seedTables() []seedTable {
	users := seedTable{table: "user_account", columns: "id username username_key email email_key first_name last_name password is_active is_admin send_email items_per_page show_ids created_at"}
	for _, u := range seedUsers {
		email := strings.Trim(strings.ToLower(u.name), "_%") + "@users.example"
		users.rows = append(users.rows, []any{u.id, u.name, strings.ToLower(u.name), email, email, "", "", "!", true, u.admin, true, 100, false, int64(noon)})
	}
	persons := seedTable{table: "person", columns: "id email email_key name name_key name_votes user_id"}
	for _, p := range seedPersons {
		persons.rows = append(persons.rows, []any{p.id, p.email, strings.ToLower(p.email), sqldb.NullText(p.name), strings.ToLower(p.name), 1, sqldb.NullID(p.user)})
	}
	projects := seedTable{table: "project", columns: "id linkname name listid listemail subject_match web_url scm_url webscm_url list_archive_url list_archive_url_format commit_url_format send_notifications use_tags show_dependencies auto_supersede hints nav_html"}
	for _, p := range []struct {
		id   int64
		name string
		send bool
	}{{projectAlpha, "alpha", false}, {projectBeta, "beta", true}} {
		projects.rows = append(projects.rows, []any{p.id, p.name, strings.ToUpper(p.name), p.name + ".lists.example", p.name + "@lists.example", "", "", "", "", "", "", "", p.send, true, false, false, "nobody", ""})
	}
	return append([]seedTable{users, persons, projects,
		{"project_maintainer", "project_id user_id", [][]any{{projectAlpha, userMia}, {projectBeta, userMia}, {projectAlpha, userMax}}},
		{"series", "id project_id cover_id name name_fold date submitter_id version total received state_id", [][]any{
			{1, projectAlpha, nil, "split pages", "split pages", int64(noon), 1, 1, 3, 3, nil}, {2, projectAlpha, nil, nil, nil, int64(noon), 2, 1, 2, 2, 7}}},
		{"list_count", "project_id kind objects", [][]any{{projectAlpha, "series", 2}}},
		{"patch_tag", "patch_id tag_id hits", [][]any{{2, 1, 1}, {2, 3, 12}}},
		{"patch_check", "id patch_id user_id date state target_url description context", [][]any{
			{1, 2, userDel, 1, 3, nil, nil, "build"}, {2, 2, userDel, 2, 1, "https://ci.example/2", "ok", "build"}, {3, 2, userDel, 3, 2, nil, "warned", "lint"}, {4, 2, nil, 4, 1, nil, nil, "build"}}},
		{"patch_check_latest", "patch_id user_id context check_id state", [][]any{{2, userDel, "build", 2, 1}, {2, userDel, "lint", 3, 2}, {2, 0, "build", 4, 1}}},
	}, seedPatchTables()...)
}

func seedPatchTables() []seedTable {
	messages := seedTable{table: "message", columns: "id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden"}
	bodies := seedTable{table: "message_body", columns: "message_id headers content"}
	patches := seedTable{table: "patch", columns: "id message_id project_id submitter_id date name name_key state_id delegate_id archived series_id number"}
	counts := seedTable{table: "patch_count", columns: "project_id state_id archived delegate_id patches"}
	for _, p := range seedPatches {
		id := p.id + 1000
		messages.rows = append(messages.rows, []any{id, p.project, p.msgid(), 0, "patch", p.person, int64(p.date()), "[PATCH] " + p.name, "", id, false})
		content := "Text.\n"
		if p.id == 2 {
			content = "Text.\n\nAcked-by: A\n" + strings.Repeat("Tested-by: B\n", 12)
		}
		bodies.rows = append(bodies.rows, []any{id, "Subject: x", content})
		key := strings.ReplaceAll(strings.ToLower(p.name), "ß", "ss")
		patches.rows = append(patches.rows, []any{p.id, id, p.project, p.person, int64(p.date()), p.name, key, sqldb.NullID(p.state), sqldb.NullID(p.delegate), p.archived, sqldb.NullID(p.series), sqldb.NullID(p.number)})
		same := func(row []any) bool {
			return row[0] == p.project && row[1] == p.state && row[2] == p.archived && row[3] == p.delegate
		}
		if i := slices.IndexFunc(counts.rows, same); i >= 0 {
			counts.rows[i][4] = counts.rows[i][4].(int) + 1
		} else {
			counts.rows = append(counts.rows, []any{p.project, p.state, p.archived, p.delegate, 1})
		}
	}
	return []seedTable{messages, bodies, patches, counts}
}

// findings is what the check of the database has to say.
func findings(t testing.TB, db *sqldb.DB) []patch.Finding {
	t.Helper()
	var out []patch.Finding
	err := db.Tx(context.Background(), func(tx *sqldb.Tx) (err error) {
		out, err = patch.Check(context.Background(), tx, false, func(string) {})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// settle lets series stand where rows that were written by hand say; nothing else may be wrong.
func settle(t testing.TB, db *sqldb.DB) {
	t.Helper()
	var found []patch.Finding
	err := db.Tx(context.Background(), func(tx *sqldb.Tx) (err error) {
		found, err = patch.Check(context.Background(), tx, true, func(string) {})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		if f.What != wrongStand && f.What != wrongLanes {
			t.Fatalf("the seed is wrong: %v", found)
		}
	}
}
