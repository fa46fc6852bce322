// SPDX-License-Identifier: GPL-2.0-or-later

package peers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Need skips the test, or fails it if CI=true, when one of the programs is not installed.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	os.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin") // where Debian keeps servers
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, name+" is not installed: run scripts/deps.sh as root")
		}
	}
}

// NeedSendEmail skips the test, or fails it if CI=true, when git has no send-email: it is a package of its own.
func NeedSendEmail(t testing.TB) {
	t.Helper()
	Need(t, "git")
	dir := strings.TrimSpace(run(t, gitEnv, "", "git", "--exec-path"))
	if _, err := os.Stat(filepath.Join(dir, "git-send-email")); err != nil {
		missing(t, "git send-email is not installed: run scripts/deps.sh as root")
	}
}

// NeedRoot skips the test, or fails it if CI=true, when it is not run by root, whom servers need to become their own users.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		missing(t, "only root can start this server")
	}
}

func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Eventually waits until what holds, at most two minutes: the machine may be busy.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("not within two minutes: %s", what)
}

// run runs a program to its end and gives what it wrote.
func run(t testing.TB, env []string, input, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = stringReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}
