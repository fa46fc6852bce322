// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
)

func newMessageShow(c *cli) *cobra.Command {
	var raw, asJSON bool
	var delivery int64
	f := &messageFlags{}
	cmd := &cobra.Command{
		Use:   "show MESSAGE-ID",
		Short: "Show what is stored of a mail",
		Long: `Shows what a mail has become in each project, when and how it was delivered, what was
decided each time and why, and whether it was hidden or deleted.

With --raw it prints the mail as it was received instead; of several deliveries the one
the message was made of, or the one --delivery names.`,
		Example: `  pw admin message show 20260714083012.1234-1-ann@example.org
  pw admin message show '<20260714083012.1234-1-ann@example.org>' --raw | git am`,
		Args: exactArgs(1),
	}
	f.addProject(cmd)
	cmd.Flags().BoolVar(&raw, "raw", false, "print the mail as it was received")
	cmd.Flags().Int64Var(&delivery, "delivery", 0, "with --raw: `NUMBER` of the delivery to print")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	cmd.MarkFlagsMutuallyExclusive("raw", "json")
	cmd.MarkFlagsMutuallyExclusive("delivery", "json")
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error {
		l, err := findLetter(ctx, a, args[0], f.project)
		if err != nil {
			return err
		}
		if raw || delivery != 0 {
			return c.printRaw(ctx, a, l, delivery)
		}
		told, err := l.tell(ctx, a)
		if err != nil {
			return err
		}
		if asJSON {
			enc := json.NewEncoder(c.out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			return enc.Encode(told)
		}
		return told.print(c.out)
	})
	return cmd
}

func (c *cli) printRaw(ctx context.Context, a *app.App, l *letter, delivery int64) error {
	d, err := l.choose(delivery)
	if err != nil {
		return err
	}
	mail, err := mailstore.Raw(ctx, a.DB, d.ID, max(d.Size, 1))
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "the bytes of %s, delivery %d, are no longer stored: %s", l.msgid, d.ID, cell(d.Reason))
	}
	if err != nil {
		return err
	}
	_, err = c.out.Write(mail)
	return err
}

// choose finds the delivery to print: the one asked for, or the one the message was made of.
func (l *letter) choose(delivery int64) (mailstore.Mail, error) {
	if delivery == 0 && len(l.messages) > 0 {
		if _, err := l.only(); err != nil {
			return mailstore.Mail{}, err
		}
		delivery = l.messages[0].Mail
	}
	for _, d := range l.deliveries {
		if d.ID == delivery || delivery == 0 && len(l.messages) == 0 {
			return d, nil
		}
	}
	if delivery == 0 {
		return mailstore.Mail{}, fault.New(fault.NotFound, "%s is here without the mail it came in", l.msgid)
	}
	return mailstore.Mail{}, fault.New(fault.NotFound, "%s has no delivery %d", l.msgid, delivery)
}

// told is what show tells of a letter, as JSON has it.
type told struct {
	MessageID  string          `json:"message_id"`
	Messages   []toldMessage   `json:"messages"`
	Tombstones []toldTombstone `json:"tombstones"`
	Deliveries []toldDelivery  `json:"deliveries"`
}

type toldMessage struct {
	ID        int64  `json:"id"`
	Project   string `json:"project"`
	Kind      string `json:"kind"`
	Hidden    bool   `json:"hidden"`
	Date      string `json:"date"`
	Submitter string `json:"submitter"`
	Subject   string `json:"subject"`
	InReplyTo string `json:"in_reply_to,omitempty"`
	Patch     int64  `json:"patch,omitempty"`
	Cover     int64  `json:"cover,omitempty"`
	Comment   int64  `json:"comment,omitempty"`
	Series    int64  `json:"series,omitempty"`
	Number    int    `json:"number,omitempty"`
	Total     int    `json:"total,omitempty"`
	Version   int    `json:"version,omitempty"`
	State     string `json:"state,omitempty"`
	Delegate  string `json:"delegate,omitempty"`
	Delivery  int64  `json:"delivery,omitempty"`
}

type toldTombstone struct {
	Project string `json:"project"`
	Kind    string `json:"kind"`
	At      string `json:"at"`
	Reason  string `json:"reason"`
}

type toldDelivery struct {
	ID         int64  `json:"id"`
	ReceivedAt string `json:"received_at"`
	Via        string `json:"via"`
	ListID     string `json:"list_id"`
	Project    string `json:"project"`
	Size       int64  `json:"size"`
	SHA256     string `json:"sha256"`
	Outcome    string `json:"outcome"`
	Reason     string `json:"reason"`
}

func (l *letter) tell(ctx context.Context, a *app.App) (*told, error) {
	t := &told{MessageID: l.msgid, Messages: []toldMessage{}, Tombstones: []toldTombstone{}, Deliveries: []toldDelivery{}}
	for _, m := range l.messages {
		one, err := l.tellMessage(ctx, a, m)
		if err != nil {
			return nil, err
		}
		if m.LongID != "" {
			t.MessageID = m.LongID
		}
		t.Messages = append(t.Messages, one)
	}
	for _, x := range l.tombstones {
		t.Tombstones = append(t.Tombstones, toldTombstone{l.linkname(x.Project), x.Kind, x.At.String(), x.Reason})
	}
	for _, d := range l.deliveries {
		t.Deliveries = append(t.Deliveries, toldDelivery{ID: d.ID, ReceivedAt: d.ReceivedAt.String(), Via: d.Via, ListID: d.ListID,
			Project: l.linkname(d.Project), Size: d.Size, SHA256: fmt.Sprintf("%x", d.SHA256), Outcome: d.Outcome, Reason: d.Reason})
	}
	return t, nil
}

func (l *letter) tellMessage(ctx context.Context, a *app.App, m *mailstore.Message) (toldMessage, error) {
	role, err := patch.RoleOf(ctx, a.DB, m)
	if err != nil {
		return toldMessage{}, err
	}
	by, err := account.PersonByID(ctx, a.DB, m.Submitter)
	if err != nil && !fault.Is(err, fault.NotFound) { // show what there is of a damaged row, too
		return toldMessage{}, err
	}
	return toldMessage{ID: m.ID, Project: l.linkname(m.Project), Kind: m.Kind, Hidden: m.Hidden, Date: m.Date.String(), Submitter: address(by),
		Subject: m.Subject, InReplyTo: m.InReplyTo, Patch: role.Patch, Cover: role.Cover, Comment: role.Comment, Series: role.Series,
		Number: role.Number, Total: role.Total, Version: role.Version, State: role.State, Delegate: role.Delegate, Delivery: m.Mail}, nil
}

func address(p account.Person) string {
	if p.Name == "" {
		return p.Email
	}
	return p.Name + " <" + p.Email + ">"
}

// print writes the messages one by one, then tables of tombstones and deliveries.
func (t *told) print(w io.Writer) error {
	var failed []error
	for _, m := range t.Messages {
		failed = append(failed, printOne(w, false, m.columns(t.MessageID), m))
		fmt.Fprintln(w)
	}
	if len(t.Tombstones) > 0 {
		var rows [][]any
		for _, x := range t.Tombstones {
			rows = append(rows, []any{x.Kind, x.Project, x.At, x.Reason})
		}
		failed = append(failed, printTable(w, []string{"withheld", "project", "at", "reason"}, rows))
		fmt.Fprintln(w)
	}
	var rows [][]any
	for _, d := range t.Deliveries {
		rows = append(rows, []any{d.ID, d.ReceivedAt, d.Via, d.ListID, d.Project, d.Size, d.Outcome, d.Reason})
	}
	failed = append(failed, printTable(w, []string{"delivery", "received_at", "via", "list_id", "project", "size", "outcome", "reason"}, rows))
	return errors.Join(failed...)
}

// columns are those that say something of this message.
func (m toldMessage) columns(msgid string) []column[toldMessage] {
	var out []column[toldMessage]
	add := func(name string, v any, worth bool) {
		if worth {
			out = append(out, column[toldMessage]{name, true, func(toldMessage) any { return v }})
		}
	}
	add("message_id", msgid, true)
	add("project", m.Project, true)
	add("kind", m.Kind, true)
	add("hidden", m.Hidden, true)
	add("date", m.Date, true)
	add("submitter", m.Submitter, true)
	add("subject", m.Subject, true)
	add("in_reply_to", m.InReplyTo, m.InReplyTo != "")
	add("patch", m.Patch, m.Patch != 0)
	add("cover", m.Cover, m.Cover != 0)
	add("comment", m.Comment, m.Comment != 0)
	add("series", m.Series, m.Series != 0)
	add("number", fmt.Sprintf("%d of %d", m.Number, m.Total), m.Kind == patch.KindPatch && m.Series != 0)
	add("version", m.Version, m.Version != 0)
	add("state", m.State, m.State != "")
	add("delegate", m.Delegate, m.Delegate != "")
	return out
}
