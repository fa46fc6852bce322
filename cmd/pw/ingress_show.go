// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/format/mailmsg"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
)

// storedMails finds the deliveries that an argument names: one by its number, or all with a Message-ID.
func storedMails(ctx context.Context, a *app.App, arg string) ([]mailstore.Mail, error) {
	if id, err := strconv.ParseInt(arg, 10, 64); err == nil {
		return mailstore.Mails(ctx, a.DB, []int64{id})
	}
	for _, msgid := range spellings(arg) {
		found, err := mailstore.Deliveries(ctx, a.DB, msgid)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, fault.New(fault.NotFound, "no mail with the Message-ID %s was received", spellings(arg)[0])
}

func newIngressShow(c *cli) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use:   "show NUMBER|MESSAGE-ID",
		Short: "Show what became of a mail, why, and its header",
		Long: `Shows a mail as it was received: what became of it, why, which message, patch, cover letter or
comment was made of it, and its header. A Message-ID shows all deliveries that have it.

With --raw it prints the bytes of the mail instead, exactly as they came.`,
		Example: `  pw ingress show 1234
  pw ingress show '<20260714083012.1234-1-ann@example.org>'
  pw ingress show 1234 --raw > mail.eml`,
		Args: exactArgs(1),
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print the mail as it was received")
	asJSON := jsonFlag(cmd)
	cmd.MarkFlagsMutuallyExclusive("raw", "json")
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		found, err := storedMails(ctx, a, args[0])
		if err != nil {
			return err
		}
		if raw {
			return c.printBytes(ctx, a, found)
		}
		return c.printStored(ctx, a, found, *asJSON)
	})
	return cmd
}

func (c *cli) printBytes(ctx context.Context, a *app.App, found []mailstore.Mail) error {
	if len(found) > 1 {
		var ids []string
		for _, m := range found {
			ids = append(ids, fmt.Sprint(m.ID))
		}
		return fault.New(fault.Invalid, "%s came several times, as the mails %s: say which", found[0].MsgID, strings.Join(ids, ", "))
	}
	bytes, err := mailstore.Raw(ctx, a.DB, found[0].ID, max(found[0].Size, 1))
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "the bytes of mail %d are no longer kept", found[0].ID)
	}
	if err == nil {
		_, err = c.out.Write(bytes)
	}
	return err
}

// received is a delivery with what was made of it.
type received struct {
	mailstore.Mail
	message *mailstore.Message // nil: none
	role    patch.Role
	header  string
}

func (c *cli) printStored(ctx context.Context, a *app.App, found []mailstore.Mail, asJSON bool) error {
	names, err := linknames(ctx, a)
	if err != nil {
		return err
	}
	var all []received
	for _, m := range found {
		r, err := receive(ctx, a, m)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	columns := receivedColumns(names)
	if asJSON {
		return printRows(c.out, true, columns, all)
	}
	for i, r := range all {
		if i > 0 {
			fmt.Fprintln(c.out)
		}
		if err := printOne(c.out, false, columns, r); err != nil {
			return err
		}
	}
	return nil
}

// receive reads what was made of a mail.
func receive(ctx context.Context, a *app.App, m mailstore.Mail) (received, error) {
	r := received{Mail: m}
	raws, err := mailstore.Raws(ctx, a.DB, []mailstore.Mail{m})
	if err != nil {
		return r, err
	}
	if raw, kept := raws[m.ID]; kept {
		r.header = mailmsg.Parse(raw).Header.Text()
	}
	made, err := mailstore.Lookup(ctx, a.DB, m.Project, []string{m.MsgID})
	if err != nil || made[m.MsgID] == nil || made[m.MsgID].Mail != m.ID {
		return r, err
	}
	r.message = made[m.MsgID]
	r.role, err = patch.RoleOf(ctx, a.DB, r.message)
	return r, err
}

func receivedColumns(names map[int64]string) []column[received] {
	var out []column[received]
	for _, col := range mailColumns(names) {
		out = append(out, column[received]{col.name, true, func(r received) any { return col.value(r.Mail) }})
	}
	id := func(of func(patch.Role) int64) func(received) any {
		return func(r received) any { return orNone(of(r.role)) }
	}
	return append(out,
		column[received]{"message", true, func(r received) any {
			if r.message == nil {
				return nil
			}
			return r.message.ID
		}},
		column[received]{"patch", true, id(func(r patch.Role) int64 { return r.Patch })},
		column[received]{"cover", true, id(func(r patch.Role) int64 { return r.Cover })},
		column[received]{"comment", true, id(func(r patch.Role) int64 { return r.Comment })},
		column[received]{"series", true, id(func(r patch.Role) int64 { return r.Series })},
		column[received]{"header", true, func(r received) any { return r.header }},
	)
}
