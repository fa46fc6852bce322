// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker: -ldflags "-X main.version=4.0.0".
var version string

// versionLine is what --version prints: pw 4.0.0 (go1.27.2, linux/amd64).
func versionLine() string {
	return fmt.Sprintf("pw %s (%s, %s/%s)", versionName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionName is the version alone, as pages show it.
func versionName() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return builtVersion(info)
	}
	return version
}

// builtVersion is the module's version, or of a build in a checkout the commit.
func builtVersion(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = "-" + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	return "devel" + revision + changed
}
