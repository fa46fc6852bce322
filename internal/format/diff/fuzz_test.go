// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"patchwork.example/pw/internal/format/fold"
)

func addCases(f *testing.F) {
	for _, c := range splitCases {
		var lines []string
		for line := range strings.SplitSeq(c, "|") {
			lines = append(lines, line[2:])
		}
		f.Add(strings.Join(lines, "\n"))
	}
}

// FuzzHash checks what the hash must not depend on, the list of files, and that Sound agrees with the splitter.
func FuzzHash(f *testing.F) {
	addCases(f)
	f.Add("--- \"a/\\303\\251\\\"\"\n+++ b/x y\t\n@@ -1 +1 @@\n-a\n+b\n")
	f.Fuzz(func(t *testing.T, text string) {
		hash := Hash(text)
		bare := strings.ReplaceAll(text, "\r", "")
		for what, other := range map[string]string{"without CR": bare, "with CRLF": strings.ReplaceAll(bare, "\n", "\r\n"), "trimmed": fold.Trim(bare), "with empty lines": strings.ReplaceAll(bare, "\n", "\n\n")} {
			if got := Hash(other); got != hash {
				t.Fatalf("%q has the hash %s, %s %s", text, hash, what, got)
			}
		}
		files := Files(text)
		if !slices.IsSorted(files) || len(slices.Compact(slices.Clone(files))) != len(files) {
			t.Fatalf("files %q", files)
		}
		for _, name := range files {
			if utf8.ValidString(text) && !utf8.ValidString(name) || strings.Contains(name, "\n") && !strings.Contains(text, `\`) {
				t.Fatalf("file %q", name)
			}
		}
		if Sound([]byte(text)) && !strings.Contains(text, "@@ -") {
			t.Fatalf("%q is sound", text)
		}
	})
}

// FuzzClean checks that cleaning twice is cleaning once, and that what comes out is a stretch of what went in.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"\n  a\n-- \nb", "a\n____\nhttps://x", "a\n_\n\nAcked-by: b@c\n", "a\r\n-- \r\nb", "\x00 \x00a\n\x00", "a\n____________________\nFrom: b", "_\n_\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := Clean(text)
		if strings.ContainsAny(clean, "\x00") || strings.Contains(clean, "\r\n") && !strings.Contains(text, "\r\r\n") && !strings.Contains(text, "\x00") {
			t.Fatalf("Clean(%q) = %q", text, clean)
		}
		if !strings.ContainsAny(text, "\x00\r") && (!strings.Contains(text, clean) || Clean(clean) != clean) {
			t.Fatalf("Clean(%q) = %q, and of that %q", text, clean, Clean(clean))
		}
	})
}

// FuzzTime checks that the time does not explode with the size, whatever is repeated.
func FuzzTime(f *testing.F) {
	f.Add("diff --git a/f b/f\n", "index 1..2\n")
	f.Add("", "*** a\n--- b\n")
	f.Add("", "diff --git a/f b/f\nnew file mode 1\nx\n")
	f.Add("diff --cc f\nindex 1,2..3\n--- a\n+++ b\n", "@@@ -1 -1 +1 @@@\n")
	f.Add("", "_\n")
	f.Add("", "--- \"\\")
	f.Fuzz(func(t *testing.T, head, more string) {
		text := head[:min(len(head), 4096)]
		if more = more[:min(len(more), 4096)]; more != "" {
			text += strings.Repeat(more, 1+(512<<10)/len(more))
		}
		begin := time.Now()
		comment, patch := Split([]byte(text))
		Clean(string(comment))
		Clean(text)
		Hash(string(patch))
		Files(text)
		Sound([]byte(text))
		if took := time.Since(begin); took > 8*time.Second {
			t.Fatalf("%d bytes took %v", len(text), took)
		}
		if len(comment)+len(patch) != len(text)+1 {
			t.Fatalf("%d bytes became %d and %d", len(text), len(comment), len(patch))
		}
		if bytes.Contains(patch, []byte("\x00")) && !strings.Contains(text, "\x00") {
			t.Fatal("a NUL out of nothing")
		}
	})
}
