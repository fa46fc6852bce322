// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
)

func newAdminMessage(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "message",
		Short: "Show, hide and delete single mails",
		Long: `Shows what is stored of a mail, hides it from all readers, or deletes it for good.

A mail is named by its Message-ID, with or without < and >. Quote it: the shell has a
use of its own for these signs.`,
		Example: `  pw admin message show 20260714083012.1234-1-ann@example.org
  pw admin message hide 20260714083012.1234-1-ann@example.org --reason "private address"
  pw admin message delete '<spam@example.net>' --reason spam`,
	}
	cmd.AddCommand(newMessageShow(c), newMessageHide(c), newMessageDelete(c))
	return cmd
}

// letter is all that is stored under one Message-ID.
type letter struct {
	projects   map[int64]project.Project
	msgid      string // key form
	messages   []*mailstore.Message
	tombstones []mailstore.Tombstone
	deliveries []mailstore.Mail
}

// findLetter reads what is stored under a Message-ID, in one project if linkname is not empty. Nothing is fault.NotFound.
func findLetter(ctx context.Context, a *app.App, id, linkname string) (*letter, error) {
	l := &letter{projects: map[int64]project.Project{}}
	all, err := project.All(ctx, a.DB)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		l.projects[p.ID] = p
	}
	only := int64(0)
	if linkname != "" {
		p, err := project.ByLinkname(ctx, a.DB, linkname)
		if err != nil {
			return nil, err
		}
		only = p.ID
	}
	for _, l.msgid = range spellings(id) {
		if err := l.read(ctx, a); err != nil {
			return nil, err
		}
		if l.keep(only); len(l.messages)+len(l.tombstones)+len(l.deliveries) > 0 {
			return l, nil
		}
	}
	if linkname != "" {
		return nil, fault.New(fault.NotFound, "project %q has no mail with the Message-ID %s", linkname, spellings(id)[0])
	}
	return nil, fault.New(fault.NotFound, "no mail with the Message-ID %s", spellings(id)[0])
}

// spellings are the keys under which a Message-ID may be stored; some mails have it without brackets.
func spellings(id string) []string {
	bare := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(id), "<"), ">")
	return []string{mailstore.Key("<" + bare + ">"), mailstore.Key(bare), mailstore.Key(id)}
}

func (l *letter) read(ctx context.Context, a *app.App) (err error) {
	if l.messages, err = mailstore.ByMsgID(ctx, a.DB, l.msgid); err != nil {
		return err
	}
	var ids []int64
	for id := range l.projects {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if l.tombstones, err = mailstore.TombstonesOf(ctx, a.DB, ids, l.msgid); err != nil {
		return err
	}
	l.deliveries, err = mailstore.Deliveries(ctx, a.DB, l.msgid)
	return err
}

// keep drops what is not in the project with this number; 0 keeps all.
func (l *letter) keep(only int64) {
	other := func(p int64) bool { return only != 0 && p != only }
	l.messages = slices.DeleteFunc(l.messages, func(m *mailstore.Message) bool { return other(m.Project) })
	l.tombstones = slices.DeleteFunc(l.tombstones, func(t mailstore.Tombstone) bool { return other(t.Project) })
	l.deliveries = slices.DeleteFunc(l.deliveries, func(d mailstore.Mail) bool { return other(d.Project) })
}

// linkname is how a project is called; it is empty for none.
func (l *letter) linkname(id int64) string {
	if p, ok := l.projects[id]; ok {
		return p.Linkname
	}
	if id != 0 {
		return fmt.Sprintf("%d (deleted)", id)
	}
	return ""
}

// only is the project of the one message there is; with several projects an error names them.
func (l *letter) only() (project.Project, error) {
	var names []string
	for _, m := range l.messages {
		if name := l.linkname(m.Project); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	switch {
	case len(names) == 1:
		return l.projects[l.messages[0].Project], nil
	case len(names) > 1:
		return project.Project{}, fault.New(fault.Invalid, "%s is in the projects %s: say which with --project", l.msgid, strings.Join(names, ", "))
	case len(l.tombstones) > 0:
		t := l.tombstones[0]
		return project.Project{}, fault.New(fault.NotFound, "%s was %s from project %q at %s", l.msgid, t.Kind, l.linkname(t.Project), t.At)
	}
	return project.Project{}, fault.New(fault.NotFound, "no message was made of %s, only its deliveries are kept; see `pw admin message show`", l.msgid)
}

type messageFlags struct {
	project, reason string
	undo, yes       bool
}

func (f *messageFlags) addProject(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.project, "project", "", "link `NAME` of the project, if the mail is in several")
}

func (f *messageFlags) addReason(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.reason, "reason", "", "`TEXT` to remember why")
}

func newMessageHide(c *cli) *cobra.Command {
	f := &messageFlags{}
	cmd := &cobra.Command{
		Use:   "hide MESSAGE-ID",
		Short: "Hide a mail from all readers, or show it again",
		Long: `Hides a mail: pages, API, feeds and mbox files leave it out. It stays in the database, and
with --undo it is shown again.`,
		Example: `  pw admin message hide 20260714083012.1234-1-ann@example.org --reason "private address"
  pw admin message hide 20260714083012.1234-1-ann@example.org --undo`,
		Args: exactArgs(1),
	}
	f.addProject(cmd)
	f.addReason(cmd)
	cmd.Flags().BoolVar(&f.undo, "undo", false, "show it again")
	cmd.MarkFlagsMutuallyExclusive("undo", "reason")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		l, err := findLetter(ctx, a, args[0], f.project)
		if err != nil {
			return "", err
		}
		p, err := l.only()
		if err != nil {
			return "", err
		}
		said := fmt.Sprintf("hid %s in project %q", l.msgid, p.Linkname)
		if f.undo {
			said = fmt.Sprintf("%s in project %q is shown again", l.msgid, p.Linkname)
		}
		return said, patch.HideMessage(ctx, a.DB, account.CLI, a.Clock.Now(), p, l.msgid, f.reason, !f.undo)
	})
}

func newMessageDelete(c *cli) *cobra.Command {
	f := &messageFlags{}
	cmd := &cobra.Command{
		Use:   "delete MESSAGE-ID",
		Short: "Delete a mail for good",
		Long: `Deletes a mail for good: as it was received, and the patch, cover letter or comment made
of it with all that hangs on it. Replies to it are kept and wait for it. It is
remembered that the mail was deleted, so that it does not come back when an archive is
imported again. At a terminal it asks first.`,
		Example: `  pw admin message delete '<spam@example.net>' --reason spam
  pw admin message delete spam@example.net --project linux-erofs --yes`,
		Args: exactArgs(1),
	}
	f.addProject(cmd)
	f.addReason(cmd)
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do not ask")
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		l, err := findLetter(ctx, a, args[0], f.project)
		if err != nil {
			return "", err
		}
		p, err := l.only()
		if err != nil {
			return "", err
		}
		if err := c.sure(f.yes, fmt.Sprintf("Delete the %s %q from project %q?", l.messages[0].Kind, cell(l.messages[0].Subject), p.Linkname)); err != nil {
			return "", err
		}
		said := fmt.Sprintf("deleted %s from project %q", l.msgid, p.Linkname)
		return said, patch.DeleteMessage(ctx, a.DB, account.CLI, a.Clock.Now(), p, l.msgid, f.reason)
	})
}
