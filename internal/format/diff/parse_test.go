// SPDX-License-Identifier: GPL-2.0-or-later

package diff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// parseCases are diffs with | for LF, and what is made of them: a line for each file, for each hunk, and for each line its numbers, old and new.
var parseCases = []struct{ name, diff, want string }{
	{"git", "diff --git a/d/f b/d/f|index 1..2 100644|--- a/d/f|+++ b/d/f|@@ -1,3 +1,4 @@ fn| a|-b|+c|+d| e|@@ -9 +10 @@|-x|+y|",
		"changed d/f +3 -2 head 4|@@ -1,3 +1,4 @@ fn| 1,1 a|-2,0 b|+0,2 c|+0,3 d| 3,4 e|@@ -9 +10 @@|-9,0 x|+0,10 y"},
	{"new, gone", "diff --git a/f b/f|new file mode 100644|index 0..1|--- /dev/null|+++ b/f|@@ -0,0 +1 @@|+a|diff --git a/g b/g|deleted file mode 100755|--- a/g|+++ /dev/null|@@ -1 +0,0 @@|-a|",
		"made f +1 -0 head 5 mode →100644|@@ -0,0 +1 @@|+0,1 a|removed g +0 -1 head 4 mode 100755→|@@ -1 +0,0 @@|-1,0 a"},
	{"rename", "diff --git a/f b/g|similarity index 90%|rename from f|rename to g|--- a/f|+++ b/g|@@ -1 +1 @@|-a|+b|", "renamed f→g +1 -1 head 6|@@ -1 +1 @@|-1,0 a|+0,1 b"},
	{"copy, quoted", "diff --git a/f b/g|copy from f|copy to \"\\303\\244 b\"|", "copied f→ä b +0 -0 head 3"},
	{"mode", "diff --git a/x y b/x y|old mode 100644|new mode 100755|", "changed x y +0 -0 head 3 mode 100644→100755"},
	{"binary", "diff --git a/p b/p|index 1..2|GIT binary patch|literal 6|NcmZ|||literal 0|Hcm||diff --git a/q b/q|Binary files a/q and b/q differ|",
		"changed p binary +0 -0 head 3||?0,0 literal 6|?0,0 NcmZ|?0,0 |?0,0 |?0,0 literal 0|?0,0 Hcm|?0,0 |changed q binary +0 -0 head 2"},
	{"no newline", "--- f.orig|+++ f|@@ -1 +1 @@|-a|\\ No newline at end of file|+b|\\ Kein Zeilenumbruch|", "changed f +1 -1 head 2|@@ -1 +1 @@|-1,0 a|\\0,0 \\ No newline at end of file|+0,1 b|\\0,0 \\ Kein Zeilenumbruch"},
	{"svn", "Index: trunk/f|=====|--- trunk/f\t(revision 1)|+++ trunk/f\t(working copy)|@@ -1 +1 @@|-a|+b||Property changes on: trunk/f|____|Added: svn:x|## -0,0 +1 ##|+*|",
		"changed trunk/f +1 -1 head 4|@@ -1 +1 @@|-1,0 a|+0,1 b||?0,0 |?0,0 Property changes on: trunk/f|?0,0 ____|?0,0 Added: svn:x|?0,0 ## -0,0 +1 ##|?0,0 +*"},
	{"cvs", "Index: f.c|====|RCS file: /cvs/f.c,v|retrieving revision 1.1|diff -u -r1.1 f.c|--- f.c\t1 Jan 2000|+++ f.c\t2 Jan 2000|@@ -1 +1 @@|-a|+b|Index: g.c|====|", "changed f.c +1 -1 head 7|@@ -1 +1 @@|-1,0 a|+0,1 b|changed g.c +0 -0 head 2"},
	{"hg", "diff -r 1 -r 2 d/f|--- a/d/f\tThu|+++ b/d/f\tThu|@@ -1,1 +1,1 @@|-a|+b|", "changed d/f +1 -1 head 3|@@ -1,1 +1,1 @@|-1,0 a|+0,1 b"},
	{"directories", "diff -urN linux.old/d/f linux/d/f|--- linux.old/d/f|+++ linux/d/f|@@ -1 +1 @@|-a|+b|", "changed d/f +1 -1 head 3|@@ -1 +1 @@|-1,0 a|+0,1 b"},
	{"combined", "diff --cc f|index 1,2..3|--- a/f|+++ b/f|@@@ -1,2 -1,2 +1,2 @@@|  a|- b| -c|++d|", "changed f +1 -2 head 4|@@@ -1,2 -1,2 +1,2 @@@| 0,1 a|-0,0 b|-0,0 c|+0,2 d"},
	{"context", "*** f.orig\t2021|--- f\t2021|***************|*** 1,3 ****|  a|! b|- c|--- 1,2 ----|  a|! d|", "changed f +1 -2 head 2|***************|?0,0 *** 1,3 ****| 1,0 a|-2,0 b|-3,0 c|?0,0 --- 1,2 ----| 0,1 a|+0,2 d"},
	{"crlf", "--- a/f\r|+++ b/f\r|@@ -1,2 +1,2 @@\r|-a\r|+b\r|\r|", "changed f +1 -1 head 2|@@ -1,2 +1,2 @@\r|-1,0 a\r|+0,1 b\r| 2,2 \r"},
	{"stripped context", "--- a/f|+++ b/f|@@ -1,2 +1,3 @@|||+a|", "changed f +1 -0 head 2|@@ -1,2 +1,3 @@| 1,1 | 2,2 |+0,3 a"},
	{"wrapped", "--- a/f|+++ b/f|@@ -1 +1,2 @@| a|+long|wrapped|", "changed f +1 -0 head 2|@@ -1 +1,2 @@| 1,1 a|+0,2 long||?0,0 wrapped"},
	{"wrapped within", "--- a/f|+++ b/f|@@ -1,2 +1,2 @@|-long|wrapped| b|+c|", "changed f +1 -1 head 2|@@ -1,2 +1,2 @@|-1,0 long|?0,0 wrapped| 2,1 b|+0,2 c"},
	{"cut short", "--- a/f|+++ b/f|@@ -1,9 +1,9 @@| a|--- a/g|+++ b/g|@@ -1 +1 @@|-a|+b|", "changed f +0 -0 head 2|@@ -1,9 +1,9 @@ short| 1,1 a|changed g +1 -1 head 2|@@ -1 +1 @@|-1,0 a|+0,1 b"},
	{"hunk too long", "--- a/f|+++ b/f|@@ -1 +1 @@|-a|+b|+c|", "changed f +1 -1 head 2|@@ -1 +1 @@|-1,0 a|+0,1 b||?0,0 +c"},
	{"bad head", "--- a/f|+++ b/f|@@ bad @@|+a|", "changed f +0 -0 head 4"},
	{"dashes", "--- a/f|+++ b/f|@@ -1,2 +1 @@|--- a|-+++ b|+-- c|", "changed f +1 -2 head 2|@@ -1,2 +1 @@|-1,0 -- a|-2,0 +++ b|+0,1 -- c"},
	{"words", "what is this|", "changed (no file name) +0 -0 head 1"},
}

func dump(d *Doc) string {
	var out []string
	for _, f := range d.Files {
		s := [...]string{"changed", "made", "removed", "renamed", "copied"}[f.Verb] + " "
		if f.Verb >= Renamed {
			s += f.Old + "→" + f.New
		} else {
			s += f.Name()
		}
		if f.Binary {
			s += " binary"
		}
		s += fmt.Sprintf(" +%d -%d head %d", f.Added, f.Removed, len(f.Head))
		if f.OldMode+f.NewMode != "" {
			s += " mode " + f.OldMode + "→" + f.NewMode
		}
		out = append(out, s)
		for _, h := range f.Hunks {
			if h.Short {
				h.Head += " short"
			}
			out = append(out, h.Head)
			for _, l := range h.Lines {
				out = append(out, fmt.Sprintf("%c%d,%d %s", " +-\\?"[l.Kind], l.Old, l.New, h.Body(&l)))
			}
		}
	}
	return strings.Join(out, "|")
}

// rewritten is the diff again, of all that was made of it.
func rewritten(d *Doc) string {
	var b strings.Builder
	for _, f := range d.Files {
		for _, s := range f.Head {
			b.WriteString(s + "\n")
		}
		for _, h := range f.Hunks {
			if h.Head != "" {
				b.WriteString(h.Head + "\n")
			}
			for _, l := range h.Lines {
				b.WriteString(l.Text + "\n")
			}
		}
	}
	return b.String() + d.Rest
}

func TestParse(t *testing.T) {
	for _, c := range parseCases {
		t.Run(c.name, func(t *testing.T) {
			text := strings.ReplaceAll(c.diff, "|", "\n")
			d := Parse(text, 1000)
			if diff := cmp.Diff(strings.Split(c.want, "|"), strings.Split(dump(d), "|")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got := rewritten(d); got != text {
				t.Errorf("of %q is left %q", text, got)
			}
		})
	}
}

func TestParseEnds(t *testing.T) {
	d := Parse("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n", 4)
	if got, want := dump(d), "changed f +0 -1 head 2|@@ -1 +1 @@ short|-1,0 a"; got != want || d.Rest != "+b\n" || d.Lines != 4 {
		t.Errorf("%q, %d lines, rest %q", got, d.Lines, d.Rest)
	}
}

// FuzzParse checks that no line is lost or doubled, whatever is in them, and that numbers go up.
func FuzzParse(f *testing.F) {
	for _, c := range parseCases {
		f.Add(strings.ReplaceAll(c.diff, "|", "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := Parse(text, 500)
		want := text
		if d.Rest == "" && text != "" && !strings.HasSuffix(text, "\n") {
			want += "\n"
		}
		if got := rewritten(d); got != want {
			t.Fatalf("of %q is left %q", text, got)
		}
		for _, file := range d.Files {
			for _, h := range file.Hunks {
				for i, l := range h.Lines {
					if len(h.Body(&l)) > len(l.Text) || l.Kind == Add && l.Old != 0 || l.Kind == Remove && l.New != 0 {
						t.Fatalf("line %d: %+v", i, l)
					}
				}
			}
		}
	})
}
