// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
)

func newJob(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "job",
		GroupID: groupData,
		Short:   "List, show, retry and cancel jobs",
		Long: `Shows the queue of what is done in the background, such as sending mail, and changes it.
Jobs are run by "pw serve", "pw http" and "pw worker".

A job is waiting (for its time), blocked (by another job of its target), queued, running,
done, dead (it failed for the last time) or cancelled. Dead jobs are kept until somebody
retries them; done and cancelled ones for seven days.`,
		Example: `  pw job list --state dead
  pw job show 4711
  pw job retry --state dead --kind mail`,
	}
	cmd.AddCommand(newJobList(c), newJobShow(c), newJobRetry(c), newJobCancel(c), newJobWorkers(c))
	return cmd
}

var jobColumns = []column[job.Job]{
	{"id", true, func(j job.Job) any { return j.ID }},
	{"kind", true, func(j job.Job) any { return j.Kind }},
	{"target", true, func(j job.Job) any { return j.Target }},
	{"state", true, func(j job.Job) any { return j.State }},
	{"run_at", true, func(j job.Job) any { return j.RunAt }},
	{"attempts", true, func(j job.Job) any { return j.Attempts }},
	{"max_attempts", false, func(j job.Job) any {
		if j.TriedFor > 0 {
			return nil
		}
		return j.MaxAttempts
	}},
	{"tried_for", false, func(j job.Job) any {
		if j.TriedFor == 0 {
			return nil
		}
		return j.TriedFor.String()
	}},
	{"priority", false, func(j job.Job) any { return j.Priority }},
	{"created_at", false, func(j job.Job) any { return j.CreatedAt }},
	{"finished_at", false, func(j job.Job) any { return unset(j.FinishedAt) }},
	{"lease_owner", false, func(j job.Job) any { return j.LeaseOwner }},
	{"lease_until", false, func(j job.Job) any { return unset(j.LeaseUntil) }},
	{"payload", false, func(j job.Job) any { return j.Payload }},
	{"error", true, func(j job.Job) any { return j.Error }},
}

// unset is nil for a time that is 0.
func unset(t clock.Time) any {
	if t == 0 {
		return nil
	}
	return t
}

// shortErrors are the columns with an error of one line that fits a table.
func shortErrors(j job.Job) job.Job {
	j.Error, _, _ = strings.Cut(j.Error, "\n")
	if r := []rune(j.Error); len(r) > 60 {
		j.Error = string(r[:59]) + "…"
	}
	return j
}

// jobFlags declares the flags that say which jobs are meant.
func jobFlags(cmd *cobra.Command, f *job.Query) {
	cmd.Flags().StringVar(&f.State, "state", "", "only jobs in this `state`: "+strings.Join(job.States, ", "))
	cmd.Flags().StringVar(&f.Kind, "kind", "", "only jobs of this `kind`")
	cmd.Flags().StringVar(&f.Target, "target", "", "only jobs of this `target`, written whole")
}

func newJobList(c *cli) *cobra.Command {
	var f job.Query
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List jobs, the newest first",
		Long: `Lists jobs, the newest first. --before with the id of the last one shown lists the next
ones. The error is that of the last attempt; show and --json have all of it.`,
		Example: `  pw job list
  pw job list --state dead --kind mail
  pw job list --json --limit 1000`,
	}
	jobFlags(cmd, &f)
	cmd.Flags().IntVar(&f.Limit, "limit", 100, "at most this `number` of jobs")
	cmd.Flags().Int64Var(&f.Before, "before", 0, "only jobs older than the one with this `id`")
	asJSON := jsonFlag(cmd)
	cmd.RunE = c.onSite(func(ctx context.Context, a *app.App, _ []string) error {
		jobs, err := job.List(ctx, a.DB, account.CLI, f)
		if err != nil {
			return err
		}
		for i := range jobs {
			if !*asJSON {
				jobs[i] = shortErrors(jobs[i])
			}
		}
		return printRows(c.out, *asJSON, jobColumns, jobs)
	})
	return cmd
}

func newJobShow(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one job with its payload and the error of its last attempt",
		Long: `Shows all columns of one job. max attempts says after how many attempts it is given up,
tried for after how long if they do not count. The payload may hold addresses and links
that let in: take care where you paste it.`,
		Example: `  pw job show 4711`,
		Args:    exactArgs(1),
	}
	return shows(c, cmd, jobColumns, func(ctx context.Context, a *app.App, args []string) (job.Job, error) {
		id, err := jobID(args[0])
		if err != nil {
			return job.Job{}, err
		}
		return job.Get(ctx, a.DB, account.CLI, id)
	})
}

func jobID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, fault.New(fault.Invalid, "%q is no number of a job", text)
	}
	return id, nil
}

func newJobRetry(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retry [ID...]",
		Short: "Let dead, cancelled or waiting jobs run now",
		Long: `Lets jobs that are dead, cancelled or waiting run as soon as a worker is free; those that
had ended have as many attempts as at first. Name them by their numbers, or by state, kind
and target.`,
		Example: `  pw job retry 4711 4712
  pw job retry --state dead --kind mail`,
	}
	return c.changesJobs(cmd, "will run again", job.Retry)
}

func newJobCancel(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cancel [ID...]",
		Short: "Keep jobs that have not begun from running",
		Long: `Cancels jobs that are waiting, blocked or queued. A job that runs can't be cancelled; wait
until its attempt has ended. Name them by their numbers, or by state, kind and target.`,
		Example: `  pw job cancel 4711
  pw job cancel --target hook:7`,
	}
	return c.changesJobs(cmd, "cancelled", job.Cancel)
}

// changesJobs makes cmd change the jobs that its arguments and flags name.
func (c *cli) changesJobs(cmd *cobra.Command, done string, verb func(context.Context, *sqldb.DB, account.Actor, clock.Time, job.Query) (int64, error)) *cobra.Command {
	var f job.Query
	jobFlags(cmd, &f)
	cmd.Args = cobra.ArbitraryArgs
	return c.does(cmd, func(ctx context.Context, a *app.App, args []string) (string, error) {
		for _, arg := range args {
			id, err := jobID(arg)
			if err != nil {
				return "", err
			}
			f.IDs = append(f.IDs, id)
		}
		n, err := verb(ctx, a.DB, account.CLI, a.Clock.Now(), f)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s %s", count(int(n), "job", "jobs"), done), nil
	})
}

func newJobWorkers(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "workers",
		Short: "List the processes that run jobs",
		Long: `Lists the processes that run jobs. One that has not been seen for 35 seconds was killed or
has lost the database; it is forgotten after an hour.`,
		Example: `  pw job workers`,
	}
	var now clock.Time
	columns := []column[job.Worker]{
		{"host", true, func(w job.Worker) any { return w.Host }},
		{"pid", true, func(w job.Worker) any { return w.PID }},
		{"alive", true, func(w job.Worker) any { return w.Alive(now) }},
		{"started_at", true, func(w job.Worker) any { return w.Started }},
		{"seen_at", true, func(w job.Worker) any { return w.Seen }},
		{"kinds", true, func(w job.Worker) any { return w.Kinds }},
		{"id", false, func(w job.Worker) any { return w.ID }},
	}
	return lists(c, cmd, columns, func(ctx context.Context, a *app.App, _ []string) ([]job.Worker, error) {
		now = a.Clock.Now()
		return job.Workers(ctx, a.DB)
	})
}
