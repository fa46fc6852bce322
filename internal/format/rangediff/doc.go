// SPDX-License-Identifier: GPL-2.0-or-later

// Package rangediff compares two versions of a series of patches as `git range-diff` (git 2.39) does: patches are matched by equal diffs, then by the
// cost of what differs; of those that changed it shows the difference of their messages and diffs. It reads diffs of any form that patch tools write
// and never fails on a malformed one. It owns no table and does no I/O.
//
// Example:
//
//	pairs, err := rangediff.Compare(v1, v2, rangediff.CreationFactor)
//	rangediff.WriteText(w, v1, v2, pairs)
//	// 1:  252e431 ! 1:  fb8b49d fs: close the file
//	//     @@ fs/open.c: int open(void)
//	//       	return 0;
//	//     -+	close(f);
//	//     ++	close(fd);
package rangediff
