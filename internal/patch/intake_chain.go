// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
)

// Sign is what says that a series is a new version of another one; the greater one is trusted more.
type Sign int

const (
	SignContent    Sign = 1 + iota // they have a patch with the same content (git patch-id), by one sender
	SignName                       // the same name, by one sender
	SignReply                      // one answers the thread of the other; by one sender, or with the same name
	SignResend                     // a patch or cover letter answers one with the same number, and names no higher version; else as SignReply
	SignSupersedes                 // it says so
	SignChange                     // the same change-id
)

// String names the sign for people.
func (s Sign) String() string {
	names := [...]string{"", "a patch with the same content", "its name", "its thread", "a patch sent again", "Supersedes", "its change-id"}
	if s < 0 || int(s) >= len(names) {
		return strconv.Itoa(int(s))
	}
	return names[s]
}

// kin is a sign between two series that is kept in series_kin. Of SignReply, SignResend and SignSupersedes one is the series that refers, other what it
// refers to.
type kin struct {
	One   int64 `db:"series_id"`
	Other int64 `db:"other_id"`
	Sign  Sign
}

// identity is what versions of a series find each other by, and what says which is the older one.
type identity struct {
	date      int64
	version   int
	submitter int64
	change    string
	name      string // see nameKeyOf
}

func (s *Series) identity() identity {
	return identity{int64(s.Date), s.Version, s.Submitter, s.ChangeID, s.NameKey}
}

// NameKey is by what versions of a series find each other: its sender and the name of its cover letter or first patch.
func NameKey(submitter int64, name string) string { return nameKeyOf(submitter, nameKey(name)) }

// nameKeyOf is the name of a series without prefixes, folded, behind the number of its sender.
func nameKeyOf(submitter int64, name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprint(submitter, " ", name)
}

// name is the part of NameKey behind the sender.
func (s *Series) nameOnly() string {
	_, name, _ := strings.Cut(s.NameKey, " ")
	return name
}

// relate notes a sign between two series.
func (in *Intake) relate(one, other *Series, sign Sign) {
	if one == nil || other == nil || one == other {
		return
	}
	k := kin{one.ID, other.ID, sign}
	if sign == SignContent && k.One > k.Other {
		k.One, k.Other = k.Other, k.One
	}
	if !in.new.kin[k] && len(in.new.kin) < in.maxKin() {
		in.new.kin[k] = true
		in.new.moved[one], in.new.moved[other] = true, true
	}
}

// relateMail notes what the references of a mail of s, and those to it, say about versions. number is 0 for a cover letter.
func (in *Intake) relateMail(m *mailstore.Message, s *Series, number int, references []string) {
	for i, ref := range references {
		other := in.Owner(ref)
		in.relate(s, other, SignReply)
		if i == 0 && other != nil && resends(s, other, number, in.numberOf(ref)) {
			in.relate(s, other, SignResend)
		}
	}
	for _, r := range in.refs[m.MsgID] {
		in.relate(r.series, s, SignReply)
		if r.distance == 1 && resends(r.series, s, r.series.only(), number) {
			in.relate(r.series, s, SignResend)
		}
	}
	for _, w := range in.waiting[m.MsgID] { // cover letters and patches without a number lead nowhere
		one := in.owners[w.Message.ID]
		in.relate(one, s, SignReply)
		if one != nil && w.Distance == 0 && resends(one, s, in.numberOf(w.Message.MsgID), number) {
			in.relate(one, s, SignResend)
		}
	}
}

// resends tells whether the mail of s with a number, which answers that of other with number to, sends it again.
func resends(s, other *Series, number, to int) bool {
	return s != other && number == to && s.Total == other.Total && (s.Version == other.Version || s.Version == 1)
}

// only is the number of the only mail of a series that has one, 0 for a cover letter; else -1.
func (s *Series) only() int {
	if s.Cover != 0 {
		return 0
	}
	for n := range s.numbers {
		if len(s.numbers) == 1 {
			return n
		}
	}
	return -1
}

// numberOf is the number of the patch or cover letter (0) with a Message-ID, -2 for others.
func (in *Intake) numberOf(msgid string) int {
	m := in.messages[msgid]
	if m == nil {
		return -2
	}
	if m.Kind == KindCover {
		return 0
	}
	if s := in.owners[m.ID]; s != nil {
		for n, id := range s.numbers {
			if id == in.targets[m.ID].Patch {
				return n
			}
		}
	}
	return -2
}

// lineage finds anew what is a version of what, for the series that changed and all that have something in common with them.
type lineage struct {
	*Intake
	all      map[int64]*Series
	missing  []int64 // ids that kin name
	kin      map[kin]bool
	byChange map[string][]*Series
	byName   map[string][]*Series
	resent   map[int64][]*Series // by what they send again
}

// chain decides which series are new versions of which. It looks at all that the changed series have in common with others, whatever came first, so the
// end does not depend on the order.
func (in *Intake) chain(ctx context.Context) error {
	var changed []*Series
	for _, s := range in.series {
		if s.dirty && s.Project != 0 {
			s.NameKey = nameKeyOf(s.Submitter, s.nameBase)
		}
		if in.new.moved[s] || s.unwritten || s.identity() != s.stored {
			changed = append(changed, s)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	l := &lineage{Intake: in, all: map[int64]*Series{}, kin: in.new.kin}
	l.kin = map[kin]bool{}
	for k := range in.new.kin {
		l.kin[k] = true
	}
	for _, k := range in.ahead.kin {
		l.kin[k] = true
	}
	for id, s := range in.series {
		l.all[id] = s
	}
	affected, err := l.neighbours(ctx, changed)
	if err != nil {
		return err
	}
	if len(affected) > len(changed) { // those may have other relatives
		if _, err := l.neighbours(ctx, affected); err != nil {
			return err
		}
	}
	l.index()
	for _, s := range affected {
		l.settle(s)
	}
	return in.writeKin(ctx)
}

// neighbours loads what has something in common with list, and gives list with all of them.
func (l *lineage) neighbours(ctx context.Context, list []*Series) ([]*Series, error) {
	var ids []int64
	var changes, names []string
	for _, s := range list {
		ids = append(ids, s.ID)
		for _, i := range []identity{s.identity(), s.stored} {
			if i.change != "" {
				changes = append(changes, i.change)
			}
			if i.name != "" {
				names = append(names, i.name)
			}
		}
	}
	changes, names = sorted(changes), sorted(names)
	l.missing = append(l.missing, l.ahead.relatives(ids)...)
	unread, unnamed := l.unread(ids), l.ahead.unnamed(names)
	err := l.tx.Together(ctx,
		func(ctx context.Context) error { return l.loadKin(ctx, unread) },
		func(ctx context.Context) error { return l.loadNewer(ctx, changes, unnamed) })
	if err == nil {
		err = l.loadMissing(ctx)
	}
	if err == nil {
		err = l.loadOlder(ctx, names)
	}
	if err != nil {
		return nil, err
	}
	return l.relatives(list, changes, names), nil
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// ahead is what was read of the relatives of a batch before it was decided what they are.
type ahead struct {
	read  map[int64]bool // series whose kin was read
	kin   []kin
	names map[string]bool // that were looked for
	newer []int64         // series with these names that are not first versions
}

// relatives are the series that were found to have something in common with some.
func (a *ahead) relatives(series []int64) []int64 {
	out := slices.Clone(a.newer)
	for _, k := range a.kin {
		if slices.Contains(series, k.One) || slices.Contains(series, k.Other) {
			out = append(out, k.One, k.Other)
		}
	}
	return out
}

// unread are those of some series whose signs may be stored and were not read.
func (l *lineage) unread(series []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(series), func(id int64) bool {
		s := l.Intake.series[id]
		return l.ahead.read[id] || s != nil && s.unwritten
	})
}

// unnamed are the names that were not looked for.
func (a *ahead) unnamed(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return a.names[name] })
}

// kin reads the signs of the series that are wanted.
func (l *loader) kin(ctx context.Context) error { return l.loadKin(ctx, l.wanted()) }

func (l *loader) loadKin(ctx context.Context, ids []int64) error {
	for _, id := range ids {
		l.ahead.read[id] = true
	}
	return l.eachKin(ctx, ids, func(k kin) { l.ahead.kin = append(l.ahead.kin, k) })
}

// newer looks for series that are not first versions and have the name of one of the mails.
func (l *loader) newer(ctx context.Context) error {
	for _, name := range l.w.Names {
		l.ahead.names[name] = true
	}
	return sqldb.Chunks(l.w.Names, func(names []string) error {
		return l.eachNewer(ctx, func(id int64) { l.ahead.newer = append(l.ahead.newer, id) }, newerNamed, l.project.ID, names, l.maxKin())
	})
}

func (l *lineage) loadKin(ctx context.Context, ids []int64) error {
	return l.eachKin(ctx, ids, func(k kin) {
		l.kin[k] = true
		l.missing = append(l.missing, k.One, k.Other)
	})
}

func (in *Intake) eachKin(ctx context.Context, ids []int64, f func(kin)) error {
	// Each half has its limit; parentheses are not for SQLite.
	const query = `SELECT a.series_id, a.other_id, a.sign FROM (SELECT series_id, other_id, sign FROM series_kin WHERE series_id IN (?) LIMIT ?) a
		UNION ALL SELECT b.series_id, b.other_id, b.sign FROM (SELECT series_id, other_id, sign FROM series_kin WHERE other_id IN (?) LIMIT ?) b`
	err := sqldb.Chunks(ids, func(ids []int64) error {
		return in.tx.Each(ctx, func(rows *sqlx.Rows) error {
			var k kin
			err := rows.Scan(&k.One, &k.Other, &k.Sign)
			f(k)
			return err
		}, query, ids, in.maxKin(), ids, in.maxKin())
	})
	if err != nil {
		return fmt.Errorf("look for related series: %w", err)
	}
	return nil
}

// loadMissing loads the series that loadKin and loadNewer have found.
func (l *lineage) loadMissing(ctx context.Context) error {
	missing := slices.DeleteFunc(l.missing, func(id int64) bool { return l.all[id] != nil })
	l.missing = nil
	return sqldb.Chunks(missing, func(ids []int64) error {
		return l.loadSeries(ctx, "SELECT "+seriesColumns+" FROM series s WHERE s.id IN (?)", ids)
	})
}

// loadNewer loads the series with a change-id, and those with a name that are not first versions. Of names that only first versions have nothing needs to be known: an author may
// send thousands of them.
func (l *lineage) loadNewer(ctx context.Context, changes, names []string) error {
	err := sqldb.Chunks(changes, func(changes []string) error {
		return l.name(ctx, "SELECT id FROM series WHERE project_id = ? AND change_id IN (?) ORDER BY version DESC LIMIT ?", l.project.ID, changes, l.maxKin())
	})
	if err != nil {
		return err
	}
	return sqldb.Chunks(names, func(names []string) error {
		return l.name(ctx, newerNamed, l.project.ID, names, l.maxKin())
	})
}

// newerNamed has an expression for the same reason as sameContent.
const newerNamed = "SELECT id FROM series WHERE project_id + 0 = ? AND name_key IN (?) AND version > 1 ORDER BY version DESC LIMIT ?"

// name notes series that loadMissing is to load: mostly there are none, or they are here.
func (l *lineage) name(ctx context.Context, query string, args ...any) error {
	return l.eachNewer(ctx, func(id int64) { l.missing = append(l.missing, id) }, query, args...)
}

func (in *Intake) eachNewer(ctx context.Context, f func(id int64), query string, args ...any) error {
	err := in.tx.Each(ctx, func(rows *sqlx.Rows) error {
		var id int64
		err := rows.Scan(&id)
		f(id)
		return err
	}, query, args...)
	if err != nil {
		return fmt.Errorf("look for other versions: %w", err)
	}
	return nil
}

// loadOlder loads the first versions with the names of others.
func (l *lineage) loadOlder(ctx context.Context, names []string) error {
	var several []string
	for _, s := range l.all {
		if s.Version > 1 && s.NameKey != "" {
			if _, ok := slices.BinarySearch(names, s.NameKey); ok {
				several = append(several, s.NameKey)
			}
		}
	}
	return sqldb.Chunks(sorted(several), func(names []string) error {
		return l.loadSeries(ctx, "SELECT "+seriesColumns+" FROM series s WHERE s.project_id + 0 = ? AND s.name_key IN (?) AND s.version <= 1 ORDER BY s.version DESC, s.date DESC LIMIT ?", l.project.ID, names, l.maxKin())
	})
}

func (l *lineage) loadSeries(ctx context.Context, query string, args ...any) error {
	err := l.tx.Each(ctx, func(rows *sqlx.Rows) error {
		s := &Series{}
		if err := rows.StructScan(s); err != nil {
			return err
		}
		if l.all[s.ID] == nil {
			s.loaded()
			l.all[s.ID] = s
		}
		return nil
	}, query, args...)
	if err != nil {
		return fmt.Errorf("look for other versions: %w", err)
	}
	return nil
}

// relatives are those of all that have something in common with list, and list itself.
func (l *lineage) relatives(list []*Series, changes, names []string) []*Series {
	found := map[*Series]bool{}
	for _, s := range list {
		found[s] = true
	}
	out := slices.Clone(list)
	add := func(s *Series) {
		if s != nil && !found[s] {
			found[s] = true
			out = append(out, s)
		}
	}
	ids := map[int64]bool{}
	for _, s := range list {
		ids[s.ID] = true
	}
	for k := range l.kin {
		if ids[k.One] || ids[k.Other] {
			add(l.all[k.One])
			add(l.all[k.Other])
		}
	}
	for _, s := range l.all {
		_, change := slices.BinarySearch(changes, s.ChangeID)
		_, name := slices.BinarySearch(names, s.NameKey)
		if change && s.ChangeID != "" || name && s.NameKey != "" || ids[s.Previous] {
			add(s)
		}
	}
	return out
}

func (l *lineage) index() {
	l.byChange, l.byName, l.resent = map[string][]*Series{}, map[string][]*Series{}, map[int64][]*Series{}
	for _, s := range l.all {
		if s.PreviousBy == SignResend {
			l.resent[s.Previous] = append(l.resent[s.Previous], s)
		}
		if s.ChangeID != "" {
			l.byChange[s.ChangeID] = append(l.byChange[s.ChangeID], s)
		}
		if s.NameKey != "" {
			l.byName[s.NameKey] = append(l.byName[s.NameKey], s)
		}
	}
}

// settle finds the previous version of a series anew.
func (l *lineage) settle(s *Series) {
	var best *Series
	var by Sign
	consider := func(o *Series, sign Sign) {
		if o != nil && precedes(o, s, sign) && (best == nil || prefer(o, sign, best, by) > 0) {
			best, by = o, sign
		}
	}
	for _, o := range l.byChange[s.ChangeID] {
		consider(o, SignChange)
	}
	for _, o := range l.byName[s.NameKey] {
		consider(o, SignName)
	}
	for k := range l.kin {
		switch s.ID {
		case k.One:
			consider(l.all[k.Other], k.Sign)
		case k.Other:
			if k.Sign == SignContent {
				consider(l.all[k.One], k.Sign)
			}
		}
	}
	previous := int64(0)
	if best != nil {
		previous = best.ID
	}
	if s.Previous == previous && s.PreviousBy == by {
		return
	}
	l.new.overtaken = append(l.new.overtaken, s.Previous, previous)
	for _, part := range slices.Concat(l.resent[s.Previous], l.resent[previous]) {
		l.new.overtaken = append(l.new.overtaken, part.ID)
	}
	s.Previous, s.PreviousBy, s.dirty = previous, by, true
	l.Intake.series[s.ID] = s // it is to be written
	l.new.relinked = append(l.new.relinked, s.ID)
}

// maxApart is how far apart two versions may be that have only name or content in common, in microseconds: a year.
const maxApart = 366 * 24 * 3600 * 1_000_000

// precedes tells whether o can be the previous version of s by a sign. Always the date decides, so there are no circles.
func precedes(o, s *Series, sign Sign) bool {
	if o == s || o.Project != s.Project || o.Date > s.Date || o.Date == s.Date && o.Version >= s.Version {
		return false
	}
	switch sign {
	case SignSupersedes:
		return true
	case SignChange:
		return o.Version <= s.Version
	case SignReply, SignResend:
		return (sign == SignResend || o.Version < s.Version) && (o.Submitter == s.Submitter || o.nameOnly() != "" && o.nameOnly() == s.nameOnly())
	}
	return o.Version < s.Version && o.Submitter == s.Submitter && s.Date-o.Date <= maxApart
}

// prefer compares two candidates: first what is trusted more, then the higher version, then one that begins with its first patch or a cover letter, then the later.
func prefer(a *Series, by Sign, b *Series, than Sign) int {
	whole := func(s *Series) int {
		if s.NameKey == "" {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(by, than), cmp.Compare(a.Version, b.Version), cmp.Compare(whole(a), whole(b)), cmp.Compare(a.Date, b.Date), cmp.Compare(a.ID, b.ID))
}

func (in *Intake) writeKin(ctx context.Context) error {
	var rows [][]any
	for k := range in.new.kin {
		rows = append(rows, []any{k.One, k.Other, int(k.Sign)})
	}
	key := []string{"series_id", "other_id", "sign"}
	return in.tx.Upsert(ctx, sqldb.Upsert{Table: "series_kin", Columns: key, Key: key}, rows)
}
