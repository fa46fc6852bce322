// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg_test

import (
	"strings"
	"testing"

	"patchwork.example/pw/internal/format/mailmsg"
)

func TestUnflow(t *testing.T) {
	for _, tc := range []struct {
		text  string
		delSp bool
		want  string
	}{
		{"one \ntwo\nthree\n", false, "one two\nthree\n"},
		{"one \r\ntwo\r\n", false, "one two\r\n"},
		{"Wör \ntchen\n", true, "Wörtchen\n"},
		{" From me\n  a\n\n", false, "From me\n a\n\n"},
		{"@@ -1,2 +1,2 @@ int \nf(int a)\n  \ta\n-b\n+c\n", false, "@@ -1,2 +1,2 @@ int f(int a)\n \ta\n-b\n+c\n"},
		{"open \n-- \nAnn\n", false, "open \n-- \nAnn\n"},
		{"open ", false, "open "},
		{"", false, ""},
	} {
		if got := mailmsg.Unflow(tc.text, tc.delSp); got != tc.want {
			t.Errorf("Unflow(%q, %v) = %q, want %q", tc.text, tc.delSp, got, tc.want)
		}
	}
}

func TestFlowedAndAddresses(t *testing.T) {
	m := mailmsg.Parse([]byte("To: A, B <ab@people.example>, c@people.example\nCc: x\nTO: d@people.example\nContent-Type: text/plain; Format=Flowed; DelSp=YES\n\nx\n"))
	if flowed, delSp := m.Parts[0].Flowed(); !flowed || !delSp {
		t.Errorf("flowed %v, delsp %v", flowed, delSp)
	}
	got := m.Header.Addresses("to")
	if len(got) != 3 || got[0] != (mailmsg.Address{Name: "A, B", Email: "ab@people.example"}) || got[1].Email != "c@people.example" || got[2].Email != "d@people.example" {
		t.Errorf("Addresses = %v", got)
	}
}

func TestUnstuff(t *testing.T) {
	for in, want := range map[string]string{
		"a\n  b \n > c\n From d\n>e\n": "a\n b \n> c\nFrom d\n>e\n",
		"a\n":                          "a\n",
		"  a\n b\n":                    "no",
		"  a\n \n":                     "no",
	} {
		got, ok := mailmsg.Unstuff(in)
		if !ok {
			if got != in {
				t.Errorf("Unstuff(%q) = %q", in, got)
			}
			got = "no"
		}
		if got != want {
			t.Errorf("Unstuff(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestUnflowLines(t *testing.T) {
	const long = "This is a line that a mail program has broken because the next \n"
	for _, tc := range []struct {
		name, text string
		delSp      bool
		want       string
	}{
		{"lines stay", long + "word had no room.\n-- \nAnn\n", false, "-"},
		{"stuffed code", long + "word had no room:\n\n   if (x)\n  \ty();\n > z\n", false, long + "word had no room:\n\n  if (x)\n \ty();\n> z\n"},
		{"not stuffed", long + "word had no room:\n\n if (x)\n   y();\n", false, "-"},
		{"nothing is flowed", "How about \n\n   if (x) \n\ty();\n", false, "-"},
		{"quotes", long + "word\n>  \n> -\tint a; \n> +\tint b;\n>\n> > x \n> > y\n", false, "-"},
		{"quotes with DelSp", long + "word\n> -\tint a; \n> +\tint b;\n", true, strings.ReplaceAll(long+"word\n> -\tint a; \n> +\tint b;\n", "next \n", "next")},
		{"a broken address", "Please see what they said at https://lists.example.org/archives/de \nvel/2026-November/1.html  \nand answer.\n", true,
			"Please see what they said at https://lists.example.org/archives/devel/2026-November/1.html \nand answer.\n"},
		{"CR", "Please see what they said at https://lists.example.org/archives/de \r\nvel  \r\nand\r\n", true, "Please see what they said at https://lists.example.org/archives/devel \r\nand\r\n"},
		{"signature", " From me\n-- \nAnn\n", true, "From me\n-- \nAnn\n"},
		{"at the end of a paragraph", " From me \n\nx \n> y\nz ", true, "From me\n\nx\n> y\nz"},
		{"nothing", "", true, "-"},
	} {
		want := tc.want
		if want == "-" {
			want = tc.text
		}
		if got := mailmsg.UnflowLines(tc.text, tc.delSp); got != want {
			t.Errorf("%s: UnflowLines(%q, %v) = %q, want %q", tc.name, tc.text, tc.delSp, got, want)
		}
	}
}

// FuzzUnflowLines: only white space changes, and what is quoted stays.
func FuzzUnflowLines(f *testing.F) {
	f.Add(" From a\nb \nc\n", true)
	f.Add("  a\n > b\r\n> c \n", false)
	f.Fuzz(func(t *testing.T, in string, delSp bool) {
		got := mailmsg.UnflowLines(in, delSp)
		if a, b := strings.Join(strings.Fields(in), ""), strings.Join(strings.Fields(got), ""); a != b || len(got) > len(in) {
			t.Fatalf("%q became %q", in, got)
		}
		for line := range strings.Lines(in) {
			if line[0] == '>' && !strings.Contains(got, line) {
				t.Fatalf("%q is not in %q", line, got)
			}
		}
	})
}
