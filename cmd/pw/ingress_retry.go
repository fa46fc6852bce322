// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

// batchIDs is how many stored mails are handed to the core at once.
const batchIDs = 1024

// handled collects what became of mails, for the table or JSON at the end.
type handled struct {
	c       *cli
	json    bool
	names   map[int64]string
	rows    [][]any
	done    int
	changed int
	bar     *progressbar.ProgressBar
}

func (c *cli) newHandled(ctx context.Context, a *app.App, asJSON bool) (*handled, error) {
	names, err := linknames(ctx, a)
	return &handled{c: c, json: asJSON, names: names, bar: c.counting("mails")}, err
}

// counting is a bar of how many things were done; nothing when nobody looks at it.
func (c *cli) counting(what string) *progressbar.ProgressBar {
	visible := false
	if f, ok := c.err.(*os.File); ok {
		visible = term.IsTerminal(int(f.Fd()))
	}
	return progressbar.NewOptions64(-1, progressbar.OptionSetWriter(c.err), progressbar.OptionSetVisibility(visible), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString(what), progressbar.OptionSetDescription(what), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionUseANSICodes(true), progressbar.OptionClearOnFinish())
}

// handledRows bounds what is printed of a run over many mails.
const handledRows = 10_000

func (h *handled) add(done []ingress.Retried) {
	for _, r := range done {
		h.done++
		if r.Changed() {
			h.changed++
		}
		if len(h.rows) < handledRows {
			now, reason := r.Outcome.Kind, r.Outcome.Reason
			if r.Skipped != "" {
				now, reason = r.Mail.Outcome, "skipped: "+r.Skipped
			}
			h.rows = append(h.rows, []any{r.Mail.ID, r.Mail.MsgID, r.Mail.Outcome, now, h.names[max(r.Outcome.Project, 0)], reason})
		}
	}
	_ = h.bar.Set(h.done)
}

func (h *handled) print() error {
	_ = h.bar.Exit()
	if err := printList(h.c.out, h.json, []string{"mail", "message_id", "was", "is", "project", "reason"}, h.rows); err != nil {
		return err
	}
	if !h.json {
		fmt.Fprintf(h.c.out, "%d of %d mails have another outcome now\n", h.changed, h.done)
	}
	return nil
}

// eachChosen calls f with the numbers of the mails that arguments or flags choose, piece by piece.
func eachChosen(ctx context.Context, a *app.App, f chosen, args []string, do func(ids []int64) error) error {
	if len(args) > 0 {
		var ids []int64
		for _, arg := range args {
			found, err := storedMails(ctx, a, arg)
			if err != nil {
				return err
			}
			for _, m := range found {
				ids = append(ids, m.ID)
			}
		}
		return do(ids)
	}
	s, err := f.search(ctx, a)
	if err != nil {
		return err
	}
	s.Limit = batchIDs
	for {
		found, err := mailstore.Find(ctx, a.DB, s)
		if err != nil {
			return err
		}
		ids := make([]int64, len(found.Mails))
		for i, m := range found.Mails {
			ids[i] = m.ID
		}
		if len(ids) > 0 {
			if err := do(ids); err != nil {
				return err
			}
		}
		if found.More == 0 {
			return nil
		}
		s.From = found.More
	}
}

// mailsOrFlags wants mails as arguments, or flags that choose them.
func mailsOrFlags(cmd *cobra.Command, args []string) error {
	picks := cmd.Flag("outcome").Changed
	switch {
	case len(args) == 0 && !picks:
		return fmt.Errorf("name mails by number or Message-ID, or choose them with --outcome; see %q", cmd.CommandPath()+" --help")
	case len(args) > 0 && (picks || cmd.Flag("since").Changed):
		return errors.New("name mails or choose them by flags, not both")
	}
	return nil
}

func newIngressRetry(c *cli) *cobra.Command {
	var f chosen
	var how ingress.Again
	cmd := &cobra.Command{
		Use:   "retry NUMBER|MESSAGE-ID…",
		Short: "Take stored mails in once more",
		Long: `Takes mails that are stored in once more, as if they came now, in the order in which they came: after
a project was created, a list id was corrected, or pw learned to read them. A mail keeps its number
and gets its new outcome; what is a patch, cover letter or comment already stays what it is.

Mails are named, or chosen by --outcome and the other flags. Of a mail that was dropped --force
is needed. It can be interrupted and run again at any time.`,
		Example: `  pw ingress retry 1234 1235
  pw ingress retry --outcome broken,unrouted
  pw ingress retry --outcome ignored --project erofs --since 2026-07-01 --dry-run`,
		Args: mailsOrFlags,
	}
	f.addTo(cmd)
	f.addReason(cmd)
	cmd.Flags().BoolVar(&how.Force, "force", false, "also mails that were dropped")
	cmd.Flags().BoolVar(&how.DryRun, "dry-run", false, "say what would become of them, change nothing")
	return c.handles(cmd, func(ctx context.Context, a *app.App, args []string, h *handled) error {
		return eachChosen(ctx, a, f, args, func(ids []int64) error { return a.Intake().Retry(ctx, account.CLI, ids, how, h.add) })
	})
}

func newIngressRoute(c *cli) *cobra.Command {
	var how ingress.Again
	var linkname string
	cmd := &cobra.Command{
		Use:   "route NUMBER|MESSAGE-ID…",
		Short: "Take stored mails into a project that their headers do not name",
		Long: `Takes mails that found no project, or were ignored in another one, into the project that is named, or
into the project of a list. From then on they belong to it, also when they come again.`,
		Example: `  pw ingress route 1234 --project erofs
  pw ingress route 1234 1235 --list-id linux-erofs.lists.ozlabs.org`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVar(&linkname, "project", "", "link `NAME` of the project")
	cmd.Flags().StringVar(&how.ListID, "list-id", "", "take them as sent to the list with this `ID`")
	cmd.Flags().BoolVar(&how.Force, "force", false, "also mails that were dropped")
	cmd.Flags().BoolVar(&how.DryRun, "dry-run", false, "say what would become of them, change nothing")
	cmd.MarkFlagsMutuallyExclusive("project", "list-id")
	cmd.MarkFlagsOneRequired("project", "list-id")
	return c.handles(cmd, func(ctx context.Context, a *app.App, args []string, h *handled) error {
		if err := knownList(ctx, a, how.ListID); err != nil {
			return err
		}
		if linkname != "" {
			p, err := project.ByLinkname(ctx, a.DB, linkname)
			if err != nil {
				return err
			}
			how.Project = p.ID
		}
		return eachChosen(ctx, a, chosen{}, args, func(ids []int64) error { return a.Intake().Retry(ctx, account.CLI, ids, how, h.add) })
	})
}

func newIngressDrop(c *cli) *cobra.Command {
	var f chosen
	var why string
	var purge, yes bool
	cmd := &cobra.Command{
		Use:   "drop NUMBER|MESSAGE-ID…",
		Short: "Say that stored mails are of no use",
		Long: `Gives mails the outcome dropped, with your reason, so that they no longer stand among those to be
looked at. They stay stored, and pw ingress retry --force brings them back; with --purge
their bytes are removed for good, after a question at a terminal. The same bytes are not taken in again.

What is a patch, cover letter or comment is removed by pw admin message delete.`,
		Example: `  pw ingress drop 1234 --reason spam
  pw ingress drop --outcome unrouted --list-id spam.example.net --reason spam --purge --yes`,
		Args: mailsOrFlags,
	}
	f.addTo(cmd)
	cmd.Flags().StringVar(&why, "reason", "", "`TEXT` to remember why")
	cmd.Flags().BoolVar(&purge, "purge", false, "remove their bytes for good")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	required(cmd, "reason")
	return c.handles(cmd, func(ctx context.Context, a *app.App, args []string, h *handled) error {
		if purge {
			if err := c.sure(yes, "Remove the bytes of the mails?"); err != nil {
				return err
			}
		}
		return eachChosen(ctx, a, f, args, func(ids []int64) error {
			done, err := a.Intake().Drop(ctx, account.CLI, ids, why, purge)
			h.add(done)
			return err
		})
	})
}

// handles makes cmd change stored mails and print what became of them, also of those before an error.
func (c *cli) handles(cmd *cobra.Command, work func(ctx context.Context, a *app.App, args []string, h *handled) error) *cobra.Command {
	asJSON := jsonFlag(cmd)
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		h, err := c.newHandled(ctx, a, *asJSON)
		if err != nil {
			return err
		}
		err = work(ctx, a, args, h)
		if h.done == 0 && err != nil && !fault.Is(err, fault.Unavailable) {
			return err
		}
		if shown := h.print(); err == nil {
			err = shown
		}
		return err
	})
	return cmd
}
