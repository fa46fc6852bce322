// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"encoding/json"
	"maps"
	"sync"
)

// marks remember which position is reached when so many mails of a source are stored. The source sets them while it reads ahead; what is stored asks
// for them. Positions are by part of the source.
type marks struct {
	mu      sync.Mutex
	waiting []mark
	reached map[string]string
}

type mark struct {
	mails    int // read up to here
	part, at string
}

// startMarks begins where the position in the database stands; one that can't be read is none.
func startMarks(position string) *marks {
	m := &marks{}
	if json.Unmarshal([]byte(position), &m.reached) != nil || m.reached == nil {
		m.reached = map[string]string{}
	}
	return m
}

// set says that with the first mails of the source part is read up to at.
func (m *marks) set(mails int, part, at string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.waiting); n > 0 && m.waiting[n-1].mails == mails && m.waiting[n-1].part == part {
		m.waiting[n-1].at = at
		return
	}
	m.waiting = append(m.waiting, mark{mails, part, at})
}

// stored says that the first mails of the source are stored, and gives the position for it.
func (m *marks) stored(mails int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.waiting) > 0 && m.waiting[0].mails <= mails {
		m.reached[m.waiting[0].part] = m.waiting[0].at
		m.waiting = m.waiting[1:]
	}
	text, _ := json.Marshal(m.reached) // of strings: can't fail
	return string(text)
}

// parts is what was reached so far.
func (m *marks) parts() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.reached)
}
