// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/ingress"
)

// countingReader counts what was read, for the progress bar.
type countingReader struct {
	r io.Reader
	n atomic.Int64
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *cli) takeArchives(ctx context.Context, a *app.App, f ingressFlags, files []string) error {
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, name := range files { // what is wrong with the last one must not show after the first hour
		if err := isArchive(name); err != nil {
			return err
		}
	}
	return c.takeEach(f, files, func(name string) (ingress.Summary, error) { return c.takeArchive(ctx, a, f, name) })
}

// isArchive refuses what is no file with mail in it. A pipe can be read only once: it is looked at when its turn comes.
func isArchive(name string) error {
	if name == "-" {
		return nil
	}
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return fault.Wrap(fault.NotFound, err, "open the archive")
	case st.IsDir():
		return isDirectory(name)
	case !st.Mode().IsRegular():
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return fault.Wrap(fault.NotFound, err, "open the archive")
	}
	defer file.Close()
	_, err = ingress.OpenArchive(file, name, "", 0)
	return err
}

// isDirectory says how the directories that hold mail are read.
func isDirectory(name string) error {
	has := func(inside string) bool {
		st, err := os.Stat(filepath.Join(name, inside))
		return err == nil && st.IsDir()
	}
	switch {
	case has("cur") && has("new"):
		return fault.New(fault.Invalid, "%s is no mbox but a maildir: say --maildir instead of --mbox", name)
	case has("objects") || has("git/0.git") || has("all.git"):
		return fault.New(fault.Invalid, "%s is no mbox but a git repository: if it is an archive of public-inbox, say --public-inbox instead of --mbox", name)
	}
	return fault.New(fault.Invalid, "%s is a directory: --mbox takes files, --maildir takes maildirs, --public-inbox archives of public-inbox", name)
}

// takeEach reads one source after the other until one fails, and prints the summary of all.
func (c *cli) takeEach(f ingressFlags, names []string, take func(name string) (ingress.Summary, error)) error {
	start := time.Now()
	total := ingress.Summary{Outcomes: map[string]int{}}
	for _, name := range names {
		sum, err := take(name)
		total.Mails += sum.Mails
		total.Known += sum.Known
		for k, n := range sum.Outcomes {
			total.Outcomes[k] += n
		}
		if err != nil {
			c.printSummary(total, time.Since(start), f.json)
			return err
		}
	}
	return c.printSummary(total, time.Since(start), f.json)
}

func (c *cli) takeArchive(ctx context.Context, a *app.App, f ingressFlags, name string) (ingress.Summary, error) {
	in, size := c.in, int64(-1)
	if name == "-" {
		name = "standard input"
	} else {
		file, err := os.Open(name)
		if err != nil {
			return ingress.Summary{}, fault.Wrap(fault.NotFound, err, "open the archive")
		}
		defer file.Close()
		if st, err := file.Stat(); err == nil && st.Mode().IsRegular() {
			size = st.Size()
		}
		in = file
	}
	read := &countingReader{r: in}
	source, err := ingress.OpenArchive(read, name, f.listID, int(a.Config.Limits.ImportMailSize))
	if err != nil {
		return ingress.Summary{}, err
	}
	bar := c.progress(name, size)
	start := time.Now()
	sum, err := a.Intake().Import(ctx, source, func(s ingress.Summary) {
		bar.Describe(fmt.Sprintf("%s  %d mails  %.0f/s", name, s.Mails, float64(s.Mails)/time.Since(start).Seconds()))
		bar.Set64(read.n.Load())
	})
	bar.Exit()
	return sum, err
}

// progress is a bar of the bytes read, with rate and time left; nothing when nobody looks at it.
func (c *cli) progress(name string, size int64) *progressbar.ProgressBar {
	visible := false
	if f, ok := c.err.(*os.File); ok {
		visible = term.IsTerminal(int(f.Fd()))
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(c.err), progressbar.OptionSetVisibility(visible), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription(name), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
		progressbar.OptionUseANSICodes(true), progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
}

// counted is progress of so many mails.
func (c *cli) counted(name string, mails int) *progressbar.ProgressBar {
	bar := c.progress(name, int64(mails))
	progressbar.OptionShowBytes(false)(bar)
	progressbar.OptionShowCount()(bar)
	return bar
}
