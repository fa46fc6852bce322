// SPDX-License-Identifier: GPL-2.0-or-later

package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Repo is a git repository of somebody who works with the site, with a home, a configuration and caches of its own.
type Repo struct {
	t    testing.TB
	Home string
	Dir  string
}

// NewRepo makes an empty repository, whose first branch is main. config are pairs of a key and its value.
func NewRepo(t testing.TB, config ...string) *Repo {
	t.Helper()
	Need(t, "git")
	r := &Repo{t: t, Home: t.TempDir()}
	r.Dir = filepath.Join(r.Home, "work")
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.Run("git", "init", "--quiet", "--initial-branch=main")
	r.Config("user.name", "Mia Maintainer", "user.email", "mia@people.example", "commit.gpgsign", "false", "advice.mergeConflict", "false")
	r.Config(config...)
	return r
}

// Config sets keys of the repository's configuration.
func (r *Repo) Config(pairs ...string) {
	r.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		r.Run("git", "config", pairs[i], pairs[i+1])
	}
}

// Try runs a program in the repository and gives what it wrote.
func (r *Repo) Try(name string, args ...string) (string, error) {
	return r.TryInput("", name, args...)
}

// TryInput is Try with something to read for the program.
func (r *Repo) TryInput(input, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = r.Dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "GIT_") && !strings.HasPrefix(v, "XDG_") && !strings.HasPrefix(v, "PW_") && !strings.Contains(strings.ToLower(v), "_proxy=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "HOME="+r.Home, "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C.UTF-8", "COLUMNS=200", "GIT_PAGER=cat", "PAGER=cat", "EDITOR=true", "TZ=UTC")
	if input != "" {
		cmd.Stdin = strings.NewReader(input)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Run is Try for what must succeed.
func (r *Repo) Run(name string, args ...string) string {
	r.t.Helper()
	out, err := r.Try(name, args...)
	if err != nil {
		r.t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// Write puts a file into the working tree.
func (r *Repo) Write(name, content string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.Dir, name), []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// Commit writes a file and commits all there is; it gives the id of the commit.
func (r *Repo) Commit(name, content, message string) string {
	r.t.Helper()
	r.Write(name, content)
	r.Run("git", "add", "-A")
	r.Run("git", "commit", "--quiet", "-m", message)
	return r.Head()
}

// Head is the id of the newest commit.
func (r *Repo) Head() string {
	r.t.Helper()
	return strings.TrimSpace(r.Run("git", "rev-parse", "HEAD"))
}

// FormatPatch makes mails of commits; each is as it would be sent.
func (r *Repo) FormatPatch(args ...string) []string {
	r.t.Helper()
	dir, err := os.MkdirTemp(r.Home, "mails")
	if err != nil {
		r.t.Fatal(err)
	}
	var mails []string
	for name := range strings.FieldsSeq(r.Run("git", append([]string{"format-patch", "--output-directory=" + dir}, args...)...)) {
		text, err := os.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		mails = append(mails, string(text))
	}
	return mails
}
