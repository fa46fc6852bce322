// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"strings"

	"github.com/a-h/templ"

	"patchwork.example/pw/internal/patch"
)

// checksSummary counts results, the worst first: "1 fail, 3 success".
func checksSummary(checks []patch.CheckRow) string {
	var n [len(checkStates)]int
	for _, k := range checks {
		if k.State >= 0 && k.State < len(n) {
			n[k.State]++
		}
	}
	var s []string
	for state := len(n) - 1; state >= 0; state-- {
		if n[state] > 0 {
			s = append(s, fmt.Sprintf("%d %s", n[state], checkStates[state]))
		}
	}
	return strings.Join(s, ", ")
}

// checkUser is who reported a check.
func checkUser(k patch.CheckRow) string {
	if k.User == "" {
		return "a deleted user"
	}
	return shown(k.User)
}

// checkRows are the rows of a table of checks, of which a patch may have hundreds.
func checkRows(checks []patch.CheckRow) templ.Component {
	return piece(func(m *markup) {
		for _, k := range checks {
			m.raw(`<tr><td class="s`).num(int64(k.State)).raw(`">`).text(checkState(k.State)).raw(`</td><td class="who" title="`).shown(k.Context).raw(`">`).shown(k.Context).raw(`</td><td class="name">`)
			if u := safeLink(k.TargetURL); u != "" {
				m.raw(`<a href="`).text(u).raw(`" rel="nofollow noreferrer">`).text(checkText(k)).raw(`</a>`)
			} else {
				m.text(checkText(k))
			}
			m.raw(`</td><td class="who">`).text(checkUser(k)).raw(`</td><td>`).minute(k.Date).raw(`</td></tr>`)
		}
	})
}
