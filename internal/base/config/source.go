// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"net/url"
	"strings"
	"unicode"
)

func publicInboxes(to *[]PublicInbox) field {
	show := func(p PublicInbox) string {
		if p.ListID == "" {
			return p.Location
		}
		return p.Location + "=" + p.ListID
	}
	return field{kind: kindList, accepts: `a list of directories or addresses such as "https://lore.example.org/widgets/=widgets.lists.example.org"`,
		value: list[PublicInbox]{to, readPublicInbox, show}}
}

// maxLocation is the longest name of a source of mail, which is the key of its position.
const maxLocation = 255

// readPublicInbox takes a location and, behind the last =, a list id; a = with a slash after it belongs to the location. A comma would end it in
// the environment.
func readPublicInbox(s string) (PublicInbox, bool) {
	p := PublicInbox{Location: s}
	if i := strings.LastIndexByte(s, '='); i >= 0 && !strings.Contains(s[i:], "/") {
		p = PublicInbox{Location: s[:i], ListID: s[i+1:]}
		if p.ListID == "" || strings.ContainsAny(p.ListID, "<> ") {
			return p, false
		}
	}
	if p.Location == "" || len(p.Location) > maxLocation || strings.Contains(s, ",") || strings.ContainsFunc(s, unicode.IsControl) {
		return p, false
	}
	if !strings.Contains(p.Location, "://") {
		return p, true
	}
	u, err := url.Parse(p.Location)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return p, false
	}
	return p, u.Scheme == "file" || u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http" || u.Scheme == "git")
}
