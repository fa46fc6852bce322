// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/rangediff"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

// rangePage is what the template of a comparison of two versions needs.
type rangePage struct {
	project  project.Project
	series   *patch.SeriesDetail // the newer one
	from     patch.Edition
	editions []patch.Edition
	factor   int
	pairs    []rangePair
}

// rangePair is a patch of one or both versions.
type rangePair struct {
	rangediff.Pair
	old, new *patch.MboxMail // nil: not there
}

// comparison is two versions of a series, compared.
type comparison struct {
	oldMails, newMails []*patch.MboxMail
	old, new           []rangediff.Patch
	pairs              []rangediff.Pair
}

// rangeDiff shows how two versions of a series differ.
func (p *Pages) rangeDiff(c *web.Call) error {
	pr, err := p.project(c)
	if err != nil {
		return err
	}
	id, err := seriesNumber(c)
	if err != nil {
		return err
	}
	if to, err := strconv.ParseInt(c.R.URL.Query().Get("to"), 10, 64); err == nil && to != id {
		query := c.R.URL.Query()
		query.Del("to")
		return c.Redirect(http.StatusFound, rangeDiffURL(pr.Linkname, to)+"?"+query.Encode())
	}
	s := rangePage{project: pr}
	if s.series, s.editions, s.from, err = p.versionsToCompare(c, id); err != nil {
		return err
	}
	if s.series.Project != pr.ID {
		return fault.New(fault.NotFound, "there is no series %d in %s", id, pr.Name)
	}
	if s.factor, err = creationFactor(c.R.URL.Query()); err != nil {
		return err
	}
	both, err := p.compare(c.R.Context(), s.from.ID, id, s.factor)
	if err != nil {
		return err
	}
	p.look(c, s.editions, id)
	if !slices.ContainsFunc(s.editions, func(e patch.Edition) bool { return e.ID == s.from.ID }) {
		s.editions = append([]patch.Edition{s.from}, s.editions...) // to be chosen again
	}
	for _, pair := range both.pairs {
		shown := rangePair{Pair: pair}
		if pair.Old >= 0 {
			shown.old = both.oldMails[pair.Old]
		}
		if pair.New >= 0 {
			shown.new = both.newMails[pair.New]
		}
		s.pairs = append(s.pairs, shown)
	}
	meta := web.Meta{Title: "Changes in " + s.name(), Project: pr.Linkname, Name: pr.Name, NavHTML: pr.NavHTML}
	return c.Render(http.StatusOK, meta, rangeView(s))
}

// rangeDiffText is the same as git range-diff prints it.
func (p *Pages) rangeDiffText(c *web.Call) error {
	id, err := seriesNumber(c)
	if err != nil {
		return err
	}
	_, _, from, err := p.versionsToCompare(c, id)
	if err != nil {
		return err
	}
	factor, err := creationFactor(c.R.URL.Query())
	if err != nil {
		return err
	}
	both, err := p.compare(c.R.Context(), from.ID, id, factor)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := rangediff.WriteText(&b, both.old, both.new, both.pairs); err != nil {
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	http.ServeContent(c.W, c.R, "", time.Time{}, bytes.NewReader(b.Bytes()))
	return nil
}

// versionsToCompare finds the series and the one it is compared with: what ?from= says, else the version that the visitor looked at last, else the one before.
func (p *Pages) versionsToCompare(c *web.Call, id int64) (*patch.SeriesDetail, []patch.Edition, patch.Edition, error) {
	var from patch.Edition
	s, err := patch.ReadSeries(c.R.Context(), p.db, id)
	if err != nil {
		return nil, nil, from, err
	}
	editions, err := patch.Editions(c.R.Context(), p.db, id, c.User.ID)
	if err != nil {
		return nil, nil, from, err
	}
	if asked := c.R.URL.Query().Get("from"); asked != "" {
		from, err = p.olderSeries(c.R.Context(), s, editions, asked)
		return s, editions, from, err
	}
	if last, ok := patch.LastLook(editions, id); ok {
		return s, editions, last, nil
	}
	at := slices.IndexFunc(editions, func(e patch.Edition) bool { return e.ID == id })
	if s.Previous != 0 {
		at = 1 + slices.IndexFunc(editions, func(e patch.Edition) bool { return e.ID == s.Previous })
	}
	if at < 1 {
		return nil, nil, from, fault.New(fault.NotFound, "series %d is the first version that is known; name another series to compare it with: ?from=NUMBER", id)
	}
	return s, editions, editions[at-1], nil
}

// olderSeries is the series that an address names, which may be any of the project: versions are not always known as such.
func (p *Pages) olderSeries(ctx context.Context, s *patch.SeriesDetail, editions []patch.Edition, asked string) (patch.Edition, error) {
	id, err := strconv.ParseInt(asked, 10, 64)
	if err != nil {
		return patch.Edition{}, fault.New(fault.Invalid, "from=%s: want the number of a series", asked)
	}
	for _, e := range editions {
		if e.ID == id {
			return e, nil
		}
	}
	other, err := patch.ReadSeries(ctx, p.db, id)
	if err != nil {
		return patch.Edition{}, err
	}
	if other.Project != s.Project {
		return patch.Edition{}, fault.New(fault.NotFound, "there is no series %d in this project", id)
	}
	return patch.Edition{Version: patch.Version{ID: id, Version: other.Version, Name: other.Name}, Date: other.Date, Patches: other.Received}, nil
}

// creationFactor is how readily patches are taken for different ones, as git range-diff's option of that name.
func creationFactor(query url.Values) (int, error) {
	s := query.Get("creation-factor")
	if s == "" {
		return rangediff.CreationFactor, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > rangediff.Loose {
		return 0, fault.New(fault.Invalid, "creation-factor=%s: want a number from 0 to %d", s, rangediff.Loose)
	}
	return n, nil
}

// compare reads two series and compares them. Few can do so at a time, as it can take a second.
func (p *Pages) compare(ctx context.Context, older, newer int64, factor int) (both comparison, err error) {
	if both.oldMails, both.old, err = p.readCommits(ctx, older); err != nil {
		return both, err
	}
	if both.newMails, both.new, err = p.readCommits(ctx, newer); err != nil {
		return both, err
	}
	if err := p.comparing.Acquire(ctx, 1); err != nil {
		return both, err
	}
	defer p.comparing.Release(1)
	if both.pairs, err = rangediff.Compare(both.old, both.new, factor); err != nil {
		err = tooLarge(err)
	}
	return both, err
}

func tooLarge(err error) error {
	return fault.Wrap(fault.TooLarge, err, "these series are too large to be compared here: at most %d patches each and %d MiB together; git range-diff can do it", rangediff.MaxPatches, rangediff.MaxBytes>>20)
}

func (p *Pages) readCommits(ctx context.Context, series int64) ([]*patch.MboxMail, []rangediff.Patch, error) {
	mails, err := patch.MboxOfSeries(ctx, p.db, series)
	if err != nil {
		return nil, nil, err
	}
	size := int64(0)
	for _, m := range mails {
		size += m.Size
	}
	if len(mails) > rangediff.MaxPatches || size > 2*rangediff.MaxBytes {
		return nil, nil, tooLarge(rangediff.ErrTooLarge)
	}
	commits, err := patchmail.Commits(ctx, p.db, mails)
	return mails, commits, err
}

// lookAgain is after what time another look at the same series is noted.
const lookAgain = time.Hour

// look notes that the visitor has seen a version of a series. That it could not be noted is no reason to show him less.
func (p *Pages) look(c *web.Call, editions []patch.Edition, series int64) {
	at := slices.IndexFunc(editions, func(e patch.Edition) bool { return e.ID == series })
	if c.User.ID == 0 || at < 0 || editions[at].Looked != 0 && c.Now.Sub(editions[at].Looked) < lookAgain {
		return
	}
	if err := patch.Look(c.R.Context(), p.db, c.User.ID, series, c.Now); err != nil {
		c.Warn("a look is not noted", err)
	}
}

func rangeDiffURL(linkname string, series int64) string {
	return seriesURL(linkname, series) + "range-diff/"
}

// between is the address of a comparison. A factor of 0 is git's own.
func between(linkname string, older, newer int64, factor int) string {
	u := rangeDiffURL(linkname, newer) + "?from=" + strconv.FormatInt(older, 10)
	if factor != 0 {
		u += "&creation-factor=" + strconv.Itoa(factor)
	}
	return u
}

// older is the one of two versions, at place i and of a series, that stands first; newer is the other one.
func older(editions []patch.Edition, i int, series int64) patch.Edition {
	at := slices.IndexFunc(editions, func(e patch.Edition) bool { return e.ID == series })
	return editions[min(i, max(at, 0))]
}

func newer(editions []patch.Edition, i int, series int64) patch.Edition {
	at := slices.IndexFunc(editions, func(e patch.Edition) bool { return e.ID == series })
	return editions[max(i, at)]
}

func rangeWith(linkname string, editions []patch.Edition, i int, series int64) string {
	return between(linkname, older(editions, i, series).ID, newer(editions, i, series).ID, 0)
}

// name is what lists call the series.
func (s rangePage) name() string {
	for _, e := range s.editions {
		if e.ID == s.series.ID {
			return shown(e.Name)
		}
	}
	return shown(s.series.Name)
}

func (s rangePage) textURL() string {
	u := fmt.Sprintf("/series/%d/range-diff/?from=%d", s.series.ID, s.from.ID)
	if s.factor != rangediff.CreationFactor {
		u += "&creation-factor=" + strconv.Itoa(s.factor)
	}
	return u
}

// unmatched tells whether there are patches without match on both sides, which a looser comparison might bring together.
func (s rangePage) unmatched() bool {
	has := func(status rangediff.Status) bool {
		return slices.ContainsFunc(s.pairs, func(p rangePair) bool { return p.Status == status })
	}
	return has(rangediff.Dropped) && has(rangediff.Added)
}

var statusWords = []struct {
	status rangediff.Status
	word   string
	class  string
}{{rangediff.Same, "unchanged", "dim"}, {rangediff.Changed, "changed", "warn"}, {rangediff.Added, "new", "plus"}, {rangediff.Dropped, "dropped", "minus"}}

func (p rangePair) word() (word, class string) {
	for _, w := range statusWords {
		if w.status == p.Status {
			return w.word, w.class
		}
	}
	return "", ""
}

// summary counts what became of the patches.
func (s rangePage) summary() string {
	var parts []string
	for _, w := range statusWords {
		n := 0
		for _, p := range s.pairs {
			if p.Status == w.status {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, w.word))
		}
	}
	if len(parts) == 0 {
		return "neither has patches"
	}
	return strings.Join(parts, ", ")
}

// places says which patch of the old series became which of the new one.
func (p rangePair) places() string {
	place := func(i int) string {
		if i < 0 {
			return "–"
		}
		return strconv.Itoa(i + 1)
	}
	return place(p.Old) + " → " + place(p.New)
}

// subject is the patch that the line is about: the newer one, where there are both.
func (p rangePair) mail() *patch.MboxMail {
	if p.new != nil {
		return p.new
	}
	return p.old
}

// rangeHTML is the difference of two patches with a class for the sign before each line and one for the line's own.
func rangeHTML(hunks []rangediff.Hunk) string {
	var b strings.Builder
	for _, h := range hunks {
		b.WriteString(`<span class="h">@@ `)
		escape(&b, h.Head)
		b.WriteString("\n</span>")
		for _, line := range h.Lines {
			b.WriteString(`<span class="` + outerClass(line.Outer) + innerClass(line.Text) + `">`)
			b.WriteByte(line.Outer)
			escape(&b, line.Text)
			b.WriteString("\n</span>")
		}
	}
	return b.String()
}

func outerClass(sign byte) string {
	switch sign {
	case '+':
		return "a"
	case '-':
		return "d"
	}
	return "c"
}

func innerClass(line string) string {
	switch {
	case strings.HasPrefix(line, "+"):
		return " plus"
	case strings.HasPrefix(line, "-"):
		return " minus"
	case strings.HasPrefix(line, " ## "), strings.HasPrefix(line, "@@"):
		return " m"
	}
	return ""
}

// editionName names a version in a list of all of them.
func editionName(e patch.Edition) string {
	s := fmt.Sprintf("v%d of %s, %s", e.Version.Version, day(e.Date), patchesHere(e.Patches))
	if e.Looked != 0 {
		s += ", seen " + day(e.Looked)
	}
	return s
}

func patchesHere(n int) string {
	if n == 1 {
		return "1 patch"
	}
	return fmt.Sprintf("%d patches", n)
}
