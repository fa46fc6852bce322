// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
)

// Maildir is the mails of a maildir as a Source, by the time they were delivered. Its files are only read.
type Maildir struct {
	dir    string
	listID string
	limit  int
	files  []maildirFile
	moved  map[string]string // where files are whose names changed since: the part before the flags → path
	bad    func(path string, err error)
	next   int
}

type maildirFile struct {
	path    string // below dir
	unique  string // the name without flags
	seconds int64
	micros  int64
}

// OpenMaildir lists the mails in cur and new of dir. A mail of more than limit bytes is cut there and kept as broken; what can't be read as a mail is
// told to bad, and passed over.
func OpenMaildir(dir, listID string, limit int, bad func(path string, err error)) (*Maildir, error) {
	m := &Maildir{dir: dir, listID: listID, limit: limit, bad: bad}
	found := 0
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, err, "list the maildir")
		}
		found++
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".") {
				m.files = append(m.files, newMaildirFile(sub, e))
			}
		}
	}
	if found == 0 {
		return nil, fault.New(fault.NotFound, "%s is no maildir: it has neither cur nor new", dir)
	}
	slices.SortFunc(m.files, func(a, b maildirFile) int {
		return cmp.Or(cmp.Compare(a.seconds, b.seconds), cmp.Compare(a.micros, b.micros), cmp.Compare(a.unique, b.unique))
	})
	return m, nil
}

// newMaildirFile reads the time of delivery out of a name such as 1609459200.M123456P42.host:2,S (cr.yp.to/proto/maildir.html); a name of another form has
// the time of its file.
func newMaildirFile(sub string, e fs.DirEntry) maildirFile {
	unique, _, _ := strings.Cut(e.Name(), ":")
	f := maildirFile{path: filepath.Join(sub, e.Name()), unique: unique}
	seconds, rest, dotted := strings.Cut(unique, ".")
	var err error
	if f.seconds, err = strconv.ParseInt(seconds, 10, 64); err != nil || !dotted {
		f.seconds = 0
		if info, err := e.Info(); err == nil {
			f.seconds, f.micros = info.ModTime().Unix(), int64(info.ModTime().Nanosecond()/1000)
		}
		return f
	}
	if _, after, ok := strings.Cut(rest, "M"); ok {
		digits := after[:len(after)-len(strings.TrimLeft(after, "0123456789"))]
		f.micros, _ = strconv.ParseInt(digits, 10, 64) // 0 without digits
	}
	return f
}

// Len is the number of mails, those that were read included.
func (m *Maildir) Len() int { return len(m.files) }

// Next implements Source.
func (m *Maildir) Next() (Delivery, error) {
	for m.next < len(m.files) {
		f := m.files[m.next]
		m.next++
		raw, cut, err := m.read(f)
		if err != nil {
			m.bad(filepath.Join(m.dir, f.path), err)
			continue
		}
		return Delivery{Raw: raw, Via: "maildir", ListID: m.listID, Cut: cut}, nil
	}
	return Delivery{}, io.EOF
}

// read opens a mail; one that got another name since, as it does when somebody has read it, is looked for once more.
func (m *Maildir) read(f maildirFile) (raw []byte, cut bool, err error) {
	raw, cut, err = readMail(filepath.Join(m.dir, f.path), m.limit)
	if !errors.Is(err, fs.ErrNotExist) {
		return raw, cut, err
	}
	path, ok := m.moved[f.unique]
	if !ok {
		m.moved = m.now()
		if path, ok = m.moved[f.unique]; !ok {
			return nil, false, errors.New("it is gone")
		}
	}
	return readMail(path, m.limit)
}

// now lists where the mails are now.
func (m *Maildir) now() map[string]string {
	out := map[string]string{}
	for _, sub := range []string{"new", "cur"} {
		entries, _ := os.ReadDir(filepath.Join(m.dir, sub))
		for _, e := range entries {
			unique, _, _ := strings.Cut(e.Name(), ":")
			out[unique] = filepath.Join(m.dir, sub, e.Name())
		}
	}
	return out
}

// readMail reads the first limit bytes of a plain file.
func readMail(path string, limit int) (raw []byte, cut bool, err error) {
	info, err := os.Stat(path) // before opening: a pipe would wait for a writer
	if err != nil {
		return nil, false, err
	}
	if !info.Mode().IsRegular() {
		return nil, false, errors.New("it is no plain file")
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	raw, err = io.ReadAll(io.LimitReader(file, int64(limit)+1))
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("read it: %w", err)
	case len(raw) == 0:
		return nil, false, errors.New("it is empty")
	case len(raw) > limit:
		return raw[:limit], true, nil
	}
	return raw, false, nil
}
