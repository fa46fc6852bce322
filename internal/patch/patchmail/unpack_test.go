// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"runtime"
	"testing"

	"patchwork.example/pw/internal/format/mailmsg"
)

func zeros(size int) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(make([]byte, size))
	z.Close()
	return b.Bytes()
}

// TestUnpackedInAll: what the attachments of a mail become is bounded in all, not one by one.
func TestUnpackedInAll(t *testing.T) {
	var r bodyReader
	for i, c := range []struct{ size, want int }{{40 << 20, 40 << 20}, {40 << 20, -1}, {1 << 10, -1}} {
		packed := zeros(c.size)
		want := c.want
		if want < 0 { // left as it is
			want = len(packed)
		}
		if got := r.unpacked(&mailmsg.Part{Body: packed}); len(got.Body) != want {
			t.Errorf("attachment %d of %d bytes becomes %d, want %d", i, len(packed), len(got.Body), want)
		}
	}
}

// TestXZ: what a file says of the memory that it takes is not believed, and one that is cut or has other filters is no file.
func TestXZ(t *testing.T) {
	const text = "--- a/f\n+++ b/f\n@@ -1 +1 @@ fn\n-a\n+b\n"
	file, err := base64.StdEncoding.DecodeString("/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAkLS0tIGEvZgorKysgYi9mCkBAIC0xICsxIEBAIGZuCi1hCitiCgAAAACLoT8WRv7g/wABPSXSKWoBH7bzfQEAAAAABFla")
	if err != nil {
		t.Fatal(err)
	}
	read := func(file []byte) string {
		z, err := xzReader(file)
		if err != nil {
			return err.Error()
		}
		out, err := io.ReadAll(z)
		if err != nil {
			return err.Error()
		}
		return string(out)
	}
	if got := read(file); got != text {
		t.Errorf("got %q", got)
	}
	const dictionary = 16 // the offset of its size
	huge := bytes.Clone(file)
	huge[dictionary] = 40 // 4 GiB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := read(huge)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; got != text || used > 32<<20 {
		t.Errorf("got %q with %d bytes of memory", got, used)
	}
	for n := range len(file) / 2 {
		if got := read(file[:n]); got == text {
			t.Errorf("cut to %d bytes it gives all of the text", n)
		}
	}
	other := bytes.Clone(file)
	other[dictionary-2] = 0x04 // the filter for x86
	if got := read(other); got != errNotPlainXZ.Error() {
		t.Errorf("with another filter: %q", got)
	}
}
