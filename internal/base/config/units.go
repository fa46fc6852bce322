// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	day          = 24 * time.Hour
	maxBatchWait = time.Second // senders wait that long for their answer
)

// readDuration reads what time.ParseDuration reads, and whole weeks (w) and days (d) before it: 2w, 30d, 1d12h, 500ms. 0 needs no unit.
func readDuration(s string) (time.Duration, bool) {
	if s == "0" {
		return 0, true
	}
	weeks, rest, ok1 := cutUnit(s, 'w', 7*day)
	days, rest, ok2 := cutUnit(rest, 'd', day)
	if !ok1 || !ok2 || weeks > math.MaxInt64-days {
		return 0, false
	}
	total := weeks + days
	if rest == "" {
		return total, s != ""
	}
	clock, err := time.ParseDuration(rest)
	if err != nil || rest[0] == '-' || rest[0] == '+' || clock > math.MaxInt64-total {
		return 0, false
	}
	return total + clock, true
}

// cutUnit takes a leading whole number with the unit off s; it takes nothing if there is none.
func cutUnit(s string, unit byte, each time.Duration) (d time.Duration, rest string, ok bool) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	if i == 0 || i == len(s) || s[i] != unit {
		return 0, s, true
	}
	n, err := strconv.ParseInt(s[:i], 10, 64)
	if err != nil || n > math.MaxInt64/int64(each) {
		return 0, s, false
	}
	return time.Duration(n) * each, s[i+1:], true
}

// showDuration is the shortest text that readDuration gives d for.
func showDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	days := ""
	if d >= day {
		days = strconv.FormatInt(int64(d/day), 10) + "d"
		d %= day
	}
	if d == 0 {
		return days
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return days + s
}

// sizeUnits are tried in this order, so that a suffix of another one comes after it.
var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9},
	{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30},
	{"b", 1},
}

// readSize reads whole bytes: 1000, 512KiB, 50 MiB, 2GB (decimal), 50M (binary); letters in any case.
func readSize(s string) (int64, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	unit := int64(1)
	for _, u := range sizeUnits {
		if number, found := strings.CutSuffix(s, u.name); found {
			s, unit = strings.TrimSpace(number), u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/unit {
		return 0, false
	}
	return int64(n) * unit, true
}

// showSize uses the largest binary unit that loses nothing.
func showSize(n int64) string {
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
