// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"patchwork.example/pw/internal/format/diff"
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
		return d.theirs == fmt.Sprint(d.c.tagsAsDjango(d.id)) && d.ours == fmt.Sprint(d.c.tags(d.id, "")) && maps.Equal(d.o.Tags, d.c.tags(d.id, d.o.cover))
	}},
	{"the list's own address hides the sender", []string{"submitter"}, false, func(d difference) bool {
		return d.theirs == erofsEmail && d.ours != erofsEmail && d.mail.names(d.ours)
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
		return flowed && deref(d.t.DiffSHA1) == *sum(string(patch)) && !diff.Sound(patch) && diff.Sound([]byte(d.o.diff)) && d.ownHash() &&
			slices.Equal(strings.Fields(d.o.content), strings.Fields(before))
	}},
	{"a line of the text that begins like a diff is text", []string{"content", "diff", "hash"}, false, func(d difference) bool {
		text := d.mail.text()
		before, _, _ := strings.Cut(text, "\ndiff --git ")
		return notADiff.MatchString(text) && d.o.content == strings.TrimSpace(before) && strings.HasPrefix(text[len(before)+1:], d.o.diff) && d.ownHash()
	}},
	{"versions of a series are apart", seriesFields, false, func(d difference) bool {
		return d.asMarked() && !d.c.oneVersion(d.t.series)
	}},
	{"a series that Django split is whole", seriesFields, false, func(d difference) bool {
		return d.asMarked() && d.c.oneVersion(d.t.series) && within(d.t.series, d.o.series)
	}},
}

var seriesFields = []string{"series", "version", "total", "cover"}

var (
	foreignReply = regexp.MustCompile(`^(回复|答复)\s*[:：]`)
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
	texts := []string{c.have[patch].content}
	if cover != "" {
		texts = append(texts, c.have[cover].content)
	}
	for _, o := range c.have {
		if o.Kind == "comment" && (o.Parent == patch || cover != "" && o.Parent == cover) {
			texts = append(texts, o.content)
		}
	}
	return countTags(texts)
}

// tagsAsDjango counts in a patch and the comments that Django has on it.
func (c *comparison) tagsAsDjango(patch string) map[string]int {
	texts := []string{c.have[patch].content}
	for id, list := range c.want.Comments {
		if list[0].Parent == patch {
			texts = append(texts, c.have[id].content)
		}
	}
	return countTags(texts)
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
