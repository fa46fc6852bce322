// SPDX-License-Identifier: GPL-2.0-or-later

package clock

import (
	"sync/atomic"
	"time"
)

// Time is an instant in microseconds UTC since 1970-01-01T00:00:00Z; negative before it. Zero is 1970, not "unset": a column that may
// be unset is NULL.
type Time int64

// FromTime drops what is finer than a microsecond.
func FromTime(t time.Time) Time { return Time(t.UnixMicro()) }

// Time is t as the standard library's type, in UTC.
func (t Time) Time() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Add gives the instant d later, to the microsecond.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Microseconds()) }

// Sub is the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Microsecond }

// String is RFC 3339 in UTC with all six decimals, so that instants sort as text.
func (t Time) String() string { return t.Time().Format("2006-01-02T15:04:05.000000Z") }

// Clock tells the time.
type Clock interface{ Now() Time }

// System is the machine's clock.
type System struct{}

// Now is the machine's time.
func (System) Now() Time { return FromTime(time.Now()) }

// Fake is a clock for tests: it stands until it is moved. It is safe for concurrent use.
type Fake struct{ now atomic.Int64 }

// NewFake makes a clock that stands at t.
func NewFake(t Time) *Fake {
	f := &Fake{}
	f.Set(t)
	return f
}

// Now is the instant last set.
func (f *Fake) Now() Time { return Time(f.now.Load()) }

// Set moves the clock to t.
func (f *Fake) Set(t Time) { f.now.Store(int64(t)) }

// Advance moves the clock by d.
func (f *Fake) Advance(d time.Duration) { f.now.Add(d.Microseconds()) }
