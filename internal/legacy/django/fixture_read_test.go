// SPDX-License-Identifier: GPL-2.0-or-later

package django_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch"
)

var checkStates = []string{"pending", "success", "warning", "fail"}

func (r reader) patches() []wantPatch {
	tags, checks, worst := r.patchTags(), map[int64][]int64{}, map[int64]int{}
	r.each("SELECT patch_id, check_id, state FROM patch_check_latest ORDER BY patch_id, check_id", func(rows *sqlx.Rows) error {
		var p, c int64
		var state int
		err := rows.Scan(&p, &c, &state)
		checks[p] = append(checks[p], c)
		// Of the states fail counts most, then warning, pending, success.
		rank := []int{1, 0, 2, 3}
		if old, ok := worst[p]; !ok || rank[state] > rank[old] {
			worst[p] = state
		}
		return err
	})
	var out []wantPatch
	r.each(`SELECT p.id, j.linkname, m.msgid, p.name, p.date, e.email, s.slug, u.username, p.archived, p.hash, p.commit_ref, p.pull_url, p.series_id, p.number, p.related_id,
			b.content, b.headers, d.diff
		FROM patch p JOIN project j ON j.id = p.project_id JOIN message m ON m.id = p.message_id JOIN message_body b ON b.message_id = m.id JOIN person e ON e.id = p.submitter_id
			LEFT JOIN state s ON s.id = p.state_id LEFT JOIN user_account u ON u.id = p.delegate_id LEFT JOIN patch_diff d ON d.patch_id = p.id ORDER BY p.id`, func(rows *sqlx.Rows) error {
		var p wantPatch
		var date clock.Time
		var content, headers *string
		var diff []byte
		err := rows.Scan(&p.ID, &p.Project, &p.MsgID, &p.Name, &date, &p.Submitter, &p.State, &p.Delegate, &p.Archived, &p.Hash, &p.CommitRef, &p.PullURL, &p.Series, &p.Number,
			&p.Related, &content, &headers, &diff)
		p.Date, p.Content, p.Headers = pythonDate(date), sumText(content), sumText(headers)
		if diff != nil {
			p.Diff = ptr(sum(diff))
		}
		p.Tags, p.UniqueChecks = tags[p.ID], append([]int64{}, checks[p.ID]...)
		if p.Tags == nil {
			p.Tags = map[string]int{}
		}
		p.CombinedCheck = checkStates[worst[p.ID]]
		out = append(out, p)
		return err
	})
	return out
}

func ptr[T any](v T) *T { return &v }

func (r reader) patchTags() map[int64]map[string]int {
	tags := map[int64]map[string]int{}
	r.each("SELECT p.patch_id, t.name, p.hits FROM patch_tag p JOIN tag t ON t.id = p.tag_id", func(rows *sqlx.Rows) error {
		var id int64
		var name string
		var n int
		err := rows.Scan(&id, &name, &n)
		if tags[id] == nil {
			tags[id] = map[string]int{}
		}
		tags[id][name] = n
		return err
	})
	return tags
}

func (r reader) covers() []wantCover {
	var out []wantCover
	r.each(`SELECT c.id, j.linkname, m.msgid, c.name, c.date, e.email, b.content, b.headers FROM cover c JOIN project j ON j.id = c.project_id
		JOIN message m ON m.id = c.message_id JOIN message_body b ON b.message_id = m.id JOIN person e ON e.id = c.submitter_id ORDER BY c.id`, func(rows *sqlx.Rows) error {
		var c wantCover
		var date clock.Time
		var content, headers *string
		err := rows.Scan(&c.ID, &c.Project, &c.MsgID, &c.Name, &date, &c.Submitter, &content, &headers)
		c.Date, c.Content, c.Headers = pythonDate(date), sumText(content), sumText(headers)
		out = append(out, c)
		return err
	})
	return out
}

func (r reader) comments(query string) []wantComment {
	var out []wantComment
	r.each(query, func(rows *sqlx.Rows) error {
		var c wantComment
		var date clock.Time
		var content *string
		err := rows.Scan(&c.ID, &c.Parent, &c.MsgID, &date, &c.Submitter, &c.Addressed, &content)
		c.Date, c.Content = pythonDate(date), sumText(content)
		out = append(out, c)
		return err
	})
	return out
}

func (r reader) series() []wantSeries {
	refs, deps := map[int64][]string{}, map[int64][]int64{}
	r.each("SELECT series_id, msgid FROM series_reference", func(rows *sqlx.Rows) error {
		var id int64
		var msgid string
		err := rows.Scan(&id, &msgid)
		refs[id] = append(refs[id], msgid)
		return err
	})
	r.each("SELECT series_id, depends_on_id FROM series_dependency ORDER BY series_id, position", func(rows *sqlx.Rows) error {
		var id, on int64
		err := rows.Scan(&id, &on)
		deps[id] = append(deps[id], on)
		return err
	})
	var out []wantSeries
	r.each(`SELECT s.id, j.linkname, s.cover_id, s.name, s.date, e.email, s.version, s.total, s.received FROM series s LEFT JOIN project j ON j.id = s.project_id
		JOIN person e ON e.id = s.submitter_id ORDER BY s.id`, func(rows *sqlx.Rows) error {
		var s wantSeries
		var date clock.Time
		err := rows.Scan(&s.ID, &s.Project, &s.Cover, &s.Name, &date, &s.Submitter, &s.Version, &s.Total, &s.Received)
		s.Date, s.References, s.Dependencies = pythonDate(date), append([]string{}, refs[s.ID]...), append([]int64{}, deps[s.ID]...)
		slices.Sort(s.References)
		out = append(out, s)
		return err
	})
	return out
}

func (r reader) people() []wantPerson {
	var out []wantPerson
	r.each("SELECT p.id, p.email, p.name, u.username FROM person p LEFT JOIN user_account u ON u.id = p.user_id ORDER BY p.id", func(rows *sqlx.Rows) error {
		var p wantPerson
		err := rows.Scan(&p.ID, &p.Email, &p.Name, &p.User)
		out = append(out, p)
		return err
	})
	return out
}

func (r reader) checks() []wantCheck {
	var out []wantCheck
	r.each(`SELECT c.id, c.patch_id, u.username, c.state, c.context, c.target_url, c.description, c.date FROM patch_check c JOIN user_account u ON u.id = c.user_id
		ORDER BY c.id`, func(rows *sqlx.Rows) error {
		var c wantCheck
		var state int
		var date clock.Time
		err := rows.Scan(&c.ID, &c.Patch, &c.User, &state, &c.Context, &c.TargetURL, &c.Description, &date)
		c.State, c.Date = checkStates[state], pythonDate(date)
		out = append(out, c)
		return err
	})
	return out
}

func (r reader) bundles() []wantBundle {
	places := map[int64][][2]int64{}
	r.each("SELECT bundle_id, position, patch_id FROM bundle_patch ORDER BY bundle_id, position", func(rows *sqlx.Rows) error {
		var id, position, patch int64
		err := rows.Scan(&id, &position, &patch)
		places[id] = append(places[id], [2]int64{position, patch})
		return err
	})
	var out []wantBundle
	r.each(`SELECT b.id, u.username, j.linkname, b.name, b.public FROM bundle b JOIN user_account u ON u.id = b.owner_id JOIN project j ON j.id = b.project_id
		ORDER BY b.id`, func(rows *sqlx.Rows) error {
		var b wantBundle
		err := rows.Scan(&b.ID, &b.Owner, &b.Project, &b.Name, &b.Public)
		b.Patches = append([][2]int64{}, places[b.ID]...)
		out = append(out, b)
		return err
	})
	return out
}

func (r reader) projects() []wantProject {
	var out []wantProject
	r.each(`SELECT id, linkname, name, listid, listemail, subject_match, web_url, scm_url, webscm_url, list_archive_url, list_archive_url_format, commit_url_format,
		send_notifications, show_dependencies, use_tags FROM project ORDER BY id`, func(rows *sqlx.Rows) error {
		var p wantProject
		err := rows.Scan(&p.ID, &p.Linkname, &p.Name, &p.ListID, &p.ListEmail, &p.SubjectMatch, &p.WebURL, &p.SCMURL, &p.WebSCMURL, &p.Archive, &p.ArchiveFormat,
			&p.CommitFormat, &p.Send, &p.Dependencies, &p.UseTags)
		out = append(out, p)
		return err
	})
	return out
}

func (r reader) states() []wantState {
	var out []wantState
	r.each("SELECT id, name, slug, ordering, action_required FROM state ORDER BY id", func(rows *sqlx.Rows) error {
		var s wantState
		err := rows.Scan(&s.ID, &s.Name, &s.Slug, &s.Ordering, &s.Action)
		out = append(out, s)
		return err
	})
	return out
}

func (r reader) tags() []wantTag {
	var out []wantTag
	r.each("SELECT id, name, pattern, abbrev, show_column FROM tag ORDER BY id", func(rows *sqlx.Rows) error {
		var s wantTag
		err := rows.Scan(&s.ID, &s.Name, &s.Pattern, &s.Abbrev, &s.Show)
		out = append(out, s)
		return err
	})
	return out
}

func (r reader) rules() []wantRule {
	var out []wantRule
	r.each(`SELECT d.id, j.linkname, u.username, d.path, d.priority FROM delegation_rule d JOIN project j ON j.id = d.project_id JOIN user_account u ON u.id = d.user_id
		ORDER BY d.id`, func(rows *sqlx.Rows) error {
		var s wantRule
		err := rows.Scan(&s.ID, &s.Project, &s.User, &s.Path, &s.Priority)
		out = append(out, s)
		return err
	})
	return out
}

func (r reader) confirmations() []wantConfirmation {
	var out []wantConfirmation
	r.each(`SELECT c.id, c.kind, c.email, c.key_hash, u.username, c.active, c.created_at FROM email_confirmation c LEFT JOIN user_account u ON u.id = c.user_id
		ORDER BY c.id`, func(rows *sqlx.Rows) error {
		var c wantConfirmation
		var key []byte
		var date clock.Time
		err := rows.Scan(&c.ID, &c.Type, &c.Email, &key, &c.User, &c.Active, &date)
		c.Key, c.Date = hex.EncodeToString(key), pythonDate(date)
		out = append(out, c)
		return err
	})
	return out
}

func (r reader) notices() []wantNotice {
	var out []wantNotice
	r.each("SELECT n.patch_id, s.slug FROM state_notice n JOIN state s ON s.id = n.original_state_id ORDER BY n.patch_id", func(rows *sqlx.Rows) error {
		var n wantNotice
		err := rows.Scan(&n.Patch, &n.Original)
		out = append(out, n)
		return err
	})
	return out
}

// events counts all events and reads those that want has, with the ids that Django knows them by.
func (r reader) events(want expected) (counts map[string]int, sample []wantEvent) {
	counts = map[string]int{}
	states := map[string]*int64{}
	for _, s := range want.States {
		states[s.Slug] = &s.ID
	}
	wanted := map[int64]bool{}
	for _, e := range want.Events {
		wanted[e.ID] = true
	}
	none := func(id int64) *int64 {
		if id == 0 {
			return nil
		}
		return &id
	}
	r.each("SELECT e.id, e.project_id, e.kind, e.at, e.actor_id, u.username, e.payload FROM event e LEFT JOIN user_account u ON u.id = e.actor_id ORDER BY e.id", func(rows *sqlx.Rows) error {
		var e wantEvent
		var at clock.Time
		var actor *string
		var text string
		if err := rows.Scan(&e.ID, &e.Project, &e.Category, &at, &e.Actor, &actor, &text); err != nil {
			return err
		}
		name := "None"
		if actor != nil {
			name = *actor
		}
		counts[e.Category+" actor="+name]++
		if !wanted[e.ID] {
			return nil
		}
		var p patch.Payload
		err := json.Unmarshal([]byte(text), &p)
		e.Date, e.Patch, e.Series, e.Cover, e.Check = pythonDate(at), none(p.Patch), none(p.Series), none(p.Cover), none(p.Check)
		e.PS, e.CS, e.PD, e.CD = states[p.PreviousState], states[p.CurrentState], none(p.PreviousDelegate), none(p.CurrentDelegate)
		e.PR, e.CR = none(p.PreviousRelation), none(p.CurrentRelation)
		switch e.Category {
		case "patch-comment-created":
			e.PC = none(p.Comment)
		case "cover-comment-created":
			e.CC = none(p.Comment)
		}
		sample = append(sample, e)
		return err
	})
	return counts, sample
}

// users compares the accounts and logs each of them in.
func (r reader) users(want []wantUser) {
	sessions := account.NewSessions(r.db, clock.NewFake(now))
	for i, w := range want {
		u, err := account.UserByName(r.t.Context(), r.db, w.Username)
		if err != nil {
			r.t.Error(err)
			continue
		}
		got := wantUser{Username: u.Username, Password: w.Password, Token: w.Token, Hash: u.Password, Email: u.Email, ID: u.ID, FirstName: u.FirstName, LastName: u.LastName,
			IsSuperuser: u.IsAdmin, IsActive: u.IsActive, ItemsPerPage: u.ItemsPerPage, ShowIDs: u.ShowIDs, SendEmail: u.SendEmail, Maintains: []string{}}
		got.Maintains = append(got.Maintains, r.texts(fmt.Sprintf("SELECT p.linkname FROM project_maintainer m JOIN project p ON p.id = m.project_id WHERE m.user_id = %d ORDER BY p.linkname", u.ID))...)
		slices.Sort(w.Maintains)
		if w.Token != "" {
			if u, scope, err := sessions.Bearer(r.t.Context(), w.Token); err != nil || u.ID != w.ID || scope != account.ScopeWrite {
				r.t.Errorf("token of %s: %d, %q, %v", w.Username, u.ID, scope, err)
			}
		}
		if diff := cmp.Diff(w, got); diff != "" {
			r.t.Errorf("user %s: %s", w.Username, diff)
		}
		remote := fmt.Sprintf("192.0.2.%d", i+1)
		if _, _, err := sessions.Login(r.t.Context(), w.Username, w.Password+"x", remote); !fault.Is(err, fault.Unauthenticated) {
			r.t.Errorf("%s with a wrong password: %v", w.Username, err)
		}
		_, in, err := sessions.Login(r.t.Context(), w.Username, w.Password, remote)
		mayIn := w.IsActive && !strings.HasPrefix(w.Hash, "!")
		if mayIn && (err != nil || in.ID != w.ID) || !mayIn && !fault.Is(err, fault.Unauthenticated) {
			r.t.Errorf("%s with his password: %v", w.Username, err)
		}
	}
}
