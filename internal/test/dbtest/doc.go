// SPDX-License-Identifier: GPL-2.0-or-later

// Package dbtest gives tests real databases: files for SQLite, and one PostgreSQL and one MariaDB server per test process, started
// when the first test asks and gone with the process, however it ends.
//
// It owns no table and never touches a server it did not start: servers listen on a Unix socket in a directory of their own, run as
// another user when the tests run as root, and keep nothing. They write to memory (/dev/shm) without waiting; with
// PW_TEST_DURABLE=1, meant for benchmarks, they write to disk (/tmp) and wait for it.
//
// PW_TEST_ENGINES=sqlite,postgres,mariadb selects engines (default: all). An engine that is not installed is skipped and the skip
// says what to install; with CI=true it fails the test. An empty data directory is kept in the user's cache directory (pw-dbtest),
// so that only the first process ever pays for initdb. Kept gives benchmarks a large database that is filled once, in $KEEP.
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
//
//	func TestPersons(t *testing.T) {
//		dbtest.Each(t, func(t *testing.T, db *sqldb.DB) { … })
//	}
package dbtest
