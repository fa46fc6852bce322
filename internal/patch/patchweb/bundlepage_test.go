// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"fmt"
	"net/url"
	"testing"
)

// TestReorder: patches take the places that were typed, and those between make room.
func TestReorder(t *testing.T) {
	for _, test := range []struct{ form, want string }{
		{"", "[1 2 3 4]"},
		{"place:4=1", "[4 1 2 3]"},
		{"place:1=4", "[2 3 4 1]"},
		{"place:1=3", "[2 3 1 4]"},
		{"place:3=2&place:2=2", "[1 3 2 4]"},
		{"place:1=4&place:2=3&place:3=2&place:4=1", "[4 3 2 1]"},
		{"place:2=99&place:3=-5", "[3 1 4 2]"},
		{"place:2=x&place:3=&place:9=1", "[1 2 3 4]"},
		{"place:1=2&place:2=1&place:3=3&place:4=4", "[2 1 3 4]"},
	} {
		form, err := url.ParseQuery(test.form)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(reorder([]int64{1, 2, 3, 4}, form)); got != test.want {
			t.Errorf("%s: %s, want %s", test.form, got, test.want)
		}
	}
}
