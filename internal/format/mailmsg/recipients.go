// SPDX-License-Identifier: GPL-2.0-or-later

package mailmsg

// Addresses returns the mailboxes in all fields of that name, in order. Entries without a usable address are left out; an Email holds no white
// space, brackets, commas or control characters outside a quoted local part.
func (h Header) Addresses(name string) []Address {
	var list []Address
	for _, raw := range h.allRaw(name) {
		list = append(list, splitAddresses(raw)...)
	}
	return list
}
