// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"patchwork.example/pw/internal/base/fault"
)

// gitRange is what is new in a repository: the commits that tip has and from has not. from is empty to begin with the first.
type gitRange struct{ dir, from, tip string }

// revList are the arguments that list the commits, oldest first; paths limit them to those that touch one.
func (r gitRange) revList(more ...string) []string {
	args := []string{"rev-list", "--reverse", "--topo-order", "--end-of-options", r.tip}
	if r.from != "" {
		args = append(args, "^"+r.from)
	}
	return append(append(args, "--"), more...)
}

// count is the number of commits.
func (r gitRange) count(ctx context.Context) (int, error) {
	args := r.revList()
	args[1] = "--count" // in place of --reverse
	out, err := gitOutput(ctx, r.dir, args...)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(out)
}

// change is a blob that a commit put somewhere.
type change struct{ blob, path string }

// gitChanges reads what commits changed. It uses plumbing only, which runs nothing that a repository's configuration names.
type gitChanges struct {
	ended  func() error // whether the processes are to end
	stop   context.CancelFunc
	list   *exec.Cmd
	tree   *exec.Cmd
	out    *bufio.Reader
	commit string // the one whose changes are being read
}

func (r gitRange) changes(ctx context.Context, paths ...string) (*gitChanges, error) {
	ctx, stop := context.WithCancel(ctx)
	c := &gitChanges{ended: ctx.Err, stop: stop, list: gitCommand(ctx, r.dir, r.revList(paths...)...),
		tree: gitCommand(ctx, r.dir, append([]string{"diff-tree", "--stdin", "--root", "-r", "--raw", "--no-renames", "--no-ext-diff", "--"}, paths...)...)}
	commits, in, err := os.Pipe()
	if err != nil {
		stop()
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	defer commits.Close()
	defer in.Close()
	c.list.Stdout, c.tree.Stdin = in, commits
	out, err := c.tree.StdoutPipe()
	if err == nil {
		err = gitError(ctx.Err, c.tree, c.tree.Start())
	}
	if err != nil {
		stop()
		return nil, err
	}
	if err := c.list.Start(); err != nil {
		stop()
		c.tree.Wait()
		return nil, gitError(ctx.Err, c.list, err)
	}
	c.out = bufio.NewReaderSize(out, 64<<10)
	return c, nil
}

// next is the next change; finished is the commit that is now behind, if one is. io.EOF ends them, with the last commit.
func (c *gitChanges) next() (ch change, finished string, err error) {
	for {
		line, err := c.line()
		if errors.Is(err, io.EOF) {
			finished, c.commit = c.commit, ""
			if err := c.end(); err != nil {
				return change{}, "", err
			}
			return change{}, finished, io.EOF
		}
		if err != nil {
			return change{}, "", c.failure(err)
		}
		if isObject(line) {
			finished, c.commit = c.commit, line
			if finished != "" {
				return change{}, finished, nil
			}
			continue
		}
		if ch, ok := parseChange(line); ok {
			return ch, "", nil
		}
	}
}

// line reads a line without its end; one that is longer than any of ours comes out empty.
func (c *gitChanges) line() (string, error) {
	line, err := c.out.ReadSlice('\n')
	long := false
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		line, err = c.out.ReadSlice('\n')
	}
	if err != nil || long {
		return "", err
	}
	return string(line[:len(line)-1]), nil
}

func (c *gitChanges) failure(err error) error {
	if err := c.ended(); err != nil {
		return err
	}
	return fmt.Errorf("read what git says: %w", err)
}

func (c *gitChanges) end() error {
	treeErr := gitError(c.ended, c.tree, c.tree.Wait())
	listErr := gitError(c.ended, c.list, c.list.Wait())
	c.tree, c.list = nil, nil
	return errors.Join(listErr, treeErr)
}

// close ends the processes, wherever they are.
func (c *gitChanges) close() {
	c.stop()
	if c.tree != nil {
		c.end()
	}
}

// parseChange reads a line of git's raw diff (git-diff-tree(1), "raw output format") that puts a plain file somewhere.
func parseChange(line string) (change, bool) {
	head, path, ok := strings.Cut(line, "\t")
	f := strings.Fields(strings.TrimPrefix(head, ":"))
	if !ok || !strings.HasPrefix(head, ":") || len(f) != 5 {
		return change{}, false
	}
	plain := f[1] == "100644" || f[1] == "100755"
	return change{blob: f[3], path: path}, plain && isObject(f[3]) && f[4] != "D"
}

// mailPath is where archives keep mails: "m" in version 2 (public-inbox-v2-format(5)), by the hash of the Message-ID in version 1.
var mailPath = regexp.MustCompile(`^(m|[0-9a-f]{2}/[0-9a-f]{38})$`)

// removedPath is where version 2 puts a mail that it takes out of the archive.
const removedPath = "d"

// removed collects the mails that the archive's keeper took out in the same range.
func (r gitRange) removed(ctx context.Context, into map[string]bool) error {
	c, err := r.changes(ctx, removedPath)
	if err != nil {
		return err
	}
	defer c.close()
	for {
		ch, _, err := c.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if ch.path == removedPath {
			into[ch.blob] = true
		}
	}
}

// gitBlobs gives the bytes of blobs.
type gitBlobs struct {
	ended func() error
	stop  context.CancelFunc
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
}

func openBlobs(ctx context.Context, dir string) (*gitBlobs, error) {
	ctx, stop := context.WithCancel(ctx)
	b := &gitBlobs{ended: ctx.Err, stop: stop, cmd: gitCommand(ctx, dir, "cat-file", "--batch")}
	var err error
	if b.in, err = b.cmd.StdinPipe(); err == nil {
		var out io.Reader
		if out, err = b.cmd.StdoutPipe(); err == nil {
			b.out = bufio.NewReaderSize(out, 64<<10)
			err = b.cmd.Start()
		}
	}
	if err != nil {
		stop()
		return nil, gitError(ctx.Err, b.cmd, err)
	}
	return b, nil
}

// read gives the first limit bytes of a blob, and whether there are more.
func (b *gitBlobs) read(name string, limit int) (raw []byte, cut bool, err error) {
	if _, err := io.WriteString(b.in, name+"\n"); err != nil {
		return nil, false, b.failure(name, err)
	}
	head, err := b.out.ReadString('\n')
	if err != nil {
		return nil, false, b.failure(name, err)
	}
	var size int64
	if f := strings.Fields(head); len(f) != 3 || f[1] != "blob" {
		return nil, false, fault.New(fault.Invalid, "the repository lacks the mail %s: %s", name, strings.TrimSpace(head))
	} else if size, err = strconv.ParseInt(f[2], 10, 64); err != nil {
		return nil, false, fmt.Errorf("git tells the size of %s: %w", name, err)
	}
	raw = make([]byte, min(size, int64(limit)))
	if _, err := io.ReadFull(b.out, raw); err != nil {
		return nil, false, b.failure(name, err)
	}
	if _, err := io.CopyN(io.Discard, b.out, size-int64(len(raw))+1); err != nil { // and a newline
		return nil, false, b.failure(name, err)
	}
	return raw, size > int64(len(raw)), nil
}

func (b *gitBlobs) failure(name string, err error) error {
	if err := b.ended(); err != nil {
		return err
	}
	return fault.Wrap(fault.Unavailable, err, "read the mail %s from git", name)
}

// close ends the process.
func (b *gitBlobs) close() {
	b.stop()
	b.cmd.Wait()
}
