// SPDX-License-Identifier: GPL-2.0-or-later

// Package subject reads the subject line of a mail: whether it is a reply, the
// bracketed prefixes, version and place in the series, and the name under
// which a patch is stored, which is that of Patchwork 3.2. It owns no table
// and decodes no header: RFC 2047 words are the caller's.
//
// Example:
//
//	s := subject.Parse("[PATCH net,v2 1/3] mlx5: fix leak", "netdev")
//	// s.Name == "[net,v2,1/3] mlx5: fix leak", s.Version == 2, s.Number == 1, s.Total == 3
package subject
