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
	size       int   // bytes of deliveries
	err        error // of the source, after deliveries
	done       chan struct{}
}

// importPieces is how many batches an import stores in one transaction, if they wait, and how many may wait. A commit writes each page that was touched once, and the
// more mails there are among all keys that have no order, the fewer of them share a page.
const importPieces = 8

// Import takes in everything source yields, in order: reading, parsing and storing overlap, and what waits is stored together. after is called with the
// running totals after each commit. It ends at the first error of the source or the database; what was counted is stored.
func (in *Intake) Import(ctx context.Context, source Source, after func(Summary)) (Summary, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	queue := make(chan *batch, importPieces)
	go in.read(ctx, source, queue)
	sum := Summary{Outcomes: map[string]int{}}
	for b := range queue {
		select {
		case <-b.done:
		case <-ctx.Done():
			return sum, ctx.Err()
		}
		b.join(queue, in.limits)
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

// join takes further batches that are prepared from the queue, up to the limits.
func (b *batch) join(queue <-chan *batch, limits Limits) {
	for n := 1; n < importPieces && b.err == nil && b.size <= limits.BatchBytes*(importPieces-1)/importPieces; n++ {
		select {
		case more, ok := <-queue:
			if !ok {
				return
			}
			<-more.done
			b.mails, b.size, b.err = append(b.mails, more.mails...), b.size+more.size, more.err
		default:
			return
		}
	}
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
			b.mails = in.prepare(b.deliveries, packed)
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
	for len(b.deliveries) < in.limits.BatchMails && b.size < in.limits.BatchBytes/importPieces {
		d, err := source.Next()
		if err != nil {
			b.err = err
			return b
		}
		b.deliveries = append(b.deliveries, d)
		b.size += len(d.Raw)
	}
	return b
}
