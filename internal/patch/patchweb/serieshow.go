// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/patch"
)

// chip is a part of a filter, and the address without it.
type chip struct{ Text, URL string }

// choice is one of several that may be chosen.
type choice struct{ Value, Text string }

func stateChoices(words patch.Vocabulary) []choice {
	var out []choice
	for _, s := range words.States {
		out = append(out, choice{fmt.Sprint(s.ID), s.Name})
	}
	return out
}

func tagChoices(words patch.Vocabulary) []choice {
	var out []choice
	for _, t := range words.Tags {
		out = append(out, choice{fmt.Sprint(t.ID), t.Name})
	}
	return out
}

func has(list []string, s string) bool { return slices.Contains(list, s) }

// chosen says what is chosen.
func chosen(all []choice, now []string) string {
	var names []string
	for _, c := range all {
		if has(now, c.Value) {
			names = append(names, c.Text)
		}
	}
	if len(names) == 0 {
		return "any"
	}
	return strings.Join(names, ", ")
}

var whoWords = map[string]string{patch.WhoMaintainer: "a maintainer must act", patch.WhoAuthor: "the author must act", patch.WhoCI: "checks run", patch.WhoNobody: "done", "*": "all series"}

var checkWords = map[string]string{patch.ChecksGreen: "all checks green", patch.ChecksFail: "a check fails", patch.ChecksWarn: "a check warns or fails", patch.ChecksPending: "a check is pending",
	patch.ChecksNone: "no checks"}

var commentWords = map[string]string{patch.CommentsOpen: "a comment is not addressed", patch.CommentsSome: "with comments", patch.CommentsNone: "without comments"}

// chips are the parts of the filter, in words.
// where says in which projects a queue over several is.
func (w workPage) where() string {
	switch {
	case w.queue.Personal:
		return "In all projects."
	case len(w.of) == 0:
		return "You maintain no project, and no open patch is delegated to you."
	case len(w.of) == patch.MaxOwnProjects:
		return fmt.Sprintf("In the first %d projects that you maintain, or where an open patch is delegated to you.", patch.MaxOwnProjects)
	case len(w.of) == 1:
		return "In the one project that you maintain, or where an open patch is delegated to you."
	}
	return fmt.Sprintf("In the %d projects that you maintain, or where an open patch is delegated to you.", len(w.of))
}

// wordsChip stands before the words that are looked for.
func wordsChip(pasted bool) string {
	if pasted {
		return "message "
	}
	return "name has "
}

func (w workPage) chips() []chip {
	var out []chip
	add := func(key, text string) {
		if text != "" && w.query.Get(key) != "" {
			out = append(out, chip{text, w.with(key, "")})
		}
	}
	f := w.form
	add("who", whoWords[f.Who])
	add("q", inQuotes(wordsChip(f.Pasted), f.Words))
	add("submitter", w.submitter())
	add("delegate", inQuotes("delegate ", f.Delegate))
	add("since", prefixed("sent since ", spanText(f.Since)))
	add("before", prefixed("sent before ", spanText(f.Before)))
	if f.Idle != "" {
		add("idle", "silent for "+f.Idle+" days")
	}
	for _, id := range f.States {
		out = append(out, chip{"state " + chosen(stateChoices(w.words), []string{id}), w.without("state", id)})
	}
	return append(out, f.chips(w.address, w.words, "all ", "none ")...)
}

// submitter says whose series are listed: a number in the address is somebody's, whose name the rows have.
func (w workPage) submitter() string {
	for _, r := range w.page.Rows {
		if w.form.Submitter == fmt.Sprint(r.Submitter) {
			return "by " + person(r.SubmitterName, r.SubmitterMail)
		}
	}
	return inQuotes("submitter ", w.form.Submitter)
}

func prefixed(before, s string) string {
	if s == "" {
		return ""
	}
	return before + s
}

func inQuotes(before, s string) string {
	if s == "" {
		return ""
	}
	return before + "“" + visible(s) + "”"
}

// wordFor is the word for so many of something.
func wordFor(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// actor says who must act on a series: a delegate by name.
func actor(r *patch.WorkRow) string {
	switch r.Lane.Who() {
	case patch.WhoMaintainer:
		if len(r.DelegateNames) > 0 {
			return "delegate"
		}
		return "maintainer"
	case patch.WhoAuthor:
		return "author"
	case patch.WhoCI:
		return "CI"
	}
	return "–"
}

var laneTitles = map[patch.Lane]string{patch.LaneNew: "Needs a first review", patch.LaneReview: "In review", patch.LaneReady: "Reviewed and green", patch.LaneAuthor: "Waits for its author",
	patch.LaneChecks: "Waits for checks", patch.LaneDone: "Nothing is to be done"}

func laneTitle(l patch.Lane) string { return laneTitles[l] }

// states says in which states the patches of a series are.
func states(words patch.Vocabulary, r *patch.WorkRow) string {
	all := r.StateCounts()
	if len(all) == 1 {
		return words.StateName(all[0].ID)
	}
	var out []string
	for _, t := range all {
		out = append(out, strconv.Itoa(t.Patches)+" "+words.StateName(t.ID))
	}
	return strings.Join(out, ", ")
}

func tallied(list []patch.Tally, id int64) int {
	for _, t := range list {
		if t.ID == id {
			return t.Patches
		}
	}
	return 0
}

// ofPatches says how many patches have a tag.
func ofPatches(tag string, n, patches int) string {
	return tag + ": " + strconv.Itoa(n) + " of " + strconv.Itoa(patches) + " patches"
}

func joined(names []string) string { return strings.Join(names, ", ") }

// versionShown tells whether a row must say its version: names of series without a cover letter do so themselves.
func versionShown(r *patch.WorkRow) bool {
	if r.Version <= 1 {
		return false
	}
	prefix, _, _ := strings.Cut(r.Name, "]")
	return !strings.Contains(prefix, "v"+strconv.Itoa(r.Version))
}
