// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/project"
)

type ingressFlags struct {
	stdin, mbox, maildir, publicInbox bool

	json, follow, rescan bool
	listID               string
}

func newIngress(c *cli) *cobra.Command {
	var f ingressFlags
	cmd := &cobra.Command{
		Use:     "ingress [--stdin | --mbox [FILE…] | --maildir DIR… | --public-inbox LOCATION…]",
		GroupID: groupData,
		Short:   "Take in mail",
		Long: `Takes in mail: patches, cover letters and replies to them become part of the
project whose list they were sent to; everything else is kept with the reason
why it was not used. A mail that was taken in before changes nothing, so the
same archive can be imported again at any time.

Without one of the flags that name a source it is a server: it takes mail at
ingress.listen, by SMTP or, on a unix socket, by LMTP, and follows the archives of
ingress.public-inbox and the mailboxes of ingress.imap, until SIGTERM or SIGINT; mails
under way are answered before it ends. A mail is answered 250 when it is stored.

--stdin reads one mail, as mail servers and fetchmail give it; the exit code is 0
only when the mail is stored, and 75 when it should be tried again later.
--mbox reads archives, plain or compressed by gzip, zstd, xz or bzip2; without a
file, or for the file "-", it reads standard input. A file of a single mail will do;
one with no mail in it is refused before anything is taken in.
--maildir reads the mails in cur and new of maildirs, in the order they were delivered;
their files stay as they are.
--public-inbox reads archives of public-inbox, version 2 or 1: directories, or
addresses (http, https, git) that are mirrored to ingress.public-inbox-cache. It goes
on where it, or a server that follows the archive, came to the last time.`,
		Example: `  # take mail by LMTP from a mail server on the same machine
  pw ingress --ingress-listen /run/patchwork/lmtp.sock

  # the archive of a list into the project whose list id this is
  pw ingress --mbox --list-id linux-erofs.lists.ozlabs.org linux-erofs.mbox.gz

  # a maildir, and an archive at lore.kernel.org
  pw ingress --maildir ~/Maildir
  pw ingress --public-inbox https://lore.kernel.org/linux-erofs/

  # one mail from procmail, maildrop or a Postfix alias
  pw ingress --stdin`,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := runIngress(cmd.Context(), c, cmd, f, args)
			return f.retried(err)
		},
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().BoolVarP(&f.stdin, "stdin", "i", false, "read one mail from standard input")
	cmd.Flags().BoolVarP(&f.mbox, "mbox", "m", false, "read the mails of the mbox files that follow, or of standard input")
	cmd.Flags().BoolVar(&f.maildir, "maildir", false, "read the mails of the maildirs that follow")
	cmd.Flags().BoolVar(&f.publicInbox, "public-inbox", false, "read what is new in the archives that follow: directories or addresses")
	cmd.Flags().BoolVar(&f.follow, "follow", false, "with --public-inbox: look again every ingress.poll-interval, until stopped")
	cmd.Flags().BoolVar(&f.rescan, "rescan", false, "with --public-inbox: read all of it, not only what is new")
	cmd.Flags().StringVarP(&f.listID, "list-id", "l", "", "take the mails as sent to the list with this id, whatever their headers say")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the result as JSON")
	cmd.ValidArgsFunction = nil
	cmd.AddCommand(newIngressList(c), newIngressShow(c), newIngressRetry(c), newIngressRoute(c), newIngressDrop(c), newIngressReparse(c),
		newIngressSources(c))
	return cmd
}

func runIngress(ctx context.Context, c *cli, cmd *cobra.Command, f ingressFlags, args []string) error {
	if err := f.check(args); err != nil {
		return err
	}
	cfg, err := c.loadConfig(cmd)
	if err != nil {
		return err
	}
	a, err := openSite(ctx, cfg)
	if f.stdin && fault.Is(err, fault.NotFound) {
		return configError{err} // no mail is to blame that there is no database
	}
	if err != nil {
		return err
	}
	defer a.Close()
	if f.sources() == 0 {
		return c.takeUntilStopped(ctx, a)
	}
	if err := knownList(ctx, a, f.listID); err != nil {
		return err
	}
	switch {
	case f.stdin:
		return c.takeOne(ctx, a, f)
	case f.maildir:
		return c.takeMaildirs(ctx, a, f, args)
	case f.publicInbox:
		return c.takePublicInboxes(ctx, a, f, args)
	}
	return c.takeArchives(ctx, a, f, args)
}

// sources counts the flags that name one.
func (f ingressFlags) sources() (n int) {
	for _, given := range []bool{f.stdin, f.mbox, f.maildir, f.publicInbox} {
		if given {
			n++
		}
	}
	return n
}

func (f ingressFlags) check(args []string) error {
	n := f.sources()
	switch {
	case n > 1:
		return fault.New(fault.Invalid, "say only one of --stdin, --mbox, --maildir and --public-inbox")
	case n == 0 && len(args) > 0:
		return fault.New(fault.Invalid, "to read an archive say --mbox, --maildir or --public-inbox; without them pw ingress is a server and takes no file")
	case n == 0 && (f.json || f.listID != ""):
		return fault.New(fault.Invalid, "--json and --list-id need --stdin, --mbox, --maildir or --public-inbox")
	case (f.follow || f.rescan) && !f.publicInbox:
		return fault.New(fault.Invalid, "--follow and --rescan need --public-inbox")
	case f.follow && f.json:
		return fault.New(fault.Invalid, "--follow does not come to an end; leave --json out")
	case f.stdin && len(args) > 0:
		return fault.New(fault.Invalid, "--stdin reads one mail from standard input and takes no file; for archives say --mbox")
	case (f.maildir || f.publicInbox) && len(args) == 0:
		return fault.New(fault.Invalid, "say which directories to read behind --maildir or --public-inbox")
	}
	return nil
}

// retried makes the errors that lie in us, not in the mail, temporary: a mail server that pipes a mail in keeps it then instead of
// sending it back to its author.
func (f ingressFlags) retried(err error) error {
	var bad configError
	switch {
	case !f.stdin || err == nil:
		return err
	case fault.Is(err, fault.Internal), fault.Is(err, fault.Conflict), errors.As(err, &bad):
		err = fault.New(fault.Unavailable, "the mail was not taken in, try again later: %v", err) // %v: the kind of err must not count
	}
	if fault.Is(err, fault.Unavailable) {
		return tempFailure{err}
	}
	return err
}

// knownList refuses a list id that no project has, before an hour of import ends in nothing.
func knownList(ctx context.Context, a *app.App, listID string) error {
	projects, err := project.All(ctx, a.DB)
	if err != nil {
		return err
	}
	if len(projects) == 0 {
		return fault.New(fault.NotFound, "there is no project yet: make one with `pw admin project create`")
	}
	if listID == "" || slices.ContainsFunc(projects, func(p project.Project) bool { return p.ListID == listID }) {
		return nil
	}
	var ids []string
	for _, p := range projects {
		ids = append(ids, p.ListID)
	}
	slices.Sort(ids)
	return fault.New(fault.NotFound, "no project has the list id %q; there are: %s", listID, strings.Join(slices.Compact(ids), ", "))
}

func (c *cli) takeOne(ctx context.Context, a *app.App, f ingressFlags) error {
	limit := a.Config.Limits.MailSize
	raw, err := a.Spool().ReadAll(c.in, limit)
	switch {
	case fault.Is(err, fault.TooLarge):
		return fault.New(fault.TooLarge, "the mail is larger than limits.mail-size (%d bytes)", limit)
	case err != nil:
		return fmt.Errorf("read the mail from standard input: %w", err)
	}
	if len(raw) == 0 {
		return fault.New(fault.Invalid, "standard input holds no mail")
	}
	outcomes, err := a.Intake().Deliver(ctx, []ingress.Delivery{{Raw: raw, Via: "stdin", ListID: f.listID}})
	if err != nil {
		return err
	}
	o := outcomes[0]
	if f.json {
		return json.NewEncoder(c.out).Encode(map[string]any{"outcome": o.Kind, "reason": o.Reason, "known": o.Known})
	}
	if o.Reason != "" {
		fmt.Fprintf(c.err, "pw: %s: %s\n", o.Kind, o.Reason)
	}
	return nil
}

func (c *cli) printSummary(s ingress.Summary, took time.Duration, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c.out).Encode(map[string]any{"mails": s.Mails, "known": s.Known, "outcomes": s.Outcomes, "seconds": took.Seconds()})
	}
	fmt.Fprintf(c.out, "%d mails in %s, %.0f mails/s\n", s.Mails, took.Round(time.Millisecond), float64(s.Mails)/took.Seconds())
	kinds := slices.Collect(maps.Keys(s.Outcomes))
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(cmp.Compare(s.Outcomes[b], s.Outcomes[a]), cmp.Compare(a, b)) })
	for _, k := range kinds {
		fmt.Fprintf(c.out, "%8d  %-10s %s\n", s.Outcomes[k], k, meaning[k])
	}
	if s.Known > 0 {
		fmt.Fprintf(c.out, "%8d  %-10s %s\n", s.Known, "known", "the same bytes were taken in before: nothing changed")
	}
	return nil
}

// meaning explains the outcomes in the closing summary.
var meaning = map[string]string{
	"patch":             "",
	"cover":             "cover letters",
	"comment":           "replies to patches and cover letters",
	mailstore.Pending:   "replies whose parent is not here yet; they are attached when it comes",
	mailstore.Duplicate: "another mail with the same Message-ID was here before",
	mailstore.Bounce:    "a mail of ours that came back",
	mailstore.Ignored:   "neither patch, cover letter nor reply, or marked to be ignored",
	mailstore.Unrouted:  "no project for their list",
	mailstore.Broken:    "could not be understood; kept with the reason",
	mailstore.Deleted:   "deleted on purpose before",
	mailstore.Dropped:   "an administrator has no use for them",
}
