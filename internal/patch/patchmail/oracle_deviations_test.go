// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"patchwork.example/pw/internal/format/diff"
	"patchwork.example/pw/internal/format/mailmsg"
)

// deviation is a reason why ours differs from what Django Patchwork made of a mail. holds looks at the mail and at both results, and says yes only
// if ours is what the reason asks for. docs/deviations.md tells users of it.
type deviation struct {
	name   string
	fields []string
	worse  bool // a difference that we know and do not like
	holds  func(difference) bool
}

func (dev deviation) explains(d difference) bool {
	return slices.Contains(dev.fields, d.field) && d.mail != nil && dev.holds(d)
}

func deviationNamed(name string) deviation {
	return deviations[slices.IndexFunc(deviations, func(dev deviation) bool { return dev.name == name })]
}

// deviations do not overlap: what two of them explain is as open as what none does.
var deviations = []deviation{
	{"a reply with a foreign prefix is a comment", []string{"kind"}, false, func(d difference) bool {
		return foreignReply.MatchString(d.mail.Header.Get("Subject")) && d.theirs == "patch" && d.ours == "comment" && d.o.Parent == d.nearest()
	}},
	{"a comment that came before what it answers is kept", []string{"kind"}, false, func(d difference) bool {
		return d.theirs == dropped && d.ours == "comment" && d.mail.Header.Has("Subject") && !mislabelled(d.mail) && d.c.early(d.mail) && d.o.Parent == d.nearest()
	}},
	{"a mail without a Subject header is kept", []string{"kind"}, false, func(d difference) bool {
		return d.theirs == dropped && d.ours == "comment" && !d.mail.Header.Has("Subject") && d.o.Parent == d.nearest()
	}},
	{"the nearest mail that is answered counts", []string{"parent"}, false, func(d difference) bool {
		return d.ours == d.nearest()
	}},
	{"tags of comments that Django dropped, or filed elsewhere", []string{"tags"}, false, func(d difference) bool {
		return d.theirs == fmt.Sprint(d.c.tagsAsDjango(d.id)) && d.theirs != fmt.Sprint(d.c.tags(d.id, "")) && maps.Equal(d.o.Tags, d.c.tags(d.id, d.o.cover))
	}},
	{"tags of the cover letter count for every patch", []string{"tags"}, false, func(d difference) bool {
		return d.theirs == fmt.Sprint(d.c.tags(d.id, "")) && maps.Equal(d.o.Tags, d.c.tags(d.id, d.o.cover))
	}},
	{"the list's own address hides the sender", []string{"submitter"}, false, func(d difference) bool {
		return d.theirs == erofsEmail && d.ours != erofsEmail && d.mail.names(d.ours)
	}},
	{"a relay's address hides the sender", []string{"submitter"}, false, func(d difference) bool {
		return d.theirs == "devnull+"+strings.ReplaceAll(d.ours, "@", ".")+"@kernel.org" && d.mail.names(d.ours)
	}},
	{"one mail under another name renames nobody", []string{"submitter name"}, false, func(d difference) bool {
		var names []string
		for _, m := range d.c.archive.bySent[strings.ToLower(d.o.Submitter[0])] {
			if m.from.Name != "" {
				names = append(names, m.from.Name)
			}
		}
		return slices.Contains(names, d.ours) && withoutSpace(names[len(names)-1]) == withoutSpace(d.theirs)
	}},
	{"a name that is known only by the list's rewriting", []string{"submitter name"}, false, func(d difference) bool {
		var names []string
		for _, m := range d.c.archive.bySent[strings.ToLower(d.o.Submitter[0])] {
			if strings.Contains(m.Header.Get("From"), erofsEmail) {
				names = append(names, m.from.Name)
			} else if m.from.Name != "" {
				return false
			}
		}
		return d.theirs == "" && slices.Contains(names, d.ours)
	}},
	{"a text in another charset than its label is kept", []string{"kind"}, false, func(d difference) bool {
		return d.theirs == dropped && d.ours == "comment" && mislabelled(d.mail) && d.o.Parent == d.nearest()
	}},
	{"format=flowed is undone", []string{"content", "diff", "hash"}, false, func(d difference) bool {
		text := d.mail.text()
		_, patch := diff.Split([]byte(text))
		before, _, _ := strings.Cut(text, "\ndiff --git ")
		flowed := strings.Contains(strings.ToLower(d.mail.Header.Get("Content-Type")), "format=flowed")
		joined := !diff.Sound(patch) && diff.Sound([]byte(d.o.diff)) && slices.Equal(strings.Fields(d.o.content), strings.Fields(before))
		bare, stuffed := mailmsg.Unstuff(text) // a space stood before each line that began with one
		comment, inside := diff.Split([]byte(bare))
		stuffed = stuffed && string(inside) == d.o.diff && diff.Clean(string(comment)) == d.o.content
		return flowed && deref(d.t.DiffSHA1) == *sum(string(patch)) && d.ownHash() && (joined || stuffed)
	}},
	{"the spaces of format=flowed are taken out of a text", []string{"content"}, false, func(d difference) bool {
		return d.o.content == cutAsDjango(d.o.content) && d.unstuffed(d.o.content)
	}},
	{"a line of the text that begins like a diff is text", []string{"content", "diff", "hash"}, false, func(d difference) bool {
		text := d.mail.text()
		before, _, _ := strings.Cut(text, "\ndiff --git ")
		return notADiff.MatchString(text) && d.o.content == strings.TrimSpace(before) && strings.HasPrefix(text[len(before)+1:], d.o.diff) && d.ownHash()
	}},
	{"a line of underscores does not end the text", []string{"content"}, false, func(d difference) bool {
		cut := cutAsDjango(d.o.content)
		return cut != strings.TrimSpace(d.o.content) && d.theirs == *sum(cut) && (d.mail.says(d.o.content) || d.mail.says(indented.ReplaceAllString(d.o.content, " $0")))
	}},
	{"a footer may end with CR and LF", []string{"content"}, false, func(d difference) bool {
		whole, _ := diff.Split([]byte(d.mail.text()))
		text := strings.TrimSpace(strings.ReplaceAll(string(whole), "\r\n", "\n"))
		if d.mail.subject.Reply {
			text = strings.TrimSpace(strings.ReplaceAll(d.mail.text(), "\r\n", "\n"))
		}
		return footerCR.MatchString(d.mail.text()) && d.theirs == *sum(text) && strings.HasPrefix(text, d.o.content)
	}},
	{"the first line keeps its indentation", []string{"content"}, false, func(d difference) bool {
		return d.theirs == *sum(strings.TrimSpace(d.o.content)) && d.mail.says(d.o.content)
	}},
	{"the quotes of mboxrd are taken off", []string{"content"}, false, func(d difference) bool {
		return d.theirs == *sum(fromLine.ReplaceAllString(d.o.content, ">$0")) && d.mail.says(d.o.content)
	}},
	{"an S/MIME part is opened", []string{"kind"}, false, func(d difference) bool {
		return d.theirs == dropped && d.ours == "comment" && strings.Contains(d.mail.Header.Get("Content-Type"), "pkcs7-mime") && d.o.Parent == d.nearest()
	}},
	{"a patch is attached as another type", []string{"kind"}, false, func(d difference) bool {
		return d.theirs == dropped && d.ours == "patch" && diff.Sound([]byte(d.o.diff)) && d.mail.attached(d.o.diff)
	}},
	{"versions of a series are apart", seriesFields, false, func(d difference) bool {
		return d.asMarked() && !d.c.oneVersion(d.t.series)
	}},
	{"a series that Django split is whole", seriesFields, false, func(d difference) bool {
		return d.t.series != d.o.series && d.asMarked() && d.c.oneVersion(d.t.series) && within(d.t.series, d.o.series)
	}},
	{"a cover letter and a patch that answer different mails stay apart", []string{"series", "cover"}, true, func(d difference) bool {
		patch, cover := d.c.archive.mails[last(d.t.series)], d.c.archive.mails[d.t.cover]
		apart := patch != nil && cover != nil && len(patch.refs) > 0 && len(cover.refs) > 0 && !slices.Contains(patch.refs, cover.refs[0]) && !slices.Contains(cover.refs, patch.refs[0])
		return apart && (d.field == "series" && d.mail == cover && d.ours == "" || d.field == "cover" && d.mail == patch && d.ours == "" && d.o.series == d.t.series)
	}},
	{"more of a run that names two totals is together", []string{"series"}, false, func(d difference) bool {
		siblings := d.c.archive.siblings(d.mail)
		return d.o.series != siblings && d.t.series != d.o.series && within(d.t.series, d.o.series) && within(d.o.series, siblings)
	}},
	{"PATCHv2 names a version", []string{"version"}, false, func(d difference) bool {
		named := joined.FindStringSubmatch(d.mail.Header.Get("Subject"))
		return d.theirs == "1" && d.t.series == d.o.series && named != nil && d.ours == named[1]
	}},
	{"a series has the version that only some of its mails name", []string{"version"}, false, func(d difference) bool {
		named := 1
		for id := range strings.FieldsSeq(d.o.series) {
			if m := d.c.archive.mails[id]; m != nil {
				named = max(named, m.subject.Version)
			}
		}
		return d.t.series == d.o.series && !d.c.oneVersion(d.o.series) && d.ours == fmt.Sprint(named)
	}},
}

var seriesFields = []string{"series", "version", "total", "cover"}

var (
	foreignReply = regexp.MustCompile(`^(回复|答复)\s*[:：]`)
	footer       = regexp.MustCompile(`(?m)^(-- |_+)$`)
	footerCR     = regexp.MustCompile(`(?m)^(-- |_+)\r$`)
	fromLine     = regexp.MustCompile(`(?m)^>*From `)
	joined       = regexp.MustCompile(`(?i)\[[^]]*\b(?:PATCH|RFC)v(\d+)\b`)
	notADiff     = regexp.MustCompile(`(?m)^(diff |Index: )(--git [^a]|[^-])`)
	tagPatterns  = map[string]*regexp.Regexp{
		"Acked-by": regexp.MustCompile(`(?mi)^Acked-by:`), "Reviewed-by": regexp.MustCompile(`(?mi)^Reviewed-by:`), "Tested-by": regexp.MustCompile(`(?mi)^Tested-by:`),
	}
)

// nearest is the patch or cover letter of the nearest mail that the mail answers and that is here.
func (d difference) nearest() string {
	for _, ref := range d.mail.refs {
		switch o, ok := d.c.have[ref]; {
		case ok && o.Kind == "comment":
			return o.Parent
		case ok:
			return ref
		}
	}
	return ""
}

// early tells whether Django had nothing that the mail answers when it came.
func (c *comparison) early(m *archived) bool {
	for _, ref := range m.refs {
		if x := c.archive.mails[ref]; x != nil && x.arrival < m.arrival && c.theirsHave(ref) {
			return false
		}
	}
	return true
}

// tags counts in a patch, its comments, and the cover letter and its comments (empty: none).
func (c *comparison) tags(patch, cover string) map[string]int {
	texts := append([]string{c.have[patch].content}, c.replies[patch]...)
	if cover != "" {
		texts = append(append(texts, c.have[cover].content), c.replies[cover]...)
	}
	return countTags(texts)
}

// tagsAsDjango counts in a patch and the comments that Django has on it.
func (c *comparison) tagsAsDjango(patch string) map[string]int {
	return countTags(append([]string{c.have[patch].content}, c.theirs[patch]...))
}

func countTags(texts []string) map[string]int {
	out := map[string]int{}
	for name, pattern := range tagPatterns {
		for _, text := range texts {
			out[name] += len(pattern.FindAllString(text, -1))
		}
		if out[name] == 0 {
			delete(out, name)
		}
	}
	return out
}

// names tells whether an address stands in a header or in the first line of the text.
func (m *archived) names(address string) bool {
	for _, f := range []string{"Reply-To", "Cc", "X-Original-From", "X-Mailman-Original-From", "X-Google-Original-From", "Author"} {
		for _, v := range m.Header.All(f) {
			if strings.Contains(strings.ToLower(v), address) {
				return true
			}
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(m.text()), "\n")
	return strings.HasPrefix(first, "From: ") && strings.Contains(strings.ToLower(first), address)
}

// ownHash tells whether our hash is that of our diff.
func (d difference) ownHash() bool {
	return diff.Hash(d.o.diff) == deref(d.o.Hash) && *sum(d.o.diff) == deref(d.o.DiffSHA1)
}

// cutAsDjango ends a text at the first line that is a signature's mark or a rule of underscores.
func cutAsDjango(text string) string {
	if i := footer.FindStringIndex(text); i != nil {
		text = text[:i[0]]
	}
	return strings.TrimSpace(text)
}

// says tells whether the lines of a text stand in the mail, in this order.
func (m *archived) says(text string) bool {
	lines := strings.Split(text, "\n")
	for i := range m.Parts {
		whole, _ := m.Parts[i].Text()
		for line := range strings.Lines(strings.ReplaceAll(whole, "\r\n", "\n")) {
			if len(lines) > 0 && strings.TrimRight(line, "\n \t") == strings.TrimRight(lines[0], " \t") {
				lines = lines[1:]
			}
		}
	}
	return len(lines) == 0
}

// attached tells whether a diff stands in a part that Django does not look at.
func (m *archived) attached(patch string) bool {
	for i := range m.Parts {
		switch m.Parts[i].Type {
		case "text/plain", "text/x-patch", "text/x-diff":
		default:
			if bytes.Contains(m.Parts[i].Body, []byte(strings.TrimSpace(patch))) {
				return true
			}
		}
	}
	return false
}

// last is the last word.
func last(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return ""
	}
	return words[len(words)-1]
}

// unstuffed tells whether a text is what Django has without the spaces of format=flowed: one less in lines that begin with two, " >" or " From ", and nothing else.
func (d difference) unstuffed(ours string) bool {
	flowed := strings.Contains(strings.ToLower(d.mail.Header.Get("Content-Type")), "format=flowed")
	theirs := cutAsDjango(strings.ReplaceAll(d.mail.text(), "\r\n", "\n"))
	return flowed && d.theirs == *sum(theirs) && oneSpaceLess(theirs, ours)
}

var (
	stuffed  = regexp.MustCompile(`^ ( |>|From )`)
	indented = regexp.MustCompile(`(?m)^ +`)
)

// oneSpaceLess tells whether b is a without the first space of each line that begins with one, and whether such lines are those that format=flowed makes.
func oneSpaceLess(a, b string) bool {
	was, is := strings.Split(a, "\n"), strings.Split(b, "\n")
	if len(was) != len(is) {
		return false
	}
	n := 0
	for i, line := range was {
		if i == 0 && strings.TrimLeft(line, " ") == strings.TrimLeft(is[i], " ") { // Django trims it
			continue
		}
		bare, begins := strings.CutPrefix(line, " ")
		if bare != is[i] || begins && !stuffed.MatchString(line) {
			return false
		}
		if begins {
			n++
		}
	}
	return n > 0
}

func withoutSpace(s string) string { return strings.Join(strings.Fields(s), "") }

// mislabelled tells whether the text is UTF-8 but labelled as something else.
func mislabelled(m *archived) bool {
	charset := regexp.MustCompile(`charset="?([-\w]+)`).FindStringSubmatch(strings.ToLower(m.Header.Get("Content-Type")))
	return charset != nil && charset[1] != "utf-8" && len(m.Parts) == 1 && !ascii(m.Parts[0].Body) && utf8.Valid(m.Parts[0].Body)
}

func ascii(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= utf8.RuneSelf })
}

// asMarked tells whether our series is what the sender marked as one: all patches of his with this version and total, sent within an hour in
// one run or one thread, one for each number; and whether its version and total are those.
func (d difference) asMarked() bool {
	s := d.mail.subject
	return d.o.series == d.c.archive.siblings(d.mail) && d.o.version == s.Version && d.o.total == max(s.Total, 1)
}

// siblings is the series of a patch as readSite writes it.
func (a *archive) siblings(m *archived) string {
	var ids []string
	for _, x := range a.bySent[m.from.Email] {
		if x == m || x.subject.Numbered && x.subject.Number > 0 && !x.subject.Reply && x.subject.Version == m.subject.Version && x.subject.Total == m.subject.Total &&
			x.date.Sub(m.date).Abs() <= time.Hour && m.near(x) {
			ids = append(ids, fmt.Sprintf("%d %s", max(x.subject.Number, 1), x.id))
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// near tells whether two mails belong to one run of git-send-email or one thread.
func (m *archived) near(x *archived) bool {
	run := func(m *archived) string { s, _, _ := strings.Cut(m.id, "-"); return s }
	last := func(m *archived) string {
		if len(m.refs) == 0 {
			return m.id
		}
		return m.refs[len(m.refs)-1]
	}
	return run(m) == run(x) || last(m) == last(x)
}

// oneVersion tells whether all patches of a series name the same version.
func (c *comparison) oneVersion(series string) bool {
	versions := map[int]bool{}
	for id := range strings.FieldsSeq(series) {
		if m := c.archive.mails[id]; m != nil {
			versions[m.subject.Version] = true
		}
	}
	return len(versions) <= 1
}

// within tells whether one series is a part of another.
func within(part, whole string) bool {
	for _, id := range strings.Fields(part) {
		if !slices.Contains(strings.Fields(whole), id) {
			return false
		}
	}
	return true
}
