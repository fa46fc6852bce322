// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"cmp"
	"context"
	"slices"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/mailstore"
)

// The four tables of mails. Of two with one Message-ID the first kind is the one that readers find.
const (
	aPatch = iota
	aCover
	aPatchComment
	aCoverComment
)

// letter is a mail of the old site, as far as threads need it.
type letter struct {
	kind    int
	id      int64 // in its table
	project int64
	date    clock.Time
	node    int32 // see letters.node

	message int64 // its new id
	copy    int
	thread  int64
}

// maxReferences bounds how far back in a thread a mail is followed, as at intake.
const maxReferences = 100

func limited(refs []string) []string { return refs[:min(len(refs), maxReferences)] }

type messageID struct {
	project int64
	key     string
}

// letters are all mails of the old site: their new ids and threads. Mails are of one thread if references lead from one to the other, also by way of a
// mail that is not here.
type letters struct {
	all    []*letter
	byID   [4]map[int64]*letter // by kind
	nodes  map[messageID]int32
	parent []int32 // union-find over nodes
	here   []bool  // by node: a mail has this Message-ID
	sent   map[int64]int
}

func newLetters() *letters {
	l := &letters{nodes: map[messageID]int32{}, sent: map[int64]int{}}
	for k := range l.byID {
		l.byID[k] = map[int64]*letter{}
	}
	return l
}

// node numbers the Message-IDs of a project.
func (l *letters) node(project int64, msgid string) int32 {
	m := messageID{project, mailstore.Key(msgid)}
	n, ok := l.nodes[m]
	if !ok {
		n = int32(len(l.parent))
		l.nodes[m] = n
		l.parent, l.here = append(l.parent, n), append(l.here, false)
	}
	return n
}

func (l *letters) root(n int32) int32 {
	for l.parent[n] != n {
		l.parent[n] = l.parent[l.parent[n]]
		n = l.parent[n]
	}
	return n
}

func (l *letters) join(a, b int32) { l.parent[l.root(a)] = l.root(b) }

// known tells whether a mail with a Message-ID (key form) is here.
func (l *letters) known(project int64, key string) bool {
	n, ok := l.nodes[messageID{project, key}]
	return ok && l.here[n]
}

type oldHeader struct {
	ID        int64
	MsgID     string
	Date      naive
	Headers   string
	Project   int64 `db:"project_id"`
	Submitter int64 `db:"submitter_id"`
	On        int64 `db:"on_id"` // what a comment is on
}

// letterQueries read each kind of mail in turn: comments come after what they are on.
var letterQueries = []struct {
	kind, on     int
	table, query string
}{
	{aPatch, -1, "patchwork_patch", "SELECT id, msgid, date, headers, project_id, submitter_id, 0 AS on_id FROM patchwork_patch ORDER BY id"},
	{aCover, -1, "patchwork_cover", "SELECT id, msgid, date, headers, project_id, submitter_id, 0 AS on_id FROM patchwork_cover ORDER BY id"},
	{aPatchComment, aPatch, "patchwork_patchcomment", `SELECT c.id, c.msgid, c.date, c.headers, p.project_id, c.submitter_id, c.patch_id AS on_id
		FROM patchwork_patchcomment c JOIN patchwork_patch p ON p.id = c.patch_id ORDER BY c.id`},
	{aCoverComment, aCover, "patchwork_covercomment", `SELECT c.id, c.msgid, c.date, c.headers, p.project_id, c.submitter_id, c.cover_id AS on_id
		FROM patchwork_covercomment c JOIN patchwork_cover p ON p.id = c.cover_id ORDER BY c.id`},
}

// readLetters reads the headers of all mails and gives each its id, copy number and thread.
func (im *importer) readLetters(ctx context.Context) error {
	im.letters = newLetters()
	for _, q := range letterQueries {
		im.tell("headers")
		n := 0
		err := im.src.each(ctx, q.table, q.query, func(rows *sqlx.Rows) error {
			var h oldHeader
			if err := rows.StructScan(&h); err != nil {
				return im.src.explain(ctx, "read "+q.table, err)
			}
			im.addLetter(q.kind, q.on, h)
			im.done++
			if n++; n%batchRows == 0 {
				im.tell("headers")
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return im.number(ctx)
}

func (im *importer) addLetter(kind, on int, h oldHeader) {
	l := im.letters
	v := &letter{kind: kind, id: h.ID, project: h.Project, date: h.Date.mail(), node: l.node(h.Project, clean(h.MsgID))}
	l.all = append(l.all, v)
	l.byID[kind][h.ID] = v
	l.here[v.node] = true
	l.sent[h.Submitter]++
	for _, ref := range limited(parseHeaders(clean(h.Headers)).References()) {
		l.join(v.node, l.node(h.Project, ref))
	}
	if on >= 0 && l.byID[on][h.On] != nil {
		l.join(v.node, l.byID[on][h.On].node)
	}
}

// parseHeaders reads headers as the old site stored them.
func parseHeaders(text string) *mailmsg.Message { return mailmsg.Parse([]byte(text + "\n\n")) }

// number gives ids in the order of dates, so that the first message of a thread is its oldest.
func (im *importer) number(ctx context.Context) (err error) {
	l := im.letters
	slices.SortFunc(l.all, func(a, b *letter) int {
		return cmp.Or(cmp.Compare(a.date, b.date), cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id))
	})
	threads := map[int32]int64{}
	for i, v := range l.all {
		v.message = int64(i + 1)
		if im.tx != nil {
			if v.message, err = im.tx.NextID(ctx, "message"); err != nil {
				return err
			}
		}
		root := l.root(v.node)
		if threads[root] == 0 {
			threads[root] = v.message
		}
		v.thread = threads[root]
	}
	l.numberCopies()
	return nil
}

// numberCopies tells mails with one Message-ID apart.
func (l *letters) numberCopies() {
	same := map[int32][]*letter{}
	for _, v := range l.all {
		same[v.node] = append(same[v.node], v)
	}
	for _, list := range same {
		slices.SortFunc(list, func(a, b *letter) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id)) })
		for i, v := range list {
			v.copy = i
		}
	}
}
