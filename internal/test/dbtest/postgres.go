// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os/exec"
)

type postgres struct{}

func (postgres) program(name string) (string, error) {
	return find(name, "/usr/lib/postgresql/*/bin")
}

// path is program for callers who know that nothing is missing.
func (p postgres) path(name string) string {
	path, _ := p.program(name)
	return path
}

func (p postgres) missing() error {
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := p.program(name); err != nil {
			return errors.New("no postgres: apt-get install postgresql")
		}
	}
	return nil
}

func (postgres) account() string { return "postgres" }

func (p postgres) version() (string, error) {
	out, err := exec.Command(p.path("postgres"), "--version").Output()
	return string(out), err
}

func (p postgres) initialize(data string) []string {
	return []string{p.path("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"}
}

func (p postgres) serve(dir, data string, durable bool) []string {
	settings := []string{"listen_addresses=", "max_connections=100", "timezone=UTC", "max_wal_size=1GB"}
	if !durable {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	args := []string{p.path("postgres"), "-D", data, "-k", dir}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// stopSignal asks for what PostgreSQL calls an immediate shutdown: it frees shared memory and writes nothing.
func (postgres) stopSignal() string { return "QUIT" }

// closeSignal asks for a fast shutdown: sessions end, and all is written.
func (postgres) closeSignal() string { return "INT" }

func (postgres) url(dir, database string) string {
	// The port is part of the socket's name, and $PGPORT would change it.
	q := url.Values{"host": {dir}, "port": {"5432"}, "user": {"postgres"}}
	return "postgres:///" + database + "?" + q.Encode()
}

func (postgres) adminDB() string { return "postgres" }

func (postgres) create(ctx context.Context, admin *sql.DB, name string) error {
	_, err := admin.ExecContext(ctx, "CREATE DATABASE "+name)
	return err
}

func (postgres) cloneSchema(ctx context.Context, admin *sql.DB, name string) error {
	_, err := admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE "+schemaDB)
	return err
}

func (postgres) drop(ctx context.Context, admin *sql.DB, name string) error {
	_, err := admin.ExecContext(ctx, "DROP DATABASE "+name+" WITH (FORCE)")
	return err
}
