// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/base/config"
)

// Passwords reach the programs of servers by the environment: arguments are seen by everybody.
func TestDumpTools(t *testing.T) {
	for _, test := range []struct{ url, where, env string }{
		{"postgres://ann:s%20t@db.example.org:5433/pw?sslmode=verify-full", "--dbname=postgres://ann@db.example.org:5433/pw?sslmode=verify-full", "[PGPASSWORD=s t]"},
		{"postgresql:///pw?host=/run/postgresql&user=ann&password=st", "--dbname=postgresql:///pw?host=%2Frun%2Fpostgresql&user=ann", "[PGPASSWORD=st]"},
		{"postgres://db.example.org/pw?user=ann+b%2B&application_name=a%20b", "--dbname=postgres://db.example.org/pw?application_name=a%20b&user=ann%20b%2B", "[]"},
		{"postgres://db.example.org/pw", "--dbname=postgres://db.example.org/pw", "[]"},
		{"mariadb://ann:s%20t@localhost:3307/pw?tls=true", "[--protocol=tcp --host=localhost --port=3307 --ssl --ssl-verify-server-cert --user=ann pw]", "[MYSQL_PWD=s t]"},
		{"mysql://ann@/pw?socket=/run/mysqld/mysqld.sock", "[--socket=/run/mysqld/mysqld.sock --user=ann pw]", "[]"},
		{"mariadb://ann:st@[::1]/pw?tls=skip-verify", "[--protocol=tcp --host=::1 --ssl --user=ann pw]", "[MYSQL_PWD=st]"},
	} {
		target, err := config.ParseDatabaseURL(test.url)
		if err != nil {
			t.Fatal(err)
		}
		var where string
		var env []string
		if target.Engine == "postgres" {
			where, env = postgresTool(target.Server)
		} else {
			var args []string
			args, env = mariadbTool(target.Server)
			where = fmt.Sprint(args)
		}
		if where != test.where || fmt.Sprint(env) != test.env {
			t.Errorf("%s:\n%s %v, want\n%s %s", test.url, where, env, test.where, test.env)
		}
	}
	t.Setenv("PW_DATABASE_URL", "postgres://ann:secret@db.example.org/pw")
	for _, v := range tool(t.Context(), nil, "x").Env {
		if v == "PW_DATABASE_URL=postgres://ann:secret@db.example.org/pw" {
			t.Error("what configures pw reaches other programs")
		}
	}
}
