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
