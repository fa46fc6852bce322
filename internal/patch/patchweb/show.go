// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

type member = project.Member

// shown is a name that came by mail as a page may show it: never empty, and without characters that turn the text around them.
func shown(name string) string {
	name = visible(name)
	if strings.TrimSpace(name) == "" {
		return "(no subject)"
	}
	return name
}

func visible(s string) string { return web.Visible(s) }

func person(name, mail string) string {
	if strings.TrimSpace(name) == "" {
		return shown(mail)
	}
	return shown(name)
}

func day(t clock.Time) string    { return t.Time().Format("2006-01-02") }
func minute(t clock.Time) string { return t.Time().Format("2006-01-02 15:04") + " UTC" }

func seriesURL(linkname string, id int64) string {
	return "/project/" + url.PathEscape(linkname) + "/series/" + strconv.FormatInt(id, 10) + "/"
}

func columns(tags []patch.Tag) []patch.Tag {
	var out []patch.Tag
	for _, t := range tags {
		if t.ShowColumn {
			out = append(out, t)
		}
	}
	return out
}

func tagHead(tags []patch.Tag) string {
	var s []string
	for _, t := range columns(tags) {
		s = append(s, t.Abbrev)
	}
	return strings.Join(s, " ")
}

func tagTitle(tags []patch.Tag) string {
	var s []string
	for _, t := range columns(tags) {
		s = append(s, t.Name)
	}
	return strings.Join(s, ", ")
}

var checkStates = [...]string{"pending", "success", "warning", "fail"}

func checkState(n int) string {
	if n < 0 || n >= len(checkStates) {
		return fmt.Sprint(n)
	}
	return checkStates[n]
}

func checkText(k patch.CheckRow) string {
	if k.Description != "" {
		return shown(k.Description)
	}
	if k.TargetURL != "" {
		return shown(k.TargetURL)
	}
	return "-"
}

// received tells how much of a series is here.
func received(s *patch.SeriesDetail) string {
	if s.Received >= s.Total {
		return fmt.Sprintf("%d of %d", s.Received, s.Total)
	}
	return fmt.Sprintf("%d of %d, incomplete", s.Received, s.Total)
}

// place is where a patch stands in its series.
func place(r *patch.Row) string {
	if r.Number > 0 {
		return strconv.Itoa(r.Number) + "/" + strconv.Itoa(r.Total)
	}
	return "of " + strconv.Itoa(r.Total)
}

// seriesTitle is the name of the series a patch is in, unless it is the patch's own.
func seriesTitle(r *patch.Row) string {
	if r.SeriesName == "" || r.SeriesName == r.Name {
		return ""
	}
	return shown(r.SeriesName)
}

func supersededNotice(patches int) string {
	if patches == 1 {
		return "One patch became superseded when a newer version came."
	}
	return fmt.Sprintf("%d patches became superseded when a newer version came.", patches)
}

// versionState is the state of another series in words.
func versionState(words patch.Vocabulary, v patch.Version) string {
	if v.State == 0 {
		return "mixed states"
	}
	return words.StateName(v.State)
}

// needText says what a series needs that is not here.
func needText(n patch.Need) string {
	switch n.Kind {
	case patch.NeedMessage:
		return "a mail that is not here yet"
	case patch.NeedChange:
		return "a change that is not here yet"
	case patch.NeedPatch:
		return "a patch that is not here yet"
	}
	return "not here"
}

func mailsText(n int) string {
	if n == 1 {
		return "1 mail"
	}
	return fmt.Sprintf("%d mails", n)
}
