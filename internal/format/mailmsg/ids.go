// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"slices"
	"strings"
)

// ID returns the Message-ID: the first <…> group with its brackets, else the whole trimmed value. It is "" when the header is missing or
// names nothing ("<>"), and is never cut.
func (m *Message) ID() string {
	for _, value := range m.Header.All("Message-Id") {
		if id := firstID(value); id != "" {
			return id
		}
	}
	return ""
}

// InReplyTo returns the first id of the first In-Reply-To header that has one, "" if none has. A value without brackets counts if it is a
// single word.
func (m *Message) InReplyTo() string {
	for _, value := range m.Header.All("In-Reply-To") {
		if id := parentID(value); id != "" {
			return id
		}
	}
	return ""
}

// References returns the ids of the mail's ancestors, the nearest first, none twice: the first id of every In-Reply-To header, then the
// References headers, each from its end. At most 1000. One that lacks its brackets stands there as it is written and with them.
func (m *Message) References() []string {
	var refs []string
	seen := make(map[string]bool)
	add := func(id string) {
		if strings.Trim(id, "<>") != "" && !seen[id] && len(refs) < maxReferences {
			seen[id] = true
			refs = append(refs, id)
		}
	}
	addBoth := func(id string) {
		add(id)
		if bare := strings.Trim(id, "<>,;"); !strings.HasPrefix(id, "<") && strings.Contains(bare, "@") {
			add("<" + bare + ">")
		}
	}
	for _, value := range m.Header.All("In-Reply-To") {
		addBoth(parentID(value))
	}
	for _, value := range m.Header.All("References") {
		for _, id := range slices.Backward(allIDs(value)) {
			addBoth(id)
		}
	}
	return refs
}

// maxListIDs bounds the lists that a mail may have come by.
const maxListIDs = 10

// ListIDs returns the ids of the mailing lists a mail claims to come from, in the order to try them: of the first List-ID, X-Mailing-List
// and X-list header, then of the other List-IDs, which a mail has that came by several lists; each the text between the last brackets, or the whole value if it is one word.
// Spelling as received.
func ListIDs(h Header) []string {
	var ids []string
	add := func(value string) {
		if id := listID(value); id != "" && len(ids) < maxListIDs && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, name := range [...]string{"List-ID", "X-Mailing-List", "X-list"} {
		add(h.Get(name))
	}
	for _, raw := range h.allRaw("List-ID") {
		add(Decode(raw))
	}
	return ids
}

func listID(value string) string {
	if end := strings.LastIndexByte(value, '>'); end >= 0 {
		if start := strings.LastIndexByte(value[:end], '<'); start >= 0 {
			id, _, _ := strings.Cut(value[start+1:], ">")
			return strings.TrimSpace(id)
		}
	}
	if strings.Contains(value, " ") {
		return ""
	}
	return value
}

// nextID finds the first <…> group with something in it and returns it with the text behind it.
func nextID(value string) (id, rest string, ok bool) {
	for {
		start := strings.IndexByte(value, '<')
		if start < 0 {
			return "", "", false
		}
		value = value[start:]
		end := strings.IndexByte(value, '>')
		if end < 0 {
			return "", "", false
		}
		if end > 1 {
			return value[:end+1], value[end+1:], true
		}
		value = value[end+1:]
	}
}

func firstID(value string) string {
	if id, _, ok := nextID(value); ok {
		return id
	}
	if strings.Trim(value, "<> ") == "" {
		return ""
	}
	return value
}

// parentID is firstID for In-Reply-To, where old mail programs wrote prose ("Your message of Friday").
func parentID(value string) string {
	id := firstID(value)
	if id == value && !strings.HasPrefix(id, "<") && strings.Contains(id, " ") {
		return ""
	}
	return id
}

// allIDs returns every <…> group; without any, the words of the value.
func allIDs(value string) []string {
	var ids []string
	for rest := value; ; {
		id, after, ok := nextID(rest)
		if !ok {
			break
		}
		ids = append(ids, id)
		rest = after
	}
	if ids == nil {
		ids = strings.Fields(value)
	}
	return ids
}
