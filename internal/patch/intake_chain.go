// SPDX-License-Identifier: GPL-2.0-or-later

package patch

// Sign is what says that a series is a new version of another one; the greater one counts.
type Sign int
