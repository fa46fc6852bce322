// SPDX-License-Identifier: GPL-2.0-or-later

package web

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// leastCompressed is from how many bytes on compressing is worth its time: less fits into one packet.
const leastCompressed = 1400

// Encodings that we know.
const (
	zstdCoding = "zstd"
	gzipCoding = "gzip"
)

// coding is the best of our encodings that a client takes (RFC 9110, 12.5.3); empty: none. Of two that it likes as much zstd is the quicker and shorter.
func coding(accept []string) string {
	like := map[string]float64{}
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			name, weight, weighed := strings.Cut(part, ";")
			name, q := strings.ToLower(strings.TrimSpace(name)), 1.0
			if weighed {
				value, ok := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(weight), " ", ""), "q=")
				n, err := strconv.ParseFloat(value, 64)
				if q = n; !ok || err != nil {
					q = 0
				}
			}
			if name == "x-gzip" || name == "*" {
				name = gzipCoding
			}
			if _, named := like[name]; !named {
				like[name] = q
			}
		}
	}
	switch {
	case like[zstdCoding] > 0 && like[zstdCoding] >= like[gzipCoding]:
		return zstdCoding
	case like[gzipCoding] > 0:
		return gzipCoding
	}
	return ""
}

// compressed is a page as the client takes it; the header says so.
func compressed(h http.Header, accept []string, page []byte) []byte {
	if len(page) < leastCompressed {
		return page
	}
	var out []byte
	name := coding(accept)
	switch name {
	case zstdCoding:
		out = quickZstd().EncodeAll(page, make([]byte, 0, len(page)/8))
	case gzipCoding:
		out = gzipped(page)
	default:
		return page
	}
	h.Set("Content-Encoding", name)
	return out
}

// quickZstd makes pages shorter in less time than they took to be made. It is safe for concurrent use.
var quickZstd = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(128<<10), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(err) // the options are constants
	}
	return e
})

var gzips = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, 2)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func gzipped(page []byte) []byte {
	w := gzips.Get().(*gzip.Writer)
	defer gzips.Put(w)
	out := bytes.NewBuffer(make([]byte, 0, len(page)/4))
	w.Reset(out)
	w.Write(page) // a buffer takes everything
	w.Close()
	return out.Bytes()
}

// asset is a file in all its forms.
type asset struct {
	plain []byte
	coded map[string][]byte // by encoding, where that is shorter
}

// newAsset compresses a file as well as can be, once.
func newAsset(data []byte) asset {
	a := asset{plain: data, coded: map[string][]byte{}}
	var b bytes.Buffer
	if w, err := gzip.NewWriterLevel(&b, gzip.BestCompression); err == nil {
		w.Write(data)
		w.Close()
		a.keep(gzipCoding, b.Bytes())
	}
	if e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(128<<10), zstd.WithEncoderConcurrency(1)); err == nil {
		a.keep(zstdCoding, e.EncodeAll(data, nil))
	}
	return a
}

func (a asset) keep(coding string, data []byte) {
	if len(data) < len(a.plain) {
		a.coded[coding] = data
	}
}

// write answers with the file.
func (a asset) write(w http.ResponseWriter, r *http.Request) {
	data, name := a.plain, coding(r.Header.Values("Accept-Encoding"))
	if coded, ok := a.coded[name]; ok {
		w.Header().Set("Content-Encoding", name)
		data = coded
	}
	w.Header().Set("Vary", "Accept-Encoding")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if r.Method != http.MethodHead {
		w.Write(data)
	}
}
