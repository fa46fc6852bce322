// SPDX-License-Identifier: GPL-2.0-or-later

// Package mbox cuts mail archives in mbox format into mails. It owns no tables and reads from the io.Reader it is given, never from files.
//
// A new mail begins at a separator line at the start of the input or after an empty line. A separator is "From ", a word for the
// sender, and a date with a month, a year of four digits and a time of day (or an ISO date and a time), in any order. Every program that
// writes archives writes that; prose that begins with "From here on" does not look like it, so an archive whose writer did not quote
// such lines is still cut where it should be.
//
// An input whose first line that is not empty is a field of a header is one mail as it stands. Where it begins with something else, that is the first mail.
//
// Archives in mboxrd format quote lines of the mail that begin with "From " by one ">" more. Where an archive says by its separators that it is one
// ("From mboxrd@z …", as public-inbox writes them), the quoting is undone, so that mails are what the list has sent. Nothing is undone elsewhere: whether
// such a line was quoted by the archive or by its sender can't be told. Who knows better has Unquote.
//
//	r := mbox.NewReader(file, 32<<20)
//	for {
//		mail, err := r.Next()
//		if err == io.EOF {
//			break
//		}
//		…
//	}
package mbox
