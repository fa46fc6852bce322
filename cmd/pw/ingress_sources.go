// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/ingress"
)

func (c *cli) takeMaildirs(ctx context.Context, a *app.App, f ingressFlags, dirs []string) error {
	for _, dir := range dirs { // a misspelt name must not show after the first hour
		_, cur := os.Stat(filepath.Join(dir, "cur"))
		if _, fresh := os.Stat(filepath.Join(dir, "new")); cur != nil && fresh != nil {
			return fault.New(fault.NotFound, "%s is no maildir: it has neither cur nor new", dir)
		}
	}
	passed := 0
	err := c.takeEach(f, dirs, func(dir string) (ingress.Summary, error) {
		source, err := ingress.OpenMaildir(dir, f.listID, int(a.Config.Limits.ImportMailSize), func(path string, err error) {
			passed++
			fmt.Fprintf(c.err, "pw: %s passed over: %v\n", path, err)
		})
		if err != nil {
			return ingress.Summary{}, err
		}
		bar := c.counted(dir, source.Len())
		defer bar.Exit()
		return a.Intake().Import(ctx, source, func(s ingress.Summary) { bar.Set(s.Mails) })
	})
	if err == nil && passed > 0 {
		return fault.New(fault.Invalid, "%s could not be read; all others are taken in", count(passed, "file", "files"))
	}
	return err
}

func (c *cli) takePublicInboxes(ctx context.Context, a *app.App, f ingressFlags, locations []string) error {
	var inboxes []ingress.Followed
	byName := map[string]*ingress.PublicInbox{}
	for _, l := range locations {
		p, err := a.PublicInbox(config.PublicInbox{Location: l, ListID: f.listID}, f.rescan)
		if err != nil {
			return err
		}
		inboxes, byName[l] = append(inboxes, p), p
	}
	err := c.takeEach(f, locations, func(location string) (ingress.Summary, error) {
		var bar *progressbar.ProgressBar
		total := func(n int) { bar = c.counted(location, n) }
		sum, err := a.Intake().ImportPublicInbox(ctx, byName[location], total, func(s ingress.Summary) { bar.Set(s.Mails) })
		if bar != nil {
			bar.Exit()
		}
		return sum, err
	})
	if err == nil && f.follow {
		a.Follow(ctx, inboxes)
	}
	return err
}

func newIngressSources(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sources",
		Short: "List what mail is fetched from, and how far",
		Long: `Lists the archives and mailboxes that mail was ever fetched from: how many mails were
read, when the last new one was stored, when it was last found read to its end, and
why it can't be read, if so. With --json also the position, which is an archive's last
commits or a mailbox's UIDVALIDITY and UID.`,
		Example: `  pw ingress sources
  pw ingress sources --json | jq -r '.[] | select(.error != "") | .name'`,
		Args: exactArgs(0),
	}
	return lists(c, cmd, sourceColumns, func(ctx context.Context, a *app.App, _ []string) ([]ingress.SourceState, error) {
		return ingress.SourceStates(ctx, a.DB)
	})
}

var sourceColumns = []column[ingress.SourceState]{
	{"name", true, func(s ingress.SourceState) any { return s.Name }},
	{"kind", true, func(s ingress.SourceState) any { return s.Kind }},
	{"mails", true, func(s ingress.SourceState) any { return s.Mails }},
	{"moved_at", true, func(s ingress.SourceState) any { return when(s.MovedAt) }},
	{"checked_at", true, func(s ingress.SourceState) any { return when(s.CheckedAt) }},
	{"position", false, func(s ingress.SourceState) any { return s.Position }},
	{"error", true, func(s ingress.SourceState) any { return s.Error }},
	{"error_at", false, func(s ingress.SourceState) any { return when(s.ErrorAt) }},
}

// when is a time to the second; empty for 0, which stands for never.
func when(t clock.Time) string {
	if t == 0 {
		return ""
	}
	return t.Time().Format("2006-01-02T15:04:05Z")
}
