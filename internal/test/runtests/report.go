// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
	Elapsed float64 // seconds
}

// report collects the events of one run.
type report struct {
	out      io.Writer
	progress io.Writer
	packages map[string]map[string]*strings.Builder // package → unfinished test ("" for the package itself) → output
	skips    map[string][]string                    // reason → tests
	closing  []string
}

func newReport(out, progress io.Writer) *report {
	return &report{out: out, progress: progress, packages: map[string]map[string]*strings.Builder{}, skips: map[string][]string{}}
}

// line takes a line of go test's output; what is no event is passed on.
func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil || e.Action == "" {
		r.out.Write(line)
		return
	}
	switch e.Action {
	case "build-output":
		io.WriteString(r.out, e.Output)
	case "output":
		r.output(e)
	case "skip", "pass", "fail":
		if e.Test == "" {
			r.endPackage(e)
		} else {
			r.endTest(e)
		}
	}
}

func (r *report) output(e event) {
	if e.Test == "" && isClosing(e.Output) {
		r.closing = append(r.closing, e.Output)
		return
	}
	if e.Test == "" && (e.Output == "PASS\n" || e.Output == "FAIL\n") || strings.HasPrefix(e.Output, "=== ") {
		return
	}
	tests := r.packages[e.Package]
	if tests == nil {
		tests = map[string]*strings.Builder{}
		r.packages[e.Package] = tests
	}
	if tests[e.Test] == nil {
		tests[e.Test] = &strings.Builder{}
	}
	tests[e.Test].WriteString(e.Output)
}

// isClosing says whether a line of a package's output is the one that go test ends a package with.
func isClosing(line string) bool {
	return strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "FAIL\t") || strings.HasPrefix(line, "?   \t")
}

func (r *report) endTest(e event) {
	text := ""
	if b := r.packages[e.Package][e.Test]; b != nil {
		text = b.String()
	}
	switch e.Action {
	case "fail":
		io.WriteString(r.out, text)
	case "skip":
		reason := skipReason(text)
		r.skips[reason] = append(r.skips[reason], e.Package+" "+e.Test)
	}
	delete(r.packages[e.Package], e.Test)
}

// skipReason takes what a test said before it was skipped: lines "    file_test.go:12: reason".
func skipReason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "--- SKIP") || line == "" {
			continue
		}
		if place, rest, ok := strings.Cut(line, ": "); ok && strings.Contains(place, ".go:") {
			line = rest
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}

// endPackage prints, for a package that failed, what its unfinished tests and the package itself said: a panic, a time-out.
func (r *report) endPackage(e event) {
	if e.Action == "fail" {
		for _, test := range slices.Sorted(maps.Keys(r.packages[e.Package])) {
			io.WriteString(r.out, r.packages[e.Package][test].String())
		}
	}
	delete(r.packages, e.Package)
	if e.Action != "skip" { // a package without tests
		fmt.Fprintf(r.progress, "%s %s, %.1fs\n", e.Action, e.Package, e.Elapsed)
	}
}

// finish prints the skips and the closing lines, and gives the exit code.
func (r *report) finish(code int, strict bool) int {
	for _, reason := range slices.Sorted(maps.Keys(r.skips)) {
		tests := r.skips[reason]
		slices.Sort(tests)
		fmt.Fprintf(r.out, "\nskipped (%d): %s\n", len(tests), reason)
		for _, t := range tests {
			fmt.Fprintf(r.out, "\t%s\n", t)
		}
	}
	if strict && len(r.skips) > 0 {
		fmt.Fprintln(r.out, "\nwith CI=true a skipped test is a failure")
		if code == 0 {
			code = 1
		}
	}
	fmt.Fprintln(r.out)
	slices.Sort(r.closing)
	for _, line := range r.closing {
		io.WriteString(r.out, line)
	}
	if code != 0 {
		fmt.Fprintln(r.out, "FAIL")
	}
	return code
}
