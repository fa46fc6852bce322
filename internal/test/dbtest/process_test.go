// SPDX-License-Identifier: GPL-2.0-or-later

package dbtest

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
)

// child is what this binary does when a test starts it as PW_DBTEST_CHILD=how: it starts the servers, tells their directories and
// ends in the given way. It is false in the process that runs the tests.
func child() bool {
	how := os.Getenv("PW_DBTEST_CHILD")
	if how == "" {
		return false
	}
	for _, s := range servers {
		if s.kind.missing() != nil {
			continue
		}
		if err := s.launch(context.Background()); err != nil {
			fmt.Println(err)
		}
		fmt.Println(s.dir)
	}
	fmt.Println("ready")
	switch how {
	case "stop":
		for _, s := range servers {
			s.stop()
		}
	case "panic":
		panic("as the test wants it")
	case "hang":
		time.Sleep(5 * time.Minute)
	}
	return true
}

// However a test process ends, it leaves neither a process nor a file.
func TestNothingIsLeft(t *testing.T) {
	for _, e := range []string{sqldb.Postgres, sqldb.MariaDB} {
		need(t, e)
	}
	for _, how := range []string{"stop", "exit", "panic", "hang"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "PW_DBTEST_CHILD="+how)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { cmd.Process.Kill() })
			dirs := readUntilReady(t, bufio.NewScanner(out))
			if how == "hang" {
				cmd.Process.Kill()
			}
			cmd.Wait()
			patience := time.Minute
			if how == "stop" {
				patience = 0
			}
			for _, d := range dirs {
				expectGone(t, d, patience)
			}
		})
	}
}

func readUntilReady(t *testing.T, lines *bufio.Scanner) (dirs []string) {
	t.Helper()
	for lines.Scan() {
		if lines.Text() == "ready" {
			break
		}
		dirs = append(dirs, lines.Text())
	}
	if len(dirs) != 2 || !strings.HasPrefix(dirs[0], "/") {
		t.Fatalf("the child said %q", dirs)
	}
	return dirs
}

func expectGone(t *testing.T, dir string, patience time.Duration) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		left := remains(dir)
		if left == "" {
			return
		}
		if time.Now().After(end) {
			t.Error(left)
			return
		}
	}
}

// remains tells which process or file of the server in dir is left; empty if nothing is.
func remains(dir string) string {
	if _, err := os.Stat(dir); err == nil {
		return dir + " is still there"
	}
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, c := range commands {
		line, _ := os.ReadFile(c)
		if slices.ContainsFunc(strings.Split(string(line), "\x00"), func(arg string) bool { return strings.Contains(arg, dir) }) {
			return fmt.Sprintf("%s is still running: %q", c, line)
		}
	}
	return ""
}
