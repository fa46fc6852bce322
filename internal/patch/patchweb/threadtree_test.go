// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"strings"
	"testing"
)

// TestTreeOrder: mails are written as key<answered; the order as key at its depth.
func TestTreeOrder(t *testing.T) {
	for mails, want := range map[string]string{
		"":                        "",
		"a<":                      "a0",
		"a< b<a c<a d<b":          "a0 b1 d2 c1",
		"a<x b<a c<y d<c":         "a0 b1 c0 d1",
		"b<a a<":                  "a0 b1",
		"a<b b<a c<b":             "a0 b1 c2",
		"a<a b<a":                 "a0 b1",
		"a< a< b<a":               "a0 b1 a0",
		"c< a<b b<a d<c":          "c0 d1 a0 b1",
		"a< b<a c<b d<c e<d f<a":  "a0 b1 c2 d3 e4 f1",
		"p1<c p2<c c< r<p1 s<p2 ": "c0 p11 r2 p21 s2",
	} {
		list := strings.Fields(mails)
		part := func(n int) func(int) string { return func(i int) string { return strings.Split(list[i], "<")[n] } }
		var got []string
		for _, p := range treeOrder(len(list), part(0), part(1)) {
			got = append(got, fmt.Sprint(part(0)(p.at), p.depth))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", mails, s, want)
		}
	}
}

// TestTreeOrderDeep: a thread of many mails, each of which answers the one before, needs no deep stack.
func TestTreeOrderDeep(t *testing.T) {
	const n = 100_000
	out := treeOrder(n, func(i int) string { return fmt.Sprint(i) }, func(i int) string { return fmt.Sprint(i - 1) })
	if len(out) != n || out[n-1].depth != n-1 || out[n-1].parent != n-2 {
		t.Errorf("%d placed, the last %+v", len(out), out[len(out)-1])
	}
}
