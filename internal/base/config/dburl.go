// SPDX-License-Identifier: GPL-2.0-or-later

package config

import (
	"net/url"
	"strings"

	"patchwork.example/pw/internal/base/fault"
)

// DatabaseURL is a database.url taken apart. Of SQLite's only Path is set, of the others only Server.
type DatabaseURL struct {
	Engine string // sqlite, postgres or mariadb
	Path   string // the file, as written
	Server *url.URL
}

// ParseDatabaseURL reads sqlite:PATH, sqlite:///ABSOLUTE, postgres:// or postgresql:// and mariadb:// or mysql://. What a server's
// query means is left to its driver. Its errors are fault.Invalid and never repeat the URL, which holds a password.
func ParseDatabaseURL(s string) (DatabaseURL, error) {
	scheme, rest, _ := strings.Cut(s, ":")
	switch scheme {
	case "sqlite":
		return parseSQLite(rest)
	case "postgres", "postgresql":
		return parseServer("postgres", s)
	case "mariadb", "mysql":
		return parseServer("mariadb", s)
	}
	return DatabaseURL{}, fault.New(fault.Invalid, "a database URL begins with sqlite:, postgres:// or mariadb://")
}

func parseSQLite(rest string) (DatabaseURL, error) {
	path, slashes := strings.CutPrefix(rest, "//")
	switch {
	case path == "" || strings.HasSuffix(path, "/"):
		return DatabaseURL{}, fault.New(fault.Invalid, "sqlite: needs the path of a file: sqlite:data/patchwork.db")
	case slashes && path[0] != '/':
		return DatabaseURL{}, fault.New(fault.Invalid, "sqlite:// needs an absolute path: sqlite:///srv/patchwork.db; a relative one is sqlite:patchwork.db")
	}
	return DatabaseURL{Engine: "sqlite", Path: path}, nil
}

func parseServer(engine, s string) (DatabaseURL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil: // not wrapped: its text holds the URL or pieces of the password
		return DatabaseURL{}, fault.New(fault.Invalid, "the database URL can't be read; percent-encode special characters of user and password")
	case u.Opaque != "" || !strings.HasPrefix(s[len(u.Scheme):], "://"):
		return DatabaseURL{}, fault.New(fault.Invalid, "a database server's URL has two slashes: %s://USER:PASSWORD@HOST/NAME", engine)
	case strings.Trim(u.Path, "/") == "" && u.Query().Get("dbname") == "":
		return DatabaseURL{}, fault.New(fault.Invalid, "the database URL names no database: %s://USER:PASSWORD@HOST/NAME", engine)
	}
	return DatabaseURL{Engine: engine, Server: u}, nil
}

// Redacted is the URL with the word REDACTED in place of passwords. It is for people and logs.
func (d DatabaseURL) Redacted() string {
	if d.Server == nil {
		return "sqlite:" + d.Path
	}
	u := *d.Server
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), redacted)
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", redacted)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

func hideURL(s string) string {
	u, err := ParseDatabaseURL(s)
	if err != nil {
		return redacted
	}
	return u.Redacted()
}

func hidePassword(s string) string {
	if s == "" {
		return ""
	}
	return redacted
}

// redacted stands for a secret in what Print writes. No source may set a secret to it, so that a printed file used as
// configuration is refused, not believed.
const redacted = "REDACTED"
