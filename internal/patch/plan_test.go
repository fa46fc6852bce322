// SPDX-License-Identifier: GPL-2.0-or-later

package patch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/test/dbtest"
)

// TestPlans: what an intake and the notifier ask again and again does not read whole tables.
func TestPlans(t *testing.T) {
	many := make([]int64, 200)
	for _, c := range []struct {
		query string
		args  []any
		want  string
	}{
		{"SELECT " + seriesColumns + " FROM series s WHERE " + byID, []any{many}, "[SEARCH s USING INTEGER PRIMARY KEY (rowid=?)]"},
		{dueNotices, []any{1, 1, 1}, "[SCAN n SEARCH p USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN"},
	} {
		if got := fmt.Sprint(dbtest.Plan(t, c.query, c.args...)); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s\nis run as %s\nwant %s", c.query, got, c.want)
		}
	}
}

// TestJoined: spans that touch are one, those that are years apart stay so.
func TestJoined(t *testing.T) {
	got := joined([]Span{{500, 540}, {0, 40}, {520, 560}, {560, 600}, {510, 520}, {601, 640}})
	if want := []Span{{0, 40}, {500, 600}, {601, 640}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
