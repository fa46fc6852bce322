// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"patchwork.example/pw/internal/base/schema"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/mailstore"
)

// How a check came out.
const (
	Good    = "ok"
	Note    = "note"    // worth knowing
	Problem = "problem" // something does not work until somebody acts
)

// Diagnosis is the outcome of a check.
type Diagnosis struct {
	Check  string
	Level  string
	Text   string
	Remedy string // empty: none is needed
}

// check is a question about the site. Those of /readyz cost the same however large the site is, and their texts can be read by everybody.
type check struct {
	name   string
	ready  bool // asked by /readyz, too
	tables bool // reads tables, and makes no sense while they are not those of this version
	run    func(ctx context.Context) Diagnosis
}

func good(format string, args ...any) Diagnosis {
	return Diagnosis{Level: Good, Text: fmt.Sprintf(format, args...)}
}

// checks are all there are, in the order in which one would look.
func (a *App) checks() []check {
	return []check{
		{"database", true, false, a.checkDatabase},
		{"schema", true, false, a.checkSchema},
		{"queue", true, true, a.checkQueue},
		{"mail", true, true, a.checkMail},
		{"dead jobs", false, true, a.checkDead},
		{"events", false, true, a.checkEvents},
		{"clock", false, false, a.checkClock},
		{"disk", false, false, a.checkDisk},
		{"configuration", false, false, a.checkConfig},
		{"waiting replies", false, true, a.checkWaiting},
		{"broken mails", false, true, a.checkBroken},
	}
}

// checkPatience bounds one check.
const checkPatience = 10 * time.Second

// Diagnose asks all checks, or only those of /readyz. When the database does not answer the others are left out, and those that read tables when the tables
// are not those of this version.
func (a *App) Diagnose(ctx context.Context, onlyReady bool) []Diagnosis {
	var out []Diagnosis
	strange := false
	for _, c := range a.checks() {
		if onlyReady && !c.ready || strange && c.tables {
			continue
		}
		once, cancel := context.WithTimeout(ctx, checkPatience)
		d := c.run(once)
		cancel()
		d.Check = c.name
		out = append(out, d)
		if c.name == "database" && d.Level == Problem {
			break
		}
		strange = strange || c.name == "schema" && d.Level == Problem
	}
	return out
}

// Unopened is the diagnosis of a site whose database can't even be opened.
func Unopened(err error) []Diagnosis {
	return []Diagnosis{{Check: "database", Level: Problem, Text: err.Error(), Remedy: "see whether the server runs and lets pw in, and database.url"}}
}

// failed is the diagnosis of a check that could not look. The error is for the log: /readyz is read by everybody.
func (a *App) failed(err error) Diagnosis {
	a.Log.Warn("check failed", "err", err)
	return Diagnosis{Level: Problem, Text: "the database could not be asked", Remedy: "the log has the error; see whether the database server runs"}
}

func (a *App) checkDatabase(ctx context.Context) Diagnosis {
	if err := a.DB.Ping(ctx); err != nil {
		a.Log.Warn("check failed", "err", err)
		return Diagnosis{Level: Problem, Text: "the database does not answer", Remedy: "see whether the server runs, and database.url"}
	}
	return good("%s answers", a.DB.Engine())
}

func (a *App) checkSchema(ctx context.Context) Diagnosis {
	if err := schema.Require(ctx, a.DB); err != nil {
		a.Log.Warn("check failed", "err", err)
		return Diagnosis{Level: Problem, Text: "the tables are not those of this version of pw", Remedy: "run: pw db sync, or the newer pw"}
	}
	return good("the tables are those of this version")
}

func (a *App) checkQueue(ctx context.Context) Diagnosis {
	p, err := job.TakePulse(ctx, a.DB, a.Clock.Now())
	switch {
	case err != nil:
		return a.failed(err)
	case p.Stuck():
		return Diagnosis{Level: Problem, Text: p.Trouble() + " and no worker runs",
			Remedy: "start pw worker, or pw serve or pw http, which contain one"}
	case p.Alive == 0:
		return Diagnosis{Level: Note, Text: "no worker runs", Remedy: "start pw worker, or pw serve or pw http, which contain one"}
	case p.Oldest > time.Hour:
		return Diagnosis{Level: Note, Text: fmt.Sprintf("the oldest job that is due waits for %v, though workers run: %d", p.Oldest.Round(time.Minute), p.Alive),
			Remedy: "pw job list --state queued shows what waits; start more workers, or cancel it"}
	}
	return good("workers that run: %d; oldest job that is due: %v", p.Alive, p.Oldest.Round(time.Second))
}

func (a *App) checkDead(ctx context.Context) Diagnosis {
	counts, err := job.Counts(ctx, a.DB)
	if err != nil {
		return a.failed(err)
	}
	var dead []string
	for _, c := range counts {
		if c.State == job.Dead {
			dead = append(dead, fmt.Sprintf("%s: %d", c.Kind, c.Jobs))
		}
	}
	if len(dead) > 0 {
		return Diagnosis{Level: Note, Text: "jobs that failed for the last time: " + strings.Join(dead, ", "), Remedy: "pw job list --state dead says why; then pw job retry --state dead"}
	}
	return good("no job failed for good")
}

func (a *App) checkEvents(ctx context.Context) Diagnosis {
	late, err := event.Late(ctx, a.DB, a.Clock.Now().Add(-time.Hour))
	if err != nil {
		return a.failed(err)
	}
	lags, err := event.Lags(ctx, a.DB)
	if err != nil {
		return a.failed(err)
	}
	var behind []string
	for _, l := range lags {
		if l.Behind > 10_000 {
			behind = append(behind, fmt.Sprintf("%s: %d", l.Name, l.Behind))
		}
	}
	switch {
	case late > 0:
		return Diagnosis{Level: Problem, Text: fmt.Sprintf("events without a position after an hour: %d", late), Remedy: "start pw worker; if one runs, its log says what is wrong"}
	case len(behind) > 0:
		return Diagnosis{Level: Note, Text: "readers that are far behind: " + strings.Join(behind, ", "), Remedy: "after an import that passes by itself; else see the worker's log"}
	}
	return good("read as they come")
}

func (a *App) checkClock(ctx context.Context) Diagnosis {
	theirs, err := a.DB.Now(ctx)
	if err != nil {
		return a.failed(err)
	}
	skew := a.Clock.Now().Sub(theirs).Abs().Round(time.Millisecond)
	if skew > 5*time.Second {
		return Diagnosis{Level: Problem, Text: fmt.Sprintf("the clocks of this machine and of the database differ by %v", skew), Remedy: "run ntpd or chronyd on both: leases of jobs rely on it"}
	}
	return good("the clocks agree within %v", max(skew, time.Second))
}

func (a *App) checkDisk(context.Context) Diagnosis {
	file := a.DB.File()
	if file == "" {
		return good("not on this machine")
	}
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(file), &st); err != nil {
		return Diagnosis{Level: Problem, Text: "the directory of the database can't be read: " + err.Error(), Remedy: "see " + filepath.Dir(file)}
	}
	free := st.Bavail * uint64(st.Bsize) >> 20
	if free < 512 {
		return Diagnosis{Level: Problem, Text: fmt.Sprintf("the file system of the database has %d MiB left", free), Remedy: "make room, or move the database: " + file}
	}
	return good("%d MiB free", free)
}

func (a *App) checkConfig(context.Context) Diagnosis {
	warnings := a.Config.Warnings()
	if len(warnings) > 0 {
		return Diagnosis{Level: Note, Text: strings.Join(warnings, "\n"), Remedy: "set these keys if that is not what you want; see: pw config keys"}
	}
	return good("nothing unusual")
}

func (a *App) checkWaiting(ctx context.Context) Diagnosis {
	n, err := mailstore.CountWaiting(ctx, a.DB)
	if err != nil {
		return a.failed(err)
	}
	return good("replies to mails that are not here: %d", n)
}

func (a *App) checkBroken(ctx context.Context) Diagnosis {
	n, err := mailstore.CountOutcome(ctx, a.DB, mailstore.Broken)
	if err != nil {
		return a.failed(err)
	}
	if n > 0 {
		return Diagnosis{Level: Note, Text: fmt.Sprintf("mails that could not be understood: %d", n), Remedy: "they are kept as they came, with the reason"}
	}
	return good("none")
}

// readyz answers 200 when the site works, else 503 with what does not.
func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	var b strings.Builder
	status := http.StatusOK
	for _, d := range a.Diagnose(r.Context(), true) {
		if d.Level == Problem {
			status = http.StatusServiceUnavailable
			fmt.Fprintf(&b, "%s: %s\n", d.Check, d.Text)
		}
	}
	if status == http.StatusOK {
		b.WriteString("ok\n")
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprint(w, b.String())
}
