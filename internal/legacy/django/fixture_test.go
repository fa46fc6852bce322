// SPDX-License-Identifier: GPL-2.0-or-later

package django_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/legacy/django"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
)

const now = clock.Time(1_800_000_000_000_000) // 2027-01-15T08:00:00Z

// fixtureFile unpacks the database of a real installation.
func fixtureFile(t *testing.T) string {
	t.Helper()
	packed, err := gzip.NewReader(shared.Open(t, "fixtures", "django-main-sqlite.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.db")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, packed); err != nil {
		t.Fatal(err)
	}
	return path
}

func importFile(t *testing.T, db *sqldb.DB, path string, change ...func(*django.Options)) django.Summary {
	t.Helper()
	opt := django.Options{From: "sqlite://" + path}
	for _, f := range change {
		f(&opt)
	}
	sum, err := django.Import(t.Context(), db, account.CLI, now, opt)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// tagsWithCovers are patches whose cover letter was answered by three Acked-by: here they count for each patch of the series, in Django for none.
var tagsWithCovers = map[int64]map[string]int{110: {"Acked-by": 3 + 3}, 111: {"Acked-by": 0 + 3}}

// TestFixture imports the database of a real installation and compares every row with what Django said is in it.
func TestFixture(t *testing.T) {
	var want expected
	if err := json.NewDecoder(shared.Open(t, "fixtures", "django-main-sqlite.expected.json")).Decode(&want); err != nil {
		t.Fatal(err)
	}
	path := fixtureFile(t)
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		sum := importFile(t, db, path)
		for _, n := range sum.Imported {
			if n.Rows != want.RowCounts[n.Table] {
				t.Errorf("%s: %d rows, want %d", n.Table, n.Rows, want.RowCounts[n.Table])
			}
		}
		for _, n := range sum.LeftOut {
			if n.Rows != want.RowCounts[n.Table] {
				t.Errorf("%s: %d rows left out, want %d", n.Table, n.Rows, want.RowCounts[n.Table])
			}
		}
		nothingWrong(t, db)
		for i := range want.Patches {
			if more := tagsWithCovers[want.Patches[i].ID]; more != nil {
				want.Patches[i].Tags = more
			}
		}
		r := reader{t, db}
		equal(t, "patches", want.Patches, r.patches())
		equal(t, "covers", want.Covers, r.covers())
		equal(t, "comments on patches", want.PatchComments, r.comments("SELECT c.id, c.patch_id, m.msgid, c.date, p.email, c.addressed, b.content FROM patch_comment c JOIN message m ON m.id = c.message_id JOIN message_body b ON b.message_id = m.id JOIN person p ON p.id = c.submitter_id ORDER BY c.id"))
		equal(t, "comments on covers", want.CoverComments, r.comments("SELECT c.id, c.cover_id, m.msgid, c.date, p.email, c.addressed, b.content FROM cover_comment c JOIN message m ON m.id = c.message_id JOIN message_body b ON b.message_id = m.id JOIN person p ON p.id = c.submitter_id ORDER BY c.id"))
		equal(t, "series", want.Series, r.series())
		equal(t, "people", want.People, r.people())
		equal(t, "checks", want.Checks, r.checks())
		equal(t, "bundles", want.Bundles, r.bundles())
		equal(t, "projects", want.Projects, r.projects())
		equal(t, "states", want.States, r.states())
		equal(t, "tags", want.Tags, r.tags())
		equal(t, "delegation rules", want.Rules, r.rules())
		equal(t, "opt-outs", want.Optouts, r.texts("SELECT email_key FROM email_optout ORDER BY email_key"))
		equal(t, "confirmations", hashed(want.Confirmations), r.confirmations())
		equal(t, "notifications", want.Notifications, r.notices())
		counts, sample := r.events(want)
		equal(t, "event counts", want.EventCounts, counts)
		equal(t, "events", want.Events, sample)
		r.users(want.Users)
	})
}

func equal(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%.4000s", what, diff)
	}
}

// nothingWrong is `pw db check`.
func nothingWrong(t *testing.T, db *sqldb.DB) {
	t.Helper()
	err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
		found, err := patch.Check(t.Context(), tx, false, func(string) {})
		for _, f := range found {
			t.Errorf("check: %d %s", f.Rows, f.What)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// expected is what the description of the fixture holds.
type expected struct {
	RowCounts     map[string]int64   `json:"row_counts"`
	Users         []wantUser         `json:"password_checks"`
	Patches       []wantPatch        `json:"patches"`
	Covers        []wantCover        `json:"covers"`
	PatchComments []wantComment      `json:"patch_comments"`
	CoverComments []wantComment      `json:"cover_comments"`
	Series        []wantSeries       `json:"series"`
	People        []wantPerson       `json:"people"`
	Checks        []wantCheck        `json:"checks"`
	Bundles       []wantBundle       `json:"bundles"`
	EventCounts   map[string]int     `json:"event_counts"`
	Events        []wantEvent        `json:"events_sample"`
	Projects      []wantProject      `json:"projects"`
	States        []wantState        `json:"states"`
	Tags          []wantTag          `json:"tags"`
	Rules         []wantRule         `json:"delegation_rules"`
	Optouts       []string           `json:"optouts"`
	Confirmations []wantConfirmation `json:"confirmations"`
	Notifications []wantNotice       `json:"notifications"`
}

type wantUser struct {
	Username, Password, Token, Hash, Email string
	ID                                     int64
	FirstName                              string `json:"first_name"`
	LastName                               string `json:"last_name"`
	IsSuperuser                            bool   `json:"is_superuser"`
	IsActive                               bool   `json:"is_active"`
	ItemsPerPage                           int    `json:"items_per_page"`
	ShowIDs                                bool   `json:"show_ids"`
	SendEmail                              bool   `json:"send_email"`
	Maintains                              []string
}

type wantPatch struct {
	ID                                    int64
	Project, MsgID, Name, Date, Submitter string
	State, Delegate                       *string
	Archived                              bool
	Hash                                  *string
	CommitRef                             *string `json:"commit_ref"`
	PullURL                               *string `json:"pull_url"`
	Series, Number, Related               *int64
	Tags                                  map[string]int
	Content                               *string `json:"content_sha256"`
	Diff                                  *string `json:"diff_sha256"`
	Headers                               *string `json:"headers_sha256"`
	CombinedCheck                         string  `json:"combined_check"`
	UniqueChecks                          []int64 `json:"unique_checks"`
}

type wantCover struct {
	ID                                    int64
	Project, MsgID, Name, Date, Submitter string
	Content                               *string `json:"content_sha256"`
	Headers                               *string `json:"headers_sha256"`
}

type wantComment struct {
	ID, Parent             int64
	MsgID, Date, Submitter string
	Addressed              *bool
	Content                *string `json:"content_sha256"`
}

type wantSeries struct {
	ID              int64
	Project         *string
	Cover           *int64
	Name            *string
	Date, Submitter string
	Version, Total  int
	Received        int `json:"received_total"`
	References      []string
	Dependencies    []int64
}

type wantPerson struct {
	ID         int64
	Email      string
	Name, User *string
}

type wantCheck struct {
	ID, Patch                  int64
	User, State, Context, Date string
	TargetURL                  *string `json:"target_url"`
	Description                *string
}

type wantBundle struct {
	ID                   int64
	Owner, Project, Name string
	Public               bool
	Patches              [][2]int64
}

type wantEvent struct {
	ID       int64
	Project  int64 `json:"project_id"`
	Category string
	Date     string
	Actor    *int64 `json:"actor_id"`
	Patch    *int64 `json:"patch_id"`
	Series   *int64 `json:"series_id"`
	Cover    *int64 `json:"cover_id"`
	PS       *int64 `json:"previous_state_id"`
	CS       *int64 `json:"current_state_id"`
	PD       *int64 `json:"previous_delegate_id"`
	CD       *int64 `json:"current_delegate_id"`
	PR       *int64 `json:"previous_relation_id"`
	CR       *int64 `json:"current_relation_id"`
	Check    *int64 `json:"created_check_id"`
	CC       *int64 `json:"cover_comment_id"`
	PC       *int64 `json:"patch_comment_id"`
}

type wantProject struct {
	ID                int64
	Linkname, Name    string
	ListID, ListEmail string
	SubjectMatch      string `json:"subject_match"`
	WebURL            string `json:"web_url"`
	SCMURL            string `json:"scm_url"`
	WebSCMURL         string `json:"webscm_url"`
	Archive           string `json:"list_archive_url"`
	ArchiveFormat     string `json:"list_archive_url_format"`
	CommitFormat      string `json:"commit_url_format"`
	Send              bool   `json:"send_notifications"`
	Dependencies      bool   `json:"show_dependencies"`
	UseTags           bool   `json:"use_tags"`
}

type wantState struct {
	ID         int64
	Name, Slug string
	Ordering   int
	Action     bool `json:"action_required"`
}

type wantTag struct {
	ID                    int64
	Name, Pattern, Abbrev string
	Show                  bool `json:"show_column"`
}

type wantRule struct {
	ID                  int64
	Project, User, Path string
	Priority            int
}

type wantConfirmation struct {
	ID               int64
	Type, Email, Key string
	User             *string
	Active           bool
	Date             string
}

// hashed puts the hashes in place of the keys.
func hashed(list []wantConfirmation) []wantConfirmation {
	out := slices.Clone(list)
	for i := range out {
		out[i].Key = sum([]byte(out[i].Key))
	}
	return out
}

type wantNotice struct {
	Patch    int64
	Original string `json:"orig_state"`
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

func sumText(s *string) *string {
	if s == nil {
		return nil
	}
	h := sum([]byte(*s))
	return &h
}

// pythonDate writes an instant as Python's isoformat does.
func pythonDate(at clock.Time) string {
	s := strings.TrimSuffix(at.String(), "Z")
	return strings.TrimSuffix(s, ".000000")
}

// reader reads back what was imported.
type reader struct {
	t  *testing.T
	db *sqldb.DB
}

func (r reader) each(query string, f func(rows *sqlx.Rows) error) {
	r.t.Helper()
	if err := r.db.Each(r.t.Context(), f, query); err != nil {
		r.t.Fatal(query, err)
	}
}

func (r reader) texts(query string) []string {
	r.t.Helper()
	var out []string
	r.each(query, func(rows *sqlx.Rows) error {
		var s string
		err := rows.Scan(&s)
		out = append(out, s)
		return err
	})
	return out
}
