// SPDX-License-Identifier: GPL-2.0-or-later

// Package archivegen writes archives of mailing lists that do not exist, of any size: series with cover letters and new versions, single patches and
// replies with tags, of about 3 kB each, mixed as they would arrive. The same seed gives the same bytes. It is for benchmarks; the mails of
// tests are written by hand.
//
// It owns no table, and its memory grows with the discussions that are under way, not with the archive.
//
//	made, err := archivegen.Write(w, archivegen.Options{Mails: 10_000, Seed: 1, List: "kettle.lists.example"})
package archivegen
