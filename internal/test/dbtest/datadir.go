// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// durable says whether servers write to a disk and wait for it, as they would in production.
func durable() bool { return os.Getenv("PW_TEST_DURABLE") == "1" }

// place is where servers get their directory: in memory if there is much, else on disk. It is not os.TempDir, because the path of
// a Unix socket must stay under 108 bytes.
func place() string {
	const memory, enough = "/dev/shm", 2 << 30
	var fs syscall.Statfs_t
	if durable() || syscall.Statfs(memory, &fs) != nil || fs.Bavail*uint64(fs.Bsize) < enough {
		return "/tmp"
	}
	return memory
}

// runAs finds the user who shall run a server: none but oneself, or, because servers refuse to run as root, account or nobody.
func runAs(account string) (owner, error) {
	if os.Getuid() != 0 {
		return owner{}, nil
	}
	u, err := user.Lookup(account)
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return owner{}, err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return owner{}, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return owner{}, err
	}
	return owner{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// dataDirectory makes an empty data directory at data: a copy of the one in the user's cache, or a new one, which goes there.
func dataDirectory(k kind, o owner, data string) error {
	cached := cachePath(k, o)
	if cached != "" && copyTree(cached, data) == nil {
		return nil
	}
	if err := os.RemoveAll(data); err != nil {
		return err
	}
	command := k.initialize(data)
	cmd := o.command(command[0], command[1:]...)
	cmd.Dir = filepath.Dir(data) // that user may not be allowed to see ours
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", command[0], err, out)
	}
	if cached != "" {
		keep(data, cached)
	}
	return nil
}

// cachePath names the cached data directory by all that makes it differ; empty if there is no place for it.
func cachePath(k kind, o owner) string {
	root, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	version, err := k.version()
	if err != nil {
		return ""
	}
	uid := os.Getuid()
	if o.cred != nil {
		uid = int(o.cred.Uid)
	}
	key := fmt.Sprint(version, uid, k.initialize("data"))
	return filepath.Join(root, "pw-dbtest", fmt.Sprintf("%x", sha256.Sum256([]byte(key)))[:16])
}

// keep puts a copy of data into the cache. It is only there to save time, so that what goes wrong here is no error; two processes
// that do it at once don't harm each other.
func keep(data, cached string) {
	if os.MkdirAll(filepath.Dir(cached), 0o700) != nil {
		return
	}
	tmp, err := os.MkdirTemp(filepath.Dir(cached), "new")
	if err != nil {
		return
	}
	defer os.RemoveAll(tmp)
	if copyTree(data, filepath.Join(tmp, "data")) == nil {
		os.Rename(filepath.Join(tmp, "data"), cached)
	}
}

// copyTree copies a directory with owners and modes to the new path to.
func copyTree(from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	out, err := exec.Command("cp", "-a", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cp: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// find looks for a program in $PATH and in the directories dirs, patterns of which the last match counts.
func find(program string, dirs ...string) (string, error) {
	for _, d := range dirs {
		if found, err := filepath.Glob(filepath.Join(d, program)); err == nil && len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return exec.LookPath(program)
}
