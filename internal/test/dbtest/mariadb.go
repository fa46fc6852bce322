// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync"
)

type mariadb struct {
	once   sync.Once
	script []string // makes and fills what schemaDB holds, in another database
	err    error
}

func (*mariadb) program(name string) (string, error) {
	return find(name, "/usr/sbin", "/usr/bin")
}

// path is program for callers who know that nothing is missing.
func (m *mariadb) path(name string) string {
	path, _ := m.program(name)
	return path
}

func (m *mariadb) missing() error {
	for _, name := range []string{"mariadb-install-db", "mariadbd"} {
		if _, err := m.program(name); err != nil {
			return errors.New("no mariadb: apt-get install mariadb-server")
		}
	}
	return nil
}

func (*mariadb) account() string { return "mysql" }

func (m *mariadb) version() (string, error) {
	out, err := exec.Command(m.path("mariadbd"), "--no-defaults", "--version").Output()
	return string(out), err
}

// made settings say what the files in the data directory are like: the same when it is made and when it is served.
var made = []string{"--innodb-log-file-size=64M", "--innodb-data-file-path=ibdata1:10M:autoextend"}

func (m *mariadb) initialize(data string) []string {
	return append([]string{m.path("mariadb-install-db"), "--no-defaults", "--datadir=" + data, "--skip-test-db",
		"--auth-root-authentication-method=normal"}, made...)
}

func (m *mariadb) serve(dir, data string, durable bool) []string {
	args := []string{m.path("mariadbd"), "--no-defaults", "--datadir=" + data, "--socket=" + m.socket(dir),
		"--pid-file=" + filepath.Join(dir, "pid"), "--skip-networking", "--skip-log-bin", "--skip-name-resolve",
		"--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--default-time-zone=+00:00",
		"--max-connections=200", "--tmpdir=" + dir, "--innodb-buffer-pool-size=128M"}
	if !durable { // tmpfs knows no O_DIRECT
		args = append(args, "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--innodb-flush-method=fsync")
	}
	return append(args, made...)
}

// stopSignal is the quickest: nothing in the data directory is worth a shutdown.
func (*mariadb) stopSignal() string { return "KILL" }

func (*mariadb) closeSignal() string { return "TERM" }

func (m *mariadb) url(dir, database string) string {
	q := url.Values{"socket": {m.socket(dir)}}
	return "mariadb://root@localhost/" + database + "?" + q.Encode()
}

func (*mariadb) adminDB() string { return "mysql" }

func (*mariadb) create(ctx context.Context, admin *sql.DB, name string) error {
	_, err := admin.ExecContext(ctx, "CREATE DATABASE "+name+" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
	return err
}

// cloneSchema runs the CREATE TABLE statements that the server gives for schemaDB: MariaDB has no template databases, and running
// all migrations again takes twice as long.
func (m *mariadb) cloneSchema(ctx context.Context, admin *sql.DB, name string) error {
	m.once.Do(func() { m.script, m.err = readSchema(ctx, admin) })
	if m.err != nil {
		return m.err
	}
	if err := m.create(ctx, admin, name); err != nil {
		return err
	}
	conn, err := admin.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer conn.Raw(func(any) error { return driver.ErrBadConn }) // its settings are for nobody else
	for _, statement := range append([]string{"USE " + name, "SET foreign_key_checks = 0"}, m.script...) {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%w in: %s", err, statement)
		}
	}
	return nil
}

func readSchema(ctx context.Context, admin *sql.DB) ([]string, error) {
	rows, err := admin.QueryContext(ctx, "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = ?", schemaDB)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var script []string
	for rows.Next() {
		var table, kind string
		if err := rows.Scan(&table, &kind); err != nil {
			return nil, err
		}
		if kind != "BASE TABLE" {
			return nil, fmt.Errorf("dbtest can copy tables only, and %s is a %s", table, kind)
		}
		statements, err := readTable(ctx, admin, schemaDB+"."+table)
		if err != nil {
			return nil, err
		}
		script = append(script, statements...)
	}
	return script, rows.Err()
}

// readTable gives the statements that make a copy of a table in the current database.
func readTable(ctx context.Context, admin *sql.DB, table string) ([]string, error) {
	var bare, create string
	if err := admin.QueryRowContext(ctx, "SHOW CREATE TABLE "+table).Scan(&bare, &create); err != nil {
		return nil, err
	}
	var filled bool
	if err := admin.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+table+")").Scan(&filled); err != nil {
		return nil, err
	}
	if !filled {
		return []string{create}, nil
	}
	return []string{create, "INSERT INTO " + bare + " SELECT * FROM " + table}, nil
}

func (*mariadb) drop(ctx context.Context, admin *sql.DB, name string) error {
	_, err := admin.ExecContext(ctx, "DROP DATABASE "+name)
	return err
}

// socket is the path of the server's Unix socket.
func (*mariadb) socket(dir string) string { return filepath.Join(dir, "mysql.sock") }
