// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

// Inside is how many mails the collector has, or is about to get.
func (c *Collector) Inside() int { return int(c.inside.Load()) }
