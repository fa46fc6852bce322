// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"bytes"
	"compress/zlib"
	"io"
	"strings"
)

// isSMIME knows the parts that hold a mail within CMS (RFC 8551 §3.2).
func isSMIME(ct mediaType) bool {
	switch ct.name {
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return true
	case "application/octet-stream":
		return strings.HasSuffix(strings.ToLower(ct.params["name"]), ".p7m")
	}
	return false
}

// smime visits the entity inside a signed or compressed part; false if there is none to be had, as in what is encrypted. The signature is not checked.
func (w *walker) smime(h Header, body []byte, depth int) bool {
	content, ok := w.cmsContent(w.msg.transferDecode(h, body))
	if !ok {
		w.msg.defect("S/MIME part without readable content")
		return false
	}
	inner, rest := w.msg.readHeader(content)
	w.walk(inner, rest, "text/plain", depth+1)
	return true
}

// The object identifiers of RFC 5652 §5.1 and RFC 3274 §1.1, encoded.
var (
	oidSignedData     = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}
	oidCompressedData = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x09}
)

// cmsContent is the content that a CMS structure carries along.
func (w *walker) cmsContent(ber []byte) ([]byte, bool) {
	info, _, ok := readBER(ber, 0)
	if !ok || info.tag != tagSequence {
		return nil, false
	}
	kind, wrapped := info.child(0), info.child(1)
	data := wrapped.child(0)
	// Version, algorithms, then the content with its type.
	inside := data.child(2).child(1).child(0)
	content := inside.octets(nil, 0)
	if kind.tag != tagOID || len(content) == 0 {
		return nil, false
	}
	switch {
	case bytes.Equal(kind.content, oidSignedData):
		return content, true
	case bytes.Equal(kind.content, oidCompressedData):
		return w.inflate(content)
	}
	return nil, false
}

// inflate uncompresses, up to what a sane mail may become in all; so many parts cost no more than one.
func (w *walker) inflate(packed []byte) ([]byte, bool) {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, false
	}
	left := maxInflated - w.inflated
	out, err := io.ReadAll(io.LimitReader(z, int64(left)+1))
	w.inflated = min(w.inflated+len(out), maxInflated)
	return out, err == nil && len(out) <= left
}

// The tags of X.690 that CMS needs, with class and the mark of constructed values.
const (
	tagSequence    = 0x30
	tagOID         = 0x06
	tagOctets      = 0x04
	tagOctetPieces = 0x24
)

// berValue is one element of the Basic Encoding Rules, which mail programs use where those of DER would need the size in advance. The zero value is the
// absence of an element.
type berValue struct {
	tag     byte
	content []byte
}

// maxBERDepth bounds how deep values are nested.
const maxBERDepth = 16

// readBER reads the element at the start of b. Tags above 30 and lengths above 4 bytes do not occur in CMS and fail.
func readBER(b []byte, depth int) (v berValue, rest []byte, ok bool) {
	if len(b) < 2 || b[0]&0x1f == 0x1f || depth > maxBERDepth {
		return v, nil, false
	}
	v.tag = b[0]
	size, b := int(b[1]), b[2:]
	if size == 0x80 {
		return readIndefinite(v.tag, b, depth)
	}
	if size > 0x80 {
		n := size & 0x7f
		if n > 4 || n > len(b) {
			return v, nil, false
		}
		size = 0
		for _, c := range b[:n] {
			size = size<<8 | int(c)
		}
		b = b[n:]
	}
	if size > len(b) {
		return v, nil, false
	}
	v.content = b[:size]
	return v, b[size:], true
}

// readIndefinite reads an element that ends where two zero bytes stand in the place of one more within it.
func readIndefinite(tag byte, b []byte, depth int) (v berValue, rest []byte, ok bool) {
	rest = b
	for !bytes.HasPrefix(rest, []byte{0, 0}) {
		if _, rest, ok = readBER(rest, depth+1); !ok {
			return v, nil, false
		}
	}
	return berValue{tag, b[:len(b)-len(rest)]}, rest[2:], true
}

// child is the n-th element within v, the zero value if there is none.
func (v berValue) child(n int) berValue {
	rest := v.content
	for range n {
		var ok bool
		if _, rest, ok = readBER(rest, 0); !ok {
			return berValue{}
		}
	}
	c, _, _ := readBER(rest, 0)
	return c
}

// octets appends an octet string, which may come in pieces.
func (v berValue) octets(to []byte, depth int) []byte {
	if v.tag == tagOctets {
		return append(to, v.content...)
	}
	if v.tag != tagOctetPieces || depth > maxBERDepth {
		return to
	}
	for rest := v.content; len(rest) > 0; {
		piece, after, ok := readBER(rest, 0)
		if !ok {
			break
		}
		to, rest = piece.octets(to, depth+1), after
	}
	return to
}
