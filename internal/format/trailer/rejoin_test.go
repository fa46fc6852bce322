// SPDX-License-Identifier: GPL-2.0-or-later

package trailer

import (
	"strings"
	"testing"
)

func TestRejoin(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"address on its own line", "Fine.\n\nReviewed-by: Ann\n<ann@x.example>\n\nAnn\n", "Fine.\n\nReviewed-by: Ann <ann@x.example>\n\nAnn\n"},
		{"folded", "Reviewed-by: Ann Example\n <ann@x.example>", "Reviewed-by: Ann Example <ann@x.example>"},
		{"flowed", "Acked-by: Ann \n<ann@x.example> \nThanks", "Acked-by: Ann <ann@x.example>\nThanks"},
		{"CR", "Acked-by: Ann \r\n<ann@x.example>\r\nThanks\r\n", "Acked-by: Ann <ann@x.example>\nThanks\r\n"},
		{"in the name", "Tested-by: Annegret Wilhelmine Charlotte Example-Wolkenstein of the \nUniversity <ann@x.example>\nx\n",
			"Tested-by: Annegret Wilhelmine Charlotte Example-Wolkenstein of the University <ann@x.example>\nx\n"},
		{"in the name twice", "Tested-by: Annegret Wilhelmine Charlotte Example-Wolkenstein of \nUniversity \n<ann@x.example> # on a board\n", "-"},
		{"what was tested", "Tested-by: Ann\n<ann@x.example> # on a board\n", "-"},
		{"what was tested, flowed", "Tested-by: Ann \n<ann@x.example> # on a board\n", "Tested-by: Ann <ann@x.example> # on a board\n"},
		{"it is complete", "Reviewed-by: Ann <ann@x.example> \n<bob@x.example>\nThanks\n", "-"},
		{"a bare address", "Reviewed-by: ann@x.example \n<bob@x.example>\n", "-"},
		{"only a name", "Acked-by: Ann \nThanks a lot for <this@x.example>\n", "-"},
		{"a sentence", "Acked-by: Annegret Wilhelmine Charlotte Example-Wolkenstein \nYou can reach me at: <ann@x.example>\n", "-"},
		{"an empty line between", "Acked-by: Ann \n\n<ann@x.example>\n", "-"},
		{"a quote follows", "Acked-by: Ann \n> <ann@x.example>\n", "-"},
		{"quoted", "> Acked-by: Ann \n> <ann@x.example>\n", "-"},
		{"nobody", "Acked-by: \n<ann@x.example>\n", "-"},
		{"two trailers", "Acked-by: Ann\nTested-by: Bob\n<bob@x.example>\n", "Acked-by: Ann\nTested-by: Bob <bob@x.example>\n"},
		{"prose", "Stand-by: me \n", "-"},
		{"no key", "What is done by : Ann\n<ann@x.example>\n", "-"},
		{"Fixes", "Fixes: 0123456789ab (\"tree: a subject that is too long for \none line\")\nx\n", "Fixes: 0123456789ab (\"tree: a subject that is too long for one line\")\nx\n"},
		{"Fixes, hard", "Fixes: 0123456789ab (\"tree: a subject that\nis long\")", "Fixes: 0123456789ab (\"tree: a subject that is long\")"},
		{"Fixes without an end", "Fixes: 0123456789ab (\"tree: a \nb \nc \nd \ne\")\n", "-"},
		{"Fixes without quotes", "Fixes: #12 \nand more\")\n", "-"},
		{"Link", "Link: \nhttps://x.example/a\nx", "Link: https://x.example/a\nx"},
		{"Depends-on", "Depends-on: \n<a@x.example>\n", "Depends-on: <a@x.example>\n"},
		{"a list of links", "Link:\nhttps://x.example/a\n", "-"},
		{"a sentence behind a link", "Link: \nhttps://x.example/a is good\n", "-"},
		{"the end", "Acked-by: Ann ", "-"},
		{"nothing", "", "-"},
	} {
		want := tc.want
		if want == "-" {
			want = tc.in
		}
		if got := Rejoin(tc.in); got != want {
			t.Errorf("%s: Rejoin(%q) = %q, want %q", tc.name, tc.in, got, want)
		}
	}
}

// FuzzRejoin: no letter is lost or made, only white space changes, and nothing is left to be put together.
func FuzzRejoin(f *testing.F) {
	f.Add("x\nReviewed-by: Ann \n<ann@x.example>\n")
	f.Add("Fixes: 1 (\"a \nb\")\r\nLink: \nhttp://x\n")
	f.Add("Acked-by: A\n<a@x>\n<b@y>\nFixes: (\"\n\")")
	f.Fuzz(func(t *testing.T, in string) {
		got := Rejoin(in)
		if a, b := strings.Join(strings.Fields(in), ""), strings.Join(strings.Fields(got), ""); a != b {
			t.Fatalf("%q became %q", in, got)
		}
		if len(got) > len(in) {
			t.Fatalf("%q grew to %q", in, got)
		}
	})
}
