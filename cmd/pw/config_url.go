// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
)

func newConfigURL(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "url",
		Short: "Write database.url from its parts",
		Long: `Asks for the parts of a database URL, encodes what needs it, and prints the URL and the
lines for patchwork.toml. The database is not contacted.

What a flag gives is not asked. Input that is no terminal is read without asking, one
line per question in the order of the flags below; an empty line and the end of the
input mean the default. A host that begins with a slash is the
unix socket of the server: PostgreSQL's directory, MariaDB's file.`,
		Example: `  # asks
  pw config url

  # does not ask
  pw config url --engine sqlite --file /var/lib/patchwork/patchwork.db
  pw config url --engine postgres --host db.example.org --password-stdin --sslmode verify-full < password`,
	}
	u := &urlBuilder{}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&u.engine, "engine", "", "`ENGINE`: sqlite, postgres or mariadb")
	flags.StringVar(&u.file, "file", "", "the `FILE` of a SQLite database")
	flags.StringVar(&u.host, "host", "", "`HOST` of the server, or the path of its socket")
	flags.StringVar(&u.port, "port", "", "`PORT` of the server")
	flags.StringVar(&u.name, "database", "", "`NAME` of the database")
	flags.StringVar(&u.user, "user", "", "`USER` to log in as")
	passwordStdin := flags.Bool("password-stdin", false, "read the password from the first line of the input and ask nothing")
	flags.StringVar(&u.tls, "sslmode", "", "`MODE` for PostgreSQL: "+strings.Join(sslModes, ", "))
	flags.StringVar(&u.tls, "tls", "", "`MODE` for MariaDB: "+strings.Join(tlsModes, ", "))
	cmd.MarkFlagsMutuallyExclusive("sslmode", "tls")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		u.given = cmd.Flags().Changed
		if err := u.ask(c.asker(), *passwordStdin); err != nil {
			return err
		}
		return printURL(c, u.url())
	}
	return cmd
}

var (
	engines  = []string{"sqlite", "postgres", "mariadb"}
	sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"} // PostgreSQL manual, 34.19.1
	tlsModes = []string{"false", "preferred", "skip-verify", "true"}                         // of the driver: mysql.Config.TLSConfig
)

// urlBuilder collects the parts of a database URL.
type urlBuilder struct {
	engine, file, host, port, name, user, password, tls string

	given func(flag string) bool
}

// ask fills in what no flag has given. With passwordFirst the input holds nothing but the password.
func (u *urlBuilder) ask(p *prompter, passwordFirst bool) error {
	ask := p.accepted
	if passwordFirst {
		var err error
		if u.password, err = p.password("Password"); err != nil {
			return err
		}
		ask = func(_, byDefault string, _ func(string) error) (string, error) { return byDefault, nil }
	}
	// field is one question; a flag's value is checked as an answer is
	field := func(to *string, flag, question, byDefault string, check func(string) error) (err error) {
		if u.given(flag) {
			return check(*to)
		}
		*to, err = ask(question, byDefault, check)
		return err
	}
	if err := field(&u.engine, "engine", "Engine ("+strings.Join(engines, ", ")+")", "sqlite", oneOf("engine", engines)); err != nil {
		return err
	}
	if u.engine == "sqlite" {
		return field(&u.file, "file", "File", "data/patchwork.db", checkFile)
	}
	return u.askServer(p, passwordFirst, field)
}

func (u *urlBuilder) askServer(p *prompter, havePassword bool, field func(to *string, flag, question, byDefault string, check func(string) error) error) error {
	port, mode, modes, byDefault := "5432", "sslmode", sslModes, "prefer"
	if u.engine == "mariadb" {
		port, mode, modes, byDefault = "3306", "tls", tlsModes, "false"
	}
	if err := field(&u.host, "host", "Host", "localhost", checkHost); err != nil {
		return err
	}
	if !u.socket() {
		if err := field(&u.port, "port", "Port", port, checkPort); err != nil {
			return err
		}
	}
	if err := field(&u.name, "database", "Database", "patchwork", notEmpty("database")); err != nil {
		return err
	}
	if err := field(&u.user, "user", "User", "patchwork", anything); err != nil {
		return err
	}
	if !havePassword {
		var err error
		if u.password, err = p.password("Password"); err != nil {
			return err
		}
	}
	if u.socket() {
		return nil
	}
	return field(&u.tls, mode, "Encryption, "+mode+" ("+strings.Join(modes, ", ")+")", byDefault, oneOf(mode, modes))
}

// socket tells that the host is the path of a unix socket.
func (u *urlBuilder) socket() bool { return strings.HasPrefix(u.host, "/") }

// url puts the parts together. Modes that are the driver's own default are left out.
func (u *urlBuilder) url() string {
	if u.engine == "sqlite" {
		if strings.HasPrefix(u.file, "/") {
			return "sqlite://" + u.file
		}
		return "sqlite:" + u.file
	}
	out := url.URL{Scheme: u.engine, Path: "/" + u.name}
	if u.password != "" {
		out.User = url.UserPassword(u.user, u.password)
	} else if u.user != "" {
		out.User = url.User(u.user)
	}
	query := url.Values{}
	switch {
	case u.socket() && u.engine == "postgres":
		query.Set("host", u.host)
	case u.socket():
		query.Set("socket", u.host)
	default:
		out.Host = net.JoinHostPort(strings.Trim(u.host, "[]"), u.port)
		if u.engine == "postgres" && u.tls != "prefer" {
			query.Set("sslmode", u.tls)
		}
		if u.engine == "mariadb" && u.tls != "false" {
			query.Set("tls", u.tls)
		}
	}
	out.RawQuery = query.Encode()
	return out.String()
}

func printURL(c *cli, u string) error {
	if _, err := config.ParseDatabaseURL(u); err != nil {
		return fmt.Errorf("build the URL: %w", err)
	}
	_, err := fmt.Fprintf(c.out, "%s\n\n[database]\nurl = %s\n", u, config.Quote(u))
	return err
}

func oneOf(what string, options []string) func(string) error {
	return func(s string) error {
		if slices.Contains(options, s) {
			return nil
		}
		return fault.New(fault.Invalid, "%s %q is none of %s", what, s, strings.Join(options, ", "))
	}
}

func checkFile(s string) error {
	_, err := config.ParseDatabaseURL("sqlite:" + s)
	return err
}

func checkHost(s string) error {
	if s == "" || strings.ContainsAny(s, " \t@?#") || !strings.HasPrefix(s, "/") && strings.Contains(s, "/") {
		return fault.New(fault.Invalid, "host %q is neither a host name, an IP address nor the path of a socket", s)
	}
	return nil
}

func checkPort(s string) error {
	if n, err := strconv.ParseUint(s, 10, 16); err != nil || n == 0 {
		return fault.New(fault.Invalid, "port %q is not a number from 1 to 65535", s)
	}
	return nil
}

func notEmpty(what string) func(string) error {
	return func(s string) error {
		if s == "" {
			return fault.New(fault.Invalid, "the %s needs a name", what)
		}
		return nil
	}
}

func anything(string) error { return nil }
