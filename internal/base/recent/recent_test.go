// SPDX-License-Identifier: GPL-2.0-or-later

package recent

import (
	"strconv"
	"strings"
	"testing"
)

// However many come, no more of them are remembered.
func TestMemoryIsBounded(t *testing.T) {
	r := New[int, string](3)
	for i := range 5 {
		r.Put(i, strconv.Itoa(i))
		r.Get(0)
	}
	var left []string
	for i := range 5 {
		if v, ok := r.Get(i); ok {
			left = append(left, v)
		}
	}
	if got := strings.Join(left, " "); got != "0 3 4" || r.order.Len() != 3 || len(r.byKey) != 3 {
		t.Errorf("%s, %d in order, %d by key", got, r.order.Len(), len(r.byKey))
	}
}

// However heavy what comes is, no more than a weight is remembered, and the last value at any rate.
func TestMemoryIsBoundedByWeight(t *testing.T) {
	r := NewWeighed[string](100, 10, func(s string) int { return len(s) })
	for _, test := range []struct{ key, value, left string }{
		{"a", "four", "a"}, {"b", "four", "a b"}, {"a", "sixsix", "a b"}, {"c", "x", "a c"}, {"c", "", "a c"}, {"d", "four", "a c d"}, {"e", "more than ten", "e"}, {"f", "x", "f"},
	} {
		r.Put(test.key, test.value)
		var left []string
		sum := 0
		for _, key := range strings.Fields("a b c d e f") {
			if e := r.byKey[key]; e != nil {
				left, sum = append(left, key), sum+len(e.Value.(*kept[string, string]).value)
			}
		}
		if got := strings.Join(left, " "); got != test.left || r.held != sum {
			t.Errorf("%s %q: left %s, weigh %d and not %d; want %s", test.key, test.value, got, r.held, sum, test.left)
		}
	}
}
