// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"strings"

	"patchwork.example/pw/internal/format/mailmsg"
)

// maxDiffLines bounds how many lines of a diff a page shows; the rest is in the download.
const maxDiffLines = 20000

// diffFile is what a diff does to one file, ready to be shown.
type diffFile struct {
	Name     string
	Added    int
	Removed  int
	HTML     string
	Anchor   string
	oldName  string
	b        strings.Builder
	old, new int // lines of the hunk still to come
}

// diffFiles cuts a diff into its files and marks each line. cut tells that lines are missing at the end.
func diffFiles(raw []byte, charset string) (files []*diffFile, cut bool) {
	if len(raw) == 0 {
		return nil, false
	}
	part := mailmsg.Part{Type: "text/plain", Charset: charset, Body: raw}
	text, _ := part.Text()
	var f *diffFile
	n := 0
	for line := range strings.Lines(text) {
		if n++; n > maxDiffLines {
			return finish(files), true
		}
		line = strings.TrimRight(line, "\r\n")
		inHunk := f != nil && (f.old > 0 || f.new > 0)
		if !inHunk && (f == nil || strings.HasPrefix(line, "diff ") || strings.HasPrefix(line, "Index: ") || strings.HasPrefix(line, "--- ") && f.oldName != "") {
			f = &diffFile{}
			files = append(files, f)
		}
		f.add(line)
	}
	return finish(files), false
}

func finish(files []*diffFile) []*diffFile {
	for _, f := range files {
		f.HTML = f.b.String()
		if f.Name == "" {
			f.Name = "(no file name)"
		}
	}
	return files
}

// add takes the next line of the file's part of the diff.
func (f *diffFile) add(line string) {
	class := "m"
	switch {
	case f.old > 0 || f.new > 0:
		class = f.body(line)
	case strings.HasPrefix(line, "@@ "):
		class = "h"
		f.old, f.new = hunkSize(line)
	case strings.HasPrefix(line, "--- "):
		f.oldName = fileName(line[4:])
		f.named(f.oldName)
	case strings.HasPrefix(line, "+++ "):
		f.named(fileName(line[4:]))
	case strings.HasPrefix(line, "rename to "), strings.HasPrefix(line, "copy to "):
		_, name, _ := strings.Cut(line, " to ")
		f.named(name)
	case strings.HasPrefix(line, "diff --git "):
		if _, name, ok := strings.Cut(line, " b/"); ok {
			f.named(name)
		}
	}
	f.b.WriteString(`<span class="` + class + `">`)
	escape(&f.b, line)
	f.b.WriteString("\n</span>")
}

// body counts down the hunk and finds the class of one of its lines.
func (f *diffFile) body(line string) string {
	switch {
	case strings.HasPrefix(line, "+"):
		f.new--
		f.Added++
		return "a"
	case strings.HasPrefix(line, "-"):
		f.old--
		f.Removed++
		return "d"
	case strings.HasPrefix(line, `\`):
		return "m"
	}
	f.old--
	f.new--
	return "c"
}

func (f *diffFile) named(name string) {
	if name != "" && name != "/dev/null" {
		f.Name = name
	}
}

func fileName(s string) string {
	name, _, _ := strings.Cut(s, "\t")
	if name == "/dev/null" {
		return name
	}
	if _, rest, ok := strings.Cut(name, "/"); ok {
		return rest
	}
	return name
}

// hunkSize reads the counts of `@@ -1,3 +1,4 @@`; a missing one is 1.
func hunkSize(line string) (old, new int) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return 0, 0
	}
	return count(fields[1]), count(fields[2])
}

func count(s string) int {
	_, n, ok := strings.Cut(s, ",")
	if !ok {
		return 1
	}
	v := 0
	for i := range len(n) {
		if n[i] < '0' || n[i] > '9' || v > 1<<24 {
			return 0
		}
		v = v*10 + int(n[i]-'0')
	}
	return v
}

func filesSummary(files []*diffFile) string {
	added, removed := 0, 0
	for _, f := range files {
		added, removed = added+f.Added, removed+f.Removed
	}
	noun := "files"
	if len(files) == 1 {
		noun = "file"
	}
	return fmt.Sprintf("%d %s, +%d −%d", len(files), noun, added, removed)
}
