// SPDX-License-Identifier: GPL-2.0-or-later

package subject

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// The rows without a comment are what Patchwork 3.2 makes of the subject.
func TestParse(t *testing.T) {
	for in, want := range map[string]Subject{
		"":                         {Version: 1},
		"plain words":              {Name: "plain words", Version: 1},
		"[PATCH] one":              {Name: "one", Version: 1},
		"[PATCH]: Fix ld":          {Name: ": Fix ld", Version: 1},
		"[patch net] x":            {Name: "[net] x", Prefixes: []string{"net"}, Version: 1},
		"[PATCH foo,RFC] x":        {Name: "[RFC] x", Prefixes: []string{"RFC"}, Version: 1},
		"[FOO] x":                  {Name: "x", Version: 1},
		"[A, ,B  C] [D] x":         {Name: "[A,B,C,D] x", Prefixes: []string{"A", "B", "C", "D"}, Version: 1},
		"[] x":                     {Name: "x", Version: 1},
		"[a [b] c] x":              {Name: "[a,[b] c] x", Prefixes: []string{"a", "[b"}, Version: 1},
		"[GIT PULL] Please pull":   {Name: "[GIT,PULL] Please pull", Prefixes: []string{"GIT", "PULL"}, Version: 1},
		"Fwd: [PATCH] x":           {Name: "x", Version: 1},
		"fw [PATCH] x":             {Name: "x", Version: 1},
		"Reply to x":               {Name: "Reply to x", Version: 1},
		"re-add x":                 {Name: "re-add x", Version: 1},
		"[PATCH] Re: x":            {Name: "Re: x", Version: 1},
		"Re: [PATCH v3] x":         {Name: "[v3] x", Prefixes: []string{"v3"}, Version: 3, Reply: true},
		"RE: x":                    {Name: "x", Version: 1, Reply: true},
		"re foo":                   {Name: "foo", Version: 1, Reply: true},
		"Re: Re: x":                {Name: "Re: x", Version: 1, Reply: true},
		"[PATCH 1/2] x":            {Name: "[1/2] x", Prefixes: []string{"1/2"}, Version: 1, Number: 1, Total: 2, Numbered: true},
		"[1/2] x":                  {Name: "[1/2] x", Prefixes: []string{"1/2"}, Version: 1, Number: 1, Total: 2, Numbered: true},
		"[PATCH 01/10] x":          {Name: "[01/10] x", Prefixes: []string{"01/10"}, Version: 1, Number: 1, Total: 10, Numbered: true},
		"[PATCH1/8] x":             {Name: "[PATCH1/8] x", Prefixes: []string{"PATCH1/8"}, Version: 1, Number: 1, Total: 8, Numbered: true},
		"[v2PATCH12/15] x":         {Name: "[v2PATCH12/15] x", Prefixes: []string{"v2PATCH12/15"}, Version: 1, Number: 12, Total: 15, Numbered: true},
		"[PATCH 1/2/3] x":          {Name: "[1/2/3] x", Prefixes: []string{"1/2/3"}, Version: 1, Number: 2, Total: 3, Numbered: true},
		"[PATCH 4/6]: x":           {Name: "[4/6] : x", Prefixes: []string{"4/6"}, Version: 1, Number: 4, Total: 6, Numbered: true},
		"[PATCH 0/3] x":            {Name: "[0/3] x", Prefixes: []string{"0/3"}, Version: 1, Number: 0, Total: 3, Numbered: true},
		"[PATCH 3/2] x":            {Name: "[3/2] x", Prefixes: []string{"3/2"}, Version: 1, Number: 3, Total: 2, Numbered: true},
		"[PATCH 1 of 2] x":         {Name: "[1 of 2] x", Prefixes: []string{"1 of 2"}, Version: 1, Number: 1, Total: 2, Numbered: true},
		"[PATCH 1 of 2 V3,RFC] x":  {Name: "[1 of 2,V3,RFC] x", Prefixes: []string{"1 of 2", "V3", "RFC"}, Version: 3, Number: 1, Total: 2, Numbered: true},
		"[patch 1 of 2] x":         {Name: "[1,of,2] x", Prefixes: []string{"1", "of", "2"}, Version: 1},
		"[PATCH 3/n] x":            {Name: "[3/n] x", Prefixes: []string{"3/n"}, Version: 1},
		"[PATCH 1/0] x":            {Name: "[1/0] x", Prefixes: []string{"1/0"}, Version: 1},
		"[PATCH 1/0 2/3] x":        {Name: "[1/0,2/3] x", Prefixes: []string{"1/0", "2/3"}, Version: 1},
		"foo [PATCH 1/2]":          {Name: "foo [PATCH 1/2]", Version: 1},
		"[PATCH 1/3":               {Name: "[PATCH 1/3", Version: 1},
		"[PATCH v2 RFC V3] x":      {Name: "[v2,RFC,V3] x", Prefixes: []string{"v2", "RFC", "V3"}, Version: 2},
		"[PATCH (v3) 1/2] x":       {Name: "[(v3),1/2] x", Prefixes: []string{"(v3)", "1/2"}, Version: 3, Number: 1, Total: 2, Numbered: true},
		"[PATCH] x (v) (y) (v4) z": {Name: "x (v) (y) (v4) z", Version: 4},
		"[PATCH -v2] x":            {Name: "[-v2] x", Prefixes: []string{"-v2"}, Version: 1},
		"[PATCH [v2] x] y":         {Name: "[[v2] x] y", Prefixes: []string{"[v2"}, Version: 1},
		"[PATCH v2.1] x":           {Name: "[v2.1] x", Prefixes: []string{"v2.1"}, Version: 1},
		"[PATCH net] ":             {Name: "[net]", Prefixes: []string{"net"}, Version: 1},
		// Capped here; an overflow error in Patchwork 3.2.
		"[PATCH v99999999999] x":          {Name: "[v99999999999] x", Prefixes: []string{"v99999999999"}, Version: 1},
		"[PATCH v0] x":                    {Name: "[v0] x", Prefixes: []string{"v0"}, Version: 0},
		"[PATCH v32767 1/32767] x":        {Name: "[v32767,1/32767] x", Prefixes: []string{"v32767", "1/32767"}, Version: 32767, Number: 1, Total: 32767, Numbered: true},
		"[PATCH 1/32768] x":               {Name: "[1/32768] x", Prefixes: []string{"1/32768"}, Version: 1},
		"[PATCH 99999999999/2] x":         {Name: "[99999999999/2] x", Prefixes: []string{"99999999999/2"}, Version: 1},
		"[PATCH 9223372036854775809/1] x": {Name: "[9223372036854775809/1] x", Prefixes: []string{"9223372036854775809/1"}, Version: 1},
		// Wider than Patchwork 3.2, with the same names.
		"[PATCHv2 1/2] x":       {Name: "[PATCHv2,1/2] x", Prefixes: []string{"PATCHv2", "1/2"}, Version: 2, Number: 1, Total: 2, Numbered: true},
		"[RFCv4] x":             {Name: "[RFCv4] x", Prefixes: []string{"RFCv4"}, Version: 4},
		"[PATCH v6.1-stable] x": {Name: "[v6.1-stable] x", Prefixes: []string{"v6.1-stable"}, Version: 1},
		"[PATCH v2 1 / 3] x":    {Name: "[v2,1,/,3] x", Prefixes: []string{"v2", "1", "/", "3"}, Version: 2, Number: 1, Total: 3, Numbered: true},
		"Re[2]: [PATCH] x":      {Name: "x", Version: 1, Reply: true},
		"AW: [PATCH] x":         {Name: "x", Version: 1, Reply: true},
		"AW: WG":                {Name: "AW: WG", Version: 1},
		"R: SV: [PATCH] x":      {Name: "x", Version: 1, Reply: true},
		"r: fix build":          {Name: "r: fix build", Version: 1},
		"答复: [PATCH 1/2] x":     {Name: "[1/2] x", Prefixes: []string{"1/2"}, Version: 1, Reply: true, Number: 1, Total: 2, Numbered: true},
		"回复：[PATCH] x":          {Name: "x", Version: 1, Reply: true},
		"[EXT] Re: [PATCH] x":   {Name: "x", Version: 1, Reply: true},
		"[list] Re: words":      {Name: "words", Version: 1, Reply: true},
		"[PATCH v2] Re: x":      {Name: "[v2] Re: x", Prefixes: []string{"v2"}, Version: 2},
	} {
		if diff := cmp.Diff(want, Parse(in, "foo")); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", in, diff)
		}
	}
}

func TestParseWithoutLinkname(t *testing.T) {
	if got := Parse("[PATCH a] b", "").Name; got != "[a] b" {
		t.Errorf("the name is %q", got)
	}
}

func TestNameIsCut(t *testing.T) {
	got := Parse("[PATCH] "+strings.Repeat("ł", 300), "foo").Name
	if got != strings.Repeat("ł", 255) {
		t.Errorf("the name has %d characters", utf8.RuneCountInString(got))
	}
}

func FuzzSubject(f *testing.F) {
	for _, s := range []string{"Re: [PATCH v2 1/3] x", "[PATCH 1 of 2] x", "[list] Re[2]: (v3)", "答复：[a", "R: r: [x]", "[ 1 / 2 ](v9"} {
		f.Add(s, "foo")
	}
	f.Fuzz(func(t *testing.T, text, linkname string) {
		s := Parse(text, linkname)
		if s.Version < 0 || s.Version > MaxNumber {
			t.Errorf("version %d", s.Version)
		}
		if s.Numbered != (s.Total > 0) || s.Number < 0 || s.Number > MaxNumber || s.Total > MaxNumber || !s.Numbered && s.Number != 0 {
			t.Errorf("number %d of %d, numbered %v", s.Number, s.Total, s.Numbered)
		}
		if !utf8.ValidString(s.Name) || utf8.RuneCountInString(s.Name) > 255 {
			t.Errorf("name %q", s.Name)
		}
		for _, p := range s.Prefixes {
			if p == "" || strings.ContainsAny(p, ",]") || strings.EqualFold(p, "patch") {
				t.Errorf("prefix %q", p)
			}
		}
		if len(s.Prefixes) > 0 && utf8.RuneCountInString(s.Name) < 255 && utf8.ValidString(text) {
			if want := "[" + strings.Join(s.Prefixes, ",") + "]"; !strings.HasPrefix(s.Name, want) {
				t.Errorf("name %q does not begin with %q", s.Name, want)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Parse("[PATCH net-next v2 03/12] net/mlx5: fix the leak of counters on error", "netdev")
	}
}
