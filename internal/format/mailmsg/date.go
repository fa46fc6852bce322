// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

import (
	"strings"
	"time"
)

// earliest is the beginning of plausible time: before it a clock was unset.
var earliest = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)

// Date returns when the mail was sent, in UTC, to the second. A Date header that is missing, unreadable, before 1990 or more than a day
// after now is not usable (ok is false); then the topmost Received header with a plausible date counts, else now.
func (m *Message) Date(now time.Time) (t time.Time, ok bool) {
	plausible := func(t time.Time, ok bool) bool {
		return ok && !t.Before(earliest) && !t.After(now.Add(24*time.Hour))
	}
	if t, ok := ParseDate(m.Header.Get("Date")); plausible(t, ok) {
		return t, true
	}
	for _, raw := range m.Header.allRaw("Received") {
		// The last semicolon: others may stand in comments.
		if t, ok := ParseDate(Decode(raw[strings.LastIndexByte(raw, ';')+1:])); plausible(t, ok) {
			return t, false
		}
	}
	return now.UTC(), false
}

// ParseDate reads a date as mail programs wrote it over the decades, in UTC. It takes RFC 5322 dates without weekday, seconds, time or zone,
// with comments and two-digit years (69–99 are 19xx), named zones, the order of asctime, "6-May-19", ISO 8601, and 12-hour clocks. No zone or an
// unknown one is UTC.
func ParseDate(value string) (time.Time, bool) {
	if len(value) > maxDateBytes {
		return time.Time{}, false
	}
	var d dateParts
	for _, token := range strings.Fields(strings.ReplaceAll(withoutComments(value), ",", " ")) {
		if !d.take(token) {
			return time.Time{}, false
		}
	}
	return d.time()
}

// withoutComments drops (nested) comments.
func withoutComments(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	var b strings.Builder
	depth := 0
	for i := range len(s) {
		switch {
		case s[i] == '(':
			depth++
		case s[i] == ')':
			depth = max(depth-1, 0)
			b.WriteByte(' ')
		case depth == 0:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// dateParts collects what the tokens of a date say, in whatever order they come. Zero means not seen for day, month and year.
type dateParts struct {
	year, month, day  int
	hour, minute, sec int
	clock, pm, am     bool
	offset            int // seconds east of UTC
}

// take uses one token; false means that it makes the whole no date. Words that say nothing are passed over.
func (d *dateParts) take(token string) bool {
	digits := leadingDigits(token)
	switch {
	case digits == len(token):
		return d.takeNumber(token)
	case digits > 0 && (token[digits] == ':' || token[digits] == '.' && !d.clock):
		return d.takeClock(token)
	case digits > 0 && (token[digits] == '-' || token[digits] == '/'):
		return d.takeDay(token)
	case token[0] == '+' || token[0] == '-':
		d.takeOffset(token)
	case digits == 0:
		d.takeWord(token)
	}
	return true
}

// takeNumber takes a number of one or two digits for the day, then for the year; a longer one is a year.
func (d *dateParts) takeNumber(s string) bool {
	n, ok := number(s)
	switch {
	case !ok:
		return false
	case len(s) <= 2 && d.day == 0:
		d.day = n
	case d.year == 0:
		d.year = fullYear(n, len(s))
	}
	return true
}

func fullYear(n, digits int) int {
	switch {
	case digits <= 2 && n < 69:
		return n + 2000
	case digits <= 3: // three digits: years since 1900, a bug of the year 2000
		return n + 1900
	}
	return n
}

// takeClock reads hh:mm or hh:mm:ss (some write points), with a fraction, AM/PM or zone that may be stuck to it.
func (d *dateParts) takeClock(token string) bool {
	if d.clock {
		return true
	}
	if n := leadingDigits(token); n == 0 || n == len(token) {
		return false
	}
	sep := token[leadingDigits(token)]
	var fields [3]int
	for i := range fields {
		n := leadingDigits(token)
		v, ok := number(token[:n])
		if !ok || n > 2 {
			return false
		}
		fields[i], token = v, token[n:]
		if i == 2 || token == "" || token[0] != sep {
			break
		}
		token = token[1:]
	}
	d.hour, d.minute, d.sec, d.clock = fields[0], fields[1], fields[2], true
	if token != "" && (token[0] == '.' || token[0] == ',') {
		token = token[1:]
		token = token[leadingDigits(token):]
	}
	if token != "" {
		d.takeZone(token)
	}
	return true
}

func (d *dateParts) takeZone(s string) {
	if s[0] == '+' || s[0] == '-' {
		d.takeOffset(s)
	} else {
		d.takeWord(s)
	}
}

// takeDay reads 6-May-19 and the ISO forms.
func (d *dateParts) takeDay(token string) bool {
	parts := strings.FieldsFunc(token, func(r rune) bool { return r == '-' || r == '/' })
	if len(parts) < 3 {
		return false
	}
	if len(parts[0]) == 4 {
		return d.takeISO(token)
	}
	d.takeWord(parts[1])
	return d.takeNumber(parts[0]) && d.takeNumber(parts[2])
}

// takeISO reads 2019-05-06, 2019/05/06 and 2019-05-06T13:01:24Z.
func (d *dateParts) takeISO(token string) bool {
	const width = len("2019-05-06")
	if len(token) < width {
		return false
	}
	year, ok1 := number(token[:4])
	month, ok2 := number(token[5:7])
	day, ok3 := number(token[8:width])
	d.year, d.month, d.day = year, month, day
	if clock, found := strings.CutPrefix(token[width:], "T"); found && !d.takeClock(clock) {
		return false
	}
	return ok1 && ok2 && ok3
}

// takeOffset reads +hhmm and +hh:mm. One that no place on earth has is passed over.
func (d *dateParts) takeOffset(s string) {
	n, ok := number(strings.Replace(s[1:], ":", "", 1))
	if !ok {
		return
	}
	if len(s) <= 3 { // +hh
		n *= 100
	}
	seconds := n/100*3600 + n%100*60
	if seconds > 24*3600 {
		return
	}
	if s[0] == '-' {
		seconds = -seconds
	}
	d.offset = seconds
}

// takeWord reads the name of a month, a zone (also "GMT+2"), AM and PM.
func (d *dateParts) takeWord(word string) {
	if month := monthOf(word); month > 0 && d.month == 0 {
		d.month = month
		return
	}
	name := strings.ToUpper(word)
	if i := strings.IndexAny(name, "+-"); i > 0 {
		d.takeOffset(name[i:])
		return
	}
	switch name {
	case "AM", "A.M.":
		d.am = true
	case "PM", "P.M.":
		d.pm = true
	default:
		d.offset += zoneHours(name) * 3600
	}
}

// monthOf knows the English months by their first three letters or more.
func monthOf(word string) int {
	const months = "january  february march    april    may      june     july     august   septemberoctober  november december "
	const width = 9
	word = strings.ToLower(strings.TrimSuffix(word, "."))
	if len(word) < 3 || len(word) > width {
		return 0
	}
	for i := range 12 {
		if strings.HasPrefix(months[i*width:(i+1)*width], word) {
			return i + 1
		}
	}
	return 0
}

// zoneHours gives the offset of a named zone: those of RFC 5322 and others whose name means one thing only. Unknown ones are UTC.
func zoneHours(name string) int {
	switch name {
	case "HST":
		return -10
	case "AKST":
		return -9
	case "PST", "AKDT":
		return -8
	case "MST", "PDT":
		return -7
	case "CST", "MDT":
		return -6
	case "EST", "CDT":
		return -5
	case "AST", "EDT":
		return -4
	case "ADT":
		return -3
	case "WEST", "CET", "MET":
		return 1
	case "CEST", "MEST", "EET":
		return 2
	case "EEST", "MSK":
		return 3
	case "JST", "KST":
		return 9
	case "AEST":
		return 10
	case "AEDT":
		return 11
	case "NZST":
		return 12
	case "NZDT":
		return 13
	}
	return 0
}

// time puts the parts together. A 31 February runs over into March, as C libraries do.
func (d *dateParts) time() (time.Time, bool) {
	hour := d.hour
	if d.pm && hour < 12 {
		hour += 12
	} else if d.am && hour == 12 {
		hour = 0
	}
	if d.year == 0 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 || hour > 24 || d.minute > 59 || d.sec > 61 {
		return time.Time{}, false
	}
	t := time.Date(d.year, time.Month(d.month), d.day, hour, d.minute, d.sec, 0, time.UTC)
	return t.Add(-time.Duration(d.offset) * time.Second), true
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

// number reads one to four decimal digits.
func number(s string) (int, bool) {
	if s == "" || len(s) > 4 || leadingDigits(s) < len(s) {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}
