// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"patchwork.example/pw/internal/base/fault"
)

// storeTimeout bounds one transaction, so that a database that hangs is told to the senders before they give up by themselves; RFC 5321
// (4.5.3.2.6) lets them wait ten minutes.
const storeTimeout = 2 * time.Minute

// Collector takes in the mails of many senders, each of whom waits for his answer: those that wait at the same time share one transaction.
// It is safe for concurrent use.
type Collector struct {
	intake    *Intake
	wait      time.Duration
	queue     chan *waiting
	interrupt func() // of what is being stored
	done      chan struct{}
	recent    [2]int       // mails in the last batches
	inside    atomic.Int64 // mails that are in the queue, wait for room in it, or are being stored

	gate   sync.RWMutex // writers of the queue share it; whoever closes it has it alone
	closed bool
}

// waiting is a mail in the queue.
type waiting struct {
	mail      Mail
	size      int
	withdrawn atomic.Bool
	answer    chan answer // of room for one: the collector never waits for a sender
}

type answer struct {
	outcome Outcome
	err     error
}

// StartCollector starts a collector. Stop ends it. A batch waits up to wait for as many mails as the ones before it had: senders who were answered
// together come back together. A lone sender never waits.
func StartCollector(in *Intake, wait time.Duration) *Collector {
	ctx, interrupt := context.WithCancel(context.Background())
	c := &Collector{intake: in, wait: wait, queue: make(chan *waiting, in.limits.BatchMails), interrupt: interrupt, done: make(chan struct{})}
	go c.run(ctx)
	return c
}

// Submit takes a mail in and returns when it is committed. After an error, fault.Unavailable if ctx ended or the collector was stopped, the sender
// should try again: if the mail was stored nevertheless, it is known then and changes nothing.
func (c *Collector) Submit(ctx context.Context, d Delivery) (Outcome, error) {
	w, err := c.enqueue(ctx, d)
	if err != nil {
		return Outcome{}, err
	}
	select {
	case a := <-w.answer:
		return a.outcome, a.err
	case <-ctx.Done():
		w.withdrawn.Store(true)
		return Outcome{}, fault.Wrap(fault.Unavailable, ctx.Err(), "wait until the mail is stored")
	}
}

func (c *Collector) enqueue(ctx context.Context, d Delivery) (*waiting, error) {
	w := &waiting{mail: c.intake.prepare([]Delivery{d}, packedLater)[0], size: len(d.Raw), answer: make(chan answer, 1)}
	c.gate.RLock()
	defer c.gate.RUnlock()
	if c.closed {
		return nil, fault.New(fault.Unavailable, "mail intake is stopping")
	}
	c.inside.Add(1)
	select {
	case c.queue <- w:
		return w, nil
	case <-ctx.Done():
		c.inside.Add(-1)
		return nil, fault.Wrap(fault.Unavailable, ctx.Err(), "wait for room in the queue of mails")
	}
}

// Stop refuses new mails, stores those that wait, and returns when all are answered. What a database that hangs has not stored within the grace is given up:
// its senders, if they wait still, are told to try again.
func (c *Collector) Stop(grace time.Duration) {
	c.gate.Lock()
	if !c.closed {
		c.closed = true
		close(c.queue)
	}
	c.gate.Unlock()
	late := time.AfterFunc(grace, c.interrupt)
	defer late.Stop()
	<-c.done
}

func (c *Collector) run(ctx context.Context) {
	defer close(c.done)
	defer c.interrupt()
	for first := range c.queue {
		c.store(ctx, c.gather(first))
	}
}

// gather takes what waits, up to the limits of a batch, and what is worth waiting for.
func (c *Collector) gather(first *waiting) []*waiting {
	batch, size := []*waiting{first}, first.size
	likely := max(c.recent[0], c.recent[1])
	var late <-chan time.Time
	for len(batch) < c.intake.limits.BatchMails && size < c.intake.limits.BatchBytes {
		if late == nil && len(batch) < likely {
			late = time.After(c.wait)
		}
		w := c.next(len(batch) < likely, late)
		if w == nil {
			break
		}
		batch = append(batch, w)
		size += w.size
	}
	c.recent = [2]int{len(batch), c.recent[0]}
	return batch
}

// next is the next mail of a batch, nil if the batch should go without more.
func (c *Collector) next(wait bool, late <-chan time.Time) *waiting {
	select {
	case w := <-c.queue: // nil when closed
		return w
	default:
	}
	if !wait {
		return nil
	}
	select {
	case w := <-c.queue:
		return w
	case <-late:
		return nil
	}
}

// store commits a batch and answers everybody in it. The senders' contexts do not count here: one who leaves must not take the others' mails
// with him.
func (c *Collector) store(ctx context.Context, batch []*waiting) {
	defer c.inside.Add(int64(-len(batch)))
	mails := make([]Mail, 0, len(batch))
	senders := batch[:0]
	for _, w := range batch {
		if !w.withdrawn.Load() {
			mails = append(mails, w.mail)
			senders = append(senders, w)
		}
	}
	if len(mails) == 0 {
		return
	}
	go func() { // while senders wait, a processor is free
		for i := range mails {
			mails[i].packed()
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	outcomes, err := c.intake.store(ctx, mails)
	for i, w := range senders {
		if err != nil {
			w.answer <- answer{err: err}
		} else {
			w.answer <- answer{outcome: outcomes[i]}
		}
	}
}
