// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
)

var all = []string{sqldb.SQLite, sqldb.Postgres, sqldb.MariaDB}

// Main runs the tests of a package, stops the servers they used and exits. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	for _, s := range servers {
		s.stop()
	}
	for _, f := range atEnd {
		f()
	}
	os.Exit(code)
}

// MainOfWaiting is Main of a package whose tests wait most of their time: three times as many run at once as there are processors, unless -parallel says otherwise.
func MainOfWaiting(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	Main(m)
}

var atEnd []func()

// AtEnd makes Main call f after the last test. It may be called from one test at a time.
func AtEnd(f func()) { atEnd = append(atEnd, f) }

// Engines gives the engines that are selected and can be used here. One that is selected but not installed is skipped in a
// subtest of its name, or fails t if CI=true.
func Engines(t testing.TB) []string {
	t.Helper()
	var usable []string
	for _, e := range selected(t) {
		if missing(e) == nil {
			usable = append(usable, e)
			continue
		}
		switch t := t.(type) {
		case *testing.T:
			t.Run(e, func(t *testing.T) { need(t, e) })
		case *testing.B:
			t.Run(e, func(b *testing.B) { need(b, e) })
		default:
			need(t, e)
		}
	}
	return usable
}

// URL gives the url of a fresh, empty database, which is dropped when the test ends. An engine that is not installed skips the
// test, or fails it if CI=true.
func URL(t testing.TB, engine string) string {
	t.Helper()
	need(t, engine)
	if engine == sqldb.SQLite {
		return sqliteURL(sqliteFile(t))
	}
	return servers[engine].database(t, false)
}

// Open opens a fresh database that has the schema, and drops it when the test ends. See URL for engines that are not installed.
func Open(t testing.TB, engine string) *sqldb.DB {
	t.Helper()
	return connect(t, MigratedURL(t, engine))
}

// MigratedURL is URL of a database that has the schema, for tests that start a process of their own.
func MigratedURL(t testing.TB, engine string) string {
	t.Helper()
	need(t, engine)
	if engine == sqldb.SQLite {
		return migratedSQLite(t)
	}
	return servers[engine].database(t, true)
}

// Each runs f once per selected engine, as a subtest named after it, on a fresh database that has the schema.
func Each(t *testing.T, f func(t *testing.T, db *sqldb.DB)) {
	t.Helper()
	for _, e := range selected(t) {
		t.Run(e, func(t *testing.T) { f(t, Open(t, e)) })
	}
}

// EachURL runs f once per selected engine, as a subtest named after it, with the url of a fresh, empty database.
func EachURL(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	for _, e := range selected(t) {
		t.Run(e, func(t *testing.T) { f(t, URL(t, e)) })
	}
}

func connect(t testing.TB, url string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func selected(t testing.TB) []string {
	t.Helper()
	engines, err := parseEngines(os.Getenv("PW_TEST_ENGINES"))
	if err != nil {
		t.Fatal(err)
	}
	return engines
}

func parseEngines(list string) ([]string, error) {
	if list == "" {
		return all, nil
	}
	var engines []string
	for e := range strings.SplitSeq(list, ",") {
		if e = strings.TrimSpace(e); !slices.Contains(all, e) {
			return nil, fmt.Errorf("PW_TEST_ENGINES=%s: %q is none of %s", list, e, strings.Join(all, ", "))
		}
		engines = append(engines, e)
	}
	return engines, nil
}

// missing says what an engine lacks here; nil if it can be used.
func missing(engine string) error {
	if engine == sqldb.SQLite {
		return nil
	}
	return servers[engine].kind.missing()
}

// need ends the test if engine can't be used.
func need(t testing.TB, engine string) {
	t.Helper()
	if err := missing(engine); err == nil {
		return
	} else if os.Getenv("CI") == "true" {
		t.Fatal(err)
	} else {
		t.Skip(err)
	}
}

// migrate brings the schema into the empty database at url.
func migrate(ctx context.Context, url string) error {
	db, err := sqldb.Open(ctx, url, sqldb.Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	return schema.Sync(ctx, db)
}
