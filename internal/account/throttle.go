// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Throttled is the cause of the error of a login that was not tried because too many failed before.
type Throttled struct {
	Wait time.Duration // until the next attempt
}

// Error says how long to wait, in whole seconds.
func (t *Throttled) Error() string { return fmt.Sprintf("blocked for %d s", t.Seconds()) }

// Seconds is Wait rounded up.
func (t *Throttled) Seconds() int { return int((t.Wait + time.Second - 1) / time.Second) }

// rule says how failed logins slow down the next one: each beyond the free ones doubles the wait, from first to most. Waits end, so
// that nobody is locked out for ever by what others try under his name.
type rule struct {
	free        int
	first, most time.Duration
}

// forgetAfter is how long after the end of a wait its failures still count.
const forgetAfter = time.Hour

var (
	ruleForNames    = rule{free: 5, first: 5 * time.Second, most: time.Minute}
	ruleForNetworks = rule{free: 20, first: 10 * time.Second, most: 15 * time.Minute}
)

func (r rule) wait(failures int) time.Duration {
	if failures <= r.free {
		return 0
	}
	return min(r.first<<min(failures-r.free-1, 16), r.most)
}

// limit is one thing that failures are counted for.
type limit struct {
	hash []byte
	rule rule
	name bool // of a user
}

// limitsOf gives the limits of an attempt in the order of their hashes, in which all transactions lock them.
func limitsOf(nameKey, remote string) []limit {
	out := []limit{newLimit("name "+nameKey, ruleForNames, true)}
	if n := network(remote); n != "" {
		out = append(out, newLimit("network "+n, ruleForNetworks, false))
	}
	slices.SortFunc(out, func(a, b limit) int { return bytes.Compare(a.hash, b.hash) })
	return out
}

func newLimit(key string, r rule, name bool) limit {
	sum := sha256.Sum256([]byte(key))
	return limit{hash: sum[:], rule: r, name: name}
}

// network is the part of an address that one visitor is taken to have: all of an IPv4 one, the first 64 bits of an IPv6 one. It is empty, and
// not counted, where the address tells nothing of the visitor: behind a proxy on this machine that is not in http.trusted-proxies all
// have the same.
func network(remote string) string {
	ip, err := netip.ParseAddr(remote)
	if at, perr := netip.ParseAddrPort(remote); perr == nil {
		ip, err = at.Addr(), nil
	}
	ip = ip.Unmap().WithZone("")
	switch {
	case err != nil || ip.IsLoopback():
		return ""
	case ip.Is4():
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}

type throttleRow struct {
	Hash         []byte `db:"key_hash"`
	Failures     int
	BlockedUntil clock.Time `db:"blocked_until"`
	ForgetAt     clock.Time `db:"forget_at"`
}

const throttleColumns = "key_hash, failures, blocked_until, forget_at"

func hashes(limits []limit) [][]byte {
	out := make([][]byte, 0, len(limits))
	for _, l := range limits {
		out = append(out, l.hash)
	}
	return out
}

// checkLimits is fault.Denied when one of the limits says to wait.
func checkLimits(ctx context.Context, q sqldb.Queryer, now clock.Time, limits []limit) error {
	var rows []throttleRow
	if err := q.Select(ctx, &rows, "SELECT "+throttleColumns+" FROM login_throttle WHERE key_hash IN (?)", hashes(limits)); err != nil {
		return fmt.Errorf("read failed logins: %w", err)
	}
	return throttled(now, rows)
}

func throttled(now clock.Time, rows []throttleRow) error {
	var t Throttled
	for _, r := range rows {
		t.Wait = max(t.Wait, r.BlockedUntil.Sub(now))
	}
	if t.Wait == 0 {
		return nil
	}
	return fault.Wrap(fault.Denied, &t, "too many failed attempts; try again in %s", inWords(t.Seconds()))
}

func inWords(seconds int) string {
	unit, n := "second", seconds
	if seconds > 90 {
		unit, n = "minute", (seconds+59)/60
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// countFailure counts one more failure for all limits and sets how long to wait; if one of them says to wait already, nothing is counted and it
// is fault.Denied.
func countFailure(ctx context.Context, tx *sqldb.Tx, now clock.Time, limits []limit) error {
	if err := forgetOld(ctx, tx, now); err != nil {
		return fmt.Errorf("forget failed logins: %w", err)
	}
	rows, err := lockLimits(ctx, tx, limits)
	if err != nil {
		return fmt.Errorf("lock failed logins: %w", err)
	}
	if err := throttled(now, rows); err != nil {
		return err
	}
	for i, r := range rows { // in the order of limits: both are sorted by hash
		if r.ForgetAt <= now {
			r.Failures = 0
		}
		r.Failures++
		until := now.Add(limits[i].rule.wait(r.Failures))
		_, err := tx.Exec(ctx, "UPDATE login_throttle SET failures = ?, blocked_until = ?, forget_at = ? WHERE key_hash = ?",
			r.Failures, int64(until), int64(until.Add(forgetAfter)), r.Hash)
		if err != nil {
			return fmt.Errorf("count a failed login: %w", err)
		}
	}
	return nil
}

// lockLimits gives a locked row for each limit, made if need be.
func lockLimits(ctx context.Context, tx *sqldb.Tx, limits []limit) (rows []throttleRow, err error) {
	fresh := make([][]any, 0, len(limits))
	for _, l := range limits {
		fresh = append(fresh, []any{l.hash, 0, 0, 0})
	}
	err = tx.Upsert(ctx, sqldb.Upsert{Table: "login_throttle", Columns: []string{"key_hash", "failures", "blocked_until", "forget_at"}, Key: []string{"key_hash"}}, fresh)
	if err != nil {
		return nil, err
	}
	err = tx.Select(ctx, &rows, "SELECT "+throttleColumns+" FROM login_throttle WHERE key_hash IN (?) ORDER BY key_hash"+tx.LockRows(), hashes(limits))
	if err == nil && len(rows) != len(limits) {
		err = fmt.Errorf("%d rows for %d limits", len(rows), len(limits))
	}
	return rows, err
}

// forgiveFailure takes back what countFailure counted, now that the password was right: the name begins anew, the network is only
// as it was before, or else one's own account would pay for guesses at others'.
func forgiveFailure(ctx context.Context, tx *sqldb.Tx, now clock.Time, limits []limit) (err error) {
	for _, l := range limits {
		if l.name {
			_, err = tx.Exec(ctx, "DELETE FROM login_throttle WHERE key_hash = ?", l.hash)
		} else {
			_, err = tx.Exec(ctx, "UPDATE login_throttle SET failures = failures - 1, blocked_until = ? WHERE key_hash = ? AND failures > 0", int64(now), l.hash)
		}
		if err != nil {
			return fmt.Errorf("forgive a failed login: %w", err)
		}
	}
	return nil
}

// forgetOld removes some of the rows that no longer count: each attempt makes at most two.
func forgetOld(ctx context.Context, tx *sqldb.Tx, now clock.Time) error {
	const some = 64
	var old [][]byte
	err := tx.Select(ctx, &old, "SELECT key_hash FROM login_throttle WHERE forget_at <= ? ORDER BY forget_at LIMIT ?", int64(now), some)
	if err != nil || len(old) == 0 {
		return err
	}
	slices.SortFunc(old, bytes.Compare)
	// The time again: another process may have counted a failure since, and the row is not old any more.
	_, err = tx.Exec(ctx, "DELETE FROM login_throttle WHERE key_hash IN (?) AND forget_at <= ?", old, int64(now))
	return err
}
