// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/emersion/go-smtp"

	"patchwork.example/pw/internal/base/fault"
)

// Spool is where large mails wait on disk while they come in and until their turn comes: what is made of a large mail takes several times its size in memory, so one
// at a time is read back and stored. All that receive mail in a process share one. It is safe for concurrent use.
type Spool struct {
	dir  string // empty: the system's for temporary files
	room memory
	turn chan struct{} // holds one while a large mail is in memory
}

const (
	spoolAfter = 1 << 20         // bytes of a mail that are held in memory; a larger one goes to disk
	turnWait   = 5 * time.Minute // for which a sender waits; RFC 5321 (4.5.3.2.6) lets him wait ten
	tightGC    = 25              // percent: while a large mail is in memory, what is no longer needed goes soon
)

// NewSpool makes a spool of files in dir, which take at most size bytes together.
func NewSpool(dir string, size int64) *Spool {
	s := &Spool{dir: dir, turn: make(chan struct{}, 1)}
	s.room.free.Store(size)
	return s
}

// ReadAll reads a mail of at most limit bytes by way of the spool, so that no more memory is taken than it needs: fault.TooLarge, or fault.Unavailable when it can't
// be read or there is no room.
func (s *Spool) ReadAll(r io.Reader, limit int64) ([]byte, error) {
	box := letterbox{memory: &memory{}, spool: s}
	box.memory.free.Store(spoolAfter + 1)
	defer box.empty()
	refusal := box.receive(r, limit)
	switch {
	case refusal == nil:
		return box.mail()
	case refusal.Code == 552:
		return nil, fault.New(fault.TooLarge, "%s", refusal.Message)
	}
	return nil, fault.New(fault.Unavailable, "%s", refusal.Message)
}

// create makes a file without a name: it goes away with whoever has it open, however that ends.
func (s *Spool) create() (*os.File, error) {
	f, err := os.CreateTemp(s.dir, "pw-mail-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// alone waits for the turn of a large mail; leave ends it.
func (s *Spool) alone() (leave func(), err error) {
	select {
	case s.turn <- struct{}{}:
	case <-time.After(turnWait):
		return nil, errBusy
	}
	usual := debug.SetGCPercent(tightGC)
	debug.FreeOSMemory()
	return func() {
		debug.SetGCPercent(usual)
		debug.FreeOSMemory()
		<-s.turn
	}, nil
}

// errBusy is for senders who shall come again.
var errBusy = fault.New(fault.Unavailable, "no room for this mail now, try again later")

// letterbox is what one mail takes up while it comes in: memory, or a file.
type letterbox struct {
	memory *memory
	spool  *Spool
	text   []byte
	file   *os.File
	size   int64 // of the file
	taken  int64 // of memory
	stored int64 // of the spool
}

func (b *letterbox) empty() {
	b.text = nil
	b.memory.give(b.taken)
	b.taken = 0
	if b.file != nil {
		b.file.Close()
		b.file = nil
	}
	b.spool.room.give(b.stored)
	b.stored = 0
}

// receive takes a mail of at most limit bytes in, or says what to answer the sender.
func (b *letterbox) receive(r io.Reader, limit int64) (refusal *smtp.SMTPError) {
	if b.text, refusal = b.readAll(r, min(limit, spoolAfter)); refusal == nil || limit <= spoolAfter || refusal.Code != 552 {
		return refusal
	}
	n, err := b.toFile(r, limit)
	b.text = nil
	b.memory.give(b.taken)
	b.taken = 0
	switch {
	case n > limit, errors.Is(err, smtp.ErrDataTooLarge):
		return tooLargeReply(limit)
	case errors.Is(err, errSpool), errors.Is(err, errBusy):
		return reply(452, 4, 3, 1, "no room for this mail now, try again later: %v", err)
	case err != nil:
		return cutOffReply(err)
	}
	return nil
}

var errSpool = errors.New("the file for large mails can't be written")

// toFile writes what was received so far, and all the rest of a mail, to a file. What lies in the file wraps errSpool.
func (b *letterbox) toFile(r io.Reader, limit int64) (n int64, err error) {
	if b.file, err = b.spool.create(); err != nil {
		return 0, fmt.Errorf("%w: %w", errSpool, err)
	}
	piece, buffer := b.text, b.text[:min(cap(b.text), pieceSize)]
	for {
		if n += int64(len(piece)); n > limit {
			return n, nil
		}
		if !b.spool.room.take(int64(len(piece))) {
			return n, errBusy
		}
		b.stored += int64(len(piece))
		if _, err := b.file.Write(piece); err != nil {
			return n, fmt.Errorf("%w: %w", errSpool, err)
		}
		b.size = n
		got, err := r.Read(buffer)
		piece = buffer[:got]
		if err != nil && (err != io.EOF || got == 0) {
			if err == io.EOF {
				return n, nil
			}
			return n, err
		}
	}
}

// pieceSize is how much goes to a file at once, in bytes.
const pieceSize = 256 << 10

// large tells whether the mail is in a file: it may only be read back alone.
func (b *letterbox) large() bool { return b.file != nil }

// mail is what was received. One of a file is read back, and takes no room on disk any more.
func (b *letterbox) mail() ([]byte, error) {
	if b.file == nil {
		return b.text, nil
	}
	raw := make([]byte, b.size)
	if _, err := b.file.ReadAt(raw, 0); err != nil && !(err == io.EOF && b.size == 0) {
		return nil, fault.Wrap(fault.Unavailable, err, "read a large mail back from its file")
	}
	b.empty()
	return raw, nil
}
