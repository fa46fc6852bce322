// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/project"
)

// Bounds of the texts of a check, in characters.
const (
	MaxCheckContext     = 255
	MaxCheckURL         = 200
	MaxCheckDescription = 65536
)

// DefaultContext is that of a check which names none.
const DefaultContext = "default"

// TestResult is a check: what a machine, or a person, says of a patch. Of those of one user and context only the newest counts.
type TestResult struct {
	ID          int64
	Patch       int64
	User        int64 `db:"reporter"` // 0: deleted since
	Date        clock.Time
	State       int // see CheckStates
	Context     string
	TargetURL   *string `db:"target_url"`
	Description *string
}

// NewCheck is what is reported. Texts that are nil are stored as none, which is told apart from empty ones.
type NewCheck struct {
	State                  int
	Context                string // empty: DefaultContext
	TargetURL, Description *string
	Replace                bool // change the newest check of the same user and context, if there is one, instead of adding one
}

// CheckChange sets what is not nil; a text that points to nil becomes none.
type CheckChange struct {
	State                  *int
	TargetURL, Description **string

	// If is asked in the transaction that changes a check, after its lock; its error ends the change.
	If func(context.Context, *sqldb.Tx) error
}

// CheckState reads the state of a check: its name, or its number as Patchwork 3.2 takes it.
func CheckState(name string) (int, error) {
	names := CheckStates()
	if i := slices.Index(names, name); i >= 0 {
		return i, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < len(names) && strconv.Itoa(n) == name {
		return n, nil
	}
	return 0, wrongField("state", "%s is not a valid choice.", `"`+name+`"`)
}

var contextRE = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// ValidContext refuses what can't be the context of a check.
func ValidContext(context string) error {
	switch {
	case context == "":
		return wrongField("context", "This field may not be blank.")
	case !contextRE.MatchString(context):
		return wrongField("context", `Enter a valid "slug" consisting of letters, numbers, underscores or hyphens.`)
	case len(context) > MaxCheckContext:
		return wrongField("context", "Ensure this field has no more than %d characters.", MaxCheckContext)
	}
	return nil
}

// ValidTarget refuses what can't be the address of a report; none and an empty one are allowed.
func ValidTarget(target *string) error {
	if target == nil || *target == "" {
		return nil
	}
	if utf8.RuneCountInString(*target) > MaxCheckURL {
		return wrongField("target_url", "Ensure this field has no more than %d characters.", MaxCheckURL)
	}
	u, err := url.Parse(*target)
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "ftp", "ftps"}, u.Scheme) || strings.ContainsFunc(*target, notInURL) {
		return wrongField("target_url", "Enter a valid URL.")
	}
	return nil
}

func notInURL(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

func validDescription(text *string) error {
	if text != nil && utf8.RuneCountInString(*text) > MaxCheckDescription {
		return wrongField("description", "Ensure this field has no more than %d characters.", MaxCheckDescription)
	}
	return nil
}

func validState(state int) error {
	if state < 0 || state >= len(CheckStates()) {
		return wrongField("state", `"%d" is not a valid choice.`, state)
	}
	return nil
}

func (c *TestResult) valid() error {
	for _, err := range []error{validState(c.State), ValidContext(c.Context), ValidTarget(c.TargetURL), validDescription(c.Description)} {
		if err != nil {
			return err
		}
	}
	return nil
}

// PostCheck reports the result of a test of a patch; who may, says MayReport. A check is added, or, with Replace, the newest of this user and context is
// given the new state and texts and the present as its date; added tells which.
func PostCheck(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, patch int64, n NewCheck) (c TestResult, added bool, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		c = TestResult{Patch: patch, User: by.User, Date: now, State: n.State, Context: n.Context, TargetURL: n.TargetURL, Description: n.Description}
		if c.Context == "" {
			c.Context = DefaultContext
		}
		project, err := holdForCheck(ctx, tx, patch)
		if err != nil {
			return err
		}
		if err := MayReport(ctx, tx, by, patch); err != nil {
			return err
		}
		if err := c.valid(); err != nil {
			return err
		}
		added, err = c.report(ctx, tx, n.Replace)
		if err != nil {
			return err
		}
		if err := retriageOf(ctx, tx, []int64{patch}, nil, nil); err != nil {
			return err
		}
		kind := EventCheckUpdated
		if added {
			kind = EventCheckCreated
		}
		return c.tell(ctx, tx, by, now, project, kind)
	})
	if err != nil {
		return TestResult{}, false, fmt.Errorf("report a check of patch %d: %w", patch, err)
	}
	return c, added, nil
}

// MayReport is nil for those who may report checks of a patch: who may change the patch, see Update. A patch that is hidden is not there.
func MayReport(ctx context.Context, q sqldb.Queryer, by account.Actor, patch int64) error {
	var project int64
	err := q.Get(ctx, &project, ofPatch, patch)
	if err != nil {
		return noPatch(err, patch)
	}
	may, err := MayEdit(ctx, q, by, patch)
	if err == nil && !may {
		err = fault.New(fault.Denied, "checks are reported by the maintainers of the project, the submitter of the patch and its delegate")
	}
	return err
}

// ofPatch finds the project of a patch that is not hidden.
const ofPatch = "SELECT p.project_id FROM patch p WHERE p.id = ? AND EXISTS (SELECT 1 FROM message m WHERE m.id = p.message_id AND m.hidden = FALSE)"

func noPatch(err error, patch int64) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "there is no patch %d", patch)
	}
	return err
}

// holdForCheck locks a patch, so that its newest checks are found one after the other, and gives its project.
func holdForCheck(ctx context.Context, tx *sqldb.Tx, patch int64) (project int64, err error) {
	err = tx.Get(ctx, &project, ofPatch+tx.LockRows(), patch)
	return project, noPatch(err, patch)
}

// report writes the check and keeps the roll-up of the newest ones.
func (c *TestResult) report(ctx context.Context, tx *sqldb.Tx, replace bool) (added bool, err error) {
	var newest struct {
		ID   int64
		Date clock.Time
	}
	err = tx.Get(ctx, &newest, `SELECT c.id, c.date FROM patch_check_latest l JOIN patch_check c ON c.id = l.check_id
		WHERE l.patch_id = ? AND l.user_id = ? AND l.context = ?`, c.Patch, c.User, c.Context)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, fmt.Errorf("find the newest check: %w", err)
	}
	if replace && newest.ID != 0 {
		c.ID, c.Date = newest.ID, max(c.Date, newest.Date)
		return false, c.update(ctx, tx)
	}
	if err := c.insert(ctx, tx); err != nil || newest.Date > c.Date {
		return true, err
	}
	latest := sqldb.Upsert{Table: "patch_check_latest", Columns: []string{"patch_id", "user_id", "context", "check_id", "state"},
		Key: []string{"patch_id", "user_id", "context"}, Replace: []string{"check_id", "state"}}
	return true, tx.Upsert(ctx, latest, [][]any{{c.Patch, c.User, c.Context, c.ID, c.State}})
}

var checkColumns = []string{"id", "patch_id", "user_id", "date", "state", "target_url", "description", "context"}

func (c *TestResult) insert(ctx context.Context, tx *sqldb.Tx) (err error) {
	if c.ID, err = tx.NextID(ctx, "patch_check"); err != nil {
		return err
	}
	return tx.Insert(ctx, "patch_check", checkColumns, [][]any{{c.ID, c.Patch, sqldb.NullID(c.User), int64(c.Date), c.State, nullable(c.TargetURL), nullable(c.Description), c.Context}})
}

// update writes the check where it is, and its state into the roll-up if it is among the newest.
func (c *TestResult) update(ctx context.Context, tx *sqldb.Tx) error {
	_, err := tx.Exec(ctx, "UPDATE patch_check SET date = ?, state = ?, target_url = ?, description = ? WHERE id = ?",
		int64(c.Date), c.State, nullable(c.TargetURL), nullable(c.Description), c.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "UPDATE patch_check_latest SET state = ? WHERE patch_id = ? AND user_id = ? AND context = ? AND check_id = ?",
		c.State, c.Patch, c.User, c.Context, c.ID)
	return err
}

func (c *TestResult) tell(ctx context.Context, tx *sqldb.Tx, by account.Actor, now clock.Time, project int64, kind string) error {
	return event.Append(ctx, tx, event.Event{Kind: kind, Project: project, Actor: by.User, At: now, Payload: Payload{Patch: c.Patch, Check: c.ID},
		Subjects: []event.Subject{{Kind: "patch", ID: c.Patch}}})
}

// UpdateCheck changes a check of a patch: who reported it, the maintainers of the project and administrators may. Its date stays, so an old one stays an
// old one. What is as it was is no change and no event.
func UpdateCheck(ctx context.Context, db *sqldb.DB, by account.Actor, now clock.Time, patch, id int64, change CheckChange) (c TestResult, err error) {
	err = db.Tx(ctx, func(tx *sqldb.Tx) error {
		project, err := holdForCheck(ctx, tx, patch)
		if err != nil {
			return err
		}
		if c, err = ReadCheck(ctx, tx, patch, id); err != nil {
			return err
		}
		if err := mayChangeCheck(ctx, tx, by, project, c); err != nil {
			return err
		}
		if change.If != nil {
			if err := change.If(ctx, tx); err != nil {
				return err
			}
		}
		if !change.apply(&c) {
			return nil
		}
		if err := c.valid(); err != nil {
			return err
		}
		if err := c.update(ctx, tx); err != nil {
			return err
		}
		if err := retriageOf(ctx, tx, []int64{patch}, nil, nil); err != nil {
			return err
		}
		return c.tell(ctx, tx, by, now, project, EventCheckUpdated)
	})
	if err != nil {
		return TestResult{}, fmt.Errorf("change check %d of patch %d: %w", id, patch, err)
	}
	return c, nil
}

// apply tells whether anything is different.
func (change CheckChange) apply(c *TestResult) bool {
	old := *c
	assign(&c.State, change.State)
	assign(&c.TargetURL, change.TargetURL)
	assign(&c.Description, change.Description)
	return c.State != old.State || !sameText(c.TargetURL, old.TargetURL) || !sameText(c.Description, old.Description)
}

func sameText(a, b *string) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// MayChangeCheck is nil for those who may change a check that is there.
func MayChangeCheck(ctx context.Context, q sqldb.Queryer, by account.Actor, c TestResult) error {
	var project int64
	if err := q.Get(ctx, &project, ofPatch, c.Patch); err != nil {
		return noPatch(err, c.Patch)
	}
	return mayChangeCheck(ctx, q, by, project, c)
}

func mayChangeCheck(ctx context.Context, q sqldb.Queryer, by account.Actor, of int64, c TestResult) error {
	if by.Admin || by.User != 0 && by.User == c.User {
		return nil
	}
	may, err := project.IsMaintainer(ctx, q, of, by.User)
	if err == nil && !may {
		err = fault.New(fault.Denied, "a check is changed by who reported it and by the maintainers of the project")
	}
	return err
}
