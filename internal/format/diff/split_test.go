// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// splitCases are mails with | for LF. Each line begins with the mark of where
// Patchwork 3.2 puts it: "t " text, "d " diff; "T " and "D " mark lines that
// we put elsewhere than it does. The text has no last newline, which is
// supplied; a case that ends with "t " has one, and gains an empty line.
var splitCases = map[string]string{
	"prose":            "t why|T diff to verify|T more|T ---|T  f: 1 +|T |d diff --git a/f b/f|d index 1..2 100644|d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d +b|t ",
	"no diff":          "t hello|t |t world",
	"empty":            "t ",
	"unified":          "t why|t ---|t  f: 1 +|d diff --git a/f b/f|d index 1..2 100644|d --- a/f|d +++ b/f|d @@ -1,2 +1,3 @@ fn|d  a|d +b|d  c|t -- |t 2.30|t ",
	"plain":            "t why|d --- foo.orig|d +++ foo|d @@ -1 +1 @@|d -a|d +b|t ",
	"subversion":       "t why|d Index: f|d ===================================================================|d --- f (rev 1)|d +++ f (work)|d @@ -1 +1 @@|d -a|d +b|t Property changes on: f|t ___________|t ",
	"mercurial":        "t # HG changeset patch|t # User x|t why|d diff -r 1 -r 2 f|d --- a/f Thu|d +++ b/f Thu|d @@ -1,1 +1,1 @@|d -a|d +b|t ",
	"two files":        "d diff --git a/f b/f|d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d +b|d diff --git a/g b/g|d --- a/g|d +++ b/g|d @@ -1 +1 @@|d -a|d +b|t ",
	"two plain files":  "d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d +b|d --- a/g|d +++ b/g|d @@ -1 +1 @@|d -a|d +b",
	"two hunks":        "d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d +b|d @@ -9,0 +9,2 @@|d +c|d +d|t after|t ",
	"text between":     "d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d +b|d note|d --- a/g|d +++ b/g|d @@ -1 +1 @@|d -a|d +b|t ",
	"no newline":       "d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d \\ No newline at end of file|d +b|d \\ No newline at end of file|t ",
	"stripped context": "d --- a/f|d +++ b/f|d @@ -1,3 +1,4 @@|d  a|d |d +b|d  c|t ",
	"cut short":        "d --- a/f|d +++ b/f|d @@ -1,5 +1,5 @@|d  a|d -b|d +c|d -- |d 2.30|d ",
	"wrapped":          "d --- a/f|d +++ b/f|d @@ -1 +1,2 @@|d  a|d +long|t wrapped|t +more|t ",
	"fake old name":    "t --- what I think|t is this|t --- |t ",
	"fake both names":  "t --- a|t +++ b|t not a hunk|t ",
	"word difficult":   "t difficult|t Different|t ",
	"word diff":        "t diff of opinion|t words|t ",
	"diff word first":  "d diff of opinion|d words|d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d +b|t end",
	"rename":           "t why|d diff --git a/f b/g|d similarity index 100%|d rename from f|d rename to g|t -- |t 2.30|t ",
	"mode":             "d diff --git a/f b/f|d old mode 100644|d new mode 100755|t ",
	"empty file":       "d diff --git a/f b/f|d new file mode 100644|d index 0000000..e69de29|t ",
	"one mode line":    "d diff --git a/f b/f|d new file mode 100644|t ",
	"one of several":   "d diff --git a/f b/f|d deleted file mode 100644|d diff --git a/g b/g|d new file mode 100644|t -- |t 2.30|t ",
	"index alone":      "t diff --git a/f b/f|t index 1..2 100644|t words|t ",
	"rename then hunk": "d diff --git a/f b/g|d similarity index 90%|d rename from f|d rename to g|d index 1..2|d --- a/f|d +++ b/g|d @@ -1 +1 @@|d -a|d +b|t ",
	"deleted":          "d diff --git a/f b/f|d deleted file mode 100644|d index 1..0|d --- a/f|d +++ /dev/null|d @@ -1 +0,0 @@|d -a|t ",
	"zero counts":      "d --- a/f|d +++ b/f|d @@ -0,0 +0,0 @@|d taken|t not|t ",
	"huge counts":      "d --- a/f|d +++ b/f|d @@ -1,99999999999999999999 +1 @@|d  a|d b|d ",
	"bad hunk":         "t --- a/f|t +++ b/f|t @@ -1, +1 @@|t  a|t ",
	"combined":         "t why|d diff --cc f|d index 1,2..3|d mode 100644,100644..100755|d --- a/f|d +++ b/f|d @@@ -1,2 -1,2 +1,2 @@@ fn|d   a|d - b|d  -c|d ++d|d @@@ -9 -9 +9 @@@|d   a|t |t more|t ",
	"octopus":          "d diff --combined f|d index 1,2,3..4|d --- a/f|d +++ b/f|d @@@@ -1,2 -1,1 -1,2 +1,2 @@@@|d    a|d -  b|d + +c|d   -d|t ",
	"not combined":     "d diff --cc f|d index 1,2..3|d --- a/f|t +++ b/f|t @@@ -1,1 -1,1 @@@|t ++a|t ",
	"context":          "t why|d *** f.orig\t2021|d --- f\t2021|d ***************|d *** 1,3 ****|d   a|d ! b|d - c|d --- 1,2 ----|d   a|d ! d|d *** g.orig|d --- g|d ***************|d *** 1 ****|d --- 1,2 ----|d + x|t more|t ",
	"context, named":   "t why|d diff -c f.orig f|d *** f.orig|d --- f|d ***************|d *** 1 ****|d ! b|d --- 1 ----|d ! c|t -- |t x|t ",
	"stars":            "t *** note ***|t words|t *** |t --- |t ",
	"binary, no index": "d diff --git a/f b/f|d Binary files a/f and b/f differ|t words|t ",
	"binary, hg":       "t # HG changeset patch|d diff -r 1 f|d Binary file f has changed|t ",
	"binary, svn":      "d Index: f|d ===|d Cannot display: file marked as a binary type.|t svn:mime-type = x|t ",
	"binary in prose":  "t diff of|t Binary files a and b differ|t ",
	"other language":   "d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d \\ Kein Zeilenumbruch am Dateiende.|d +b|d \\ Kein Zeilenumbruch am Dateiende.|t ",
	"submodule":        "d diff --git a/sub b/sub|d index 1..2 160000|d --- a/sub|d +++ b/sub|d @@ -1 +1 @@|d -Subproject commit 1|d +Subproject commit 2|t ",
	"quoted name":      "d diff --git \"a/\\303\\251\" \"b/\\303\\251\"|d index 1..2 100644|d --- \"a/\\303\\251\"|d +++ \"b/\\303\\251\"|d @@ -1 +1 @@|d -a|d +b|t ",
	"binary, crlf":     "d diff --git f f\r|d new file mode 100644\r|d index 0..1\r|d GIT binary patch\r|d literal 3\r|d KcmZQzU}<\r|d \r|d literal 0\r|d HcmV?d00001\r|d \r|T -- \r|T 2.30\r|T ",
	"crlf":             "t why\r|d --- a/f\r|d +++ b/f\r|d @@ -1 +1 @@\r|d -a\r|d +b\r|t ",
	"names and marker": "d --- a/f|d +++ b/f|d @@ -1 +1 @@|d -a|d +b|d --- a/g|D +++ b/g|d \\ No newline at end of file|t ",
	"binary":           "t why|d diff --git f f|d new file mode 100644|d index 0..1|d GIT binary patch|d literal 3|d KcmZQzU}<|d |d literal 0|d HcmV?d00001|d |T -- |T 2.30|T ",
	"binary, footer":   "d diff --git f f|d new file mode 100644|d index 0..1|d GIT binary patch|d literal 3|d KcmZQzU}<|d |d |T Some list|T diff |T ",
	"binary then text": "d diff --git a/f b/f|d new file mode 100644|d index 0..1|d GIT binary patch|d delta 3|d KcmZQzU}<|d |d diff --git a/s b/s|D new file mode 100755|D index 0..2|d --- /dev/null|d +++ b/s|d @@ -0,0 +1 @@|d +a|t ",
	"two binaries":     "d diff --git a/f b/f|d index 0..1 100644|d index 0..1|d GIT binary patch|d literal 3|d KcmZQzU}<|d |D diff --git a/g b/g|D old mode 1|D index 0..2|D GIT binary patch|D literal 3|D KcmZQzU}<|D |D ",
	"binary notice":    "t why|D diff --git a/f b/f|D index 1..2|D Binary files a/f and b/f differ|t -- |t 2.30|t ",
}

func TestSplit(t *testing.T) {
	for name, marked := range splitCases {
		t.Run(name, func(t *testing.T) {
			var in []string
			var text, patch strings.Builder
			for line := range strings.SplitSeq(marked, "|") {
				where, line := line[:1], line[2:]
				in = append(in, line)
				if strings.EqualFold(where, "t") {
					text.WriteString(line + "\n")
				} else {
					patch.WriteString(line + "\n")
				}
			}
			comment, diff := Split([]byte(strings.Join(in, "\n")))
			if d := cmp.Diff(text.String(), string(comment)); d != "" {
				t.Errorf("comment (-want +got):\n%s", d)
			}
			if d := cmp.Diff(patch.String(), string(diff)); d != "" {
				t.Errorf("diff (-want +got):\n%s", d)
			}
			if (diff == nil) != (patch.Len() == 0) {
				t.Errorf("diff is nil: %v", diff == nil)
			}
		})
	}
}

func TestSplitResultsDoNotOverlap(t *testing.T) {
	comment, diff := Split([]byte("a\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\nb\n"))
	_ = append(comment, "overwritten"...)
	if want := "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n"; string(diff) != want {
		t.Errorf("appending to the comment made the diff %q", diff)
	}
}

// FuzzSplit checks that each line of the text is in the comment or in the
// diff, once, and in order.
func FuzzSplit(f *testing.F) {
	for _, c := range splitCases {
		f.Add([]byte(strings.ReplaceAll(c, "|", "\n")))
		var lines []string
		for line := range strings.SplitSeq(c, "|") {
			lines = append(lines, line[2:])
		}
		f.Add([]byte(strings.Join(lines, "\n")))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		comment, diff := Split(text)
		if len(comment)+len(diff) != len(text)+1 {
			t.Fatalf("%d bytes became %d and %d", len(text), len(comment), len(diff))
		}
		if !interleaves(bytes.SplitAfter(append(bytes.Clone(text), '\n'), []byte("\n")), comment, diff) {
			t.Errorf("lines are lost or out of order:\n%q\n%q\n%q", text, comment, diff)
		}
	})
}

// interleaves reports whether taking each line from the front of a or of b
// uses up both. Both fit only where the lines are equal, so every way is kept.
func interleaves(lines [][]byte, a, b []byte) bool {
	taken := map[int]bool{0: true} // bytes taken from a; the rest are from b
	done := 0
	for _, line := range lines {
		next := map[int]bool{}
		for n := range taken {
			if bytes.HasPrefix(a[n:], line) {
				next[n+len(line)] = true
			}
			if bytes.HasPrefix(b[done-n:], line) {
				next[n] = true
			}
		}
		done += len(line)
		taken = next
	}
	return taken[len(a)]
}

// benchMail is a mail of about 10 KB.
func benchMail() []byte {
	var b strings.Builder
	b.WriteString("fs: give the inode back on error\n\nThe path that fails keeps it, which leaks.\n\nSigned-off-by: A U Thor <a@example.org>\n---\n")
	for b.Len() < 10_000 {
		b.WriteString("diff --git a/fs/x/inode.c b/fs/x/inode.c\nindex 0123456789ab..ba9876543210 100644\n--- a/fs/x/inode.c\n+++ b/fs/x/inode.c\n" +
			"@@ -101,7 +101,7 @@ static int fill(struct super_block *sb)\n \tstruct inode *inode = new_inode(sb);\n \n \tif (!inode)\n-\t\treturn -ENOMEM;\n+\t\treturn dev_err_probe(sb, -ENOMEM, \"no inode\");\n \n \tinode->i_ino = ROOT_INO;\n \tset_nlink(inode, 2);\n")
	}
	b.WriteString("-- \n2.43.0\n")
	return []byte(b.String())
}

func BenchmarkSplit(b *testing.B) {
	mail := benchMail()
	b.SetBytes(int64(len(mail)))
	b.ReportAllocs()
	for b.Loop() {
		Split(mail)
	}
}

func BenchmarkHash(b *testing.B) {
	_, diff := Split(benchMail())
	text := string(diff)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Hash(text)
	}
}

func BenchmarkClean(b *testing.B) {
	text := string(benchMail())
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Clean(text)
	}
}

func BenchmarkFiles(b *testing.B) {
	text := string(benchMail())
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Files(text)
	}
}
