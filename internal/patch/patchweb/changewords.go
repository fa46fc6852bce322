// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/web"
)

// becomes says what an undo does, or did.
func (v changeView) becomes() string {
	switch {
	case v.set.Bundle() != nil: // at once
		return "The bundle became what it was before, with the patches and the order it had; what somebody had changed in it since stays as it is"
	case v.set.Series() != nil && v.set.Ended():
		return "The series, and each patch that was changed with it, became what it was before, unless somebody had changed it since"
	case v.set.Series() != nil:
		return "The series, and each patch that was changed with it, becomes what it was before, unless somebody changed it since"
	case v.set.Ended():
		return "Each patch became what it was before, all of it, unless somebody had changed it since"
	}
	return "Each patch becomes what it was before, all of it, unless somebody changed it since"
}

func (v changeView) title() string {
	n := counted(v.set.Total)
	back := v.set.Undoes != 0
	switch {
	case v.set.State == patch.SetDraft:
		return "Change " + n + "?"
	case v.set.State == patch.SetWaiting && back:
		return "Taking back the change of " + n
	case v.set.State == patch.SetWaiting:
		return "Changing " + n
	case v.set.State == patch.SetCancelled:
		return "Cancelled after " + grouped(v.set.Done) + " of " + n
	case v.set.State == patch.SetFailed:
		return "Failed after " + grouped(v.set.Done) + " of " + n
	case back:
		return "Taken back"
	case v.set.Series() != nil:
		return "Series changed"
	case v.set.Bundle() != nil:
		return "Bundle changed"
	}
	return updated(v.set.Changed, v.wants)
}

// outcome tells what became of the patches that were looked at; what is what the change wants, empty: it stands elsewhere.
func outcome(s patch.ChangeSet, what string) string {
	text := updated(s.Changed, what)
	if backAgain(s) != "" {
		text = "Changed"
		if n := s.Patches(); n > 0 {
			text += ", with " + counted(n)
		}
	}
	if s.Undoes != 0 {
		switch itself := backAgain(s); {
		case s.Changed == 0:
			text = "Nothing was taken back"
		case itself != "":
			text = itself
		default:
			if text = grouped(s.Changed) + " patches are as they were before"; s.Changed == 1 {
				text = "1 patch is as it was before"
			}
			if what != "" {
				text += " (" + what + ")"
			}
		}
	}
	refused, lost, overtaken := s.Refused, s.Lost, s.Overtaken
	itself := "The bundle itself "
	if s.Series() != nil {
		itself = "The series itself "
	}
	switch s.Left() {
	case patch.LeftOvertaken:
		overtaken--
		text += ". " + itself + "was left alone, because somebody changed it since"
	case patch.LeftRefused:
		refused--
		text += ". " + itself + "is not yours to change"
	case patch.LeftLost:
		lost--
		text += ". " + itself + "is gone"
	}
	say := func(n int, named []int64, one, many string) {
		if n == 0 {
			return
		}
		if text += ". " + counted(n) + " "; len(named) > 0 {
			text += "(" + numbers(named, n) + ") "
		}
		if n == 1 {
			text += one
		} else {
			text += many
		}
	}
	say(refused, nil, "is not yours to change", "are not yours to change")
	say(lost, s.Gone(), "is gone, or can't be like that any more", "are gone, or can't be like that any more")
	say(overtaken, nil, "was left alone, because somebody changed it since", "were left alone, because somebody changed them since") // the last one: some are named behind it
	return text
}

// leftBy says who changed a patch that was left alone; empty: it can't be told.
func (v changeView) leftBy(l patch.Left) string {
	u := v.by[l.By]
	switch {
	case l.By != 0 && l.By == v.set.Actor:
		return "you"
	case u != nil:
		return shown(u.Username)
	case l.Via == patch.ViaVersion:
		return "a new version"
	case l.Via == account.CLI.Via:
		return "an administrator"
	}
	return ""
}

// maxLeftSaid is how many patches that were left alone a message names.
const maxLeftSaid = 3

// leftLinks names some of the patches that were left alone; more leads to all of them.
func (v changeView) leftLinks() (links []web.Link) {
	for _, l := range v.left[:min(len(v.left), maxLeftSaid)] {
		links = append(links, web.Link{Text: shown(l.Name), Path: patch.NumberPath("patch", l.ID), Note: v.leftBy(l)})
	}
	if more := v.set.Overtaken - len(links); more > 0 && len(links) > 0 {
		links = append(links, web.Link{Text: "and " + grouped(more) + " more", Path: v.url("")})
	}
	return links
}

// backAgain says what a series or a bundle itself is again; empty: the change was of patches only.
func backAgain(s patch.ChangeSet) string {
	b := s.Bundle()
	switch {
	case s.Left() != "":
		return ""
	case s.Series() != nil && s.Patches() > 0:
		return "The series and " + counted(s.Patches()) + " are as before"
	case s.Series() != nil:
		return "The series is as before"
	case b == nil:
		return ""
	case b.What == patch.BundleSet && b.Own:
		return "The bundle and " + counted(s.Patches()) + " are as before"
	}
	return map[string]string{patch.BundleRenamed: "The bundle is called " + shown(b.Name) + " again", patch.BundlePublished: "The bundle is public again",
		patch.BundleUnpublished: "The bundle is private again", patch.BundleMoved: "The bundle is in its project again"}[b.What]
}

// seriesDone says what was done to a series itself.
func seriesDone(e patch.SeriesEdit) string {
	var out []string
	if e.Version != nil {
		out = append(out, fmt.Sprintf("version %d", *e.Version))
	}
	if len(e.Metadata) > 0 {
		out = append(out, "metadata "+shown(strings.Join(e.Metadata, ", ")))
	}
	return "series: " + strings.Join(out, ", ")
}

// wants says in words what a change sets.
func wants(c patch.Change, words patch.Vocabulary, users map[int64]*account.User) string {
	var out []string
	if c.State != nil {
		out = append(out, "state: "+words.StateName(*c.State))
	}
	if c.Delegate != nil {
		who := "nobody"
		if u := users[*c.Delegate]; u != nil {
			who = shown(u.Username)
		} else if *c.Delegate != 0 {
			who = "somebody who is gone"
		}
		out = append(out, "delegate: "+who)
	}
	if c.Archived != nil {
		out = append(out, "archived: "+map[bool]string{true: "yes", false: "no"}[*c.Archived])
	}
	text := func(name string, s *string) {
		if s != nil && *s == "" {
			out = append(out, "no "+name)
		} else if s != nil {
			out = append(out, name+": "+shown(*s))
		}
	}
	text("commit", c.CommitRef)
	text("pull request", c.PullURL)
	return strings.Join(out, ", ")
}

// bundleDone says what was done to a bundle.
var bundleDone = map[string]string{patch.BundleCreated: "created", patch.BundleAdded: "patches added", patch.BundleRemoved: "patches removed", patch.BundleSet: "order or patches changed",
	patch.BundleDeleted: "deleted", patch.BundleRenamed: "renamed", patch.BundlePublished: "made public", patch.BundleUnpublished: "made private", patch.BundleMoved: "moved to another project"}

// soFar heads what became of the patches of a job.
func (v changeView) soFar() string {
	if v.set.Ended() {
		return "Result"
	}
	return "So far"
}

// doing is the state of a change in a list.
func (v changeView) doing() string {
	switch {
	case v.set.State == patch.SetWaiting:
		return fmt.Sprintf("under way, %d %%", v.percent())
	case v.set.State == patch.SetCancelled, v.set.State == patch.SetFailed:
		return v.set.State
	case v.set.UndoneBy != 0:
		return "taken back"
	case v.set.Overtaken > 0:
		return "done, " + grouped(v.set.Overtaken) + " left alone"
	}
	return "done"
}
