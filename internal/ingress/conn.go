// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	minRate      = 1 << 10          // bytes per second that a mail must come with, once the timeout has passed
	talkSize     = 64 << 10         // bytes of commands without a mail
	talkPerRcpt  = 512              // what each possible recipient adds to them
	maxPending   = 16 << 10         // bytes of replies that wait for company
	writeTimeout = 30 * time.Second // for replies, which fit into the socket of a peer who reads them
)

// conn is one connection below the protocol (and below TLS). It adds what the protocol library lacks: limits on time and talk, a way to end the
// conversation from outside, and replies that leave together when commands came together.
type conn struct {
	net.Conn
	gate *gate
	peer netip.Prefix

	outMu sync.Mutex
	out   []byte // replies not sent yet

	mu     sync.Mutex // all below
	upper  io.Writer  // where a reply in clear goes in: TLS, if it was started; nil: here
	since  time.Time  // of the last reply
	got    int64      // bytes read since then
	talk   int64      // bytes of commands since the last mail
	inMail bool       // until it is answered
	ended  bool       // inMail, and its end was seen or is of no interest
	squash bool       // the mail comes by DATA and in clear: see squeeze
	lastCR bool       // the last byte read in this mail is a CR
	bareCR bool       // squeeze found one
	bye    string     // to be said instead of reading on; not in the middle of a mail
}

// Read implements net.Conn. Before it waits it sends what is to be said.
func (c *conn) Read(p []byte) (int, error) {
	if err := c.flush(); err != nil {
		return 0, err
	}
	if done, err := c.await(); done || err != nil {
		return 0, c.goodbye(err)
	}
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	n, done := c.count(p[:n]), c.done()
	c.mu.Unlock()
	if n == 0 && done {
		return 0, c.goodbye(nil)
	}
	return n, err
}

// await sets the deadline of the next read, unless the conversation is over.
func (c *conn) await() (done bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done() {
		return true, nil
	}
	timeout := c.gate.opt.Timeout
	deadline := time.Now().Add(timeout)
	if slow := c.since.Add(timeout + time.Duration(c.got/minRate)*time.Second); slow.Before(deadline) {
		deadline = slow
	}
	return false, c.Conn.SetReadDeadline(deadline)
}

// done tells whether to hang up instead of reading on.
func (c *conn) done() bool { return c.bye != "" && !c.inMail }

// count notes what was read and returns how much of it is left to be used.
func (c *conn) count(p []byte) int {
	n := len(p)
	c.got += int64(n)
	switch {
	case c.inMail && c.got > 2*c.gate.opt.MailSize+talkSize: // what is too large is read to its end, within reason
		c.inMail, c.bye = false, "421 4.3.0 the mail does not end"
		return 0
	case c.inMail && c.squash:
		return c.squeeze(p)
	case !c.inMail:
		if c.talk += int64(n); c.talk > talkSize+talkPerRcpt*int64(c.gate.opt.MaxRecipients) && c.bye == "" {
			c.bye = "421 4.7.0 too many commands without a mail"
		}
	}
	return n
}

// squeeze makes one CR of several in a row and notes it. The mail will be refused for it; but the library takes the line end of CR CR LF for
// text, would not see the end of the mail in CR CR LF . CR LF, and the sender would wait for the refusal in vain.
func (c *conn) squeeze(p []byte) int {
	n := 0
	for _, b := range p {
		if b == '\r' && c.lastCR {
			c.bareCR = true
			continue
		}
		c.lastCR = b == '\r'
		p[n] = b
		n++
	}
	return n
}

// beginMail tells that what comes now is a mail, by DATA or in counted chunks.
func (c *conn) beginMail(chunked bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inMail, c.ended, c.squash, c.lastCR, c.bareCR = true, false, !chunked && c.upper == nil, false, false
}

// endMail tells that the answer to the mail is found. What the library reads until the answer is written still belongs to the mail.
func (c *conn) endMail(accepted bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if accepted {
		c.talk = 0
	}
}

// squeezed tells whether a CR was squeezed out of the mail.
func (c *conn) squeezed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bareCR
}

// setUpper tells where replies in clear go in.
func (c *conn) setUpper(w io.Writer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.upper = w
}

// hangUp ends the conversation with a reply: after the mail that is under way and what was sent already, or, if the other side is waited for, now.
func (c *conn) hangUp(reply string, now bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bye == "" {
		c.bye = reply
	}
	if now && !c.inMail {
		c.Conn.SetReadDeadline(time.Now())
	}
}

// goodbye says what is to be said and gives the error that ends the conversation.
func (c *conn) goodbye(err error) error {
	if err != nil {
		return err
	}
	c.mu.Lock()
	to, text := c.upper, c.bye
	c.mu.Unlock()
	if to == nil {
		to = c
	}
	io.WriteString(to, text+"\r\n") // nobody is there to hear of a failure
	c.flush()
	return io.EOF
}

// Write implements net.Conn. What it is given leaves before the next read.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.since, c.got = time.Now(), 0
	if c.ended {
		c.inMail, c.ended = false, false
	}
	c.mu.Unlock()
	c.outMu.Lock()
	c.out = append(c.out, p...)
	full := len(c.out) > maxPending
	c.outMu.Unlock()
	if full {
		return len(p), c.flush()
	}
	return len(p), nil
}

func (c *conn) flush() error {
	c.outMu.Lock()
	defer c.outMu.Unlock()
	if len(c.out) == 0 {
		return nil
	}
	c.Conn.SetWriteDeadline(time.Now().Add(min(c.gate.opt.Timeout, writeTimeout)))
	_, err := c.Conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.flush()
	c.gate.leave(c)
	return c.Conn.Close()
}

// The deadlines are conn's own.

// SetDeadline implements net.Conn; it does nothing.
func (c *conn) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn; it does nothing.
func (c *conn) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn; it does nothing.
func (c *conn) SetWriteDeadline(time.Time) error { return nil }
