// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// seriesCase is an archive, one mail a line: id | subject | ancestors | minutes | author. The first letter of the id says what it is: c text,
// p a patch, r a reply.
type seriesCase struct {
	name     string
	mails    string
	outcomes string
	series   []string
	events   string
	comments string
}

// The names are those of the old system's list of cases. Where ours differs from Django Patchwork on purpose the case says so.
var seriesCases = []seriesCase{
	{"base-single-patch", `p1 | [PATCH] one`,
		"patch", []string{`(1,1,[1]) - "one"`}, "PSps", ""},
	{"base-cover-letter", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2`,
		"cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`}, "SCPpPps", ""},
	{"base-deep-threaded", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c p1 | 2`,
		"cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`}, "SCPpPps", ""},
	{"base-no-cover-letter", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | p1 | 1`,
		"patch patch", []string{`(1,2,[1 2]) - "[1/2] one"`}, "PSpPps", ""},
	{"base-out-of-order", `
		p2 | [PATCH 2/2] two | c | 2
		p1 | [PATCH 1/2] one | c | 1
		c  | [PATCH 0/2] A sample series`,
		"patch patch cover", []string{`(1,2,[1 2]) c "A sample series"`}, "PSPppsC", ""},
	{"base-incomplete", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1`,
		"cover patch", []string{`(1,2,[1]) c "A sample series"`}, "SCPp", ""},
	// Django raises series-completed for the surplus patch too.
	{"base-extra-patches", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2
		p3 | [PATCH 3/2] three | c | 3`,
		"cover patch patch patch", []string{`(1,2,[1 2 3]) c "A sample series"`}, "SCPpPpsPp", ""},
	{"base-different-versions", `
		c  | [PATCH v3 0/4] A sample series
		p1 | [PATCH 1/4] one | c | 1
		p2 | [PATCH 2/4] two | c | 2
		p3 | [PATCH 3/4] three | c | 3
		p4 | [PATCH 4/4] four | c | 4`,
		"cover patch patch patch patch", []string{`(3,4,[1 2 3 4]) c "A sample series"`}, "SCPpPpPpPps", ""},
	{"base-no-references", `
		p1 | [PATCH v2 1/2] one
		p2 | [PATCH v2 2/2] two | | 9`,
		"patch patch", []string{`(2,2,[1 2]) - "[v2,1/2] one"`}, "PSpPps", ""},
	{"base-no-references-no-cover", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | | 1
		p2 | [PATCH 2/2] two | | 2`,
		"cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`}, "SCPpPps", ""},
	// A re-roll whose patches answer different comments on its predecessor is one series: its markers hold it together.
	{"revision-threaded-to-comments", `
		p0 | [PATCH] one
		r1 | Re: [PATCH] one | p0 | 1
		r2 | Re: [PATCH] one | p0 | 2
		p1 | [PATCH v2 1/2] one | r1 | 60
		p2 | [PATCH v2 2/2] two | r2 | 61`,
		"patch comment comment patch patch", []string{`(1,1,[1]) - "one"`, `(2,2,[1 2]) - "[v2,1/2] one"`}, "PSpsrrPSpPps", "r1→p0 r2→p0"},
	// Two threads of one author, of one length and minutes apart, whose covers come last, are not mixed. Django joins p1 and p4.
	{"two-threads-covers-last", `
		p1 | [PATCH 1/2] one | c | 1
		p4 | [PATCH 2/2] four | d | 3
		p3 | [PATCH 1/2] three | d | 2
		p2 | [PATCH 2/2] two | c | 2
		c  | [PATCH 0/2] first
		d  | [PATCH 0/2] second`,
		"patch patch patch patch cover cover", []string{`(1,2,[1 2]) c "first"`, `(1,2,[1 2]) d "second"`}, "PSpPSPppsPpsCC", ""},
	{"bugs-multiple-references", `
		c  | [PATCH v2 0/4] A sample series
		p1 | [PATCH v2 1/4] one | c c | 1
		p2 | [PATCH v2 2/4] two | c c | 2
		p3 | [PATCH v2 3/4] three | c c | 3
		p4 | [PATCH v2 4/4] four | c c | 4`,
		"cover patch patch patch patch", []string{`(2,4,[1 2 3 4]) c "A sample series"`}, "SCPpPpPpPps", ""},
	{"bugs-multiple-content-types", `
		p1 | [PATCH] one
		r1 | Re: [PATCH] one | p1 | 5`,
		"patch comment", []string{`(1,1,[1]) - "one"`}, "PSpsr", "r1→p1"},
	{"bugs-unnumbered", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH] two | c | 2`,
		"cover patch patch", []string{`(1,2,[1]) c "A sample series"`, `(1,1,[1]) - "two"`}, "SCPpPSps", ""},
	{"bugs-nocover", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | p1 | 1
		p3 | [PATCH v2 1/2] one | p1 | 600
		p4 | [PATCH v2 2/2] two | p1 p3 | 601`,
		"patch patch patch patch", []string{`(1,2,[1 2]) - "[1/2] one"`, `(2,2,[1 2]) - "[v2,1/2] one"`}, "PSpPpsPSpPps", ""},
	{"bugs-nocover-noversion", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | p1 | 1
		p3 | [PATCH 1/2] one | p1 | 600
		p4 | [PATCH 2/2] two | p1 p3 | 601`,
		"patch patch patch patch", []string{`(1,2,[1 2]) - "[1/2] one"`, `(1,2,[1 2]) - "[1/2] one"`}, "PSpPpsPSpPps", ""},
	{"bugs-spamming", `
		p1 | [PATCH v2 1/4] one
		p2 | [PATCH v2 1/4] one | | 1
		p3 | [PATCH v2 1/4] one | | 2`,
		"patch patch patch", []string{`(2,4,[1]) - "[v2,1/4] one"`, `(2,4,[1]) - "[v2,1/4] one"`, `(2,4,[1]) - "[v2,1/4] one"`}, "PSpPSpPSp", ""},
	{"bugs-mixed-versions", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH v2 2/2] two | | 1`,
		"patch patch", []string{`(1,2,[1]) - "[1/2] one"`, `(2,2,[2]) - ""`}, "PSpPS", ""},
	{"revision-basic", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2
		c2 | [PATCH v2 0/2] A sample series | | 60
		p3 | [PATCH v2 1/2] one | c2 | 61
		p4 | [PATCH v2 2/2] two | c2 | 62`,
		"cover patch patch cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`, `(2,2,[1 2]) c2 "A sample series"`}, "SCPpPpsSCPpPps", ""},
	{"revision-threaded-to-cover", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2
		c2 | [PATCH v2 0/2] A sample series | c | 60
		p3 | [PATCH v2 1/2] one | c c2 | 61
		p4 | [PATCH v2 2/2] two | c c2 | 62`,
		"cover patch patch cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`, `(2,2,[1 2]) c2 "A sample series"`}, "SCPpPpsSCPpPps", ""},
	{"revision-threaded-to-patch", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2
		c2 | [PATCH v2 0/2] A sample series | c p2 | 60
		p3 | [PATCH v2 1/2] one | c p2 c2 | 61
		p4 | [PATCH v2 2/2] two | c p2 c2 | 62`,
		"cover patch patch cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`, `(2,2,[1 2]) c2 "A sample series"`}, "SCPpPpsSCPpPps", ""},
	{"revision-out-of-order", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2
		p4 | [PATCH v2 2/2] two | c2 | 62
		p3 | [PATCH v2 1/2] one | c2 | 61
		c2 | [PATCH v2 0/2] A sample series | | 60`,
		"cover patch patch patch patch cover", []string{`(1,2,[1 2]) c "A sample series"`, `(2,2,[1 2]) c2 "A sample series"`}, "SCPpPpsPSPppsC", ""},
	{"revision-no-cover-letter", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2
		p3 | [PATCH v2 1/2] one | | 61
		p4 | [PATCH v2 2/2] two | p3 | 62`,
		"cover patch patch patch patch", []string{`(1,2,[1 2]) c "A sample series"`, `(2,2,[1 2]) - "[v2,1/2] one"`}, "SCPpPpsPSpPps", ""},
	{"revision-unlabeled", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2
		c2 | [PATCH 0/2] A sample series | | 5
		p3 | [PATCH 1/2] one | c2 | 6
		p4 | [PATCH 2/2] two | c2 | 7`,
		"cover patch patch cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`, `(1,2,[1 2]) c2 "A sample series"`}, "SCPpPpsSCPpPps", ""},
	{"revision-unlabeled-noreferences", `
		p1 | [PATCH v2 1/2] one
		p2 | [PATCH v2 2/2] two | | 1
		p3 | [PATCH v2 1/2] one | | 60
		p4 | [PATCH v2 2/2] two | | 61`,
		"patch patch patch patch", []string{`(2,2,[1 2]) - "[v2,1/2] one"`, `(2,2,[1 2]) - "[v2,1/2] one"`}, "PSpPpsPSpPps", ""},
	{"revision-threaded-to-single-patch", `
		p1 | [PATCH] one
		p2 | [PATCH v2] one | p1 | 60`,
		"patch patch", []string{`(1,1,[1]) - "one"`, `(2,1,[1]) - "[v2] one"`}, "PSpsPSps", ""},
	{"mercurial-cover-letter", `
		c  | [PATCH 0 of 2] A sample series
		p1 | [PATCH 1 of 2] one | c | 1
		p2 | [PATCH 2 of 2] two | c | 2`,
		"cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`}, "SCPpPps", ""},
	{"mercurial-no-cover-letter", `
		p1 | [PATCH 1 of 2] one
		p2 | [PATCH 2 of 2] two | p1 | 1`,
		"patch patch", []string{`(1,2,[1 2]) - "[1 of 2] one"`}, "PSpPps", ""},

	// What was observed of the old systems beyond their lists. Django joins v1 where a v2 has no cover letter and answers v1's.
	{"v2 without cover in reply to the v1 cover, shuffled", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH 2/2] two | c | 2
		p5 | [PATCH v2 3/4] three | c | 602
		p3 | [PATCH v2 1/4] one | c | 600
		p4 | [PATCH v2 2/4] two | c | 601
		p6 | [PATCH v2 4/4] four | c | 603`,
		"cover patch patch patch patch patch patch", []string{`(1,2,[1 2]) c "A sample series"`, `(2,4,[1 2 3 4]) - "[v2,1/4] one"`}, "SCPpPpsPSPpPppPps", ""},
	{"v2 2/2 in reply to the cover of an incomplete v1", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1
		p2 | [PATCH v2 2/2] two | c | 1440`,
		"cover patch patch", []string{`(1,2,[1]) c "A sample series"`, `(2,2,[2]) - ""`}, "SCPpPS", ""},
	{"v2 2/2 in reply to v1 2/2", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | p1 | 1
		p3 | [PATCH v2 2/2] two | p1 p2 | 60`,
		"patch patch patch", []string{`(1,2,[1 2]) - "[1/2] one"`, `(2,2,[2]) - ""`}, "PSpPpsPS", ""},
	{"the cover says two, the patches three", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/3] one | c | 1
		p2 | [PATCH 2/3] two | c | 2`,
		"cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`}, "SCPpPps", ""},
	{"the second patch of a thread eleven hours late", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | p1 | 660`,
		"patch patch", []string{`(1,2,[1 2]) - "[1/2] one"`}, "PSpPps", ""},
	{"3/n in a thread", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | p1 | 1
		p3 | [PATCH 3/n] three | p1 | 2`,
		"patch patch patch", []string{`(1,2,[1 2]) - "[1/2] one"`, `(1,1,[1]) - "[3/n] three"`}, "PSpPpsPSps", ""},
	{"the same number twice in a thread", `
		c  | [PATCH 0/3] A sample series
		p1 | [PATCH 1/3] one | c | 1
		p2 | [PATCH 1/3] one again | c | 2
		p3 | [PATCH 2/3] two | c | 3
		p4 | [PATCH 3/3] three | c | 4`,
		"cover patch patch patch patch", []string{`(1,3,[1 2 3]) c "A sample series"`, `(1,3,[1]) - "[1/3] one again"`}, "SCPpPSpPpPps", ""},
	// In Django the cover letter stands alone.
	{"unthreaded, cover last", `
		p2 | [PATCH 2/2] two | | 2
		p1 | [PATCH 1/2] one | | 1
		c  | [PATCH 0/2] A sample series`,
		"patch patch cover", []string{`(1,2,[1 2]) c "A sample series"`}, "PSPppsC", ""},
	// A series that answers itself has no cover letter to wait for.
	{"a new cover letter after a thread without one", `
		p1 | [PATCH 1/2] one | | 1
		p2 | [PATCH 2/2] two | p1 | 2
		c  | [PATCH 0/2] Another series | | 5`,
		"patch patch cover", []string{`(1,2,[1 2]) - "[1/2] one"`, `(1,2,[]) c "Another series"`}, "PSpPpsSC", ""},
	// One patch sent again is a series of its own, and takes nobody's place.
	{"v5.1 2/3 in reply to 2/3", `
		c  | [PATCH v5 0/3] A sample series
		p1 | [PATCH v5 1/3] one | c | 1
		p2 | [PATCH v5 2/3] two | c | 2
		p3 | [PATCH v5 3/3] three | c | 3
		p4 | [PATCH v5.1 2/3] two | c p2 | 60`,
		"cover patch patch patch patch", []string{`(5,3,[1 2 3]) c "A sample series"`, `(1,3,[2]) - ""`}, "SCPpPpPpsPS", ""},
	{"v5 2/3 again in reply to 2/3", `
		c  | [PATCH v5 0/3] A sample series
		p2 | [PATCH v5 2/3] two | c | 2
		p4 | [PATCH v5 2/3] two | c p2 | 60
		p1 | [PATCH v5 1/3] one | c | 1
		p3 | [PATCH v5 3/3] three | c | 3`,
		"cover patch patch patch patch", []string{`(5,3,[1 2 3]) c "A sample series"`, `(5,3,[2]) - ""`}, "SCPPSPppPps", ""},
	{"unthreaded re-roll within minutes, with covers", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | | 1
		p2 | [PATCH 2/2] two | | 2
		c2 | [PATCH 0/2] A sample series | | 5
		p3 | [PATCH 1/2] one | | 6
		p4 | [PATCH 2/2] two | | 7`,
		"cover patch patch cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`, `(1,2,[1 2]) c2 "A sample series"`}, "SCPpPpsSCPpPps", ""},
	{"several authors under one cover", `
		c  | [PATCH 0/2] A sample series
		p1 | [PATCH 1/2] one | c | 1 | Bob <bob@people.example>
		p2 | [PATCH 2/2] two | c | 2 | Eve <eve@people.example>`,
		"cover patch patch", []string{`(1,2,[1 2]) c "A sample series"`}, "SCPpPps", ""},
	{"two unthreaded series of one author and total", `
		p1 | [PATCH 1/2] a one
		p3 | [PATCH 1/2] x one | | 1
		p4 | [PATCH 2/2] x two | | 2
		p2 | [PATCH 2/2] a two | | 3`,
		"patch patch patch patch", []string{`(1,2,[1 2]) - "[1/2] a one"`, `(1,2,[1 2]) - "[1/2] x one"`}, "PSpPSpPpsPps", ""},
	{"v2 deep below v1, out of order", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | p1 | 1
		p4 | [PATCH v2 2/2] two | p1 p2 p3 | 61
		p3 | [PATCH v2 1/2] one | p1 p2 | 60`,
		"patch patch patch patch", []string{`(1,2,[1 2]) - "[1/2] one"`, `(2,2,[1 2]) - "[v2,1/2] one"`}, "PSpPpsPSPpps", ""},
	{"exactly twenty minutes apart", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | | 20`,
		"patch patch", []string{`(1,2,[1 2]) - "[1/2] one"`}, "PSpPps", ""},
	{"twenty-one minutes apart", `
		p1 | [PATCH 1/2] one
		p2 | [PATCH 2/2] two | | 21`,
		"patch patch", []string{`(1,2,[1]) - "[1/2] one"`, `(1,2,[2]) - ""`}, "PSpPS", ""},
	{"the last patch first", `
		p5 | [PATCH 5/5] five`,
		"patch", []string{`(1,5,[5]) - ""`}, "PS", ""},
	{"a diff in 0/2", `
		p0 | [PATCH 0/2] A sample series`,
		"patch", []string{`(1,2,[]) - ""`}, "PS", ""},
	{"1/0 is no marker", `
		p1 | [PATCH 1/0] one`,
		"patch", []string{`(1,1,[1]) - "[1/0] one"`}, "PSps", ""},
	// Django drops both; here the announcement is kept with its reason, and the reply waits.
	{"neither patch nor cover", `
		ca | An announcement
		r1 | Re: unheard of | x | 1`,
		"ignored pending", []string{}, "", ""},
}

func (c seriesCase) letters(t *testing.T) []letter {
	var out []letter
	for line := range strings.Lines(strings.TrimSpace(c.mails)) {
		f := append(strings.Split(line, "|"), "", "", "", "")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		l := letter{id: f[0], subject: f[1], refs: f[2], from: f[4], body: "Some words about it.\n"}
		if f[3] != "" {
			var err error
			if l.minutes, err = strconv.Atoi(f[3]); err != nil {
				t.Fatal(err)
			}
		}
		if l.id[0] == 'p' {
			l.body = patchText("Why " + l.subject)
		}
		out = append(out, l)
	}
	return out
}

// TestSeriesConformance delivers each archive mail by mail, and into another project as one batch.
func TestSeriesConformance(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for i, c := range seriesCases {
			t.Run(c.name, func(t *testing.T) {
				letters := c.letters(t)
				single := newSite(t, db, "single-"+strconv.Itoa(i))
				single.send(c.outcomes, letters...)
				single.compare(c)

				batch := newSite(t, db, "batch-"+strconv.Itoa(i))
				var raws [][]byte
				for _, l := range letters {
					raws = append(raws, l.raw())
				}
				var got []string
				for _, o := range batch.deliver(raws...) {
					got = append(got, kind(o))
				}
				if strings.Join(got, " ") != c.outcomes {
					t.Errorf("as a batch the mails became %q, want %q", got, c.outcomes)
				}
				batch.compare(c)
			})
		}
		check(t, db)
	})
}

// TestRuns: unthreaded series are told apart by what git-send-email and b4 write into Message-IDs, in whatever order their mails come. The names are
// run and place in it.
func TestRuns(t *testing.T) {
	mail := func(run string, place, number, total int) letter {
		id := fmt.Sprintf("20210301100000.%s-%d-ann", run, place)
		l := letter{id: id, subject: fmt.Sprintf("[PATCH %d/%d] %s %d", number, total, run, number), minutes: number, body: patchText("x")}
		if number == 0 {
			l.body = "Words.\n"
		}
		return l
	}
	for i, c := range []struct {
		name  string
		mails []letter
		want  string
	}{
		{"two without covers", []letter{mail("11", 1, 1, 2), mail("22", 1, 1, 2), mail("22", 2, 2, 2), mail("11", 2, 2, 2)}, `[(1,2,[1 2]) - "[1/2] 11 1" (1,2,[1 2]) - "[1/2] 22 1"]`},
		{"two with covers", []letter{mail("11", 1, 0, 1), mail("22", 1, 0, 1), mail("22", 2, 1, 1), mail("11", 2, 1, 1)}, `[(1,1,[1]) 20210301100000.11-1-ann "11 0" (1,1,[1]) 20210301100000.22-1-ann "22 0"]`},
		{"each mail by a run of its own", []letter{mail("11", 1, 0, 2), mail("22", 1, 1, 2), mail("33", 1, 2, 2)}, `[(1,2,[1 2]) 20210301100000.11-1-ann "11 0"]`},
		{"a second run goes on", []letter{mail("11", 1, 0, 3), mail("11", 2, 1, 3), mail("22", 1, 2, 3), mail("22", 2, 3, 3)}, `[(1,3,[1 2 3]) 20210301100000.11-1-ann "11 0"]`},
	} {
		dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
			for n, order := range permutations(len(c.mails)) {
				s := newSite(t, db, fmt.Sprintf("runs-%d-%d", i, n))
				var raws [][]byte
				for _, k := range order {
					raws = append(raws, c.mails[k].raw())
				}
				for batch := range slices.Chunk(raws, 1+n%2) {
					s.deliver(batch...)
				}
				got := s.series()
				slices.Sort(got)
				if fmt.Sprint(got) != c.want {
					t.Errorf("%s, order %v: %s, want %s", c.name, order, got, c.want)
				}
			}
			check(t, db)
		})
	}
}

func (s *site) compare(c seriesCase) {
	s.t.Helper()
	same(s.t, s.project.Linkname+": series", s.series(), c.series)
	if got := s.events(); got != c.events {
		s.t.Errorf("%s: events %q, want %q", s.project.Linkname, got, c.events)
	}
	if got := s.comments(); got != c.comments {
		s.t.Errorf("%s: comments %q, want %q", s.project.Linkname, got, c.comments)
	}
}
