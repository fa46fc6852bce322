// SPDX-License-Identifier: GPL-2.0-or-later

package account

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

func TestRuleWait(t *testing.T) {
	s := time.Second
	for failures, want := range map[int]time.Duration{0: 0, 1: 0, 5: 0, 6: 5 * s, 7: 10 * s, 8: 20 * s, 9: 40 * s, 10: 60 * s, 11: 60 * s, 1 << 30: 60 * s} {
		if got := ruleForNames.wait(failures); got != want {
			t.Errorf("name, %d failures: %s, want %s", failures, got, want)
		}
	}
	for failures, want := range map[int]time.Duration{20: 0, 21: 10 * s, 22: 20 * s, 27: 640 * s, 28: 900 * s, 1 << 30: 900 * s} {
		if got := ruleForNetworks.wait(failures); got != want {
			t.Errorf("network, %d failures: %s, want %s", failures, got, want)
		}
	}
}

func TestNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:1234": "192.0.2.7", "192.0.2.7": "192.0.2.7", "[::ffff:192.0.2.7]:99": "192.0.2.7",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64", "2001:db8:1:2::9": "2001:db8:1:2::/64", "[fe80::1%eth0]:80": "fe80::/64",
		"127.0.0.1:80": "", "[::1]:80": "", "": "", "@": "", "example.org:80": "",
	} {
		if got := network(remote); got != want {
			t.Errorf("%s: %q, want %q", remote, got, want)
		}
	}
}

func TestInWords(t *testing.T) {
	for seconds, want := range map[int]string{1: "1 second", 5: "5 seconds", 90: "90 seconds", 91: "2 minutes", 120: "2 minutes", 121: "3 minutes", 900: "15 minutes"} {
		if got := inWords(seconds); got != want {
			t.Errorf("%d: %s, want %s", seconds, got, want)
		}
	}
}

// refused tells how many seconds a login has to wait, 0 if the password was checked and wrong, -1 if it was right.
func refused(t *testing.T, s *Sessions, name, password, remote string) int {
	t.Helper()
	_, _, err := s.Login(t.Context(), name, password, remote)
	var throttled *Throttled
	switch {
	case err == nil:
		return -1
	case fault.Is(err, fault.Denied) && errors.As(err, &throttled):
		return throttled.Seconds()
	case !fault.Is(err, fault.Unauthenticated):
		t.Fatal(err)
	}
	return 0
}

// throttleSite is a clock and two processes on one database with the user ann.
func throttleSite(t *testing.T, db *sqldb.DB) (*clock.Fake, *Sessions, *Sessions) {
	fake := clock.NewFake(noon)
	a, b := NewSessions(db, fake), NewSessions(db, fake)
	plain(a)
	plain(b)
	newPlainUser(t, db, "ann", "right")
	return fake, a, b
}

// TestKnownFailureC8Throttle: guesses at one name become slow, whatever network and process they come to, and end when the right
// password comes after a wait.
func TestKnownFailureC8Throttle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		fake, a, b := throttleSite(t, db)
		for i := range 6 {
			if got := refused(t, []*Sessions{a, b}[i%2], "ann", "wrong", fmt.Sprintf("192.0.2.%d:80", i)); got != 0 {
				t.Fatalf("attempt %d: %d", i+1, got)
			}
		}
		for _, wait := range []int{5, 10, 20, 40, 60, 60} {
			for _, s := range []*Sessions{a, b} {
				if got := refused(t, s, " Ann", "right", "198.51.100.1:80"); got != wait {
					t.Errorf("%d s to wait, want %d", got, wait)
				}
			}
			fake.Advance(time.Duration(wait)*time.Second - time.Microsecond)
			if got := refused(t, a, "ann", "right", ""); got != 1 {
				t.Errorf("just before %d s are over: %d", wait, got)
			}
			fake.Advance(time.Microsecond)
			if got := refused(t, b, "ann", "wrong", ""); got != 0 {
				t.Errorf("after %d s: %d", wait, got)
			}
		}
		_, _, err := a.Login(t.Context(), "ann", "right", "")
		if want := "too many failed attempts; try again in 60 seconds"; fault.UserText(err) != want {
			t.Errorf("%q, want %q", fault.UserText(err), want)
		}
		fake.Advance(time.Minute)
		if got := refused(t, a, "ann", "right", ""); got != -1 {
			t.Errorf("the right password after a wait: %d", got)
		}
		for i := range 6 { // begins anew
			if got := refused(t, b, "ann", "wrong", ""); got != 0 {
				t.Errorf("after logging in, attempt %d: %d", i+1, got)
			}
		}
	})
}

func TestThrottleForgets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		fake, a, _ := throttleSite(t, db)
		for range 6 {
			refused(t, a, "ann", "wrong", "192.0.2.1")
		}
		fake.Advance(5*time.Second + forgetAfter - time.Microsecond)
		if got := refused(t, a, "ann", "wrong", ""); got != 0 || refused(t, a, "ann", "wrong", "") != 10 {
			t.Errorf("just before the hour is over: %d", got)
		}
		fake.Advance(10*time.Second + forgetAfter)
		for i := range 6 {
			if got := refused(t, a, "ann", "wrong", ""); got != 0 {
				t.Errorf("after the hour, attempt %d: %d", i+1, got)
			}
		}
		fake.Advance(2 * time.Hour)
		for i := range 200 { // a flood of names leaves rows only until they are forgotten
			refused(t, a, fmt.Sprintf("user%d", i), "wrong", "")
		}
		fake.Advance(2 * time.Hour)
		for i := range 4 {
			refused(t, a, fmt.Sprintf("other%d", i), "wrong", "")
		}
		if n := count(t, db, "SELECT COUNT(*) FROM login_throttle"); n != 4 {
			t.Errorf("%d rows", n)
		}
	})
}

// One network that tries many names is slowed down, others are not, and an account of one's own does not help.
func TestThrottleOfNetwork(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		fake, a, b := throttleSite(t, db)
		const remote = "[2001:db8::%x]:80"
		for i := range 21 {
			if got := refused(t, a, fmt.Sprintf("user%d", i), "wrong", fmt.Sprintf(remote, i)); got != 0 {
				t.Fatalf("attempt %d: %d", i+1, got)
			}
			if i < 20 && refused(t, b, "ann", "right", fmt.Sprintf(remote, i)) != -1 {
				t.Fatal("ann can't log in")
			}
		}
		if got := refused(t, b, "ann", "right", "[2001:db8::9]:81"); got != 10 {
			t.Errorf("the same network: %d", got)
		}
		if got := refused(t, b, "ann", "right", "[2001:db8:0:1::9]:81"); got != -1 {
			t.Errorf("another network: %d", got)
		}
		fake.Advance(10 * time.Second)
		if got := refused(t, b, "ann", "right", "[2001:db8::9]:81"); got != -1 {
			t.Errorf("after 10 s: %d", got)
		}
		if got := refused(t, b, "bob", "wrong", "[2001:db8::9]:81"); got != 0 {
			t.Errorf("next: %d", got)
		}
		if got := refused(t, b, "bob", "wrong", "[2001:db8::9]:81"); got != 20 {
			t.Errorf("and then: %d", got)
		}
	})
}

// What comes at the same moment is counted before it is checked, so that no more passwords are tried than one after the other.
func TestThrottleOfParallelGuesses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		_, a, b := throttleSite(t, db)
		var checked atomic.Int32
		for _, s := range []*Sessions{a, b} {
			s.verify = func(string, string) (bool, bool, error) {
				checked.Add(1)
				time.Sleep(time.Millisecond)
				return false, false, nil
			}
		}
		var wait sync.WaitGroup
		for i := range 30 {
			wait.Go(func() { refused(t, []*Sessions{a, b}[i%2], "ann", "guess", fmt.Sprintf("192.0.2.%d:1", i%3)) })
		}
		wait.Wait()
		if n := checked.Load(); n != 6 {
			t.Errorf("%d guesses were checked", n)
		}
		if n := count(t, db, "SELECT MAX(failures) FROM login_throttle"); n != 6 {
			t.Errorf("%d failures are counted", n)
		}
	})
}

// TestKnownFailureC11: a password of one character is no password.
func TestKnownFailureC11(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	newUser(t, db, "ann", "correct horse")
	for _, password := range []string{"1", "1234567", "äöüäöüä"} {
		_, err := CreateUser(t.Context(), db, CLI, noon, UserChange{Username: ptr("bob"), Email: ptr("bob@example.org"), Password: &password})
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("create with %q: %v", password, err)
		}
		if _, err := UpdateUser(t.Context(), db, CLI, noon, "ann", UserChange{Password: &password}); !fault.Is(err, fault.Invalid) {
			t.Errorf("change to %q: %v", password, err)
		}
	}
}
