// SPDX-License-Identifier: GPL-2.0-or-later

package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Browser is a running Chromium.
type Browser struct {
	ctx context.Context // of the process, which all tabs derive theirs from
	axe string          // source of axe-core
}

// Start starts Chromium with an empty profile, and ends it when the test ends.
func Start(t testing.TB) *Browser {
	t.Helper()
	return start(t)
}

// StartUndrawn is Start of a browser that lays pages out, but draws none: it takes a third less CPU. A page there waits forever for a frame (requestAnimationFrame,
// IntersectionObserver), and there is no Picture.
func StartUndrawn(t testing.TB) *Browser {
	t.Helper()
	return start(t, chromedp.Flag("disable-threaded-compositing", true))
}

func start(t testing.TB, more ...chromedp.ExecAllocatorOption) *Browser {
	t.Helper()
	program, axe := need(t)
	profile, err := os.MkdirTemp("", "pw-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeAll(t, profile) })
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), append(options(program, profile), more...)...) // t.Context is over before cleanups run
	t.Cleanup(cancel)
	ctx, _ := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		end, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := chromedp.Cancel(end); err != nil {
			t.Errorf("end Chromium: %v", err)
		}
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return &Browser{ctx: ctx, axe: axe}
}

func options(program, profile string) []chromedp.ExecAllocatorOption {
	o := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.Headless, chromedp.NoFirstRun, chromedp.DisableGPU}
	for _, flag := range []string{
		"no-sandbox", "disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-dev-shm-usage", "disable-renderer-backgrounding", "disable-backgrounding-occluded-windows",
		"disable-background-timer-throttling", "disable-ipc-flooding-protection", "in-process-gpu", // which saves pictures the way to another process
	} {
		o = append(o, chromedp.Flag(flag, true))
	}
	// Pictures must not depend on the machine's screen.
	return append(o, chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("font-render-hinting", "none"))
}

// need finds Chromium and axe-core or ends the test.
func need(t testing.TB) (program, axe string) {
	t.Helper()
	program, axe, err := find()
	switch {
	case err == nil:
		return program, axe
	case os.Getenv("CI") == "true":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	return "", ""
}

func find() (program, axe string, err error) {
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"} { // the first one has no windows, which take half the CPU
		if program, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		return "", "", fmt.Errorf("no Chromium here; install it with: scripts/deps.sh chromium")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", fmt.Errorf("axe-core: %w", err)
	}
	source, err := os.ReadFile(filepath.Join(cache, "pw-test", "axe.min.js"))
	if err != nil {
		return "", "", fmt.Errorf("no axe-core here (%w); install it with: scripts/deps.sh axe", err)
	}
	return program, string(source), nil
}

// removeAll removes the profile; the browser's children may still write to it for a moment.
func removeAll(t testing.TB, dir string) {
	var err error
	for range 50 {
		if err = os.RemoveAll(dir); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("remove Chromium's profile: %v", err)
}
