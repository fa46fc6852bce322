// SPDX-License-Identifier: GPL-2.0-or-later

// Package mailmsg reads one mail: its header, its MIME parts, its character sets, and the facts every list tool needs from them (ids,
// references, date, author, list id). It owns no tables.
//
// Parse never fails. Whatever the bytes are, the result is a Message; what was wrong with it is listed in Message.Defects. The cost of a
// parse is bounded by the limits in limits.go and grows linearly with the size of the mail. Header values are kept raw and decoded when
// asked for.
//
// The package never does I/O, never reads the clock, never judges whether a mail is wanted, and never cuts a value to the width of a
// database column.
//
//	m := mailmsg.Parse(raw)
//	who, err := m.Author("devel@lists.example.org")
//	sent, _ := m.Date(now)
//	for i := range m.Parts {
//		text, charset := m.Parts[i].Text()
//		…
//	}
package mailmsg
