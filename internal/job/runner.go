// SPDX-License-Identifier: GPL-2.0-or-later

package job

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
)

// Handler does a job. nil: it is done. Permanent(err): it is dead at once. RetryAt(err, t): the next attempt comes at t. Any other error, and a panic: the
// next attempt comes after the back-off of its kind. ctx ends when the lease is lost or the runner stops: what is done after that may be done
// a second time elsewhere. A job can come again after it was done, when its process was killed before that was written down.
type Handler func(ctx context.Context, j Job) error

// Kind is how the jobs of a kind are run.
type Kind struct {
	Name     string
	Handle   Handler
	Lease    time.Duration                   // renewed while the job runs; 0: a minute. A job of a process that was killed runs again after it
	Backoff  func(attempt int) time.Duration // before the next attempt, after attempt 1, 2, …; nil: Exponential(10 s, 1 h). It is varied by a quarter
	Parallel int                             // most jobs of the kind at a time in one process; 0: half of Options.Parallel, so that no kind takes all places
}

// Exponential is a back-off that begins with first and doubles up to most.
func Exponential(first, most time.Duration) func(attempt int) time.Duration {
	return func(attempt int) time.Duration {
		d := first
		for ; attempt > 1 && d < most; attempt-- {
			d *= 2
		}
		return min(d, most)
	}
}

// Loop is work that each process does again and again, such as reading events. Run does a piece of it, and tells whether there is more at once. It is
// called after commits that Wake one of the names, and every Poll.
type Loop struct {
	Name string
	Wake []string
	Poll time.Duration // 0: Options.Poll
	Run  func(ctx context.Context) (more bool, err error)
}

// When Run ends, jobs under way go on for Grace, unless Options say otherwise; those that are interrupted then have HeedTime to end.
const (
	Grace    = 20 * time.Second
	HeedTime = 5 * time.Second
)

// Options bound what a Runner does. The zero value is usable.
type Options struct {
	Parallel int           // most jobs at a time; 0: 8
	Poll     time.Duration // how often to look without having been woken; 0: a second
	Grace    time.Duration // how long jobs may go on after the end of Run's context; 0: Grace
	// Observe, if set, hears of each attempt that ended: outcome is the state of the job after it, or "lost" or "interrupted".
	Observe func(kind, outcome string, took time.Duration)
}

// Runner claims jobs and runs them, and does periodic work. Any number of them, in any number of processes, share the work of one database.
type Runner struct {
	db       *sqldb.DB
	clock    clock.Clock
	log      *slog.Logger
	opt      Options
	id       string
	kinds    map[string]Kind
	periodic []Periodic
	loops    []Loop

	mu      sync.Mutex
	running map[int64]*attempt
	at      map[string]bool // periodic work under way
	freed   chan struct{}   // a job ended: there is room for another
}

// NewRunner makes a runner that knows no kinds yet. Handle, Every and Loop come before Run.
func NewRunner(db *sqldb.DB, c clock.Clock, log *slog.Logger, opt Options) *Runner {
	opt.Parallel = cmp.Or(opt.Parallel, 8)
	opt.Poll = cmp.Or(opt.Poll, time.Second)
	opt.Grace = cmp.Or(opt.Grace, Grace)
	host, _ := os.Hostname() // only for people to read
	return &Runner{db: db, clock: c, log: log, opt: opt, id: fmt.Sprintf("%.60s:%d:%s", cmp.Or(host, "localhost"), os.Getpid(), rand.Text()[:12]),
		kinds: map[string]Kind{}, running: map[int64]*attempt{}, at: map[string]bool{}, freed: make(chan struct{}, 1)}
}

// ID is the runner's name in leases and in the table of workers: host, process and a random part.
func (r *Runner) ID() string { return r.id }

// Handle makes the runner run jobs of a kind.
func (r *Runner) Handle(k Kind) {
	k.Lease = cmp.Or(k.Lease, time.Minute)
	if k.Backoff == nil {
		k.Backoff = Exponential(10*time.Second, time.Hour)
	}
	if k.Parallel <= 0 {
		k.Parallel = max(1, r.opt.Parallel/2)
	}
	r.kinds[k.Name] = k
}

// Loop makes the runner do a loop.
func (r *Runner) Loop(l Loop) {
	l.Poll = cmp.Or(l.Poll, r.opt.Poll)
	r.loops = append(r.loops, l)
}

// kindNames are the kinds that the runner runs, sorted.
func (r *Runner) kindNames() []string {
	var out []string
	for name := range r.kinds {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Run works until ctx ends. Then it begins nothing more, lets what runs go on for Options.Grace, interrupts the rest and gives their leases back. What
// fails for want of the database is tried again; Run ends for no other reason than ctx.
func (r *Runner) Run(ctx context.Context) error {
	r.register(ctx)
	// Jobs and heartbeats go on while it drains.
	working, interrupt := context.WithCancel(context.WithoutCancel(ctx))
	beating, stopBeating := context.WithCancel(context.WithoutCancel(ctx))
	defer interrupt()
	defer stopBeating()
	var work, beat, wait sync.WaitGroup
	beat.Go(func() { r.beat(beating) })
	wait.Go(func() { r.listen(ctx) })
	for _, l := range r.loops {
		wait.Go(func() { r.loop(ctx, l) })
	}
	for _, p := range r.periodic {
		work.Go(func() { r.repeat(ctx, working, p) })
	}
	wait.Go(func() { r.dispatch(ctx, working, &work) })
	wait.Wait()
	r.drain(&work, interrupt)
	stopBeating()
	beat.Wait()
	r.unregister(context.WithoutCancel(ctx))
	return nil
}

// drain waits for jobs under way, in the end not so patiently.
func (r *Runner) drain(work *sync.WaitGroup, interrupt func()) {
	ended := make(chan struct{})
	go func() {
		work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-time.After(r.opt.Grace):
	}
	r.log.Warn("interrupting jobs that do not come to their end", "jobs", r.count(""))
	interrupt()
	select {
	case <-ended:
	case <-time.After(HeedTime): // it does not heed its context; its lease runs out
		r.log.Error("jobs do not heed their interruption", "jobs", r.count(""))
	}
}

// dispatch claims jobs while there is room for them, until ctx ends.
func (r *Runner) dispatch(ctx, working context.Context, work *sync.WaitGroup) {
	woken, stop := r.db.Wakeups(wakeName)
	defer stop()
	for ctx.Err() == nil {
		jobs, more, err := r.claim(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.Warn("can't claim jobs, trying again", "err", err)
		}
		for _, j := range jobs {
			a := r.begin(working, j)
			work.Go(func() { r.run(a) })
		}
		if len(jobs) > 0 || more {
			continue
		}
		select {
		case <-ctx.Done():
		case <-woken:
		case <-r.freed:
		case <-time.After(r.opt.Poll):
		}
	}
}

// claim leases jobs for the free places. It writes only if there is something to do.
func (r *Runner) claim(ctx context.Context) (jobs []Job, more bool, err error) {
	wants, free := r.wants()
	if free == 0 {
		return nil, false, nil
	}
	now := r.clock.Now()
	tidy, ready, err := due(ctx, r.db, now, wants)
	if err != nil || !tidy && !ready {
		return nil, false, err
	}
	err = r.db.Tx(ctx, func(tx *sqldb.Tx) error {
		jobs, more = nil, false
		if tidy {
			if _, err := Tidy(ctx, tx, now); err != nil {
				return err
			}
		}
		jobs, more, err = Claim(ctx, tx, now, r.id, free, wants)
		return err
	})
	if err != nil { // also when the answer to the commit was lost: the leases of such jobs run out
		return nil, false, err
	}
	return jobs, more, nil
}

// due looks, without a transaction, whether there is anything to tidy or to claim.
func due(ctx context.Context, q sqldb.Queryer, now clock.Time, wants []Want) (tidy, ready bool, err error) {
	names := make([]string, 0, len(wants))
	for _, w := range wants {
		names = append(names, w.Kind)
	}
	var n struct{ Late, Lost, Ready int }
	err = q.Get(ctx, &n, `SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM job WHERE state = 'waiting' AND run_at <= ? LIMIT 1) a) AS late,
		(SELECT COUNT(*) FROM (SELECT 1 FROM job WHERE state = 'running' AND lease_until <= ? LIMIT 1) b) AS lost,
		(SELECT COUNT(*) FROM (SELECT 1 FROM job WHERE state = 'queued' AND kind IN (?) LIMIT 1) c) AS ready`, int64(now), int64(now), names)
	return n.Late+n.Lost > 0, n.Ready > 0, err
}

// wants are the kinds that have room, and the room there is in all.
func (r *Runner) wants() (wants []Want, free int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	free = r.opt.Parallel - len(r.running)
	if free <= 0 {
		return nil, 0
	}
	for _, name := range r.kindNames() {
		k := r.kinds[name]
		room := k.Parallel
		for _, a := range r.running {
			if a.job.Kind == name {
				room--
			}
		}
		if room > 0 {
			wants = append(wants, Want{Kind: name, Lease: k.Lease, Most: room})
		}
	}
	if len(wants) == 0 {
		free = 0
	}
	return wants, free
}

// listen hears the wake-ups of other processes until ctx ends.
func (r *Runner) listen(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.db.Listen(ctx); err != nil {
			r.log.Warn("not woken by other processes for now", "err", err)
		}
		pause(ctx, 5*time.Second)
	}
}

// loop runs a loop until ctx ends.
func (r *Runner) loop(ctx context.Context, l Loop) {
	woken := make(chan struct{}, 1)
	for _, name := range l.Wake {
		c, stop := r.db.Wakeups(name)
		defer stop()
		go forward(ctx, c, woken)
	}
	failed := 0
	for ctx.Err() == nil {
		more, err := r.guarded(ctx, l.Run)
		switch {
		case err != nil && ctx.Err() == nil:
			failed++
			r.log.Warn("failed, trying again", "loop", l.Name, "err", err)
			pause(ctx, min(time.Duration(failed)*r.opt.Poll, time.Minute))
			continue
		case more:
			continue
		}
		failed = 0
		select {
		case <-ctx.Done():
		case <-woken:
		case <-time.After(l.Poll):
		}
	}
}

func forward(ctx context.Context, from <-chan struct{}, to chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-from:
		}
		select {
		case to <- struct{}{}:
		default:
		}
	}
}

// guarded makes an error of a panic.
func (r *Runner) guarded(ctx context.Context, f func(context.Context) (bool, error)) (more bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			more, err = false, r.panicked(p)
		}
	}()
	return f(ctx)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
