// SPDX-License-Identifier: GPL-2.0-or-later

package patch_test

import (
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestFindComments(t *testing.T) {
	on, onCover := patch.Target{Patch: 2}, patch.Target{Cover: 20}
	tests := []struct {
		q    patch.CommentQuery
		want string
	}{
		{patch.CommentQuery{On: on}, "[5 6]"},
		{patch.CommentQuery{On: on, Order: []string{"-id"}}, "[6 5]"},
		{patch.CommentQuery{On: on, Order: []string{"date"}}, "[6 5]"},
		{patch.CommentQuery{On: on, Order: []string{"-date"}}, "[5 6]"},
		{patch.CommentQuery{On: on, Order: []string{"-subject"}}, "[6 5]"},
		{patch.CommentQuery{On: on, Order: []string{"nosuch", "submitter"}}, "[6 5]"},
		{patch.CommentQuery{On: on, Words: "GRÖSSER looks"}, "[5]"},
		{patch.CommentQuery{On: on, Words: "R6@MAIL done"}, "[6]"},
		{patch.CommentQuery{On: on, Words: "nowhere"}, "[]"},
		{patch.CommentQuery{On: onCover}, "[5]"},
		{patch.CommentQuery{On: patch.Target{Patch: 3}}, "[]"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		seed(t, db)
		seedSeries(t, db)
		for _, test := range tests {
			ids, err := patch.FindComments(t.Context(), db, test.q)
			if err != nil || fmt.Sprint(ids) != test.want {
				t.Errorf("%+v: %v, want %s, %v", test.q, ids, test.want, err)
			}
		}
		c, err := patch.ReadComment(t.Context(), db, on, 5)
		no := false
		want := &patch.Comment{ID: 5, Addressed: &no, Mail: patch.Mail{Message: 2105, MsgID: "<r5@mail.example>", Date: day(12), Subject: "Re: <r5@mail.example>", Submitter: 3,
			SubmitterName: "bob builder", SubmitterMail: "bob@people.example", Headers: "From: bob", Content: "Looks GOOD,\nbut größer."}}
		if diff := gocmp.Diff(want, c); err != nil || diff != "" {
			t.Error(err, diff)
		}
		for _, of := range []struct {
			on patch.Target
			id int64
		}{{on, 7}, {on, 99}, {patch.Target{Patch: 3}, 5}, {onCover, 6}} {
			if _, err := patch.ReadComment(t.Context(), db, of.on, of.id); !fault.Is(err, fault.NotFound) {
				t.Errorf("comment %d on %v: %v", of.id, of.on, err)
			}
		}
		for target, want := range map[patch.Target]int64{on: projectAlpha, onCover: projectAlpha, {Patch: 39}: projectBeta, {Cover: 23}: 0, {Patch: 99}: 0} {
			got, err := patch.ProjectOf(t.Context(), db, target)
			if got != want || (want == 0) != fault.Is(err, fault.NotFound) {
				t.Errorf("project of %v: %d, %v", target, got, err)
			}
		}
	})
}

// TestSetAddressed: who may, what is stored, and that each change is one event and nothing else is.
func TestSetAddressed(t *testing.T) {
	on, onCover := patch.Target{Patch: 2}, patch.Target{Cover: 20}
	yes, no := true, false
	user := func(id int64) account.Actor { return account.Actor{User: id, Via: "api"} }
	root := account.Actor{User: userRoot, Admin: true, Via: "api"}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		seed(t, db)
		seedSeries(t, db)
		seedExec(t, db, "UPDATE patch SET delegate_id = 14 WHERE id = 2")
		seedExec(t, db, "UPDATE person SET user_id = 15 WHERE id = 3") // joe is bob, who wrote comment 5 on both
		for _, test := range []struct {
			by   account.Actor
			on   patch.Target
			id   int64
			to   *bool
			kind fault.Kind
		}{
			{user(0), on, 5, &yes, fault.Denied}, {user(userJoe), on, 6, &yes, fault.Denied}, {user(userDel), onCover, 5, &yes, fault.Denied},
			{user(userJoe), on, 5, &yes, 0}, {user(userJoe), on, 5, &yes, 0}, // the second changes nothing
			{user(userAnn), on, 5, &no, 0}, {user(userDel), on, 5, &yes, 0}, {user(userMax), on, 6, &no, 0}, {root, on, 6, nil, 0},
			{user(userAnn), onCover, 5, &no, 0}, {user(userJoe), onCover, 5, &yes, 0}, {user(userMia), onCover, 5, &no, 0}, {root, onCover, 5, &yes, 0},
			{root, on, 7, &yes, fault.NotFound}, {root, on, 99, &yes, fault.NotFound}, {root, patch.Target{Patch: 3}, 5, &yes, fault.NotFound},
			{root, onCover, 6, &yes, fault.NotFound}, {root, patch.Target{Cover: 23}, 5, &yes, fault.NotFound},
		} {
			err := patch.SetAddressed(ctx, db, test.by, noon, test.on, test.id, test.to, nil)
			if (test.kind == 0) != (err == nil) || err != nil && !fault.Is(err, test.kind) {
				t.Errorf("%+v on %v %d: %v", test.by, test.on, test.id, err)
			}
		}
		type stored struct {
			Kind, Payload string
			Actor, Patch  int64
		}
		var got []stored
		err := db.Select(ctx, &got, `SELECT e.kind, e.payload, COALESCE(e.actor_id, 0) AS actor, s.subject_id AS patch FROM event e JOIN event_subject s ON s.event_id = e.id ORDER BY e.id`)
		const p, c = "patch-comment-addressed", "cover-comment-addressed"
		want := []stored{
			{p, `{"patch":2,"comment":5,"previous_addressed":false,"current_addressed":true}`, userJoe, 2},
			{p, `{"patch":2,"comment":5,"previous_addressed":true,"current_addressed":false}`, userAnn, 2},
			{p, `{"patch":2,"comment":5,"previous_addressed":false,"current_addressed":true}`, userDel, 2},
			{p, `{"patch":2,"comment":6,"current_addressed":false}`, userMax, 2},
			{p, `{"patch":2,"comment":6,"previous_addressed":false}`, userRoot, 2},
			{c, `{"cover":20,"comment":5,"current_addressed":false}`, userAnn, 20},
			{c, `{"cover":20,"comment":5,"previous_addressed":false,"current_addressed":true}`, userJoe, 20},
			{c, `{"cover":20,"comment":5,"previous_addressed":true,"current_addressed":false}`, userMia, 20},
			{c, `{"cover":20,"comment":5,"previous_addressed":false,"current_addressed":true}`, userRoot, 20},
		}
		if diff := gocmp.Diff(want, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		for id, want := range map[int64]*bool{5: &yes, 6: nil, 7: nil} {
			var is *bool
			if err := db.Get(ctx, &is, "SELECT addressed FROM patch_comment WHERE id = ?", id); err != nil || gocmp.Diff(want, is) != "" {
				t.Errorf("comment %d: %v %v", id, err, is)
			}
		}
	})
}
