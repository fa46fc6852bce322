// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/klauspost/compress/zstd"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
)

// Databases of servers are copied by the servers' own programs, which know what their version needs. Passwords reach them by the environment, not by arguments, which everybody on the
// machine can read.

// dumpEnd is what the last lines of a whole dump of MariaDB have.
const dumpEnd = "-- Dump completed"

// backupServer writes a dump, and reads it again.
func backupServer(ctx context.Context, target config.DatabaseURL, part *os.File, step Step) error {
	out := &counting{w: part, step: step}
	if target.Engine == sqldb.Postgres {
		where, env := postgresTool(target.Server)
		dump := tool(ctx, env, "pg_dump", "--format=custom", "--compress=1", "--no-owner", "--no-privileges", "--no-comments", where)
		dump.Stdout = out
		if err := runTool(ctx, dump); err != nil {
			return err
		}
		return runTool(ctx, tool(ctx, nil, "pg_restore", "--file=/dev/null", part.Name()))
	}
	where, env := mariadbTool(target.Server)
	packed, err := zstd.NewWriter(out)
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	dump := tool(ctx, env, "mariadb-dump", append(where[:len(where)-1:len(where)-1], "--single-transaction", "--quick", "--hex-blob", "--default-character-set=utf8mb4",
		"--max-allowed-packet=1G", "--skip-lock-tables", "--no-tablespaces", where[len(where)-1])...)
	dump.Stdout = packed
	if err := runTool(ctx, dump); err != nil {
		return err
	}
	if err := packed.Close(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "write the backup")
	}
	return checkDump(part.Name())
}

// checkDump reads a whole dump of MariaDB.
func checkDump(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "read the backup")
	}
	defer f.Close()
	r, err := zstd.NewReader(f)
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	defer r.Close()
	var end tail
	if _, err := io.Copy(&end, r); err != nil {
		return fault.Wrap(fault.Invalid, err, "%s is damaged", path)
	}
	if !strings.Contains(string(end), dumpEnd) {
		return fault.New(fault.Invalid, "%s ends before the dump does", path)
	}
	return nil
}

// restoreServer fills an empty database.
func restoreServer(ctx context.Context, cfg *config.Config, target config.DatabaseURL, backup *os.File, read io.Reader) error {
	if err := refuseFilled(ctx, cfg); err != nil {
		return err
	}
	if target.Engine == sqldb.Postgres {
		where, env := postgresTool(target.Server)
		load := tool(ctx, env, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-comments", where)
		load.Stdin = read
		if err := runTool(ctx, load); err != nil {
			return err
		}
		return analyze(ctx, cfg)
	}
	if err := checkDump(backup.Name()); err != nil {
		return err
	}
	where, env := mariadbTool(target.Server)
	unpacked, err := zstd.NewReader(read)
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	defer unpacked.Close()
	load := tool(ctx, env, "mariadb", append(where[:len(where)-1:len(where)-1], "--binary-mode", "--default-character-set=utf8mb4", "--max-allowed-packet=1G", where[len(where)-1])...)
	load.Stdin = unpacked
	if err := runTool(ctx, load); err != nil {
		return fmt.Errorf("%w; the database is filled in part: drop it and create it again", err)
	}
	return nil
}

// analyze lets PostgreSQL look at its tables: a dump does not bring what it knew of them.
func analyze(ctx context.Context, cfg *config.Config) error {
	a, err := OpenDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.DB.Tx(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(ctx, "ANALYZE")
		return err
	})
}

// postgresTool is the option that names the database, and the environment with its password.
func postgresTool(server *url.URL) (where string, env []string) {
	u, q := *server, server.Query()
	if password, has := u.User.Password(); has {
		u.User, env = url.User(u.User.Username()), []string{"PGPASSWORD=" + password}
	}
	if q.Has("password") {
		env = []string{"PGPASSWORD=" + q.Get("password")}
		q.Del("password")
	}
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // to libpq a + is none but itself
	return "--dbname=" + u.String(), env
}

// mariadbTool are the arguments that name the database, itself last, and the environment with its password.
func mariadbTool(server *url.URL) (where, env []string) {
	q := server.Query()
	if socket := q.Get("socket"); socket != "" {
		where = append(where, "--socket="+socket)
	} else {
		where = append(where, "--protocol=tcp", "--host="+server.Hostname())
		if port := server.Port(); port != "" {
			where = append(where, "--port="+port)
		}
	}
	switch q.Get("tls") {
	case "true":
		where = append(where, "--ssl", "--ssl-verify-server-cert")
	case "skip-verify", "preferred":
		where = append(where, "--ssl")
	}
	if user := server.User.Username(); user != "" {
		where = append(where, "--user="+user)
	}
	if password, has := server.User.Password(); has {
		env = []string{"MYSQL_PWD=" + password}
	}
	return append(where, strings.TrimPrefix(server.Path, "/")), env
}

// tool is a program that dies with ctx. Of our environment it does not get what configures pw.
func tool(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PW_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = &tail{}
	return cmd
}

// runTool runs it. What it said on stderr belongs to the error.
func runTool(ctx context.Context, cmd *exec.Cmd) error {
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return fault.New(fault.Unavailable, "%s is not installed: it comes with the client programs of the database server", cmd.Args[0])
	}
	said := strings.Join(strings.Fields(string(*cmd.Stderr.(*tail))), " ")
	return fault.Wrap(fault.Unavailable, err, "%s", strings.TrimPrefix(said, cmd.Args[0]+": "))
}

// tail keeps the end of what is written to it.
type tail []byte

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	const most = 2000
	*t = append(*t, p...)
	if n := len(*t); n > most {
		*t = bytes.Clone((*t)[n-most:])
	}
	return len(p), nil
}

// counting tells how much was written.
type counting struct {
	w    io.Writer
	done int64
	step Step
}

// Write implements io.Writer.
func (c *counting) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.done += int64(n)
	c.step(c.done, -1)
	return n, err
}
