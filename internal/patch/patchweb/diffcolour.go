// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"crypto/sha256"
	"path"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"patchwork.example/pw/internal/base/recent"
	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/syntax"
)

// What is done for colours at most.
const (
	colourTime  = 800 * time.Millisecond // for one page, and one page at a time
	colourFiles = 64                     // that are remembered, each with at most colourRuns: 16 MiB
	colourRuns  = 32 << 10
	colourNames = 2000 // names of files of which it is remembered whether there are colours
)

// coloured is the colours of a file: by hunk and line.
type coloured [][][]syntax.Run

// colourKey names a file by the content of its diff and its place in it.
type colourKey struct {
	sum  [sha256.Size]byte
	file int
}

// palette remembers the colours of files that were shown last: finding them takes some hundred times as long as showing them.
type palette struct {
	kept  *recent.Memory[colourKey, coloured]
	known *recent.Memory[string, bool] // by the last part of a file's name: whether there are colours for it, which takes a millisecond to find out
	busy  *semaphore.Weighted
}

func newPalette() palette {
	return palette{recent.New[colourKey, coloured](colourFiles), recent.New[string, bool](colourNames), semaphore.NewWeighted(1)}
}

func (p palette) knows(name string) bool {
	name = path.Base(name)
	known, ok := p.known.Get(name)
	if !ok && len(name) <= 255 {
		known = syntax.Known(name)
		p.known.Put(name, known)
	}
	return known
}

// colour finds the colours of the files that a page shows. Unless they are asked for only what is remembered is used, and missing tells that there are more.
func (p palette) colour(raw []byte, files []*diffFile, asked bool) (missing bool) {
	if asked = asked && p.busy.TryAcquire(1); asked {
		defer p.busy.Release(1)
	}
	sum := sha256.Sum256(raw)
	end := time.Now().Add(colourTime)
	late := func() bool { return time.Now().After(end) }
	for _, f := range files {
		if f.folded || f.Binary {
			continue
		}
		key := colourKey{sum, f.n}
		found, ok := p.kept.Get(key)
		switch {
		case ok:
		case !asked:
			missing = missing || p.knows(f.Name())
		case !late():
			var runs int
			found, runs = colours(f.File, late)
			if runs > colourRuns {
				found = nil
			}
			p.kept.Put(key, found)
		}
		f.colours = found
	}
	return missing
}

// colours finds those of a file; runs is how many there are.
func colours(f *diff.File, late func() bool) (out coloured, runs int) {
	out = make(coloured, len(f.Hunks))
	for i := range f.Hunks {
		h := &f.Hunks[i]
		if h.Marks != 1 {
			continue
		}
		out[i] = make([][]syntax.Run, len(h.Lines))
		for _, side := range []diff.Kind{diff.Remove, diff.Add} { // those of context come from the new side
			var lines []string
			var at []int
			has := false
			for k := range h.Lines {
				if l := &h.Lines[k]; l.Kind == diff.Context || l.Kind == side {
					lines, at = append(lines, strings.TrimSuffix(h.Body(l), "\r")), append(at, k)
					has = has || l.Kind == side
				}
			}
			if !has && side == diff.Remove {
				continue
			}
			for n, r := range syntax.Lines(f.Name(), lines, late) {
				out[i][at[n]] = r
				runs += len(r)
			}
		}
	}
	return out, runs
}

// hues are the classes of kinds.
var hues = [...]string{syntax.Keyword: "k", syntax.Type: "y", syntax.Name: "f", syntax.String: "s", syntax.Number: "n", syntax.Comment: "o", syntax.Preprocessor: "p"}

// hued writes a stretch of a line in its colours.
func hued(b *strings.Builder, s string, from, to int, runs []syntax.Run) {
	for _, r := range runs {
		end := min(int(r.End), to)
		if end <= from {
			continue
		}
		if r.Kind == syntax.Plain || strings.TrimSpace(s[from:end]) == "" {
			escape(b, s[from:end])
		} else {
			b.WriteString(`<i class="` + hues[r.Kind] + `">`)
			escape(b, s[from:end])
			b.WriteString("</i>")
		}
		from = end
	}
	if from < to {
		escape(b, s[from:to])
	}
}
