// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/job"
)

// unitsAreBounded looks at the units that we ship: they bound memory, tasks and files and let pw touch little, and systemd waits longer for its end than pw
// gives itself.
func unitsAreBounded(t *testing.T) {
	units, err := filepath.Glob("../../contrib/systemd/*.service")
	if err != nil || len(units) != 2 {
		t.Fatalf("units: %v, %v", units, err)
	}
	// What came by HTTP is stored last, when all parts have ended.
	longest := max(httpGrace, ingressGrace+storeGrace, job.Grace+job.HeedTime) + storeGrace
	if longest != 50*time.Second {
		t.Errorf("pw ends within %v of SIGTERM; the units and docs/manual/serve.md say 50 seconds", longest)
	}
	for _, path := range units {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			set := unitSettings(string(text))
			for name, want := range map[string][]string{
				"Type": {"notify"}, "User": {"patchwork"}, "TimeoutStopSec": {"60s"},
				"MemoryMax": {"1G", "2G"}, "TasksMax": {"256", "512"}, "LimitNOFILE": {"16384"},
				"NoNewPrivileges": {"yes"}, "CapabilityBoundingSet": {""}, "ProtectSystem": {"strict"}, "ProtectHome": {"yes"},
				"PrivateTmp": {"yes"}, "PrivateDevices": {"yes"}, "MemoryDenyWriteExecute": {"yes"}, "RestrictAddressFamilies": {"AF_INET AF_INET6 AF_UNIX"},
			} {
				if got, there := set[name]; !there || !slices.Contains(want, got) {
					t.Errorf("%s=%s, want one of %q", name, got, want)
				}
			}
			if stop, err := time.ParseDuration(set["TimeoutStopSec"]); err != nil || stop <= longest {
				t.Errorf("systemd kills after %v (%v), pw gives itself %v", stop, err, longest)
			}
			systemdAccepts(t, path, string(text))
		})
	}
}

// unitSettings are the last values of the names in a unit.
func unitSettings(text string) map[string]string {
	set := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			set[name] = value
		}
	}
	return set
}

// systemdAccepts asks systemd-analyze, where there is one (250 or newer), whether it understands all of a unit and how exposed it leaves pw: up to 2 of 10 is "OK".
func systemdAccepts(t *testing.T, path, text string) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("systemd-analyze is not installed")
		return
	}
	if out, err := exec.Command(tool, "security", "--offline=true", "--threshold=20", path).CombinedOutput(); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(unit, []byte(strings.Replace(text, "/usr/local/bin/pw", self, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "verify", "--man=no", unit).CombinedOutput()
	if err != nil || strings.Contains(string(out), filepath.Base(unit)) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
