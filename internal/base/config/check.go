// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"net"
	"net/netip"
)

// checkTogether finds values that are right alone and wrong together. A pair of which one has failed already is left out.
func (l *loader) checkTogether() {
	h := l.out.Config.HTTP
	l.atMost("http.web-page-size", int64(h.WebPageSize), "http.web-page-max", int64(h.WebPageMax))
	l.atMost("http.api-page-size", int64(h.APIPageSize), "http.api-page-max", int64(h.APIPageMax))
	l.atMost("limits.mail-size", l.out.Config.Limits.MailSize, "limits.mail-memory", l.out.Config.Limits.MailMemory)
	if in := l.out.Config.Ingress; (in.TLSCert == "") != (in.TLSKey == "") && !l.failed["ingress.tls-cert"] && !l.failed["ingress.tls-key"] {
		l.add("only one of ingress.tls-cert and ingress.tls-key is set; STARTTLS needs both")
	}
}

func (l *loader) atMost(small string, smaller int64, large string, larger int64) {
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
	noWay := c.SMTP.Host == "" && c.SMTP.Sendmail == ""
	warn(noWay, "smtp.host is empty: no mail is sent")
	warn(c.SMTP.Host != "" && c.SMTP.Sendmail != "", "smtp.host and smtp.sendmail are both set: smtp.sendmail is used")
	warn(!noWay && c.SMTP.From.Address == "", "smtp.from is empty: mail has no sender and is not sent")
	warn(c.SMTP.Password != "" && c.SMTP.User == "", "smtp.password is set, but smtp.user is empty: there is no login")
	warn(c.SMTP.Password != "" && c.SMTP.Encryption == "none" && !isLocal(c.SMTP.Host),
		"smtp.encryption is none: smtp.password crosses the network in clear")
	warn(!c.localIngress() && len(c.Ingress.AllowedNetworks) == 0 && len(c.Ingress.Recipients) == 0,
		"ingress.listen is "+c.Ingress.Listen+", ingress.allowed-networks and ingress.recipients are empty: everybody can put mail in")
	for _, m := range c.Ingress.IMAP {
		warn(m.Security == "none" && !isLocal(m.Host), "ingress.imap holds "+m.Name()+" with tls=none: its password and mails cross the network in clear")
	}
	for _, p := range c.HTTP.TrustedProxies {
		warn(p.Bits() == 0, "http.trusted-proxies holds "+p.String()+": every visitor can pretend to have another address")
	}
	return out
}

// localIngress tells whether only this machine can deliver mail.
func (c *Config) localIngress() bool {
	host, _, err := net.SplitHostPort(c.Ingress.Listen)
	return err != nil || isLocal(host)
}

func isLocal(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
