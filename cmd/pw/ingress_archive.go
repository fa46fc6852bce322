// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"io"
	"os"
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
	for _, name := range files { // a misspelt name must not show after the first hour
		if _, err := os.Stat(name); name != "-" && err != nil {
			return fault.Wrap(fault.NotFound, err, "open the archive")
		}
	}
	return c.takeEach(f, files, func(name string) (ingress.Summary, error) { return c.takeArchive(ctx, a, f, name) })
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
	if name != "-" {
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
