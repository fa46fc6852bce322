// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/format/mbox"
)

// Archive is an mbox, plain or compressed, as a Source.
type Archive struct {
	name   string
	listID string
	reader *mbox.Reader
}

// OpenArchive reads an mbox from r; gzip, zstd, xz and bzip2 are told by their first bytes, whatever the name. name stands in errors.
// A mail of more than limit bytes is cut there and kept as broken. What begins with neither an mbox nor a mail is fault.Invalid, with a word on what it looks like.
func OpenArchive(r io.Reader, name, listID string, limit int) (*Archive, error) {
	unpacked, err := decompress(r)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "open %s", name)
	}
	plain := bufio.NewReaderSize(unpacked, sniffed)
	head, err := plain.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) && !isMail(head) {
		return nil, fault.Wrap(fault.Invalid, err, "read %s: it is cut off or damaged; nothing was taken in", name)
	}
	if !isMail(head) {
		return nil, fault.New(fault.Invalid, "%s %s", name, noMail(head))
	}
	return &Archive{name: name, listID: listID, reader: mbox.NewReader(plain, limit)}, nil
}

// Next implements Source.
func (a *Archive) Next() (Delivery, error) {
	m, err := a.reader.Next()
	if errors.Is(err, io.EOF) {
		return Delivery{}, io.EOF
	}
	if err != nil {
		return Delivery{}, fault.Wrap(fault.Invalid, err, "read %s: it is cut off or damaged; what came before was taken in", a.name)
	}
	return Delivery{Raw: m.Raw, Via: "mbox", ListID: a.listID, Cut: m.Truncated}, nil
}

func decompress(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 256<<10)
	head, err := in.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the first bytes: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return xz.NewReader(in)
	case bytes.HasPrefix(head, []byte("BZh")):
		return bzip2.NewReader(in), nil
	}
	return in, nil
}

// sniffed is how much of an archive is looked at to tell whether it is one, in bytes.
const sniffed = 64 << 10

// isMail tells whether what begins so is an mbox, if need be after something else, or a mail.
func isMail(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), "\r\n")
	if bytes.HasPrefix(head, []byte("From ")) || mbox.Separated(head) {
		return true
	}
	h := mailmsg.Parse(head).Header
	return h.Has("From") || h.Has("Subject") || h.Has("Message-ID") || h.Has("Received") || h.Has("Date") || h.Has("To")
}

// noMail says what something is that is neither an mbox nor a mail, and what to do.
func noMail(head []byte) string {
	const ustar = 257 // where a tar archive says that it is one
	kind, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch {
	case len(bytes.Trim(head, "\r\n")) == 0:
		return "is empty: there is no mail in it. Nothing was taken in"
	case len(head) > ustar && bytes.HasPrefix(head[ustar:], []byte("ustar")):
		return "is no mbox but a tar archive: unpack it, and give the files in it, or with --maildir its directories. Nothing was taken in"
	case kind == "application/zip":
		return "is no mbox but a zip archive: unpack it, and give the files in it. Nothing was taken in"
	case kind == "text/plain":
		return `is no mbox: no line in its beginning is a separator ("From ADDRESS DATE") or a field of a mail's header. Nothing was taken in`
	case kind == "application/octet-stream":
		return "is no mbox: it holds something other than text. Nothing was taken in"
	}
	return "is no mbox: it looks like " + kind + ". Nothing was taken in"
}
