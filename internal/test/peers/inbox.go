// SPDX-License-Identifier: GPL-2.0-or-later

package peers

import (
	"crypto/sha1"
	"fmt"
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

func stringReader(s string) io.Reader { return strings.NewReader(s) }

// Inbox is an archive of public-inbox that the test makes with git.
type Inbox struct {
	t   testing.TB
	Dir string
}

// NewInbox makes an archive without epochs.
func NewInbox(t testing.TB) *Inbox {
	t.Helper()
	Need(t, "git")
	return &Inbox{t, t.TempDir()}
}

// Epoch is the directory of a repository of version 2; it is made if need be.
func (in *Inbox) Epoch(n int) string {
	in.t.Helper()
	dir := filepath.Join(in.Dir, "git", fmt.Sprintf("%d.git", n))
	run(in.t, gitEnv, "", "git", "init", "--quiet", "--bare", "--initial-branch=master", dir)
	return dir
}

var gitEnv = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"}

// Add puts mails into an epoch, a commit each, in the file m, as public-inbox does.
func (in *Inbox) Add(epoch int, mails ...string) {
	in.t.Helper()
	in.commit(in.Epoch(epoch), false, in.changes("m", mails))
}

// Remove takes a mail out again: a commit with the file d.
func (in *Inbox) Remove(epoch int, mail string) {
	in.t.Helper()
	in.commit(in.Epoch(epoch), false, in.changes("d", []string{mail}))
}

// Rewrite makes the history of an epoch anew, as a purge does.
func (in *Inbox) Rewrite(epoch int, mails ...string) {
	in.t.Helper()
	in.commit(in.Epoch(epoch), true, in.changes("m", mails))
}

// AddV1 puts mails into an archive of version 1, which is dir itself: a file each, by the hash of the Message-ID.
func (in *Inbox) AddV1(mails ...string) {
	in.t.Helper()
	run(in.t, gitEnv, "", "git", "init", "--quiet", "--bare", "--initial-branch=master", in.Dir)
	var all []string
	for _, m := range mails {
		_, id, _ := strings.Cut(m, "Message-ID: <")
		id, _, _ = strings.Cut(id, ">")
		sum := fmt.Sprintf("%x", sha1.Sum([]byte(id)))
		all = append(all, fileAt(sum[:2]+"/"+sum[2:], m))
	}
	in.commit(in.Dir, false, all)
}

func (in *Inbox) changes(path string, mails []string) (out []string) {
	for _, m := range mails {
		out = append(out, "deleteall\n"+fileAt(path, m))
	}
	return out
}

func fileAt(path, content string) string {
	return fmt.Sprintf("M 100644 inline %s\ndata %d\n%s\n", path, len(content), content)
}

func (in *Inbox) commit(dir string, anew bool, changes []string) {
	in.t.Helper()
	var b strings.Builder
	for i, change := range changes {
		fmt.Fprintf(&b, "commit refs/heads/master\ncommitter A <a@example.org> %d +0000\ndata 1\nx\n", 1600000000+i)
		if i == 0 && !anew && refs(dir) {
			b.WriteString("from refs/heads/master^0\n")
		}
		b.WriteString(change)
	}
	run(in.t, gitEnv, b.String(), "git", "--git-dir="+dir, "fast-import", "--quiet", "--force")
}

func refs(dir string) bool {
	found, _ := filepath.Glob(filepath.Join(dir, "refs", "heads", "master"))
	return len(found) > 0
}

// Serve offers the directories below root with git's own server over HTTP, each epoch at the address public-inbox gives it: NAME/0, NAME/1 ….
func Serve(t testing.TB, root string) *httptest.Server {
	t.Helper()
	Need(t, "git")
	execPath := strings.TrimSpace(run(t, gitEnv, "", "git", "--exec-path"))
	backend := &cgi.Handler{Stderr: io.Discard, Path: filepath.Join(execPath, "git-http-backend"), Env: append([]string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}, gitEnv...)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
		if len(parts) == 3 && strings.Trim(parts[1], "0123456789") == "" {
			r.URL.Path = "/" + parts[0] + "/git/" + parts[1] + ".git/" + parts[2]
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}
