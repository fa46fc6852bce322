// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/clock"
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

// TestManyAttachedMails: a file of many mails costs in proportion to its size; what several of them say is said once.
func TestManyAttachedMails(t *testing.T) {
	const mails = 300
	var b bytes.Buffer
	b.WriteString("From: Ann <ann@people.example>\nSubject: [PATCH] many\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nAll of them.\n--b\nContent-Type: text/x-patch\n\n")
	for i := range mails {
		fmt.Fprintf(&b, "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: Ann <ann@people.example>\nSubject: [PATCH] %d\n\nMessage %d.\n%s\n---\n\n"+
			"diff --git a/%[1]d b/%[1]d\n--- a/%[1]d\n+++ b/%[1]d\n@@ -1 +1 @@\n-a\n+b%[1]d\n-- \n2.40.0\n\n", i, i/2, strings.Repeat("word ", 2000))
	}
	b.WriteString("--b--\n")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := DraftOf(clock.System{}, b.Bytes())
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 50*uint64(b.Len()) {
		t.Errorf("%d bytes took %d of memory", b.Len(), used)
	}
	if got := strings.Count(d.Content, "Message "); got != mails/2 {
		t.Errorf("the text has %d messages, want %d", got, mails/2)
	}
	if got := strings.Count(string(d.Diff), "diff --git"); got != mails {
		t.Errorf("the diff has %d files, want %d", got, mails)
	}
}
