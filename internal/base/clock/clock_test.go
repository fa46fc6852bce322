// SPDX-License-Identifier: GPL-2.0-or-later

package clock_test

import (
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
)

func TestTime(t *testing.T) {
	sydney := time.FixedZone("AEST", 10*3600)
	tests := []struct {
		in   time.Time
		want clock.Time
		text string
	}{
		{time.Unix(0, 0), 0, "1970-01-01T00:00:00.000000Z"},
		{time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), -1, "1969-12-31T23:59:59.999999Z"},
		{time.Date(2038, 1, 19, 13, 14, 8, 123_456_789, sydney), 2147483648123456, "2038-01-19T03:14:08.123456Z"},
	}
	for _, tt := range tests {
		got := clock.FromTime(tt.in)
		if got != tt.want || got.String() != tt.text {
			t.Errorf("FromTime(%v) = %d %s, want %d %s", tt.in, got, got, tt.want, tt.text)
		}
		if back := got.Time(); !back.Equal(tt.in.Truncate(time.Microsecond)) || back.Location() != time.UTC {
			t.Errorf("Time() = %v, want %v in UTC", back, tt.in)
		}
	}
}

func TestArithmetic(t *testing.T) {
	at := clock.Time(5_000_000)
	if got, want := at.Add(1500*time.Millisecond), clock.Time(6_500_000); got != want {
		t.Errorf("Add = %d, want %d", got, want)
	}
	if got, want := clock.Time(6_500_000).Sub(at), 1500*time.Millisecond; got != want {
		t.Errorf("Sub = %v, want %v", got, want)
	}
}

func TestClocks(t *testing.T) {
	fake := clock.NewFake(7)
	fake.Advance(time.Millisecond)
	if got, want := fake.Now(), clock.Time(1007); got != want {
		t.Errorf("after Advance: %d, want %d", got, want)
	}
	fake.Set(3)
	if got, want := fake.Now(), clock.Time(3); got != want {
		t.Errorf("after Set: %d, want %d", got, want)
	}
	before := clock.FromTime(time.Now())
	if now := (clock.System{}).Now(); now < before || now.Sub(before) > time.Minute {
		t.Errorf("System.Now() = %v, want about %v", now, before)
	}
}
