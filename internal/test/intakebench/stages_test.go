// SPDX-License-Identifier: GPL-2.0-or-later

package intakebench

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// stage is a part of the work by a function that all of it goes through. Some contain others, as the indents show.
var stageList = []struct{ name, function string }{
	{"read the archive", `ingress\.\(\*Archive\)\.Next`},
	{"prepare", `ingress\.\(\*Intake\)\.prepare`},
	{"  parse", `format/mailmsg\.Parse$`},
	{"  text, diff, hash", `patchmail\.\(\*Claimer\)\.Prepare`},
	{"  compress (zstd)", `mailstore\.Pack$`},
	{"  sha256", `crypto/sha256\.Sum256`},
	{"store", `ingress\.\(\*Intake\)\.store`},
	{"  decide and write patches", `patchmail\.\(\*Claimer\)\.Claim`},
	{"    load what is known", `patch\.LoadIntake`},
	{"    write", `patch\.\(\*Intake\)\.Write`},
	{"  write raw mails", `mailstore\.Put`},
	{"  commit", `sqldb\.beginSQLite\.func1|database/sql\.\(\*Tx\)\.Commit`},
	{"collect garbage", `runtime\.gcBgMarkWorker$`},
}

// stages reads the CPU profile and gives a share to each stage.
func stages(b *testing.B, program, profile string) string {
	b.Helper()
	out, err := exec.Command("go", "tool", "pprof", "-top", "-cum", "-nodecount=100000", "-nodefraction=0", program, profile).CombinedOutput()
	if err != nil {
		b.Fatalf("go tool pprof: %v\n%s", err, out)
	}
	var text strings.Builder
	for _, s := range stageList {
		fmt.Fprintf(&text, "  %-30s %s\n", s.name, share(string(out), s.function))
	}
	return text.String()
}

var topLine = regexp.MustCompile(`^\s*\S+\s+\S+%\s+\S+%\s+\S+\s+(\S+%)\s+(\S+)`)

// share is the cumulated percentage of a function in the output of pprof -top.
func share(top, function string) string {
	want := regexp.MustCompile(function)
	for line := range strings.Lines(top) {
		if m := topLine.FindStringSubmatch(line); m != nil && want.MatchString(m[2]) {
			return m[1]
		}
	}
	return "-"
}
