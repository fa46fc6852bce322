// SPDX-License-Identifier: GPL-2.0-or-later

package web

import "regexp"

// secretRE finds what stands in the links of mails and gives its reader a right, in an address or within another one's ?next=.
var secretRE = regexp.MustCompile(`(?i)((?:/|%2f)(?:confirm|mail(?:/|%2f)unsubscribe|user(?:/|%2f)password-reset(?:/|%2f)[^/%?&]+)(?:/|%2f))[^/%?&]+`)

// loggable is an address as logs may have it: who reads them must not be able to follow somebody else's link.
func loggable(address string) string { return secretRE.ReplaceAllString(address, "$1…") }
