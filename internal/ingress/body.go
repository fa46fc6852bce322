// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"bytes"
	"errors"
	"io"
	"sync/atomic"

	"github.com/emersion/go-smtp"
)

// memory is what is left for mails that are being received or wait to be stored, in bytes.
type memory struct{ free atomic.Int64 }

func (m *memory) take(n int64) bool {
	if m.free.Add(-n) >= 0 {
		return true
	}
	m.free.Add(n)
	return false
}

func (m *memory) give(n int64) { m.free.Add(n) }

func (b *letterbox) grow(buf []byte, limit int64) ([]byte, *smtp.SMTPError) {
	more := min(max(int64(cap(buf)), firstPiece), limit+1-int64(cap(buf)))
	if !b.memory.take(more) {
		return nil, reply(452, 4, 3, 1, "no memory for this mail now, try again later")
	}
	b.taken += more
	return append(make([]byte, 0, int64(cap(buf))+more), buf...), nil
}

const firstPiece = 16 << 10

// readAll reads a mail of at most limit bytes, or says what to answer the sender. Of one that is larger it gives what it has read.
func (b *letterbox) readAll(r io.Reader, limit int64) (buf []byte, refusal *smtp.SMTPError) {
	for {
		if len(buf) == cap(buf) {
			if buf, refusal = b.grow(buf, limit); refusal != nil {
				return nil, refusal
			}
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit, errors.Is(err, smtp.ErrDataTooLarge):
			return buf, tooLargeReply(limit)
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, cutOffReply(err)
		}
	}
}

func tooLargeReply(limit int64) *smtp.SMTPError {
	return reply(552, 5, 3, 4, "the mail is larger than %d bytes", limit)
}

func cutOffReply(err error) *smtp.SMTPError {
	return reply(451, 4, 4, 2, "the mail was cut off: %v", err)
}

// unwire turns the line ends of the wire into those of the machine, in place: a mail that comes by SMTP has the bytes then that it has in a pipe
// or an archive. CR and LF alone are refused (RFC 5321, 2.3.8): programs do not agree what they mean, which lets one mail smuggle in another.
func unwire(wire []byte, maxLine int) ([]byte, *smtp.SMTPError) {
	out := wire[:0]
	for n := 1; len(wire) > 0; n++ {
		end := bytes.IndexByte(wire, '\n')
		line, rest := wire, wire[len(wire):]
		if end >= 0 {
			line, rest = wire[:end], wire[end+1:]
		}
		text, hasCR := bytes.CutSuffix(line, []byte{'\r'})
		switch {
		case end >= 0 && !hasCR:
			return nil, reply(554, 5, 6, 0, "line %d ends with a bare LF; lines must end with CRLF", n)
		case end < 0 && hasCR, bytes.IndexByte(text, '\r') >= 0:
			return nil, reply(554, 5, 6, 0, "line %d holds a bare CR; CR may only stand before LF", n)
		case len(text) > maxLine:
			return nil, reply(554, 5, 6, 0, "line %d has more than %d bytes", n, maxLine)
		}
		out = append(out, text...)
		if end >= 0 {
			out = append(out, '\n')
		}
		wire = rest
	}
	return out, nil
}
