// SPDX-License-Identifier: GPL-2.0-or-later

// Package benchsite is a site of many generated patches, with the real program serving it, for benchmarks: a database that `pw ingress --mbox` has filled, a
// maintainer with a token, a series of thirty patches, and `pw http`. $SIZE says how many patches (10k by default); $KEEP names a directory in which filled databases
// are kept and used again, see dbtest.Kept.
//
// It is for benchmarks only, and owns no table.
//
//	s := benchsite.Open(b, program, engine)
//	s.Start(b)
//	resp, err := http.Get(s.Address + "/api/")
package benchsite
