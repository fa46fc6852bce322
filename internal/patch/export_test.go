// SPDX-License-Identifier: GPL-2.0-or-later

package patch

// LookAt makes a query look at fewer patches that the index of words finds before it goes another way.
func LookAt(f Query, n int) Query {
	f.lookAt = n
	return f
}
