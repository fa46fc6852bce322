// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// Kinds of message in this domain.
const (
	KindPatch   = "patch"
	KindCover   = "cover"
	KindComment = "comment"
)

// Rulebook is what an intake needs to know of a site: states, tags and delegation rules. It is loaded once per transaction.
type Rulebook struct {
	words   Vocabulary
	states  []State
	counter counter
	rules   map[int64][]Rule // by project
}

// LoadRulebook reads states, tags and delegation rules. A site without states is fault.Conflict.
func LoadRulebook(ctx context.Context, q sqldb.Queryer) (*Rulebook, error) {
	words, err := ReadVocabulary(ctx, q)
	if err != nil {
		return nil, err
	}
	rules, err := Rules(ctx, q, "")
	if err != nil {
		return nil, err
	}
	if len(words.States) == 0 {
		return nil, fault.New(fault.Conflict, "there are no patch states: make one with `pw admin state create`")
	}
	b := &Rulebook{words: words, states: slices.Clone(words.States), counter: newCounter(words.Tags), rules: map[int64][]Rule{}}
	slices.SortFunc(b.states, func(a, b State) int { return cmp.Or(cmp.Compare(a.Ordering, b.Ordering), cmp.Compare(a.ID, b.ID)) })
	for _, r := range rules {
		b.rules[r.ProjectID] = append(b.rules[r.ProjectID], r)
	}
	return b, nil
}

// StateNamed finds a state by its name without regard to letter case, as the X-Patchwork-State header has it; 0: none.
func (b *Rulebook) StateNamed(name string) int64 {
	for _, s := range b.states {
		if equalFold(s.Name, name) {
			return s.ID
		}
	}
	return 0
}

// slugged finds a state by its slug; 0: none.
func (b *Rulebook) slugged(slug string) int64 {
	for _, s := range b.states {
		if s.Slug == slug {
			return s.ID
		}
	}
	return 0
}

// slug is the slug of a state, empty for one that does not exist.
func (b *Rulebook) slug(id int64) string {
	for _, s := range b.states {
		if s.ID == id {
			return s.Slug
		}
	}
	return ""
}

// Wanted says what an Intake must know before it decides: the Message-IDs (key form) of the mails and of all they refer to,
// who sent them, between which dates series may have begun that they belong to by their markers, and the other names by which they and
// what they build upon are known.
type Wanted struct {
	Own        []string
	References []string
	Runs       []string // see RunKey
	Names      []string // see NameKey
	Submitters []int64
	Spans      []Span
	Changes    []string // change-ids, with and without a version
	GitIDs     []string // of git patch-id
	Series     []int64  // named by their number
}

// Span is a time with both its ends.
type Span struct{ From, To clock.Time }

// Target is what a comment belongs to.
type Target struct {
	Patch int64 // either this
	Cover int64 // or this
}

// Intake is the working set of one transaction: all that is known about the mails of one project, and what they add. Its methods decide
// in memory; Write writes everything with multi-row statements. The project's row must be locked (project.Lock).
type Intake struct {
	tx      *sqldb.Tx
	book    *Rulebook
	project project.Project
	now     clock.Time
	mails   int // of the batch

	messages   map[string]*mailstore.Message // by key form of the Message-ID
	graves     map[string]string             // tombstones: key form → kind
	targets    map[int64]Target              // message → what a reply to it comments on
	seriesOf   map[Target]int64              // target → id of its series; 0: none
	places     map[int64]place               // message → the comment it is, if it was one before
	coverNames map[int64]string              // message → name, for covers
	series     map[int64]*Series
	owners     map[int64]*Series               // message of a patch or cover → its series
	byCover    map[int64]*Series               // cover → its series
	refs       map[string][]*reference         // Message-ID or key of a run → series whose mails refer to it
	coverTags  map[int64]map[int64]int         // cover → tag → hits
	gitIDs     map[string][]*Series            // output of git patch-id → series with such a patch
	needs      map[string][]*need              // value → what other series say they need
	waiting    map[string][]mailstore.Waiting  // reference → messages that wait for it
	answers    map[string][]*mailstore.Message // Message-ID → comments that were attached by it
	near       map[int64]int                   // message → distance of the mail it is known to answer
	threads    map[int64]int64                 // thread → the one it was joined to
	ahead      ahead

	new added
}

// LoadIntake reads what the decisions about a batch of mails need, in a fixed number of queries.
func LoadIntake(ctx context.Context, tx *sqldb.Tx, book *Rulebook, p project.Project, now clock.Time, w Wanted) (*Intake, error) {
	in := &Intake{tx: tx, book: book, project: p, now: now, mails: len(w.Own), targets: map[int64]Target{}, seriesOf: map[Target]int64{}, places: map[int64]place{}, coverNames: map[int64]string{}, series: map[int64]*Series{},
		owners: map[int64]*Series{}, byCover: map[int64]*Series{}, refs: map[string][]*reference{}, coverTags: map[int64]map[int64]int{}, gitIDs: map[string][]*Series{},
		needs: map[string][]*need{}, waiting: map[string][]mailstore.Waiting{}, answers: map[string][]*mailstore.Message{}, near: map[int64]int{}, threads: map[int64]int64{}, new: newAdded(),
		ahead: ahead{read: map[int64]bool{}, names: map[string]bool{}}}
	l := loader{Intake: in, w: w, all: append(append([]string(nil), w.Own...), w.References...), owner: map[int64]int64{}}
	type steps = []func(context.Context) error
	for _, together := range []steps{
		{l.known, l.buried, l.waiting, l.needs, l.gitIDs, l.seriesByRef, l.near, l.seriesByChange, l.newer},
		{l.targets},
		{l.seriesByID, l.seriesByCover, l.members, l.kin},
		{l.others},
	} {
		if err := tx.Together(ctx, together...); err != nil {
			return nil, fmt.Errorf("load what is known for %s: %w", p.Linkname, err)
		}
	}
	l.link()
	return in, nil
}

// Known is the message with this key form of a Message-ID, nil if there is none.
func (in *Intake) Known(msgid string) *mailstore.Message { return in.messages[msgid] }

// Buried is the kind of the tombstone of a Message-ID, empty if there is none.
func (in *Intake) Buried(msgid string) string { return in.graves[msgid] }

// TargetOf finds what a comment with these references (key forms, nearest first) belongs to, and which of them is the mail it answers. ok is false when
// none of them is known.
func (in *Intake) TargetOf(references []string) (t Target, distance int, ok bool) {
	for i, ref := range references {
		if m := in.messages[ref]; m != nil {
			if t, ok = in.targets[m.ID]; ok {
				return t, i, true
			}
		}
	}
	return Target{}, 0, false
}

// Lead is a series to which a Message-ID leads. Distance is 0 if that mail is one of the series, or what its mails have in common as one run, else how far
// it is from the nearest of its mails that refer to it.
type Lead struct {
	*Series
	Distance int
}

// Leads are the series to which a Message-ID (key form) or the key of a run leads, the likeliest first.
func (in *Intake) Leads(msgid string) []Lead {
	var out []Lead
	owner := in.Owner(msgid)
	if owner != nil {
		out = append(out, Lead{owner, 0})
	}
	for _, r := range in.refs[msgid] {
		if r.series != owner {
			out = append(out, Lead{r.series, r.distance})
		}
	}
	slices.SortStableFunc(out, func(a, b Lead) int {
		return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Date, b.Date), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Owner is the series of the patch or cover letter with a Message-ID (key form), nil if there is none.
func (in *Intake) Owner(msgid string) *Series {
	if m := in.messages[msgid]; m != nil {
		return in.owners[m.ID]
	}
	return nil
}

// RunKey is the key of what the Message-IDs of one run of git-send-email or b4 have in common, for Leads and Refer. No Message-ID looks like it.
func RunKey(stem string) string { return mailstore.Key("run:" + stem) }

// CoverNamed tells whether one of the references is a cover letter of this name.
func (in *Intake) CoverNamed(name string, references []string) bool {
	for _, ref := range references {
		if m := in.messages[ref]; m != nil && m.Kind == KindCover && in.coverNames[m.ID] == name {
			return true
		}
	}
	return false
}

// EachSeries calls f for every series in the working set.
func (in *Intake) EachSeries(f func(*Series)) {
	for _, s := range in.series {
		f(s)
	}
}
