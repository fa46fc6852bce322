// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"sort"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
)

// MboxFile is an mbox file, as WriteMbox writes it, that is made piece by piece while it is read, at any place: about a MiB of it is in memory, however
// long it is. It is an io.ReadSeeker for one reader. A mail that changed since the file was opened ends it with an error.
type MboxFile struct {
	read   func([]*patch.MboxMail, func(*patch.MboxMail) error) error
	mails  []*patch.MboxMail
	ends   []int64 // where each mail ends
	sums   [][sha256.Size]byte
	window []byte // bytes of the file, from start
	start  int64
	place  int64
	err    error
}

// mboxWindow is how many bytes of an MboxFile are kept, if more than one mail makes them.
const mboxWindow = 1 << 20

// OpenMbox reads the texts of mails once, to learn how long the file is and what is in it. Reading goes on under ctx.
func OpenMbox(ctx context.Context, q sqldb.Queryer, mails []*patch.MboxMail) (*MboxFile, error) {
	m := &MboxFile{mails: mails}
	m.read = func(some []*patch.MboxMail, f func(*patch.MboxMail) error) error {
		return patch.ReadMbox(ctx, q, some, f)
	}
	err := m.read(mails, func(mail *patch.MboxMail) error {
		text := m.text(len(m.ends), mail)
		end := m.Size() + int64(len(text))
		if end <= mboxWindow {
			m.window = append(m.window, text...)
		}
		m.ends = append(m.ends, end)
		m.sums = append(m.sums, sha256.Sum256(text))
		return nil
	})
	return m, err
}

// text is what the mail with a place in the file adds to it.
func (m *MboxFile) text(place int, mail *patch.MboxMail) []byte {
	var b bytes.Buffer
	b.Grow(len(mail.Headers) + len(mail.Content) + len(mail.Diff) + 1024)
	if place > 0 {
		b.WriteByte('\n')
	}
	writeMail(&b, mail)
	return b.Bytes()
}

// Size is the length of the file, in bytes.
func (m *MboxFile) Size() int64 {
	if len(m.ends) == 0 {
		return 0
	}
	return m.ends[len(m.ends)-1]
}

// Sum is a name of the whole content, in hex: other bytes have another.
func (m *MboxFile) Sum() string {
	h := sha256.New()
	for i := range m.sums {
		h.Write(m.sums[i][:])
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Err is what ended reading before the end of the file, or nil.
func (m *MboxFile) Err() error { return m.err }

// Seek implements io.Seeker.
func (m *MboxFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += m.place
	case io.SeekEnd:
		offset += m.Size()
	}
	if offset < 0 {
		return m.place, errors.New("seek before the beginning of an mbox file")
	}
	m.place = offset
	return offset, nil
}

// Read implements io.Reader.
func (m *MboxFile) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if m.place >= m.Size() {
		return 0, io.EOF
	}
	if m.place < m.start || m.place >= m.start+int64(len(m.window)) {
		if m.err = m.load(); m.err != nil {
			return 0, m.err
		}
	}
	n := copy(p, m.window[m.place-m.start:])
	m.place += int64(n)
	return n, nil
}

// load fills the window with the mail at place and what follows it.
func (m *MboxFile) load() error {
	first := sort.Search(len(m.ends), func(i int) bool { return m.ends[i] > m.place })
	m.start = 0
	if first > 0 {
		m.start = m.ends[first-1]
	}
	last := first + 1
	for last < len(m.ends) && m.ends[last]-m.start <= mboxWindow {
		last++
	}
	m.window = m.window[:0]
	next := first
	return m.read(m.mails[first:last], func(mail *patch.MboxMail) error {
		text := m.text(next, mail)
		if sha256.Sum256(text) != m.sums[next] {
			return fault.New(fault.Conflict, "%s changed while it was read", mail.MsgID)
		}
		next++
		m.window = append(m.window, text...)
		return nil
	})
}
