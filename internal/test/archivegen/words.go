// SPDX-License-Identifier: GPL-2.0-or-later

package archivegen

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const signature = "-- \n2.39.5\n\n"

var (
	areas = strings.Fields("boiler kettle timer spout lid handle base cord filter gauge thermostat switch valve whistle display menu network storage logging build docs tests")
	verbs = strings.Fields("fix add remove rework simplify speed-up document test split merge rename guard bound check report avoid restore limit cache")
	nouns = strings.Fields("leak overflow underrun timeout alarm sensor reading pressure units lookup table buffer lock race handler callback header footer parser printer queue event state retry limit option default")
	plain = strings.Fields("the a this that when while because after before without with for into over under each every no some water steam heat cold slow fast early late twice never always level line " +
		"value caller reader writer thread process machine user board signal path branch case order place time part side end begins stops waits returns fails grows shrinks moves keeps loses finds")
	given  = strings.Fields("Ann Bob Carl Dora Emil Fay Gus Hana Ivan Jing Kofi Lena Mia Noor Otto Pia Qi Rosa Sven Tara Uma Vera Wim Xin Yara Zeno")
	family = strings.Fields("Ash Birch Cedar Dogwood Elm Fir Gorse Hazel Ivy Juniper Kauri Larch Maple Nettle Oak Pine Quince Rowan Sorrel Tansy Umber Vetch Willow Yew Zinnia")
	tags   = strings.Fields("Acked-by Reviewed-by Tested-by")
)

func word(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// person is one of several hundred; few of them write most of the mails.
func (g *generator) person() string {
	n := g.rand.IntN(1 + g.rand.IntN(len(given)*len(family)))
	first, last := given[n%len(given)], family[n/len(given)]
	return fmt.Sprintf("%s %s <%s@%s.people.example>", first, last, strings.ToLower(first), strings.ToLower(last))
}

// address is what stands between the angle brackets.
func address(who string) string {
	_, rest, _ := strings.Cut(who, "<")
	return strings.TrimSuffix(rest, ">")
}

func (g *generator) topic() string {
	return fmt.Sprintf("%s %s %s of %s", word(g.rand, verbs), word(g.rand, nouns), word(g.rand, nouns), word(g.rand, areas))
}

func (g *generator) sentence() string {
	words := make([]string, 6+g.rand.IntN(8))
	for i := range words {
		words[i] = word(g.rand, plain)
	}
	s := strings.Join(words, " ")
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

func (g *generator) prose(paragraphs int) string {
	var out []string
	for range paragraphs {
		var lines []string
		for range 2 + g.rand.IntN(4) {
			lines = append(lines, g.sentence())
		}
		out = append(out, strings.Join(lines, "\n"))
	}
	return strings.Join(out, "\n\n")
}

func (g *generator) stat(area string, files int) string {
	var b strings.Builder
	for i := range files {
		fmt.Fprintf(&b, " src/%s/%s%d.c | %d ++--\n", area, area, i, 2+g.rand.IntN(40))
	}
	return b.String()
}

// patchBody is a message with its diff, as git-format-patch writes it.
func (g *generator) patchBody(who, area string) string {
	files := 1 + g.rand.IntN(3)
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\nSigned-off-by: %s\n---\n%s\n", g.prose(1+g.rand.IntN(3)), who, g.stat(area, files))
	for i := range files {
		name := fmt.Sprintf("src/%s/%s%d.c", area, area, i)
		fmt.Fprintf(&b, "diff --git a/%[1]s b/%[1]s\nindex %07[2]x..%07[3]x 100644\n--- a/%[1]s\n+++ b/%[1]s\n", name, g.rand.Uint32()>>4, g.rand.Uint32()>>4)
		line := 1
		for range 2 + g.rand.IntN(4) {
			line += 10 + g.rand.IntN(80)
			b.WriteString(g.hunk(line))
		}
	}
	return b.String() + signature
}

// hunk has as many lines as its header says.
func (g *generator) hunk(at int) string {
	removed, added := g.rand.IntN(4), 1+g.rand.IntN(6)
	var b strings.Builder
	fmt.Fprintf(&b, "@@ -%d,%d +%d,%d @@ int %s_%s(void)\n", at, removed+6, at, added+6, word(g.rand, areas), word(g.rand, nouns))
	code := func(mark string, lines int) {
		for range lines {
			fmt.Fprintf(&b, "%s\t%s_%s(%s->%s, %d);\n", mark, word(g.rand, areas), word(g.rand, nouns), word(g.rand, areas), word(g.rand, nouns), g.rand.IntN(1000))
		}
	}
	code(" ", 3)
	code("-", removed)
	code("+", added)
	code(" ", 3)
	return b.String()
}
