// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestSeriesComments: the comments of all patches of a series and of its cover letter are there by date, hidden ones not.
func TestSeriesComments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedTalk(t, db)
		found, err := patch.SeriesComments(t.Context(), db, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range found {
			addressed := "-"
			if c.Addressed != nil {
				addressed = fmt.Sprint(*c.Addressed)
			}
			got = append(got, fmt.Sprint(c.ID, " on ", c.On(), " ", addressed, " ", c.Content))
		}
		if diff := gocmp.Diff([]string{"5 on patch 2 - one", "6 on patch 2 true two", "5 on cover letter 9 false "}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestThread: a thread is there by date without its hidden mails, and so are the texts that are asked for.
func TestThread(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedTalk(t, db)
		seedExec(t, db, "UPDATE message SET thread_id = 77, date = 1000 - id WHERE id < 6")
		seedExec(t, db, "UPDATE message SET hidden = TRUE WHERE id = 3")
		seedExec(t, db, "UPDATE message SET in_reply_to = '<c@x>' WHERE id = 2")
		mails, err := patch.Thread(t.Context(), db, projectAlpha, 77)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range mails {
			got = append(got, m.MsgID+" "+m.Kind+" "+m.InReplyTo)
		}
		if diff := gocmp.Diff([]string{"<wait@x> pending ", "<r3@x> comment ", "<r1@x> comment <c@x>", "<c@x> cover "}, got); diff != "" {
			t.Error(diff)
		}
		texts, err := patch.Mails(t.Context(), db, []int64{1, 2, 3, 999})
		if err != nil || len(texts) != 2 || texts[1].Content != "cover" || texts[2].Content != "one" {
			t.Errorf("%v %+v", err, texts)
		}
		if none, err := patch.Thread(t.Context(), db, projectBeta, 77); err != nil || none != nil {
			t.Errorf("of another project: %v, %+v", err, none)
		}
	})
}

// TestRelated: patches of a relation are told with their projects, those of the project in question first.
func TestRelated(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedExec(t, db, "INSERT INTO patch_relation (id) VALUES (70)")
		seedExec(t, db, "UPDATE patch SET related_id = 70 WHERE id IN (2, 3, 4)")
		seedExec(t, db, "UPDATE patch SET project_id = 2 WHERE id = 3")
		found, err := patch.Related(t.Context(), db, 70, 2, projectAlpha)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range found {
			got = append(got, fmt.Sprint(r.ID, " ", r.Linkname))
		}
		if diff := gocmp.Diff([]string{"4 alpha", "3 beta"}, got); diff != "" {
			t.Error(diff)
		}
		if none, err := patch.Related(t.Context(), db, 0, 2, projectAlpha); err != nil || none != nil {
			t.Errorf("no relation: %v, %v", none, err)
		}
	})
}

// TestChain: what a series needs and is not here is told apart from what it needs, and its metadata are there.
func TestChain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		for _, q := range []string{
			"INSERT INTO series_need (project_id, kind, value, series_id, position, target_id) VALUES (1, 'message', '<gone@x>', 1, 2, NULL), (1, 'change', 'tea:v2', 1, 1, NULL), (1, 'supersedes', '<old@x>', 1, 3, NULL), (1, 'message', '<here@x>', 1, 4, 2)",
			"INSERT INTO series_dependency (series_id, depends_on_id, position) VALUES (1, 2, 4)",
			"INSERT INTO series_metadata (series_id, name, value, value_key) VALUES (1, 'tested-on', 'riscv', 'riscv'), (1, 'branch', 'next', 'next')",
		} {
			seedExec(t, db, q)
		}
		s, err := patch.ReadSeries(t.Context(), db, 1)
		if err != nil {
			t.Fatal(err)
		}
		c, err := patch.ReadChain(t.Context(), db, &s.Series)
		if err != nil || len(c.DependsOn) != 1 || c.DependsOn[0].ID != 2 {
			t.Errorf("%v %+v", err, c)
		}
		if diff := gocmp.Diff([]patch.Need{{Kind: "change", Value: "tea:v2"}, {Kind: "message", Value: "<gone@x>"}}, c.Missing); diff != "" {
			t.Error(diff)
		}
		if diff := gocmp.Diff([]patch.Metadatum{{Name: "branch", Value: "next"}, {Name: "tested-on", Value: "riscv"}}, c.Metadata); diff != "" {
			t.Error(diff)
		}
	})
}
