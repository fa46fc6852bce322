// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/url"
	"testing"

	"patchwork.example/pw/internal/base/fault"
)

// TestReorder: patches take the places that were typed, and those between make room. A form that does not give each patch of the bundle, and no other, one place that there is
// is refused, and the error names what is wrong.
func TestReorder(t *testing.T) {
	for _, test := range []struct{ form, want string }{
		{"place:1=1&place:2=2&place:3=3&place:4=1", "[4 1 2 3]"},
		{"place:1=4&place:2=2&place:3=3&place:4=4", "[2 3 4 1]"},
		{"place:1=3&place:2=2&place:3=3&place:4=4", "[2 3 1 4]"},
		{"place:1=1&place:2=2&place:3=2&place:4=4", "[1 3 2 4]"},
		{"place:1=4&place:2=3&place:3=2&place:4=1", "[4 3 2 1]"},
		{"place:1=2&place:2=+1+&place:3=3&place:4=4", "[2 1 3 4]"},
		{"", "Order not changed: the form has no place for patch 1, which is in the bundle; it may have been added meanwhile"},
		{"place:1=1&place:2=2&place:4=1", "Order not changed: the form has no place for patch 3, which is in the bundle; it may have been added meanwhile"},
		{"place:1=1&place:2=2&place:2=3&place:3=3&place:4=1", "Order not changed: the form has 2 places for patch 2"},
		{"place:1=1&place:2=2&place:3=3&place:4=4&place:9=1", "Order not changed: patch 9 is not in the bundle; it may have been removed meanwhile"},
		{"place:1=1&place:2=2&place:3=3&place:4=4&place:one=1", "Order not changed: “one” is no number of a patch"},
		{"place:1=1&place:2=2&place:3=3&place:4=4&place:01=1", "Order not changed: “01” is no number of a patch"},
		{"place:1=1&place:2=2&place:3=3&place:4=4&place:=1", "Order not changed: nothing is no number of a patch"},
		{"place:1=1&place:2=99&place:3=3&place:4=4", "Order not changed: “99” is no place of patch 2; the places are 1 to 4"},
		{"place:1=1&place:2=0&place:3=3&place:4=4", "Order not changed: “0” is no place of patch 2; the places are 1 to 4"},
		{"place:1=1&place:2=2&place:3=abcdefghijklmnopqrstuvw&place:4=4", "Order not changed: “abcdefghijklmnopqrst…” is no place of patch 3; the places are 1 to 4"},
		{"place:1=1&place:2=2&place:3=&place:4=4", "Order not changed: nothing is no place of patch 3; the places are 1 to 4"},
	} {
		form, err := url.ParseQuery(test.form)
		if err != nil {
			t.Fatal(err)
		}
		order, err := reorder([]int64{1, 2, 3, 4}, form)
		got := fmt.Sprint(order)
		if err != nil {
			got = fault.UserText(err)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.form, got, test.want)
		}
	}
}
