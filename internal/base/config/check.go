// SPDX-License-Identifier: GPL-2.0-or-later

package config

import "net/netip"

// checkTogether finds values that are right alone and wrong together. A pair of which one has failed already is left out.
func (l *loader) checkTogether() {
	h := l.out.Config.HTTP
	l.atMost("http.web-page-size", h.WebPageSize, "http.web-page-max", h.WebPageMax)
	l.atMost("http.api-page-size", h.APIPageSize, "http.api-page-max", h.APIPageMax)
}

func (l *loader) atMost(small string, smaller int, large string, larger int) {
	if smaller <= larger || l.failed[small] || l.failed[large] {
		return
	}
	origin := func(key string) string {
		if o := l.out.Origin[key]; o != "" {
			return o
		}
		return "default"
	}
	l.add("%s: %s is %d, more than %s, which is %d (%s)", origin(small), small, smaller, large, larger, origin(large))
}

// Warnings are what is allowed and probably not meant, a sentence each.
func (c *Config) Warnings() []string {
	var out []string
	warn := func(when bool, text string) {
		if when {
			out = append(out, text)
		}
	}
	warn(c.HTTP.BaseURL == "", "http.base-url is empty: no mail with a link (registration, password, notification) can be sent")
	warn(c.SMTP.Host == "", "smtp.host is empty: no mail is sent")
	warn(c.SMTP.Host != "" && c.SMTP.From.Address == "", "smtp.from is empty: mail has no sender and is not sent")
	warn(c.SMTP.Password != "" && c.SMTP.User == "", "smtp.password is set, but smtp.user is empty: there is no login")
	warn(c.SMTP.Password != "" && c.SMTP.Encryption == "none" && !isLocal(c.SMTP.Host),
		"smtp.encryption is none: smtp.password crosses the network in clear")
	for _, p := range c.HTTP.TrustedProxies {
		warn(p.Bits() == 0, "http.trusted-proxies holds "+p.String()+": every visitor can pretend to have another address")
	}
	return out
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
