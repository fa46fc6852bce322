// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"fmt"
	"log/slog"
	"net/mail"
	"net/netip"
	"time"
)

// Config is one complete set of settings. What each field means and its default are in the table of keys.go, which `pw config` prints.
type Config struct {
	Syslog   bool
	Log      Log
	Database Database
	Ingress  Ingress
	HTTP     HTTP
	Metrics  Metrics
	SMTP     SMTP
	Account  Account
	Notify   Notify
	Webhook  Webhook
	Limits   Limits
}

// Log is section [log].
type Log struct {
	Level  slog.Level
	Format string // text or json
}

// Database is section [database]. URL holds a password; see DatabaseURL.Redacted.
type Database struct {
	URL            string
	AutoSync       bool
	EventMaxAge    time.Duration // 0 keeps events for ever
	MaxConnections int
}

// Ingress is section [ingress].
type Ingress struct {
	Listen                   string         // host:port for SMTP, or a path with a slash for LMTP on a unix socket
	AllowedNetworks          []netip.Prefix // empty: all
	Recipients               []string       // patterns of addresses; empty: all
	UnknownList              string         // keep or reject
	TLSCert                  string
	TLSKey                   string
	MaxConnections           int
	MaxConnectionsPerAddress int
	Timeout                  time.Duration
	PublicInbox              []PublicInbox // archives to follow
	PublicInboxCache         string
	PollInterval             time.Duration
	IMAP                     []IMAP // mailboxes to follow
	IMAPPassword             string
	MailgunKey               string
	SpoolDir                 string // empty: the system's directory for temporary files
}

// PublicInbox is an archive to follow.
type PublicInbox struct {
	Location string // a directory, or an address of http, https or git
	ListID   string // overrides the list headers; empty: none
}

// HTTP is section [http]. BaseURL has no slash at its end.
type HTTP struct {
	BaseURL         string
	Listen          string
	SlowRequest     time.Duration // 0 never warns
	SlowQuery       time.Duration // 0 never warns
	CustomCSS       string
	NavHTML         string
	FooterHTML      string
	WebPageSize     int
	WebPageMax      int
	APIPageSize     int
	APIPageMax      int
	API             bool
	APIRate         int      // requests a minute of a user or network; 0: any number
	CORSOrigins     []string // as a browser writes them in Origin; "*": all
	Admins          []mail.Address
	LegacyRedirects bool
	TrustedProxies  []netip.Prefix
}

// Metrics is section [metrics].
type Metrics struct {
	Listen string // host:port; empty: off
}

// SMTP is section [smtp], the server that sends our mail. No mail is sent while Host and Sendmail are empty.
type SMTP struct {
	Encryption    string // none, starttls or tls
	Host          string
	Port          int
	User          string
	Password      string
	Sendmail      string       // path; empty: by Host
	From          mail.Address // the zero Address when unset
	BounceAddress mail.Address // the zero Address when unset
	Keep          time.Duration
}

// Account is section [account].
type Account struct {
	Registration     bool
	ConfirmationDays int
}

// Notify is section [notify]. From is SMTP.From when the file does not set it.
type Notify struct {
	Delay time.Duration
	From  mail.Address
}

// Webhook is section [webhook], which also counts for notices by IRC.
type Webhook struct {
	AllowedNetworks []netip.Prefix // private networks that may be connected to
	Proxy           string         // empty: none
	KeepDeliveries  time.Duration
}

// Limits is section [limits]. Sizes and lengths are in bytes.
type Limits struct {
	MailSize       int64
	MailMemory     int64
	MailSpool      int64
	Recipients     int
	LineLength     int64
	BatchMails     int
	BatchWait      time.Duration
	ImportMailSize int64
}

// Default is the configuration of an empty file.
func Default() *Config {
	c := &Config{}
	for _, k := range table(c) {
		if err := k.setText(k.Default); err != nil {
			panic(fmt.Sprintf("default of %s: %v", k.Name, err)) // a wrong line in the table, which any test run shows
		}
	}
	return c
}
