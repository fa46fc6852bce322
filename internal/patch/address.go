// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"net/url"
	"strings"
)

// PagePath is the path of the page of a patch or cover letter (kind KindPatch or KindCover), the same wherever it is written. The slash of a
// Message-ID is escaped twice, as Patchwork 3.2 does it, and so are dots that would be taken for a way up.
func PagePath(linkname, kind, msgid string) string {
	id := strings.TrimSuffix(strings.TrimPrefix(msgid, "<"), ">")
	id = strings.ReplaceAll(id, "/", "%2F")
	if id == "." || id == ".." {
		id = strings.ReplaceAll(id, ".", "%2E")
	}
	return "/project/" + url.PathEscape(linkname) + "/" + kind + "/" + url.PathEscape(id) + "/"
}
