// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
)

type reparseFlags struct {
	project, since string
	apply, verbose bool
	json           bool
}

func newIngressReparse(c *cli) *cobra.Command {
	var f reparseFlags
	cmd := &cobra.Command{
		Use:   "reparse",
		Short: "Read the stored mails of a project again with today's parser",
		Long: `Reads the mails of a project once more, as they were received, and compares what pw makes of
them today with what is stored: submitter, date, subject, parent, headers, text, name, hash, diff
and pull request. Mails that were ignored or broken, or wait for their parent, are decided about
once more.

It shows what differs, by field, and the exit code is 1 if anything does. With --apply it writes
that: numbers, states, delegates, checks and comments stay as they are. A patch or cover letter
stays one even if pw would not take the mail as such today; that is shown as kept. Which series a
patch is in is not looked at.

It works in batches and can be interrupted and run again. A second run with --apply finds nothing.`,
		Example: `  pw ingress reparse --project erofs
  pw ingress reparse --project erofs --since 2026-01-01 --verbose
  pw ingress reparse --project erofs --apply`,
	}
	cmd.Flags().StringVar(&f.project, "project", "", "link `NAME` of the project")
	cmd.Flags().StringVar(&f.since, "since", "", "only mails received since this `DATE`: 2026-07-13, 2026-07-13T08:30:00Z, or 36h ago")
	cmd.Flags().BoolVar(&f.apply, "apply", false, "write what differs")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "show every difference, not only examples")
	cmd.Flags().BoolVar(&f.json, "json", false, "print every difference as a JSON array of objects")
	cmd.MarkFlagsMutuallyExclusive("verbose", "json")
	required(cmd, "project")
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, args []string) error { return c.reparse(ctx, a, f) })
	return cmd
}

func (c *cli) reparse(ctx context.Context, a *app.App, f reparseFlags) error {
	p, err := project.ByLinkname(ctx, a.DB, f.project)
	if err != nil {
		return err
	}
	run := a.Reparse(p)
	run.Apply = f.apply
	if run.Since, err = since(f.since, a.Clock.Now()); err != nil {
		return err
	}
	r := &reparsed{c: c, f: f, fields: map[fieldKey]*fieldSum{}}
	bar := c.counting("mails")
	err = run.Run(ctx, account.CLI, func(p patchmail.Progress) {
		if len(p.Findings) > 0 && (f.verbose || f.json) {
			_ = bar.Clear()
		}
		r.add(p)
		_ = bar.Set(r.mails)
	})
	_ = bar.Exit()
	if shown := r.end(); err == nil {
		err = shown
	}
	if err == nil && r.differ > 0 && !f.apply {
		return finding{fault.New(fault.Conflict, "%s can be written: run it with --apply", count(r.differ, "difference", "differences"))}
	}
	return err
}

type fieldKey struct {
	field string
	kept  bool
}

type fieldSum struct {
	n       int
	example patchmail.Finding
}

// reparsed sums up what a run finds.
type reparsed struct {
	c      *cli
	f      reparseFlags
	mails  int
	differ int // findings that are not Kept
	shown  int
	fields map[fieldKey]*fieldSum
}

func (r *reparsed) add(p patchmail.Progress) {
	r.mails += p.Mails
	for _, d := range p.Findings {
		if !d.Kept {
			r.differ++
		}
		key := fieldKey{d.Field, d.Kept}
		if r.fields[key] == nil {
			r.fields[key] = &fieldSum{example: d}
		}
		r.fields[key].n++
		r.show(d)
	}
}

// show prints one difference at once: there may be more of them than memory.
func (r *reparsed) show(d patchmail.Finding) {
	was, is := apart(d.Was, d.Is)
	switch {
	case r.f.json:
		separator := ",\n"
		if r.shown == 0 {
			separator = "[\n"
		}
		fmt.Fprint(r.c.out, separator, "  {")
		for i, pair := range []struct {
			name  string
			value any
		}{{"mail", d.Mail}, {"message_id", d.MsgID}, {"kind", d.Kind}, {"field", d.Field}, {"was", was}, {"is", is}, {"kept", d.Kept}} {
			if i > 0 {
				fmt.Fprint(r.c.out, ", ")
			}
			text, _ := jsonText(pair.value) // text, numbers and booleans always can
			fmt.Fprintf(r.c.out, "%q: %s", pair.name, text)
		}
		fmt.Fprint(r.c.out, "}")
	case r.f.verbose:
		fmt.Fprintf(r.c.out, "%d %s %s: %s → %s%s\n", d.Mail, cell(d.MsgID), d.Field, cell(was), cell(is), map[bool]string{true: " (kept)"}[d.Kept])
	}
	r.shown++
}

func (r *reparsed) end() error {
	if r.f.json {
		if r.shown == 0 {
			fmt.Fprint(r.c.out, "[")
		} else {
			fmt.Fprint(r.c.out, "\n")
		}
		_, err := fmt.Fprintln(r.c.out, "]")
		return err
	}
	keys := slices.SortedFunc(maps.Keys(r.fields), func(a, b fieldKey) int {
		if a.kept != b.kept {
			return cmp.Compare(fmt.Sprint(a.kept), fmt.Sprint(b.kept))
		}
		return cmp.Or(cmp.Compare(r.fields[b].n, r.fields[a].n), cmp.Compare(a.field, b.field))
	})
	var rows [][]any
	for _, k := range keys {
		s := r.fields[k]
		was, is := apart(s.example.Was, s.example.Is)
		does := map[bool]string{true: "written", false: "to be written"}[r.f.apply]
		if k.kept {
			does = "kept"
		}
		rows = append(rows, []any{k.field, s.n, does, s.example.MsgID, was, is})
	}
	if len(rows) > 0 {
		if err := printTable(r.c.out, []string{"field", "mails", "action", "for_example", "was", "is"}, rows); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(r.c.out, "%d mails read, %d differences\n", r.mails, r.differ)
	return err
}

// apart cuts two texts down to where they begin to differ.
func apart(a, b string) (string, string) {
	const before, length = 10, 40
	x, y := []rune(a), []rune(b)
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	cut := func(r []rune) string {
		from := max(n-before, 0)
		if len(r) <= length {
			return string(r)
		}
		out := string(r[from:min(from+length, len(r))])
		if from > 0 {
			out = "…" + out
		}
		if from+length < len(r) {
			out += "…"
		}
		return out
	}
	return cut(x), cut(y)
}
