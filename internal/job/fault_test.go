// SPDX-License-Identifier: GPL-2.0-or-later

package job_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/job"
	"patchwork.example/pw/internal/test/dbtest"
)

// probe is a worker process whose jobs leave their traces in files of dir: a line "ID ATTEMPT begin" and "ID ATTEMPT end" in effects, and, while one runs,
// a lock on a file of the job and of its target. The kernel takes the locks away from a process that is killed.
func probe(url, dir string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	db, err := sqldb.Open(ctx, url, sqldb.Options{MaxConnections: 5})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer db.Close()
	poll := 50 * time.Millisecond
	if d, err := time.ParseDuration(os.Getenv("PW_PROBE_POLL")); err == nil {
		poll = d
	}
	r := job.NewRunner(db, clock.System{}, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})), job.Options{Parallel: 4, Poll: poll})
	for _, kind := range []string{"steady", "shaky"} {
		r.Handle(job.Kind{Name: kind, Lease: 5 * time.Second, Parallel: 4, Backoff: func(int) time.Duration { return 20 * time.Millisecond },
			Handle: func(_ context.Context, j job.Job) error { return leaveTrace(dir, j) }})
	}
	if err := r.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func leaveTrace(dir string, j job.Job) error {
	names := []string{fmt.Sprintf("job%d", j.ID)}
	if j.Target != "" {
		names = append(names, j.Target)
	}
	for _, name := range names {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			trace(dir, "overlap of %s in job %d", name, j.ID)
		}
	}
	trace(dir, "%d %d begin", j.ID, j.Attempts)
	if err := os.WriteFile(workingFile(dir, os.Getpid()), nil, 0o600); err != nil {
		return err
	}
	time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
	trace(dir, "%d %d end", j.ID, j.Attempts)
	if j.Kind == "shaky" && j.Attempts%3 != 0 {
		return errors.New("on purpose")
	}
	return nil
}

// workingFile is there once the worker process has begun a job.
func workingFile(dir string, pid int) string { return filepath.Join(dir, fmt.Sprint("working", pid)) }

// trace appends a line in one write.
func trace(dir, format string, args ...any) {
	f, err := os.OpenFile(filepath.Join(dir, "effects"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(fmt.Sprintf(format, args...) + "\n")
		f.Close()
	}
	if err != nil {
		panic(err)
	}
}

// worker is a probe that is running.
type worker struct {
	*exec.Cmd
	said bytes.Buffer
}

func startWorker(t *testing.T, url, dir string, env ...string) *worker {
	t.Helper()
	w := &worker{Cmd: exec.Command(os.Args[0])}
	w.Env = append(append(os.Environ(), "PW_PROBE_DATABASE="+url, "PW_PROBE_DIR="+dir), env...)
	w.Stderr = &w.said
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	return w
}

// working tells whether w has begun a job: one that is still starting has nothing that a kill could cut off.
func (w *worker) working(dir string) bool {
	_, err := os.Stat(workingFile(dir, w.Process.Pid))
	return err == nil
}

func (w *worker) kill() {
	w.Process.Kill()
	w.Wait()
}

// TestKilledWorkers: three worker processes do jobs and are killed at random moments. No job is lost, none runs twice at once, nor do two of one
// target, and each leaves as many traces as it had attempts, but for attempts that a kill cut off.
func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	jobs, kills := 300, 8
	if os.Getenv("PW_SOAK") == "1" {
		jobs, kills = 10_000, 150
	}
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			url, dir := dbtest.MigratedURL(t, engine), t.TempDir()
			db, err := sqldb.Open(t.Context(), url, sqldb.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			enqueueProbes(t, db, jobs)
			killed := harass(t, db, url, dir, kills)
			checkTraces(t, db, dir, jobs, killed)
		})
	}
}

func enqueueProbes(t *testing.T, db *sqldb.DB, jobs int) {
	t.Helper()
	var list []job.New
	for i := range jobs {
		n := job.New{Kind: "steady", MaxAttempts: 1000, Priority: i % 2}
		if i%10 == 0 {
			n.Kind = "shaky"
		}
		if i%4 == 0 {
			n.Target = fmt.Sprint("target", i%7)
		}
		list = append(list, n)
	}
	err := db.Tx(t.Context(), func(tx *sqldb.Tx) error {
		_, err := job.EnqueueAll(t.Context(), tx, clock.System{}.Now(), list...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// harass keeps three workers running and kills one that works now and then, until all jobs are done, and gives the number of kills; the last workers are stopped
// politely.
func harass(t *testing.T, db *sqldb.DB, url, dir string, kills int) (killed int) {
	t.Helper()
	var workers [3]*worker
	for i := range workers {
		workers[i] = startWorker(t, url, dir)
	}
	left := 1
	for end := time.Now().Add(5*time.Minute + time.Duration(kills)*5*time.Second); left > 0 && time.Now().Before(end); {
		time.Sleep(50*time.Millisecond + time.Duration(rand.Int64N(int64(250*time.Millisecond))))
		if i := rand.IntN(3); killed < kills && workers[i].working(dir) {
			workers[i].kill()
			killed++
			workers[i] = startWorker(t, url, dir)
		}
		if err := db.Get(t.Context(), &left, "SELECT COUNT(*) FROM job WHERE state <> 'done'"); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range workers {
		w.Process.Signal(syscall.SIGTERM)
		if err := w.Wait(); err != nil {
			t.Errorf("a worker that was stopped: %v", err)
		}
		if w.said.Len() > 0 {
			t.Errorf("a worker said: %s", w.said.String())
		}
	}
	return killed
}

func checkTraces(t *testing.T, db *sqldb.DB, dir string, jobs, killed int) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "effects"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "overlap") {
			t.Error(line)
		}
		seen[line]++
	}
	var rows []struct {
		ID       int64
		Kind     string
		State    string
		Attempts int
	}
	if err := db.Select(t.Context(), &rows, "SELECT id, kind, state, attempts FROM job ORDER BY id"); err != nil || len(rows) != jobs {
		t.Fatalf("%d jobs, %v", len(rows), err)
	}
	attempts, cut, missing := 0, 0, 0
	for _, j := range rows {
		if j.State != "done" || j.Kind == "shaky" && j.Attempts < 3 {
			t.Errorf("job %d (%s) is %s after %d attempts", j.ID, j.Kind, j.State, j.Attempts)
		}
		for n := 1; n <= j.Attempts; n++ {
			begin, end := seen[fmt.Sprintf("%d %d begin", j.ID, n)], seen[fmt.Sprintf("%d %d end", j.ID, n)]
			if begin > 1 || end > begin || n == j.Attempts && end != 1 {
				t.Errorf("attempt %d of %d of job %d began %d times and ended %d times", n, j.Attempts, j.ID, begin, end)
			}
			attempts++
			missing += 1 - begin
			cut += begin - end
		}
	}
	if missing+cut > 4*killed {
		t.Errorf("%d attempts left no trace and %d were cut off, more than %d kills of 4 jobs each explain", missing, cut, killed)
	}
	if cut == 0 {
		t.Error("no kill hit a job in the middle")
	}
	t.Logf("%d jobs, %d attempts, %d kills: %d attempts were cut off, %d before they began", jobs, attempts, killed, cut, missing)
}
