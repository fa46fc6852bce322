// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz/lzma"

	"patchwork.example/pw/internal/format/mailmsg"
)

const (
	maxUnpacked = 64 << 20 // what the compressed attachments of a mail may become in all, in bytes
	maxWindow   = 8 << 20  // how far back a compressor may refer, in bytes: what reading it takes in memory
)

// unpacked is the part without its compression, which its first bytes tell; what is too big, or damaged, is left as it is. All that is read counts, so that many
// attachments cost no more than one.
func (r *bodyReader) unpacked(p *mailmsg.Part) *mailmsg.Part {
	z, err := decompressor(p.Body)
	if z == nil || err != nil {
		return p
	}
	left := maxUnpacked - r.inflated
	body, err := io.ReadAll(io.LimitReader(z, int64(left)+1))
	r.inflated = min(r.inflated+len(body), maxUnpacked)
	if err != nil || len(body) > left {
		return p
	}
	q := *p
	q.Body = body
	return &q
}

// decompressor reads what is compressed by gzip, xz, zstd or bzip2; nil if it is none of them.
func decompressor(packed []byte) (io.Reader, error) {
	in := bytes.NewReader(packed)
	switch {
	case bytes.HasPrefix(packed, []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.HasPrefix(packed, []byte(xzMagic)):
		return xzReader(packed)
	case bytes.HasPrefix(packed, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	case bytes.HasPrefix(packed, []byte("BZh")):
		return bzip2.NewReader(in), nil
	}
	return nil, nil
}

const xzMagic = "\xfd7zXZ\x00"

var errNotPlainXZ = errors.New("the xz file has other filters than LZMA2")

// xzReader reads the first block of an xz file, which is all of a small one. The header of a block says how much memory reading it takes, up to 4 GiB: a stranger must not decide
// that, so it is read here.
func xzReader(packed []byte) (io.Reader, error) {
	const (
		streamHeader = 12
		filterLZMA2  = "\x21\x01" // its number, and the size of its properties: one byte
	)
	head := packed[min(len(packed), streamHeader):]
	if len(head) < 2 || head[0] == 0 || len(head) < (int(head[0])+1)*4 {
		return nil, errNotPlainXZ
	}
	block, flags := head[(int(head[0])+1)*4:], head[1]
	head = head[2:]
	for _, size := range [...]byte{0x40, 0x80} { // the sizes that the header may name: numbers of 7 bits a byte
		for more := flags&size != 0; more && len(head) > 0; head = head[1:] {
			more = head[0] >= 0x80
		}
	}
	if flags&0x3f != 0 || !bytes.HasPrefix(head, []byte(filterLZMA2)) {
		return nil, errNotPlainXZ
	}
	return lzma.Reader2Config{DictCap: maxWindow}.NewReader2(bytes.NewReader(block))
}
