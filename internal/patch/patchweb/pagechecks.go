// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"strings"

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
