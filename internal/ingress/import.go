// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"context"
	"errors"
	"io"
)

// Source yields mails one after the other; io.EOF ends it.
type Source interface {
	Next() (Delivery, error)
}

// Summary counts what an import did.
type Summary struct {
	Mails    int
	Known    int            // of them, bytes that were here before
	Outcomes map[string]int // by Outcome.Kind; those Known not counted
}

// batch is a piece of a source that one goroutine prepares while others are read and stored; done is closed when mails is there.
type batch struct {
	deliveries []Delivery
	mails      []Mail
	err        error // of the source, after deliveries
	done       chan struct{}
}

// Import takes in everything source yields, in order, in large batches: reading, parsing and storing overlap. after is called with the
// running totals after each commit. It ends at the first error of the source or the database; what was counted is stored.
func (in *Intake) Import(ctx context.Context, source Source, after func(Summary)) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan *batch, 2)
	go in.read(ctx, source, queue)
	sum := Summary{Outcomes: map[string]int{}}
	for b := range queue {
		select {
		case <-b.done:
		case <-ctx.Done():
			return sum, ctx.Err()
		}
		if len(b.mails) > 0 {
			outcomes, err := in.store(ctx, b.mails)
			if err != nil {
				return sum, err
			}
			sum.add(outcomes)
			after(sum)
		}
		if b.err != nil {
			return sum, b.err
		}
	}
	return sum, ctx.Err()
}

func (s *Summary) add(outcomes []Outcome) {
	for _, o := range outcomes {
		s.Mails++
		if o.Known {
			s.Known++
		} else {
			s.Outcomes[o.Kind]++
		}
	}
}

// read cuts the source into batches and has each prepared beside the others; the queue keeps their order.
func (in *Intake) read(ctx context.Context, source Source, queue chan<- *batch) {
	defer close(queue)
	for {
		b := in.fill(source)
		end := b.err != nil
		if errors.Is(b.err, io.EOF) {
			b.err = nil
		}
		go func() {
			defer close(b.done)
			b.mails = in.prepare(b.deliveries)
			b.deliveries = nil
		}()
		select {
		case queue <- b:
		case <-ctx.Done():
			return
		}
		if end {
			return
		}
	}
}

func (in *Intake) fill(source Source) *batch {
	b := &batch{done: make(chan struct{})}
	size := 0
	for len(b.deliveries) < in.limits.BatchMails && size < in.limits.BatchBytes {
		d, err := source.Next()
		if err != nil {
			b.err = err
			return b
		}
		b.deliveries = append(b.deliveries, d)
		size += len(d.Raw)
	}
	return b
}
