// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"patchwork.example/pw/internal/base/fault"
)

// EventStream is the content type of streams of server-sent events (HTML standard, 9.2).
const EventStream = "text/event-stream"

const (
	mostStreams   = 128 // of a process
	streamsEach   = 8   // of a user, or of a network for who is not logged in
	streamBeat    = 15 * time.Second
	streamTimeout = 30 * time.Second // for a client to take what was written
	streamRetry   = 3 * time.Second  // after which a client that lost its stream is to come again
)

// streams are the open ones of a process.
type streams struct {
	mu    sync.Mutex
	all   int
	by    map[string]int
	beat  time.Duration // how long nothing is written at most
	ended chan struct{} // closed at the end of the process
	once  sync.Once
}

func newStreams() *streams {
	return &streams{by: map[string]int{}, beat: streamBeat, ended: make(chan struct{})}
}

// enter lets a client have one more stream; leave gives it back.
func (s *streams) enter(client string) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over():
		return nil, fault.New(fault.Unavailable, "the server is going down")
	case s.by[client] >= streamsEach:
		return nil, &said{http.StatusTooManyRequests, "You have " + strconv.Itoa(streamsEach) + " streams already; close one first."}
	case s.all >= mostStreams:
		return nil, fault.New(fault.Unavailable, "%d streams are open already", s.all)
	}
	s.all++
	s.by[client]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.by[client]--; s.by[client] == 0 {
			delete(s.by, client)
		}
	}, nil
}

func (s *streams) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// EndStreams ends all streams, and begins no others: for the end of the process, which would wait for them.
func (s *Shell) EndStreams() { s.streams.once.Do(func() { close(s.streams.ended) }) }

// Stream is an answer that goes on until the client goes away, one event after the other.
type Stream struct {
	call    *Call
	control *http.ResponseController
	ended   <-chan struct{}
	last    time.Time // when something was written
}

// Stream answers with a stream of events. do writes them from the goroutine of the request until Wait says that it is over; its error is only logged, because
// the answer has begun. It must hold nothing while it waits. HEAD is answered without it.
func (c *Call) Stream(do func(*Stream) error) error {
	client := networkOf(c.R.RemoteAddr)
	if c.User.ID != 0 {
		client = "user " + strconv.FormatInt(c.User.ID, 10)
	}
	leave, err := c.shell.streams.enter(client)
	if err != nil {
		return err
	}
	defer leave()
	h := c.W.Header()
	h.Set("Content-Type", EventStream)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // or nginx waits until there is more
	if c.R.Method == http.MethodHead {
		c.W.WriteHeader(http.StatusOK)
		return nil
	}
	s := &Stream{call: c, control: http.NewResponseController(c.W), ended: c.shell.streams.ended}
	if err := s.control.SetReadDeadline(time.Time{}); err != nil { // that of the request would end it
		return err
	}
	c.W.WriteHeader(http.StatusOK)
	if err := s.write("retry: " + strconv.FormatInt(streamRetry.Milliseconds(), 10) + "\n\n"); err != nil {
		return nil // gone already
	}
	if err := do(s); err != nil && c.R.Context().Err() == nil {
		c.shell.log.Warn("a stream was given up", "request", c.W.Header().Get("X-Request-Id"), "path", c.R.URL.Path, "err", err)
	}
	return nil
}

func (s *Stream) write(text string) error {
	s.last = time.Now()
	if err := s.control.SetWriteDeadline(s.last.Add(streamTimeout)); err != nil {
		return err
	}
	if _, err := s.call.W.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}

// Send writes an event. A client that comes again says the id of the last one it has seen.
func (s *Stream) Send(id string, v any) error {
	text, err := Marshal(s.call.Version, v)
	if err != nil {
		return err
	}
	if bytes.ContainsAny(text, "\r\n") {
		return fault.New(fault.Internal, "an event of more than one line")
	}
	return s.write("id: " + id + "\ndata: " + string(text) + "\n\n")
}

// Wait waits until something comes from wake, at most for poll. It says to the client from time to time that the connection stands, and up to which id there was
// nothing for it. It is false when the stream is over.
func (s *Stream) Wait(ctx context.Context, wake <-chan struct{}, poll time.Duration, id string) bool {
	if time.Since(s.last) >= s.call.shell.streams.beat {
		if s.write("id: "+id+"\n: still here\n\n") != nil {
			return false
		}
	}
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-s.ended:
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}

// PerPage is how many objects a page has, as the client says within bounds.
func (c *Call) PerPage() int { return c.perPage(c.query()) }

// LinkNext writes a Link header with the address of what follows: this one with another value of a key.
func (c *Call) LinkNext(key, value string) {
	q := url.Values{}
	for k, v := range c.query() {
		q[k] = v
	}
	q.Set(key, value)
	c.W.Header().Set("Link", "<"+c.Base+c.R.URL.EscapedPath()+"?"+q.Encode()+`>; rel="next"`)
}
