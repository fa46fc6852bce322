// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"strings"
	"time"
)

// Key is one setting.
type Key struct {
	Name    string // as in the file: section.key
	Default string // as on the command line
	Help    string // one to three lines, broken by newlines
	Accepts string // the values it takes, in words
	Secret  bool   // the value holds a password and must not be shown

	kind  kind
	hide  func(string) string
	value value
}

// Env is the environment variable of the key: PW_HTTP_BASE_URL for http.base-url.
func (k Key) Env() string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(k.Name))
}

// Flag is the flag of the key without dashes: http-base-url for http.base-url.
func (k Key) Flag() string { return strings.ReplaceAll(k.Name, ".", "-") }

// IsBool tells whether the flag may stand without a value.
func (k Key) IsBool() bool { return k.kind == kindBool }

// IsList tells whether the key holds several values, which the environment and flags separate by commas.
func (k Key) IsList() bool { return k.kind == kindList }

const envPrefix = "PW_"

// Keys are all settings in the order of the file.
func Keys() []Key { return table(Default()) }

// table is the one place that says what can be set. Each entry is bound to its field of c.
func table(c *Config) []Key {
	var keys []Key
	add := func(name, def string, f field, help string) {
		keys = append(keys, Key{Name: name, Default: def, Help: help, Accepts: f.accepts, Secret: f.hide != nil, kind: f.kind, hide: f.hide, value: f.value})
	}
	add("syslog", "false", boolean(&c.Syslog),
		`Send log lines to syslog instead of stderr. Has no effect while stderr is a terminal.`)

	add("log.level", "info", level(&c.Log.Level),
		`Log lines of this level and above.`)
	add("log.format", "text", choice(&c.Log.Format, "text", "json"),
		`Form of a log line on stderr: key=value text, or one JSON object per line.`)

	databaseKeys(c, add)

	ingressKeys(c, add)
	httpKeys(c, add)
	add("metrics.listen", "", listenOrOff(&c.Metrics.Listen),
		`Where each running pw serves measurements for Prometheus at /metrics, and /healthz and
/readyz, such as 127.0.0.1:9090. Processes on one machine need different ports. Whoever
reaches it can read them. Empty: nowhere.`)
	mailKeys(c, add)
	webhookKeys(c, add)
	limitKeys(c, add)
	return keys
}

type adder func(name, def string, f field, help string)

func databaseKeys(c *Config, add adder) {
	add("database.url", "sqlite:data/patchwork.db", databaseURL(&c.Database.URL),
		`The database: sqlite:PATH (a relative path starts at the working directory),
postgres://USER:PASSWORD@HOST/NAME or mariadb://USER:PASSWORD@HOST/NAME.
"pw config url" asks for the parts and writes it.`)
	add("database.auto-sync", "false", boolean(&c.Database.AutoSync),
		`Let the servers bring the tables up to date when they start. If false they refuse
to start on an older database until "pw db sync" has been run.`)
	add("database.event-max-age", "0", duration(&c.Database.EventMaxAge, 0),
		`Events older than this are deleted. 0 keeps them for ever.`)
	add("database.max-connections", "20", integer(&c.Database.MaxConnections, 1, 10_000),
		`Most connections one pw process opens to the database server.`)
}

func ingressKeys(c *Config, add adder) {
	add("ingress.listen", "127.0.0.1:2525", listen(&c.Ingress.Listen, true),
		`Where "pw ingress" takes mail: host:port speaks SMTP; a path with a slash in it is
a unix socket that speaks LMTP.`)
	add("ingress.allowed-networks", "", prefixes(&c.Ingress.AllowedNetworks),
		`Networks whose hosts may send mail by SMTP; others are refused when they connect (554).
Empty: all.`)
	add("ingress.recipients", "", addressPatterns(&c.Ingress.Recipients),
		`Recipient addresses taken, in any case; * stands for any characters. Others are refused
(550). Empty: all. The project of a mail is told by its list headers; only of a mail
without any by its recipients.`)
	add("ingress.unknown-list", "keep", choice(&c.Ingress.UnknownList, "keep", "reject"),
		`A mail for which there is no project is kept with that reason and answered 250 (keep), or
refused with 550 and not kept (reject).`)
	add("ingress.tls-cert", "", text(&c.Ingress.TLSCert, "the path of a file"),
		`PEM file of the certificate and its chain for STARTTLS; read again when it changes.`)
	add("ingress.tls-key", "", text(&c.Ingress.TLSKey, "the path of a file"),
		`PEM file of the certificate's private key.`)
	add("ingress.max-connections", "100", integer(&c.Ingress.MaxConnections, 1, 10_000),
		`Most connections at a time; more are told to try again later (421).`)
	add("ingress.max-connections-per-address", "50", integer(&c.Ingress.MaxConnectionsPerAddress, 1, 10_000),
		`Most of them from one IPv4 address or one IPv6 /64 network.`)
	add("ingress.timeout", "5m", durationBetween(&c.Ingress.Timeout, time.Second, day),
		`How long to wait for the next command or the next piece of a mail. A mail that comes
slower than 1 KiB/s after this time is cut off too.`)
	add("ingress.spool-dir", "", text(&c.Ingress.SpoolDir, "the path of a directory"),
		`Directory on a disk for mails over 1 MiB while they come in; nothing is left there, also
not by a kill. Empty: the system's for temporary files ($TMPDIR or /tmp), which should not
be in memory.`)
	sourceKeys(c, add)
}

// sourceKeys are about what mail is fetched from.
func sourceKeys(c *Config, add adder) {
	add("ingress.public-inbox", "", publicInboxes(&c.Ingress.PublicInbox),
		`Archives of public-inbox that "pw ingress" and "pw serve" follow: directories, or addresses
such as https://lore.example.org/LIST/. "=LIST-ID" behind one says which list its mails
were sent to, whatever their headers say.`)
	add("ingress.public-inbox-cache", "data/public-inbox", text(&c.Ingress.PublicInboxCache, "the path of a directory"),
		`Directory for the mirrors of archives that are elsewhere.`)
	add("ingress.poll-interval", "5m", durationBetween(&c.Ingress.PollInterval, 10*time.Second, day),
		`How often followed archives are looked at, and mailboxes of servers that can't tell of new
mail (IMAP without IDLE).`)
	add("ingress.imap", "", imapBoxes(&c.Ingress.IMAP),
		`Mailboxes that "pw ingress" and "pw serve" follow: imaps://USER@HOST/MAILBOX; imap:// means
STARTTLS. Options behind ?: list-id=ID, password-file=PATH, seen=true, move-to=MAILBOX,
tls=none. A special character in USER or MAILBOX is percent-encoded.`)
	add("ingress.imap-password", "", secret(&c.Ingress.IMAPPassword),
		`Password of the mailboxes that have no password-file.`)
	add("ingress.mailgun-key", "", secret(&c.Ingress.MailgunKey),
		`HTTP webhook signing key of Mailgun. If set, what is posted to /ingress/PROJECT/mailgun/mime
must be signed by it; the secret of the project is needed anyway.`)
}

func httpKeys(c *Config, add adder) {
	add("http.base-url", "", webURL(&c.HTTP.BaseURL),
		`Address of the site as users see it, such as https://patchwork.example.org. All links
in mail, feeds and webhooks begin with it. While it is empty no mail with a link is sent.`)
	add("http.listen", "127.0.0.1:8080", listen(&c.HTTP.Listen, false),
		`Where the web pages and the API are served; an empty host means all addresses.`)
	add("http.slow-request", "1s", duration(&c.HTTP.SlowRequest, 0),
		`Log a warning for each request that takes longer. 0 never does.`)
	add("http.slow-query", "200ms", duration(&c.HTTP.SlowQuery, 0),
		`Log a warning for each database query of a request that takes longer. 0 never does.`)
	add("http.custom-css", "", text(&c.HTTP.CustomCSS, "the path of a file"),
		`Path of a CSS file that every page loads after the built-in stylesheet.`)
	add("http.nav-html", "", text(&c.HTTP.NavHTML, "HTML"),
		`HTML put unchanged at the end of the navigation bar of every page.`)
	add("http.footer-html", "", text(&c.HTTP.FooterHTML, "HTML"),
		`HTML put unchanged at the foot of every page.`)
	add("http.web-page-size", "100", integer(&c.HTTP.WebPageSize, 1, maxPage),
		`Rows of a list page for visitors and for users who have not chosen a number.`)
	add("http.web-page-max", "500", integer(&c.HTTP.WebPageMax, 1, maxPage),
		`Most rows of a list page that anybody can choose.`)
	add("http.api-page-size", "30", integer(&c.HTTP.APIPageSize, 1, maxPage),
		`Objects on a page of an API list when the client does not send per_page.`)
	add("http.api-page-max", "250", integer(&c.HTTP.APIPageMax, 1, maxPage),
		`Most objects on a page of an API list, whatever per_page says.`)
	add("http.api", "true", boolean(&c.HTTP.API),
		`Serve the REST API at /api/. If false, /api/ is "not found".`)
	add("http.api-rate", "0", integer(&c.HTTP.APIRate, 0, 1_000_000),
		`Requests to the API that a user, or else an IPv4 address or IPv6 /64 network, may make in
a minute, in each process; more are refused with 429. 0: any number.`)
	add("http.cors-origins", "", origins(&c.HTTP.CORSOrigins),
		`Other sites whose scripts may use the API in browsers, such as https://ci.example.org, with
a token or as anybody may; * means all sites. Cookies of this site are never used by them.`)
	add("http.admins", "", addresses(&c.HTTP.Admins),
		`Administrators of the site: the page /about/ names them with their addresses.`)
	add("http.legacy-redirects", "true", boolean(&c.HTTP.LegacyRedirects),
		`Redirect the numeric addresses of Patchwork 2 and older, /patch/1/ and the like,
to today's pages.`)
	add("http.trusted-proxies", "", prefixes(&c.HTTP.TrustedProxies),
		`Networks of reverse proxies. X-Forwarded-For and X-Forwarded-Proto are believed
only in requests that come from one of these.`)
}

const maxPage = 10_000

func mailKeys(c *Config, add adder) {
	add("smtp.encryption", "none", choice(&c.SMTP.Encryption, "none", "starttls", "tls"),
		`How to talk to the server that sends our mail: none, starttls (required, usually
port 587) or tls (from the first byte, usually port 465).`)
	add("smtp.host", "", host(&c.SMTP.Host),
		`The server that sends our mail. While it and smtp.sendmail are empty mail waits, and is
given up after five days.`)
	add("smtp.port", "25", integer(&c.SMTP.Port, 1, 65535),
		`Its port.`)
	add("smtp.user", "", text(&c.SMTP.User, "a user name"),
		`User name to log in with. Empty: without login.`)
	add("smtp.password", "", secret(&c.SMTP.Password),
		`Password of smtp.user. Better set by PW_SMTP_PASSWORD than by the flag, which every
user of the machine can read.`)
	add("smtp.from", "", address(&c.SMTP.From),
		`Sender of all our mail, such as Patchwork <patchwork@example.org>.`)
	add("smtp.sendmail", "", text(&c.SMTP.Sendmail, "the path of a program"),
		`A program that sends mail as sendmail does, such as /usr/sbin/sendmail, in place of
smtp.host.`)
	add("smtp.bounce-address", "", address(&c.SMTP.BounceAddress),
		`Where mail that can't be delivered goes back to: bounces@example.org gets it as
bounces+NAME@example.org. It must end in "pw ingress". Empty: to smtp.from.`)
	add("smtp.keep", "30d", durationBetween(&c.SMTP.Keep, day, 3650*day),
		`How long mails that were sent or given up, and bounces, can be looked at.`)

	add("account.registration", "true", boolean(&c.Account.Registration),
		`Let visitors register. If false only administrators create users.`)
	add("account.confirmation-days", "7", integer(&c.Account.ConfirmationDays, 1, 365),
		`Days for which the link in a registration or confirmation mail works.`)

	add("notify.delay", "10m", duration(&c.Notify.Delay, 0),
		`A submitter is told of changes to his patches when none has happened for this long,
all of them in one mail.`)
	add("notify.from", "", address(&c.Notify.From),
		`Sender of these mails. Empty: smtp.from.`)
}

func webhookKeys(c *Config, add adder) {
	add("webhook.allowed-networks", "", prefixes(&c.Webhook.AllowedNetworks),
		`Private networks that webhooks and IRC notices may connect to. All others that only this
machine or its network can reach (loopback, private, link-local) are refused.`)
	add("webhook.proxy", "", webURL(&c.Webhook.Proxy),
		`HTTP proxy that webhooks are sent through, such as http://proxy.example.org:3128. It decides
then where it connects to. Empty: none; HTTP_PROXY and the like are not looked at.`)
	add("webhook.keep-deliveries", "30d", durationBetween(&c.Webhook.KeepDeliveries, day, 3650*day),
		`How long deliveries of webhooks that ended are kept, with requests and answers.`)
}

func limitKeys(c *Config, add adder) {
	const kib, mib, gib = 1 << 10, 1 << 20, 1 << 30
	add("limits.mail-size", "50MiB", size(&c.Limits.MailSize, 64*kib, gib),
		`Largest mail taken by SMTP, LMTP and "pw ingress --stdin"; a larger one is refused.
SMTP announces it as SIZE.`)
	add("limits.mail-memory", "128MiB", size(&c.Limits.MailMemory, mib, 64*gib),
		`Most bytes of all mails together that are being received or wait to be stored, but for
those over 1 MiB; while it is used up SMTP and LMTP tell senders to try again (452).`)
	add("limits.mail-spool", "1GiB", size(&c.Limits.MailSpool, mib, 1024*gib),
		`Most bytes of mails over 1 MiB that are being received or wait to be stored, in
ingress.spool-dir; while it is used up senders are told to try again (452).`)
	add("limits.recipients", "100", integer(&c.Limits.Recipients, 1, 10_000),
		`Most recipients of one mail over SMTP or LMTP; more are refused with 452, so that the
sender delivers to them separately (RFC 5321, 4.5.3.1.8).`)
	add("limits.line-length", "1MiB", size(&c.Limits.LineLength, 1000, gib),
		`Longest line of a mail over SMTP or LMTP. RFC 5321 allows 1000 bytes, real patches
have more.`)
	add("limits.batch-mails", "256", integer(&c.Limits.BatchMails, 1, 10_000),
		`Most waiting mails stored in one database transaction; an import of archives stores up to
eight times as many.`)
	add("limits.batch-wait", "5ms", duration(&c.Limits.BatchWait, maxBatchWait),
		`How long the first mail of a batch waits for others to share its transaction.`)
	add("limits.import-mail-size", "100MiB", size(&c.Limits.ImportMailSize, 64*kib, 2*gib-mib),
		`Largest mail read from an mbox file. Of a larger one only the beginning is kept, with
the outcome "broken".`)
}
