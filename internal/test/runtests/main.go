// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

func main() {
	code, err := run(os.Args[1:], os.Getenv("CI") == "true")
	if err != nil {
		fmt.Fprintln(os.Stderr, "runtests:", err)
		os.Exit(2)
	}
	os.Exit(code)
}

// run gives the exit code: that of go test, or 1 for a skip that is not allowed.
func run(args []string, strict bool) (int, error) {
	args, err := expand(args)
	if err != nil {
		return 0, err
	}
	packages := strconv.Itoa(runtime.NumCPU() + 1) // at once; tests of servers and processes wait much of their time
	cmd := exec.Command("go", append([]string{"test", "-json", "-p", packages}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	r := newReport(os.Stdout, os.Stderr)
	if err := readLines(out, r.line); err != nil {
		return 0, err
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return r.finish(cmd.ProcessState.ExitCode(), strict), nil
}

// expand writes ./... as all packages, the slowest first.
func expand(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		if a != "./..." {
			out = append(out, a)
			continue
		}
		list, err := exec.Command("go", "list", a).Output()
		if err != nil {
			return nil, fmt.Errorf("go list %s: %w", a, err)
		}
		out = append(out, slowFirst(strings.Fields(string(list)))...)
	}
	return out, nil
}

// slowest are the packages whose tests take longest: what go test begins last should be short, or one core is idle meanwhile.
var slowest = []string{"internal/test/pagetest", "internal/patch/patchmail", "cmd/pw", "internal/app", "internal/patch", "internal/test/apitest", "internal/ingress", "internal/job", "internal/patch/patchapi"}

// slowFirst gives the packages with the slowest before all others, which keep their order.
func slowFirst(packages []string) []string {
	rank := func(p string) int {
		for i, s := range slowest {
			if strings.HasSuffix(p, "/"+s) {
				return i
			}
		}
		return len(slowest)
	}
	return slices.SortedStableFunc(slices.Values(packages), func(a, b string) int { return rank(a) - rank(b) })
}

// readLines calls f with each line of in, whatever its length.
func readLines(in io.Reader, f func(line []byte)) error {
	b := bufio.NewReader(in)
	for {
		line, err := b.ReadBytes('\n')
		if len(line) > 0 {
			f(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
