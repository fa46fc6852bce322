// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
)

// profileEnv names a file that gets a CPU profile of the whole command, for go tool pprof. See docs/develop.md.
const profileEnv = "PW_CPUPROFILE"

// profile starts the profile that the environment asks for; the function it gives ends it.
func profile(environ []string, errors io.Writer) (stop func()) {
	stop = func() {}
	path := ""
	for _, e := range environ {
		if name, value, _ := strings.Cut(e, "="); name == profileEnv {
			path = value
		}
	}
	if path == "" {
		return stop
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintf(errors, "pw: no CPU profile: %v\n", err)
		return stop
	}
	return func() {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			fmt.Fprintf(errors, "pw: write the CPU profile: %v\n", err)
		}
	}
}
