// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"patchwork.example/pw/internal/base/fault"
)

// gitSettings take away what the configuration of a repository could make git run, and bound what a server can make it wait.
var gitSettings = []string{"core.fsmonitor=false", "core.hooksPath=/dev/null", "core.alternateRefsCommand=", "core.pager=cat", "credential.helper=",
	"fetch.recurseSubmodules=false", "gc.autoDetach=false", "http.lowSpeedLimit=1000", "http.lowSpeedTime=60"}

// gitKept are the variables of the environment that git sees: where it is, and how the network is reached.
var gitKept = []string{"PATH", "TMPDIR", "http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"}

// gitCommand is git on the repository dir (empty: none), without anybody's configuration, questions, replaced objects, and with no way out but http, https
// and git. It dies with ctx, and so does what it started.
func gitCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	var all []string
	if dir != "" {
		all = append(all, "--git-dir="+dir)
	}
	for _, s := range gitSettings {
		all = append(all, "-c", s)
	}
	cmd := exec.CommandContext(ctx, "git", append(all, args...)...)
	cmd.Env = []string{"LC_ALL=C", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0",
		"GIT_NO_REPLACE_OBJECTS=1", "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=http:https:git"}
	for _, name := range gitKept {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = &tail{}
	return cmd
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	const most = 2000
	t.text = append(t.text, p...)
	if len(t.text) > 2*most {
		t.text = append(t.text[:0], t.text[len(t.text)-most:]...)
	}
	return len(p), nil
}

// gitError is why a git that ended with err did so, with the last line of what it said.
func gitError(ended func() error, cmd *exec.Cmd, err error) error {
	switch {
	case err == nil:
		return nil
	case ended() != nil:
		return ended()
	case errors.Is(err, exec.ErrNotFound):
		return fault.New(fault.Unavailable, "git is not installed")
	}
	said := strings.TrimSpace(string(cmd.Stderr.(*tail).text))
	said = said[strings.LastIndexByte(said, '\n')+1:]
	return fault.Wrap(fault.Unavailable, err, "git: %s", said)
}

// gitOutput runs git and returns what it wrote, without the newline at its end.
func gitOutput(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := gitCommand(ctx, dir, args...)
	var out bytes.Buffer
	cmd.Stdout = &out
	err := gitError(ctx.Err, cmd, cmd.Run())
	return strings.TrimSuffix(out.String(), "\n"), err
}

// gitAnswers runs a git that says yes by its exit code; one that ends with 1 says no, and one that does not find the objects says so with 128.
func gitAnswers(ctx context.Context, dir string, args ...string) (bool, error) {
	cmd := gitCommand(ctx, dir, args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil && (exit.ExitCode() == 1 || exit.ExitCode() == 128) {
		return false, nil
	}
	return err == nil, gitError(ctx.Err, cmd, err)
}

// gitTip is the commit that HEAD stands for; empty for a repository without one.
func gitTip(ctx context.Context, dir string) (string, error) {
	there, err := gitAnswers(ctx, dir, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
	if err != nil || !there {
		return "", err
	}
	tip, err := gitOutput(ctx, dir, "rev-parse", "--verify", "HEAD^{commit}")
	if err == nil && !isObject(tip) {
		err = fmt.Errorf("git names a commit %q", tip)
	}
	return tip, err
}

// isObject tells whether s is the name of an object: 40 or 64 hexadecimal digits.
func isObject(s string) bool {
	if len(s) != 40 && len(s) != 64 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}
