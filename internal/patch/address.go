// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"net/url"
	"strconv"
	"strings"
)

// PagePath is the path of the page of a patch or cover letter (kind KindPatch or KindCover), the same wherever it is written.
func PagePath(linkname, kind, msgid string) string {
	return "/project/" + url.PathEscape(linkname) + "/" + kind + "/" + PathID(msgid) + "/"
}

// NumberPath is the short address of the page of a patch or a cover letter, which leads to that of PagePath.
func NumberPath(kind string, id int64) string {
	return "/" + kind + "/" + strconv.FormatInt(id, 10) + "/"
}

// PathID is a Message-ID as one part of a path. A slash is escaped twice, as Patchwork 3.2 does it, and so are dots that would be taken for a way up. If the
// Message-ID itself has "%2F", all of it is escaped twice, so that no two have the same path: in 3.2 that is a slash, too.
func PathID(msgid string) string {
	id := strings.TrimSuffix(strings.TrimPrefix(msgid, "<"), ">")
	if strings.Contains(id, "%2F") {
		id = strings.ReplaceAll(id, "%", "%25")
	}
	id = strings.ReplaceAll(id, "/", "%2F")
	if id == "." || id == ".." {
		id = strings.ReplaceAll(id, ".", "%2E")
	}
	if id = url.PathEscape(id); strings.Contains(id, "%") {
		id = plain.Replace(id)
	}
	return id
}

// plain puts back what url.PathEscape escapes and RFC 3986 allows in a path, and Patchwork 3.2 leaves.
var plain = strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";")

// BundlePath is the path of the page of a bundle, by the names of its owner and itself.
func BundlePath(owner, name string) string {
	return "/bundle/" + plain.Replace(url.PathEscape(owner)) + "/" + plain.Replace(url.PathEscape(name)) + "/"
}
