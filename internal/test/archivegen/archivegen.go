// SPDX-License-Identifier: GPL-2.0-or-later

package archivegen

import (
	"bufio"
	"container/heap"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// Options say what to write.
type Options struct {
	Mails   int
	Patches int  // if not 0, mails are written until there are so many patches, whatever Mails says
	Few     bool // a mail gets at most one reply to itself, not three
	Seed    uint64
	List    string    // its id: kettle.lists.example
	Begin   time.Time // of the first discussion; zero: 1 January 2015
}

// Made counts what was written.
type Made struct {
	Mails, Patches, Covers, Series, Comments int
	Bytes                                    int64
}

// Write writes an mbox of the mails, in the order of their dates.
func Write(w io.Writer, o Options) (Made, error) {
	if o.Begin.IsZero() {
		o.Begin = time.Date(2015, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	out := bufio.NewWriterSize(w, 1<<20)
	g := &generator{Options: o, rand: rand.New(rand.NewPCG(o.Seed, 2015)), now: o.Begin}
	for !g.enough() {
		for g.waiting.Len() == 0 || g.waiting[0].at.After(g.now) {
			g.discussion()
			g.now = g.now.Add(time.Duration(g.rand.IntN(40)) * time.Minute)
		}
		if err := g.write(out, heap.Pop(&g.waiting).(*mail)); err != nil {
			return g.made, err
		}
	}
	return g.made, out.Flush()
}

func (g *generator) enough() bool {
	if g.Patches > 0 {
		return g.made.Patches >= g.Patches
	}
	return g.made.Mails >= g.Mails
}

// mail is one that will be written.
type mail struct {
	at                      time.Time
	number                  int // ties are broken by it, so that the same seed gives the same archive
	kind                    kind
	id, from, subject, body string
	refs                    []string // the root first
}

type kind int

const (
	patch kind = iota
	cover
	comment
)

type generator struct {
	Options
	rand    *rand.Rand
	now     time.Time
	waiting queue
	number  int
	made    Made
}

func (g *generator) write(w io.Writer, m *mail) error {
	n, err := fmt.Fprintf(w, "From mboxrd@z Thu Jan  1 00:00:00 1970\n"+
		"Received: from out.people.example (out.people.example [192.0.2.%d])\n\tby lists.example (Postfix) with ESMTPS id %08X;\n\t%s\n"+
		"From: %s\nTo: %s\nSubject: %s\nDate: %s\nMessage-Id: %s\n%sMIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nPrecedence: bulk\nList-Id: <%s>\n\n%s\n",
		m.number%250+1, m.number, m.at.Add(3*time.Second).Format(time.RFC1123Z), m.from, strings.Replace(g.List, ".", "@", 1), m.subject, m.at.Format(time.RFC1123Z), m.id, references(m.refs), g.List, m.body)
	g.made.Mails++
	g.made.Bytes += int64(n)
	switch m.kind {
	case patch:
		g.made.Patches++
	case cover:
		g.made.Covers++
	case comment:
		g.made.Comments++
	}
	return err
}

func references(refs []string) string {
	if len(refs) == 0 {
		return ""
	}
	return "In-Reply-To: " + refs[len(refs)-1] + "\nReferences: " + strings.Join(refs, "\n ") + "\n"
}

func (g *generator) add(m mail) {
	g.number++
	m.number = g.number
	heap.Push(&g.waiting, &m)
}

// discussion is a topic with its versions, a week or so apart, and what is said of them.
func (g *generator) discussion() {
	who, area, topic := g.person(), word(g.rand, areas), g.topic()
	total := 1
	if g.rand.IntN(2) == 0 {
		total = 2 + g.rand.IntN(8)
	}
	at := g.now
	for version := 1; version == 1 || version < 6 && g.rand.IntN(3) == 0; version++ {
		g.version(who, area, topic, version, total, at)
		at = at.Add(time.Duration(24+g.rand.IntN(24*9)) * time.Hour)
	}
}

// version sends one series in one run of git-send-email.
func (g *generator) version(who, area, topic string, version, total int, at time.Time) {
	run := fmt.Sprintf("%s.%d", at.Format("20060102150405"), 1000+g.rand.IntN(60000))
	id := func(n int) string { return fmt.Sprintf("<%s-%d-%s>", run, n, address(who)) }
	mark := "PATCH"
	if version > 1 {
		mark = fmt.Sprintf("PATCH v%d", version)
	}
	g.made.Series++
	if total == 1 {
		g.send(mail{at: at, kind: patch, id: id(1), from: who, subject: fmt.Sprintf("[%s] %s: %s", mark, area, topic), body: g.patchBody(who, area)})
		return
	}
	var root []string
	if total > 2 {
		root = []string{id(1)}
		g.send(mail{at: at, kind: cover, id: id(1), from: who, subject: fmt.Sprintf("[%s 0/%d] %s: %s", mark, total, area, topic), body: g.prose(4) + "\n\n" + g.stat(area, total) + signature})
	}
	for n := 1; n <= total; n++ {
		m := mail{at: at.Add(time.Duration(n) * time.Second), kind: patch, id: id(n + 1), from: who, refs: root,
			subject: fmt.Sprintf("[%s %d/%d] %s: %s", mark, n, total, area, g.topic()), body: g.patchBody(who, area)}
		g.send(m)
		if root == nil {
			root = []string{m.id}
		}
	}
}

// send sends a mail and what others will answer.
func (g *generator) send(m mail) {
	g.add(m)
	refs, at := append(append([]string(nil), m.refs...), m.id), m.at
	most := 3
	if g.Few {
		most = 1
	}
	for range g.rand.IntN(most + 1) {
		who := g.person()
		at = at.Add(time.Duration(1+g.rand.IntN(3000)) * time.Minute)
		body := "> " + g.sentence() + "\n> " + g.sentence() + "\n\n" + g.prose(1+g.rand.IntN(3)) + "\n"
		if g.rand.IntN(3) == 0 {
			body += "\n" + word(g.rand, tags) + ": " + who + "\n"
		}
		id := fmt.Sprintf("<%s.%x@%s>", at.Format("20060102150405"), g.rand.Uint32(), strings.SplitAfter(address(who), "@")[1])
		g.add(mail{at: at, kind: comment, id: id, from: who, subject: "Re: " + m.subject, body: body, refs: refs})
		refs = append(append([]string(nil), refs...), id)
	}
}

// queue is the mails that are still to come, the earliest first.
type queue []*mail

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].number < q[j].number
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*mail)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
