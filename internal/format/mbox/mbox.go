// SPDX-License-Identifier: GPL-2.0-or-later

package mbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Mail is one mail of an archive.
type Mail struct {
	Raw       []byte // without the separator line and the empty line that mbox adds at the end
	Offset    int64  // of the separator line, in bytes from the start of the input
	Truncated bool   // the mail is bigger than the limit; Raw holds its beginning
}

// Reader reads the mails of one archive in order. Its memory is bounded by the size limit of one mail.
type Reader struct {
	in      *bufio.Reader
	maxSize int
	pos     int64  // of the next byte to read
	start   int64  // where the mail being read begins
	mail    []byte // its bytes, up to the limit and an empty line
	size    int64  // of the mail, kept or not
	single  bool   // no separators: all is one mail
	quoted  bool   // the mail is from an archive in mboxrd format
	next    bool   // the same of the mail whose separator was just read
	begun   bool
	err     error // what ended the input
}

// NewReader returns a Reader that keeps at most maxSize bytes of each mail.
func NewReader(r io.Reader, maxSize int) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, 64<<10), maxSize: maxSize}
}

// Next returns the next mail, io.EOF after the last one. Any other error comes from the underlying reader and is final; the mail that it
// cut off is not returned.
func (r *Reader) Next() (Mail, error) {
	if !r.begun {
		r.begun = true
		r.begin()
	}
	if r.err != nil {
		return Mail{}, r.err
	}
	next, found := r.readMail()
	if !found && r.err != io.EOF {
		return Mail{}, r.err
	}
	mail := r.take()
	r.start = next
	return mail, nil
}

// begin steps over empty lines, finds out which kind of input it is, and reads the first separator. The first one may lack its date: what
// else could the line be.
func (r *Reader) begin() {
	for {
		head, err := r.in.Peek(len("From "))
		if len(head) == 0 {
			r.fail(err)
			return
		}
		if head[0] != '\n' && head[0] != '\r' {
			r.start = r.pos
			break
		}
		n, _ := r.in.Discard(1)
		r.pos += int64(n)
	}
	head, _ := r.in.Peek(maxFieldName)
	if r.single = beginsField(head); r.single || !bytes.HasPrefix(head, []byte("From ")) {
		return // what stands before the first separator is a mail, too: nothing is lost
	}
	r.quoted = bytes.HasPrefix(head, []byte(mboxrdMark))
	r.skipLine()
}

const maxFieldName = 80 // bytes that are looked at

// beginsField tells whether a text begins like a field of a header: with a name and a colon.
func beginsField(text []byte) bool {
	i := bytes.IndexFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' })
	return i > 0 && bytes.HasPrefix(bytes.TrimLeft(text[i:], " \t"), []byte{':'})
}

func (r *Reader) fail(err error) {
	if errors.Is(err, io.EOF) {
		r.err = io.EOF
	} else {
		r.err = fmt.Errorf("read mbox at byte %d: %w", r.pos, err)
	}
}

// skipLine reads to the end of the line. An input that ends with it still has a mail, an empty one.
func (r *Reader) skipLine() {
	for r.err == nil {
		if _, end := r.readChunk(); end {
			return
		}
	}
	if r.err == io.EOF {
		r.err = nil
	}
}

// readChunk reads a line, or as much of a long one as the buffer holds; end says that the line is complete. The bytes are valid until
// the next read.
func (r *Reader) readChunk() (chunk []byte, end bool) {
	chunk, err := r.in.ReadSlice('\n')
	r.pos += int64(len(chunk))
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		r.fail(err)
	}
	return chunk, err == nil
}

// readMail collects lines up to the next separator, which it consumes, and returns where that is; found is false at the end of the input.
func (r *Reader) readMail() (next int64, found bool) {
	lineStart, afterEmpty := true, false
	for r.err == nil {
		at := r.pos
		chunk, end := r.readChunk()
		if lineStart && afterEmpty && !r.single && isSeparator(chunk) {
			r.next = bytes.HasPrefix(chunk, []byte(mboxrdMark))
			if !end {
				r.skipLine()
			}
			return at, true
		}
		afterEmpty = lineStart && len(bytes.Trim(chunk, "\r\n")) == 0
		lineStart = end
		r.add(chunk)
	}
	return r.pos, false
}

// add keeps what the limit allows, and an empty line more, which take may turn out to drop.
func (r *Reader) add(chunk []byte) {
	r.size += int64(len(chunk))
	if room := r.maxSize + len("\r\n") - len(r.mail); room > 0 {
		r.mail = append(r.mail, chunk[:min(room, len(chunk))]...)
	}
}

// take returns the mail collected and makes room for the next.
func (r *Reader) take() Mail {
	raw := r.mail
	if int64(len(raw)) == r.size && !r.single {
		raw = withoutEmptyLine(raw)
	}
	m := Mail{Offset: r.start, Truncated: len(raw) > r.maxSize}
	m.Raw = append([]byte{}, raw[:min(len(raw), r.maxSize)]...)
	if r.quoted {
		m.Raw = unquoteBody(m.Raw)
	}
	r.mail, r.size, r.quoted = r.mail[:0], 0, r.next
	return m
}

// withoutEmptyLine strips one empty line from the end.
func withoutEmptyLine(raw []byte) []byte {
	shorter := bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
	if len(shorter) == 0 || shorter[len(shorter)-1] == '\n' {
		return shorter
	}
	return raw
}
