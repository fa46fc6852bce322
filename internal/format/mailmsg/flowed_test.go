// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg_test

import (
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
