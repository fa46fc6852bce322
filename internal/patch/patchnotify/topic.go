// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
)

// due is a user who is to be told of a topic.
type due struct {
	User  int64 `db:"user_id"`
	Topic int64
}

// sendTopics tells users what they chose to be told: per user and series one mail, once nothing has happened to it for a while.
func (n *Notifier) sendTopics(ctx context.Context, now clock.Time) (int, error) {
	var list []due
	err := n.db.Select(ctx, &list, `SELECT user_id, topic FROM notify_item GROUP BY user_id, topic HAVING MAX(at) <= ? OR MIN(at) <= ? ORDER BY MIN(at), user_id, topic LIMIT ?`,
		int64(now.Add(-n.delay)), int64(now.Add(-longest*n.delay)), mailsPerRun)
	if err != nil {
		return 0, fmt.Errorf("find whom to tell: %w", err)
	}
	return each(ctx, n, "news of a series", list, func(tx *sqldb.Tx, d due) (*outmail.Mail, error) {
		items, err := takeItems(ctx, tx, d)
		if err != nil || len(items) == 0 {
			return nil, err
		}
		u, ok, err := recipient(ctx, tx, d.User)
		if err != nil || !ok {
			return nil, err
		}
		news, err := loadNews(ctx, tx, d.Topic, items)
		if err != nil || news.empty() {
			return nil, err
		}
		return news.mail(u)
	})
}

// item is one thing that a user is to be told.
type item struct {
	ID     int64
	Patch  int64 `db:"patch_id"`
	Kind   string
	Detail string
	detail
}

// takeItems removes them in the caller's transaction. Who does the same at the same moment finds none.
func takeItems(ctx context.Context, tx *sqldb.Tx, d due) ([]item, error) {
	var items []item
	err := tx.Select(ctx, &items, "SELECT id, patch_id, kind, detail FROM notify_item WHERE user_id = ? AND topic = ? ORDER BY id LIMIT 1000"+tx.LockRows(), d.User, d.Topic)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	ids := make([]int64, 0, len(items))
	for i := range items {
		ids = append(ids, items[i].ID)
		if err := json.Unmarshal([]byte(items[i].Detail), &items[i].detail); err != nil {
			return nil, fmt.Errorf("read notice %d: %w", items[i].ID, err)
		}
	}
	_, err = tx.Exec(ctx, "DELETE FROM notify_item WHERE id IN (?)", ids)
	return items, err
}

// recipient is a user who may be sent mail; ok is false for one who is switched off or has opted out.
func recipient(ctx context.Context, tx *sqldb.Tx, user int64) (u account.User, ok bool, err error) {
	err = tx.Get(ctx, &u, "SELECT id, username, email, first_name, last_name, is_active FROM user_account WHERE id = ?", user)
	if fault.Is(err, fault.NotFound) {
		return u, false, nil
	}
	if err != nil {
		return u, false, fmt.Errorf("find user %d: %w", user, err)
	}
	out, err := account.OptedOut(ctx, tx, u.Email)
	return u, u.IsActive && !out, err
}

func addressOf(u account.User) mail.Address {
	return mail.Address{Name: strings.TrimSpace(u.FirstName + " " + u.LastName), Address: u.Email}
}

// listed is a patch as such a mail lists it.
type listed struct {
	ID                        int64
	Name                      string
	MsgID                     string
	StateID                   int64 `db:"state_id"`
	State, Slug               string
	Number                    int
	Context, Description, URL string `db:"-"`
}

// news is all that a user is told of a topic.
type news struct {
	Name                      string // of the recipient
	Title, Path               string
	Linkname, ProjectName     string
	Root                      string // Message-ID of the cover letter or first patch
	By                        string // who delegated
	Total                     int    // patches of the series
	Delegated, Checks, States []listed
	Why                       string
}

func (w *news) empty() bool { return len(w.Delegated)+len(w.Checks)+len(w.States) == 0 }

func loadNews(ctx context.Context, tx *sqldb.Tx, topic int64, items []item) (*news, error) {
	w := &news{}
	if err := w.loadTopic(ctx, tx, topic); err != nil || w.Linkname == "" {
		return w, err
	}
	patches, err := loadListed(ctx, tx, items)
	if err != nil {
		return w, err
	}
	checks, err := loadChecks(ctx, tx, items)
	if err != nil {
		return w, err
	}
	seen := map[string]bool{}
	for _, it := range items {
		p, ok := patches[it.Patch]
		if !ok || seen[fmt.Sprint(it.Kind, it.Patch, it.Check)] { // hidden meanwhile, or told by a later item
			continue
		}
		seen[fmt.Sprint(it.Kind, it.Patch, it.Check)] = true
		w.add(it, p, checks)
	}
	byNumber := func(a, b listed) int { return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.ID, b.ID)) }
	for _, list := range []*[]listed{&w.Delegated, &w.Checks, &w.States} {
		slices.SortStableFunc(*list, byNumber)
		*list = (*list)[:min(len(*list), mostListed)]
	}
	return w, w.loadBy(ctx, tx, items)
}

// add sorts an item in. What is not so any more is not told.
func (w *news) add(it item, p listed, checks map[int64]listed) {
	switch it.Kind {
	case KindDelegated:
		w.Delegated = append(w.Delegated, p)
	case KindSeries:
		if slices.Contains(told, p.Slug) {
			w.States = append(w.States, p)
		}
	case KindChecks:
		if c, ok := checks[it.Check]; ok {
			p.Context, p.Description = c.Context, c.Description
			if u, err := url.Parse(c.URL); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
				p.URL = c.URL
			}
			w.Checks = append(w.Checks, p)
		}
	}
}

// loadTopic finds the series, or the patch that has none. One that is gone leaves Linkname empty.
func (w *news) loadTopic(ctx context.Context, tx *sqldb.Tx, topic int64) error {
	var row struct {
		Name, Linkname      string
		Project             string
		Version, Total      int
		Cover, First, MsgID string
	}
	const ofSeries = `SELECT COALESCE(s.name, '') AS name, j.linkname, j.name AS project, s.version, s.received AS total, '' AS msgid,
		COALESCE((SELECT COALESCE(m.msgid_long, m.msgid) FROM cover c JOIN message m ON m.id = c.message_id AND m.hidden = FALSE WHERE c.id = s.cover_id), '') AS cover,
		COALESCE((SELECT COALESCE(m.msgid_long, m.msgid) FROM patch p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE WHERE p.series_id = s.id ORDER BY p.number, p.id LIMIT 1), '') AS first
		FROM series s JOIN project j ON j.id = s.project_id WHERE s.id = ?`
	const ofPatch = `SELECT p.name, j.linkname, j.name AS project, 1 AS version, 1 AS total, COALESCE(m.msgid_long, m.msgid) AS msgid, '' AS cover, '' AS first
		FROM patch p JOIN message m ON m.id = p.message_id JOIN project j ON j.id = p.project_id WHERE p.id = ?`
	query, id := ofSeries, topic
	if topic < 0 {
		query, id = ofPatch, -topic
	}
	err := tx.Get(ctx, &row, query, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find topic %d: %w", topic, err)
	}
	w.Linkname, w.ProjectName, w.Total, w.Title = row.Linkname, row.Project, row.Total, row.Name
	w.Root = cmp.Or(row.Cover, row.First, row.MsgID)
	w.Path = fmt.Sprintf("/project/%s/series/%d/", url.PathEscape(row.Linkname), topic)
	if topic < 0 {
		w.Path = patch.PagePath(row.Linkname, patch.KindPatch, row.MsgID)
	}
	if row.Version > 1 {
		w.Title = fmt.Sprintf("%s, version %d", w.Title, row.Version)
	}
	return nil
}

func loadListed(ctx context.Context, tx *sqldb.Tx, items []item) (map[int64]listed, error) {
	var ids []int64
	for _, it := range items {
		ids = append(ids, it.Patch)
	}
	var some []listed
	err := tx.Select(ctx, &some, `SELECT p.id, p.name, COALESCE(m.msgid_long, m.msgid) AS msgid, COALESCE(p.number, 0) AS number, COALESCE(p.state_id, 0) AS state_id,
			COALESCE(s.name, '') AS state, COALESCE(s.slug, '') AS slug
		FROM patch p JOIN message m ON m.id = p.message_id AND m.hidden = FALSE LEFT JOIN state s ON s.id = p.state_id WHERE p.id IN (?)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read the patches to be told of: %w", err)
	}
	out := map[int64]listed{}
	for _, p := range some {
		out[p.ID] = p
	}
	return out, nil
}

const latestFailed = `SELECT c.id, c.context, COALESCE(c.description, '') AS description, COALESCE(c.target_url, '') AS url FROM patch_check c
	JOIN patch_check_latest l ON l.patch_id = c.patch_id AND l.check_id = c.id WHERE c.id IN (?) AND c.state = 3`

// loadChecks reads those of the checks that are still the newest of their context: one that was repaired since is no news.
func loadChecks(ctx context.Context, tx *sqldb.Tx, items []item) (map[int64]listed, error) {
	out := map[int64]listed{}
	var ids []int64
	for _, it := range items {
		if it.Kind == KindChecks {
			ids = append(ids, it.Check)
		}
	}
	if len(ids) == 0 {
		return out, nil
	}
	var some []struct {
		ID                        int64
		Context, Description, URL string
	}
	if err := tx.Select(ctx, &some, latestFailed, ids); err != nil {
		return nil, fmt.Errorf("read the checks to be told of: %w", err)
	}
	for _, c := range some {
		out[c.ID] = listed{Context: c.Context, Description: c.Description, URL: c.URL}
	}
	return out, nil
}

// loadBy names who delegated, if it was one.
func (w *news) loadBy(ctx context.Context, tx *sqldb.Tx, items []item) error {
	var by []int64
	for _, it := range items {
		if it.Kind == KindDelegated && it.By != 0 {
			by = append(by, it.By)
		}
	}
	slices.Sort(by)
	if by = slices.Compact(by); len(by) != 1 {
		return nil
	}
	var names []string
	if err := tx.Select(ctx, &names, "SELECT username FROM user_account WHERE id IN (?)", by); err != nil {
		return fmt.Errorf("find who delegated: %w", err)
	}
	w.By = strings.Join(names, "")
	return nil
}

func (w *news) mail(u account.User) (*outmail.Mail, error) {
	w.Name = cmp.Or(u.FirstName, u.Username)
	w.Why = w.why()
	text, err := fill(topicText, w)
	if err != nil {
		return nil, err
	}
	m := &outmail.Mail{Kind: "series-news", To: addressOf(u), Subject: fmt.Sprintf("[%s] %s: %s", w.Linkname, w.Title, w.gist()), Text: text, Notice: true}
	if w.Root != "" {
		m.InReplyTo, m.References = w.Root, []string{w.Root}
	}
	return m, nil
}

// gist is the mail in a few words, for its subject.
func (w *news) gist() string {
	var parts []string
	if len(w.Delegated) > 0 {
		parts = append(parts, "delegated to you")
	}
	if len(w.Checks) > 0 {
		parts = append(parts, "checks failed")
	}
	for _, slug := range told {
		n, name := 0, ""
		for _, p := range w.States {
			if p.Slug == slug {
				n, name = n+1, strings.ToLower(p.State)
			}
		}
		switch {
		case n == 0:
		case n >= w.Total:
			parts = append(parts, name)
		default:
			parts = append(parts, fmt.Sprintf("%d of %d %s", n, w.Total, name))
		}
	}
	return strings.Join(parts, ", ")
}

func (w *news) why() string {
	var parts []string
	for _, x := range []struct {
		list []listed
		text string
	}{{w.Delegated, "of patches that are delegated to you"}, {w.Checks, "of failed checks on your patches"}, {w.States, "when your patches are accepted or superseded"}} {
		if len(x.list) > 0 {
			parts = append(parts, x.text)
		}
	}
	return strings.Join(parts, " and ")
}
