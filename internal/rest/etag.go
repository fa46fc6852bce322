// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strings"
)

// etag is a strong entity tag (RFC 9110, 8.8.3) of an answer: it is another one when a byte of the body or a link is another.
func etag(body []byte, links string) string {
	h := sha256.New()
	h.Write(body)
	if links != "" {
		io.WriteString(h, "\n"+links)
	}
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15]) + `"`
}

// matches tells whether a list of entity tags, as If-Match and If-None-Match have it, names tag or is *. weak says that W/ before one makes no
// difference (RFC 9110, 13.1.2), else such a one names nothing (13.1.1).
func matches(values []string, tag string, weak bool) bool {
	for _, value := range values {
		for rest := strings.TrimLeft(value, " \t,"); rest != ""; rest = strings.TrimLeft(rest, " \t,") {
			if rest[0] == '*' {
				return true
			}
			named, isWeak := strings.CutPrefix(rest, "W/")
			end := strings.IndexByte(strings.TrimPrefix(named, `"`), '"')
			if !strings.HasPrefix(named, `"`) || end < 0 {
				break // no list of tags: the rest of it says nothing
			}
			if named[:end+2] == tag && (weak || !isWeak) {
				return true
			}
			rest = named[end+2:]
		}
	}
	return false
}

// mostVersions is how many answers a process remembers the tags of: about 1 MB.
const mostVersions = 8192

// version is what is remembered of an answer: while the database has the stamp, the answer has the tag.
type version struct{ stamp, tag string }

// question is a hash of all that an answer depends on but the database.
type question [sha256.Size]byte

// questionOf hashes texts so that no two lists of them run together.
func questionOf(parts ...string) (q question) {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		io.WriteString(h, p)
	}
	h.Sum(q[:0])
	return q
}
