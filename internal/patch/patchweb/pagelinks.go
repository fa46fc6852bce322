// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/url"
	"strings"

	"patchwork.example/pw/internal/project"
)

// archiveURL is where the list's archive shows a mail; empty: the project has none.
func archiveURL(pr project.Project, msgid string) string {
	if pr.ListArchiveURLFormat == "" {
		return ""
	}
	return safeLink(strings.ReplaceAll(pr.ListArchiveURLFormat, "{}", url.PathEscape(strings.Trim(msgid, "<>"))))
}

func commitURL(pr project.Project, commit string) string {
	if pr.CommitURLFormat == "" {
		return ""
	}
	return safeLink(strings.ReplaceAll(pr.CommitURLFormat, "{}", url.PathEscape(commit)))
}

// safeLink is the address if it leads to the web and nowhere else, else empty: addresses come by mail.
func safeLink(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}
