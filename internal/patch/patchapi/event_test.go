// SPDX-License-Identifier: GPL-2.0-or-later

package patchapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/rest"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
)

// put writes rows of one table; columns are separated by blanks.
func put(t *testing.T, db *sqldb.DB, table, columns string, rows ...[]any) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return tx.Insert(t.Context(), table, strings.Fields(columns), rows) })
	if err != nil {
		t.Fatal(err)
	}
}

const (
	projectColumns = "id linkname name listid listemail web_url scm_url webscm_url list_archive_url list_archive_url_format commit_url_format subject_match nav_html hints send_notifications use_tags show_dependencies auto_supersede"
	userColumns    = "id username username_key email email_key first_name last_name password is_active is_admin send_email items_per_page show_ids created_at"
	messageColumns = "id project_id msgid copy kind submitter_id date subject in_reply_to thread_id hidden"
	patchColumns   = "id message_id project_id submitter_id date name name_key state_id archived"
)

func putUser(t *testing.T, db *sqldb.DB, id int64, name, email, first, last string) {
	put(t, db, "user_account", userColumns, []any{id, name, name, email, email, first, last, "", true, false, false, 100, false, 0})
}

var feb = clock.FromTime(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))

// sample is one of each object, with numbers of their own.
func sample(t *testing.T, db *sqldb.DB) {
	t.Helper()
	put(t, db, "project", projectColumns, []any{3, "al pha", "Älpha <b>", "a.example", "a@example.org", "https://a.example/", "git://a", "https://a/git", "https://a/list", "https://lore.example/{}", "https://a/c/{}", "", "", "nobody", false, true, false, false})
	putUser(t, db, 21, "mia", "mia@example.org", "Mia", "Öberg")
	putUser(t, db, 22, "del", "del@example.org", "", "")
	put(t, db, "person", "id email email_key name_key name_votes", []any{1, "x@example.org", "x@example.org", "", 0})
	message := func(id int64, msgid, kind string, hidden bool) []any {
		return []any{id, 3, msgid, 0, kind, 1, int64(feb) + id, "", "", id, hidden}
	}
	put(t, db, "message", messageColumns, message(101, "<p/1@x>", "patch", false), message(102, "<c+0!@x>", "cover", false), message(103, "<r1@x>", "comment", false),
		message(104, "<r0@x>", "comment", false), message(105, "<gone@x>", "patch", true))
	put(t, db, "patch", patchColumns, []any{11, 101, 3, 1, int64(feb), "[v2] a & <b>", "", 2, false}, []any{12, 105, 3, 1, int64(feb), "gone", "", 1, false})
	put(t, db, "cover", "id message_id project_id submitter_id date name", []any{13, 102, 3, 1, int64(feb) + 120, "cover"})
	put(t, db, "patch_comment", "id message_id patch_id submitter_id date", []any{14, 103, 11, 1, int64(feb) + 1})
	put(t, db, "cover_comment", "id message_id cover_id submitter_id date", []any{15, 104, 13, 1, int64(feb)})
	put(t, db, "series", "id project_id name date submitter_id version total received", []any{16, 3, nil, int64(feb), 1, 2, 3, 1})
	put(t, db, "patch_check", "id patch_id user_id date state target_url context", []any{17, 11, 21, int64(feb), 3, "https://ci.example/1", "build"}, []any{18, 11, 21, int64(feb), 0, nil, "lint"})
	put(t, db, "patch_tag", "patch_id tag_id hits", []any{11, 2, 1}, []any{11, 1, 3})
}

const (
	projectJSON = `"project":{"id":3,"url":"https://h/api/1.4/projects/3/","name":"Älpha <b>","link_name":"al pha","list_id":"a.example","list_email":"a@example.org","web_url":"https://a.example/","scm_url":"git://a","webscm_url":"https://a/git","list_archive_url":"https://a/list","list_archive_url_format":"https://lore.example/{}","commit_url_format":"https://a/c/{}"}`
	patchJSON   = `"patch":{"id":11,"url":"https://h/api/1.4/patches/11/","web_url":"https://h/project/al%20pha/patch/p%252F1@x/","msgid":"<p/1@x>","list_archive_url":"https://lore.example/p/1@x","date":"2026-02-03T04:05:06","name":"[v2] a & <b>","mbox":"https://h/project/al%20pha/patch/p%252F1@x/mbox/"}`
	coverJSON   = `"cover":{"id":13,"url":"https://h/api/1.4/covers/13/","web_url":"https://h/project/al%20pha/cover/c+0!@x/","msgid":"<c+0!@x>","list_archive_url":"https://lore.example/c+0!@x","date":"2026-02-03T04:05:06.000120","name":"cover","mbox":"https://h/project/al%20pha/cover/c+0!@x/mbox/"}`
	seriesJSON  = `"series":{"id":16,"url":"https://h/api/1.4/series/16/","web_url":"https://h/project/al%20pha/list/?series=16","date":"2026-02-03T04:05:06","name":null,"version":2,"mbox":"https://h/series/16/mbox/"}`
	miaJSON     = `{"id":21,"url":"https://h/api/1.4/users/21/","username":"mia","first_name":"Mia","last_name":"Öberg","email":"mia@example.org"}`
	delJSON     = `{"id":22,"url":"https://h/api/1.4/users/22/","username":"del","first_name":"","last_name":"","email":"del@example.org"}`
)

// samples are a payload as it is stored, and the one that is shown. What has none is left out.
var samples = []struct{ kind, stored, shown string }{
	{"patch-created", `{"patch":11}`, `{` + patchJSON + `}`},
	{"cover-created", `{"cover":13}`, `{` + coverJSON + `}`},
	{"series-created", `{"series":16}`, `{` + seriesJSON + `}`},
	{"series-completed", `{"series":16}`, `{` + seriesJSON + `}`},
	{"series-version-changed", `{"series":16,"previous_version":1,"current_version":0}`, `{` + seriesJSON + `,"previous_version":1,"current_version":0}`},
	{"series-metadata-changed", `{"series":16,"previous_metadata":{"a":"b","c":null},"current_metadata":{"a":null,"c":""}}`, `{` + seriesJSON + `,"previous_metadata":{"a":"b","c":null},"current_metadata":{"a":null,"c":""}}`},
	{"patch-completed", `{"patch":11,"series":16}`, `{` + patchJSON + `,` + seriesJSON + `}`},
	{"patch-state-changed", `{"patch":11,"previous_state":"new","current_state":"under-review"}`, `{` + patchJSON + `,"previous_state":"new","current_state":"under-review"}`},
	{"patch-delegated", `{"patch":11,"current_delegate":22}`, `{` + patchJSON + `,"previous_delegate":null,"current_delegate":` + delJSON + `}`},
	{"patch-delegated", `{"patch":11,"previous_delegate":22,"current_delegate":99}`, `{` + patchJSON + `,"previous_delegate":` + delJSON + `,"current_delegate":null}`},
	{"patch-archived-changed", `{"patch":11,"archived":true}`, `{` + patchJSON + `,"previous_archived":false,"current_archived":true}`},
	{"patch-commit-ref-changed", `{"patch":11,"current_commit_ref":"abc"}`, `{` + patchJSON + `,"previous_commit_ref":null,"current_commit_ref":"abc"}`},
	{"patch-pull-url-changed", `{"patch":11,"previous_pull_url":"git://x"}`, `{` + patchJSON + `,"previous_pull_url":"git://x","current_pull_url":null}`},
	{"patch-relation-changed", `{"patch":11}`, `{` + patchJSON + `,"previous_relation":null,"current_relation":null}`},
	{"check-created", `{"patch":11,"check":17}`, `{` + patchJSON + `,"check":{"id":17,"url":"https://h/api/1.4/patches/11/checks/17/","date":"2026-02-03T04:05:06","state":"fail","target_url":"https://ci.example/1","context":"build"}}`},
	{"check-created", `{"patch":11,"check":18}`, `{` + patchJSON + `,"check":{"id":18,"url":"https://h/api/1.4/patches/11/checks/18/","date":"2026-02-03T04:05:06","state":"pending","target_url":null,"context":"lint"}}`},
	{"patch-comment-created", `{"patch":11,"comment":14}`, `{` + patchJSON + `,"comment":{"id":14,"url":"https://h/api/1.4/patches/11/comments/14/","web_url":"https://h/comment/14/","msgid":"<r1@x>","list_archive_url":"https://lore.example/r1@x","date":"2026-02-03T04:05:06.000001"}}`},
	{"cover-comment-created", `{"cover":13,"comment":15}`, `{` + coverJSON + `,"comment":{"id":15,"url":"https://h/api/1.4/covers/13/comments/15/","web_url":"https://h/comment/15/","msgid":"<r0@x>","list_archive_url":"https://lore.example/r0@x","date":"2026-02-03T04:05:06"}}`},
	{"patch-comment-addressed", `{"patch":11,"comment":14,"previous_addressed":false}`, `{` + patchJSON + `,"comment":{"id":14,"url":"https://h/api/1.4/patches/11/comments/14/","web_url":"https://h/comment/14/","msgid":"<r1@x>","list_archive_url":"https://lore.example/r1@x","date":"2026-02-03T04:05:06.000001"},"previous_addressed":false,"current_addressed":null}`},
	{"cover-comment-addressed", `{"cover":13,"comment":15,"previous_addressed":false,"current_addressed":true}`, `{` + coverJSON + `,"comment":{"id":15,"url":"https://h/api/1.4/covers/13/comments/15/","web_url":"https://h/comment/15/","msgid":"<r0@x>","list_archive_url":"https://lore.example/r0@x","date":"2026-02-03T04:05:06"},"previous_addressed":false,"current_addressed":true}`},
	{"patch-comment-addressed", `{"patch":11,"comment":15}`, ""}, // one on a cover letter
	{"patch-created", `{"patch":12}`, ""},                        // hidden
	{"patch-created", `{"patch":99}`, ""},                        // deleted
	{"patch-comment-created", `{"patch":11,"comment":15}`, ""},   // one on a cover letter
	{"check-created", `{"patch":11,"check":99}`, ""},
	{"patch-created", `{}`, ""},
	{"patch-created", `{"patch":`, ""}, // cut off: it holds up nobody
	{"series-created", `{"series":99}`, ""},
	{"series-version-changed", `{"series":99,"previous_version":1,"current_version":2}`, ""},
	{"user-logged-in", `{"patch":11}`, ""}, // another domain's
}

// TestEvents: each category has the payload that reference and clients know, and a batch takes the same number of queries whatever its size.
func TestEvents(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			queries := 0
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(string) { queries++ }})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			sample(t, db)
			var stored []event.Stored
			var want []string
			for i, s := range samples {
				actor, actorJSON := int64(0), "null"
				if i%2 == 1 {
					actor, actorJSON = 21, miaJSON
				}
				id := int64(i + 1)
				stored = append(stored, event.Stored{ID: id, Project: 3, Actor: actor, Kind: s.kind, At: feb.Add(time.Microsecond * 10), Payload: s.stored, Pos: id + 100})
				if s.shown != "" {
					want = append(want, fmt.Sprintf(`{"id":%d,"category":"%s",%s,"date":"2026-02-03T04:05:06.000010","actor":%s,"payload":%s,"pos":%d}`, id, s.kind, projectJSON, actorJSON, s.shown, id+100))
				}
			}
			queries = 0
			events, err := AddressesAt("https://h").Events(t.Context(), db, stored)
			if err != nil {
				t.Fatal(err)
			}
			if queries != 9 {
				t.Errorf("%d queries, want 9", queries)
			}
			var got []string
			for _, e := range events {
				text, err := rest.Marshal(rest.Newest, e)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, string(text))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			facts := map[string]Facts{"patch-state-changed": {OfPatch: true, State: "under-review", Tags: []string{"Acked-by", "Reviewed-by"}}, "cover-created": {},
				"patch-comment-created": {OfPatch: true, Tags: []string{"Acked-by", "Reviewed-by"}}}
			for _, e := range events {
				if want, ok := facts[e.Category]; ok && !cmp.Equal(want, e.Facts) {
					t.Errorf("%s: %+v", e.Category, e.Facts)
				}
				if e.Category == "check-created" && (e.Facts.CheckContext != "build" || e.Facts.CheckState != "fail") && e.Facts.CheckContext != "lint" {
					t.Errorf("%+v", e.Facts)
				}
			}
		})
	}
}

// flat is JSON as the sequence of its tokens: the order of keys counts, how characters are escaped does not.
func flat(t *testing.T, text []byte) []string {
	t.Helper()
	var out []string
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	for {
		tok, err := dec.Token()
		if err != nil {
			return out
		}
		out = append(out, fmt.Sprintf("%T %v", tok, tok))
	}
}

func when(t *testing.T, s string) int64 {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05.999999", s)
	if err != nil {
		t.Fatal(err)
	}
	return int64(clock.FromTime(at))
}

// TestEventsOfDjango makes the events that Patchwork 3.2 answered from the same objects: the same keys, nulls, addresses and dates in the same order.
func TestEventsOfDjango(t *testing.T) {
	for _, file := range []string{"django-main-sqlite-golden.json.gz", "django-main-postgres-golden.json.gz", "django-main-mysql-golden.json.gz"} {
		unzip, err := gzip.NewReader(shared.Open(t, "fixtures", file))
		if err != nil {
			t.Fatal(err)
		}
		var answers map[string]struct{ Body json.RawMessage }
		if err := json.NewDecoder(unzip).Decode(&answers); err != nil {
			t.Fatal(err)
		}
		n := 0
		for request, answer := range answers {
			if !strings.HasPrefix(request, "- /api/1.4/events/") {
				continue
			}
			var events []json.RawMessage
			if err := json.Unmarshal(answer.Body, &events); err != nil {
				t.Fatal(err)
			}
			for _, raw := range events {
				compareDjango(t, raw)
				n++
			}
		}
		if n < 10 {
			t.Errorf("%s has %d events", file, n)
		}
	}
}

// django is an event as it was recorded.
type django struct {
	ID       int64
	Category string
	Project  rest.Project
	Date     string
	Actor    *rest.User
	Payload  struct {
		Patch, Cover  *Patch
		Series        *Series
		Comment       *Comment
		PreviousState string `json:"previous_state"`
		CurrentState  string `json:"current_state"`
	}
}

func compareDjango(t *testing.T, raw json.RawMessage) {
	t.Helper()
	var d django
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	db := dbtest.Open(t, sqldb.SQLite)
	p := d.Project
	put(t, db, "project", projectColumns, []any{p.ID, p.LinkName, p.Name, p.ListID, p.ListEmail, p.WebURL, p.SCMURL, p.WebSCMURL, p.ListArchiveURL, p.ListArchiveURLFormat, p.CommitURLFormat, "", "", "nobody", false, true, false, false})
	put(t, db, "person", "id email email_key name_key name_votes", []any{1, "x@example.org", "x@example.org", "", 0})
	stored := event.Stored{ID: d.ID, Project: p.ID, Kind: d.Category, At: clock.Time(when(t, d.Date))}
	if d.Actor != nil {
		stored.Actor = d.Actor.ID
		putUser(t, db, d.Actor.ID, d.Actor.Username, d.Actor.Email, d.Actor.FirstName, d.Actor.LastName)
	}
	payload := map[string]any{}
	message := func(id int64, msgid, date string) []any {
		return []any{id, p.ID, msgid, 0, "patch", 1, when(t, date), "", "", id, false}
	}
	if x := d.Payload.Patch; x != nil {
		payload["patch"] = x.ID
		put(t, db, "message", messageColumns, message(1, x.MsgID, x.Date))
		put(t, db, "patch", patchColumns, []any{x.ID, 1, p.ID, 1, when(t, x.Date), x.Name, "", 1, false})
	}
	if x := d.Payload.Cover; x != nil {
		payload["cover"] = x.ID
		put(t, db, "message", messageColumns, message(2, x.MsgID, x.Date))
		put(t, db, "cover", "id message_id project_id submitter_id date name", []any{x.ID, 2, p.ID, 1, when(t, x.Date), x.Name})
	}
	if x := d.Payload.Series; x != nil {
		payload["series"] = x.ID
		put(t, db, "series", "id project_id name date submitter_id version total received", []any{x.ID, p.ID, x.Name, when(t, x.Date), 1, x.Version, 1, 1})
	}
	if x := d.Payload.Comment; x != nil {
		payload["comment"] = x.ID
		put(t, db, "message", messageColumns, message(3, x.MsgID, x.Date))
		if d.Payload.Patch != nil {
			put(t, db, "patch_comment", "id message_id patch_id submitter_id date", []any{x.ID, 3, d.Payload.Patch.ID, 1, when(t, x.Date)})
		} else {
			put(t, db, "cover_comment", "id message_id cover_id submitter_id date", []any{x.ID, 3, d.Payload.Cover.ID, 1, when(t, x.Date)})
		}
	}
	if d.Payload.CurrentState != "" {
		payload["previous_state"], payload["current_state"] = d.Payload.PreviousState, d.Payload.CurrentState
	}
	text, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	stored.Payload = string(text)
	events, err := AddressesAt("http://pw.example.org").Events(t.Context(), db, []event.Stored{stored})
	if err != nil || len(events) != 1 {
		t.Fatalf("%s: %d events, %v", raw, len(events), err)
	}
	got, err := rest.Marshal(rest.Newest, events[0])
	if err != nil {
		t.Fatal(err)
	}
	got = append(bytes.TrimSuffix(got, []byte(`,"pos":null}`)), '}') // what is ours
	if diff := cmp.Diff(flat(t, raw), flat(t, got)); diff != "" {
		t.Errorf("event %d: %s", d.ID, diff)
	}
}
