// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"strings"

	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/patch/patchmail"
)

// command is a line to be copied, and what it is.
type command struct{ label, text string }

// commands are what people take from the page of a patch or cover letter to where they work.
func (p mailPage) commands() []command {
	var out []command
	if p.patch != nil {
		out = append(out, command{"Number", fmt.Sprint(p.patch.ID)})
	}
	out = append(out, idCommands(p.mail.MsgID)...)
	path := p.base + patch.PagePath(p.project.Linkname, p.kind(), p.mail.MsgID) + "mbox/"
	switch {
	case p.patch != nil:
		return append(out, command{"git-pw", fmt.Sprintf("git-pw patch apply %d", p.patch.ID)}, command{"curl", applyCommand(path)})
	case p.series != nil:
		return append(out, seriesCommands(p.base, p.series.ID)...)
	}
	return out
}

// seriesCommands apply a whole series.
func seriesCommands(base string, id int64) []command {
	return []command{{"git-pw", fmt.Sprintf("git-pw series apply %d", id)}, {"curl", applyCommand(fmt.Sprintf("%s/series/%d/mbox/", base, id))}}
}

// idCommands are a Message-ID and what b4 does with it.
func idCommands(msgid string) []command {
	id := strings.Trim(msgid, "<>")
	if visible(id) != id || id == "" {
		return nil
	}
	b4 := "b4 am "
	if id[0] == '-' {
		b4 += "-- " // it is no option
	}
	return []command{{"Message-ID", id}, {"b4", b4 + patchmail.ShellWord(id)}}
}

// applyCommand gives the mails at an address to git.
func applyCommand(address string) string {
	return "curl -sSf " + patchmail.ShellWord(address) + " | git am"
}
