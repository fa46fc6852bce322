// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/base/sqldb"
)

// Step tells how far long copying is: bytes of about so many, -1 if it is not known how many.
type Step func(done, total int64)

// backupKinds are what backups begin with, and the ends of their names.
var backupKinds = []struct{ engine, magic, ending string }{
	{sqldb.SQLite, "SQLite format 3\x00", ".db"},
	{sqldb.Postgres, "PGDMP", ".dump"},
	{sqldb.MariaDB, "\x28\xb5\x2f\xfd", ".sql.zst"},
}

// Backup writes all that is committed at one moment to a new file, while everybody else goes on, and reads it again. In a directory the file is named by the time. It is there
// whole or not at all; one that was there before is left alone, which is fault.Conflict.
func (a *App) Backup(ctx context.Context, path string, step Step) (file string, size int64, err error) {
	target, err := config.ParseDatabaseURL(a.Config.Database.URL)
	if err != nil {
		return "", 0, err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "patchwork-"+a.Clock.Now().Time().Format("20060102-150405"))
		for _, k := range backupKinds {
			if k.engine == target.Engine {
				path += k.ending
			}
		}
	}
	err = wholeFile(path, func(part *os.File) error {
		if target.Engine == sqldb.SQLite {
			return a.backupFile(ctx, part.Name(), step)
		}
		return backupServer(ctx, target, part, step)
	})
	if err != nil {
		return "", 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", 0, fault.Wrap(fault.Unavailable, err, "look at the backup")
	}
	return path, info.Size(), nil
}

func (a *App) backupFile(ctx context.Context, part string, step Step) error {
	total := make(chan int64, 1)
	copied := make(chan error, 1)
	go func() {
		copied <- a.DB.CopyFile(ctx, part, func(bytes int64) { total <- bytes })
	}()
	about := int64(-1)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-copied:
			if err != nil {
				return err
			}
			return sqldb.CheckFile(ctx, part)
		case about = <-total:
		case <-tick.C:
			if info, err := os.Stat(part); err == nil {
				step(info.Size(), about)
			}
		}
	}
}

// wholeFile makes a file that only its owner reads, with all that write puts into it, under another name until then.
func wholeFile(path string, write func(part *os.File) error) (err error) {
	if err := refuseTaken(path); err != nil {
		return err
	}
	name := path + ".part"
	part, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fault.New(fault.Conflict, "%s is there already: if no other pw writes it, remove it", name)
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "there is no directory %s", filepath.Dir(path))
	case errors.Is(err, fs.ErrPermission):
		return fault.Wrap(fault.Denied, err, "make the file")
	case err != nil:
		return fault.Wrap(fault.Unavailable, err, "make the file")
	}
	defer func() {
		part.Close()
		if err != nil {
			os.Remove(name)
		}
	}()
	if err := write(part); err != nil {
		return err
	}
	if err := part.Sync(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "write %s", name)
	}
	if err := os.Rename(name, path); err != nil {
		return fault.Wrap(fault.Unavailable, err, "name the file")
	}
	return syncDirectory(filepath.Dir(path))
}

// refuseTaken is fault.Conflict for a name that something has.
func refuseTaken(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fault.New(fault.Conflict, "%s is there already: give another name, or move it away", path)
	}
	return nil
}

func syncDirectory(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "open the directory")
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "write %s", path)
	}
	return nil
}

// Restore makes the configured database from a backup. There must be none yet, else it is fault.Conflict; a file that is none, or of another engine, is fault.Invalid.
func Restore(ctx context.Context, cfg *config.Config, path string, step Step) error {
	target, err := config.ParseDatabaseURL(cfg.Database.URL)
	if err != nil {
		return err
	}
	from, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "there is no file %s", path)
	} else if err != nil {
		return fault.Wrap(fault.Denied, err, "read the backup")
	}
	defer from.Close()
	if err := fits(from, target); err != nil {
		return err
	}
	info, err := from.Stat()
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "look at the backup")
	}
	read := &counted{r: from, step: func(done int64) { step(done, info.Size()) }, ended: ctx.Err}
	if target.Engine == sqldb.SQLite {
		return restoreFile(ctx, target.Path, path, read)
	}
	return restoreServer(ctx, cfg, target, from, read)
}

// fits looks at the first bytes of a backup, and goes back to them.
func fits(from *os.File, target config.DatabaseURL) error {
	head := make([]byte, 16)
	n, err := io.ReadFull(from, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(fault.Unavailable, err, "read the backup")
	}
	engine := ""
	for _, k := range backupKinds {
		if bytes.HasPrefix(head[:n], []byte(k.magic)) {
			engine = k.engine
		}
	}
	switch engine {
	case "":
		return fault.New(fault.Invalid, "%s is no backup that `pw db backup` made", from.Name())
	case target.Engine:
		_, err = from.Seek(0, io.SeekStart)
		return err
	}
	return fault.New(fault.Invalid, "%s is a backup of %s, database.url names %s: a backup does not lead from one to another", from.Name(), engine, target.Engine)
}

func restoreFile(ctx context.Context, path, backup string, read io.Reader) error {
	if info, err := os.Stat(backup + "-wal"); err == nil && info.Size() > 0 {
		return fault.New(fault.Invalid, "%s is a database in use, and not whole without %s-wal: make a backup of it", backup, backup)
	}
	if err := sqldb.CheckFile(ctx, backup); err != nil {
		return err
	}
	if err := refuseTaken(path); err != nil {
		return err
	}
	for _, beside := range []string{"-wal", "-journal"} { // SQLite would take it for a part of the new file
		if _, err := os.Lstat(path + beside); err == nil {
			return fault.New(fault.Conflict, "%s is there, without its database: move it away", path+beside)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return fault.Wrap(fault.Unavailable, err, "make the directory")
	}
	return wholeFile(path, func(part *os.File) error {
		if _, err := io.Copy(part, read); err != nil {
			return fault.Wrap(fault.Unavailable, err, "copy the backup")
		}
		if err := part.Chmod(0o640); err != nil {
			return fault.Wrap(fault.Unavailable, err, "make the file")
		}
		return nil
	})
}

// refuseFilled is fault.Conflict for a database that has tables of ours.
func refuseFilled(ctx context.Context, cfg *config.Config) error {
	a, err := OpenDatabase(ctx, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	state, err := schema.Inspect(ctx, a.DB)
	if err != nil {
		return err
	}
	if state.Current != 0 {
		return fault.New(fault.Conflict, "there is a Patchwork in that database already: make a new one, or empty it")
	}
	return nil
}

// counted reads until ended gives an error, and tells how far it is.
type counted struct {
	r     io.Reader
	done  int64
	step  func(done int64)
	ended func() error
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	if err := c.ended(); err != nil {
		return 0, fmt.Errorf("read no further: %w", err)
	}
	n, err := c.r.Read(p)
	c.done += int64(n)
	c.step(c.done)
	return n, err
}
