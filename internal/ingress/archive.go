// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/mbox"
)

// Archive is an mbox, plain or compressed, as a Source.
type Archive struct {
	name   string
	listID string
	reader *mbox.Reader
}

// OpenArchive reads an mbox from r; gzip, zstd, xz and bzip2 are told by their first bytes, whatever the name. name stands in errors.
// A mail of more than limit bytes is cut there and kept as broken.
func OpenArchive(r io.Reader, name, listID string, limit int) (*Archive, error) {
	plain, err := decompress(r)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "open %s", name)
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
