// SPDX-License-Identifier: GPL-2.0-or-later

package etag

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strings"

	"patchwork.example/pw/internal/base/recent"
)

// Of is a strong entity tag (RFC 9110, 8.8.3) of an answer: it is another one when a byte of the body or a link is another.
func Of(body []byte, links string) string {
	h := sha256.New()
	h.Write(body)
	if links != "" {
		io.WriteString(h, "\n"+links)
	}
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15]) + `"`
}

// Matches tells whether a list of entity tags, as If-Match and If-None-Match have it, names tag or is *. weak says that W/ before one makes no
// difference (RFC 9110, 13.1.2), else such a one names nothing (13.1.1).
func Matches(values []string, tag string, weak bool) bool {
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

// most is how many answers are remembered: about 1 MB.
const most = 8192

// version is what is remembered of an answer: while the database has the stamp, the answer has the tag.
type version struct{ stamp, tag string }

// Question is a hash of all that an answer depends on but the database.
type Question [sha256.Size]byte

// Ask hashes texts so that no two lists of them run together.
func Ask(parts ...string) (q Question) {
	h := sha256.New()
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		io.WriteString(h, p)
	}
	h.Sum(q[:0])
	return q
}

// Memory knows the tags of the answers that were given last, each with the stamp that the database had before the answer was made (sqldb.DB.Stamp). It is
// safe for concurrent use.
type Memory struct {
	versions *recent.Memory[Question, version]
}

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{recent.New[Question, version](most)} }

// Known is the tag of the answer, if nothing was committed since it was given.
func (m *Memory) Known(q Question, stamp string) (tag string, ok bool) {
	v, ok := m.versions.Get(q)
	return v.tag, ok && v.stamp == stamp
}

// Keep remembers the tag of an answer.
func (m *Memory) Keep(q Question, stamp, tag string) { m.versions.Put(q, version{stamp, tag}) }
