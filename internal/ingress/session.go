// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"crypto/tls"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-smtp"

	"patchwork.example/pw/internal/format/fnmatch"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/mailstore"
)

const (
	maxErrors    = 20  // refused commands and mails of one connection
	maxReplyText = 300 // bytes; RFC 5321 (4.5.3.1.5) allows 512 for the line
)

// session is one SMTP or LMTP conversation after its greeting.
type session struct {
	server *Server
	conn   *conn
	submit func(Delivery) (Outcome, error)
	begun  bool // by MAIL
	to     []string
	errors int
}

// newSession is asked at EHLO, also that after STARTTLS.
func (s *Server) newSession(c *smtp.Conn, submit func(Delivery) (Outcome, error)) (smtp.Session, error) {
	session := &session{server: s, submit: submit}
	switch nc := c.Conn().(type) {
	case *conn:
		session.conn = nc
	case *tls.Conn:
		session.conn = nc.NetConn().(*conn)
		session.conn.setUpper(nc)
	}
	return session, nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.begun, s.to = false, nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements smtp.Session. Any sender is taken: who a mail is from, its header says.
func (s *session) Mail(string, *smtp.MailOptions) error {
	if s.begun {
		return s.refuse(reply(503, 5, 5, 1, "MAIL was given before; say RSET to begin anew"))
	}
	s.begun = true
	return nil
}

// Rcpt implements smtp.Session. Mail is never relayed; recipients only matter where some are refused, and for mail that names no list.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	key := fold.Key(to)
	accepts := func(pattern string) bool { return fnmatch.Match(fold.Key(pattern), key) }
	if len(s.server.opt.Recipients) == 0 || slices.ContainsFunc(s.server.opt.Recipients, accepts) {
		s.to = append(s.to, to)
		return nil
	}
	return s.refuse(reply(550, 5, 1, 1, "<%s> is no address of this server, and it does not relay mail", to))
}

// Data implements smtp.Session. On LMTP all recipients get the same answer: the project is one of the mail, not of a recipient.
func (s *session) Data(r io.Reader) error {
	_, chunked := r.(*io.PipeReader)
	s.conn.beginMail(chunked)
	answer := s.take(r)
	s.conn.endMail(answer.Code == 250)
	if answer.Code != 250 {
		return s.refuse(answer)
	}
	return answer
}

func (s *session) take(r io.Reader) *smtp.SMTPError {
	box := letterbox{memory: &s.server.memory, spool: s.server.opt.Spool}
	defer box.empty()
	refusal := box.receive(r, s.server.opt.MailSize)
	if refusal != nil {
		return refusal
	}
	if box.large() {
		leave, err := s.server.opt.Spool.alone()
		if err != nil {
			return reply(452, 4, 3, 1, "too many large mails wait, try again later")
		}
		defer leave()
	}
	raw, refusal := s.text(&box)
	if refusal != nil {
		return refusal
	}
	outcome, err := s.submit(Delivery{Raw: raw, Via: s.server.via(), Recipients: s.to, RefuseUnrouted: s.server.opt.RefuseUnknownLists})
	if err != nil {
		s.server.log.Error("mail not stored, the sender will try again", "peer", s.peer(), "error", err)
		return reply(451, 4, 3, 0, "the mail can't be stored now, try again later")
	}
	s.server.log.Debug("mail", "peer", s.peer(), "bytes", len(raw), "outcome", outcome.Kind, "known", outcome.Known, "project", outcome.Project,
		"reason", outcome.Reason)
	return s.accepted(outcome)
}

// text is the mail that was received, with the line ends of the machine.
func (s *session) text(box *letterbox) ([]byte, *smtp.SMTPError) {
	wire, err := box.mail()
	switch {
	case err != nil:
		s.server.log.Error("mail not stored, the sender will try again", "peer", s.peer(), "error", err)
		return nil, reply(452, 4, 3, 1, "the mail can't be stored now, try again later")
	case s.conn.squeezed():
		return nil, reply(554, 5, 6, 0, "the mail holds a bare CR; CR may only stand before LF")
	}
	return unwire(wire, s.server.opt.LineLength)
}

func (s *session) accepted(o Outcome) *smtp.SMTPError {
	switch {
	case o.Kind == mailstore.Unrouted && s.server.opt.RefuseUnknownLists:
		return reply(550, 5, 1, 1, "%s", o.Reason)
	case o.Known:
		return reply(250, 2, 0, 0, "OK, known before")
	case o.Reason != "":
		return reply(250, 2, 0, 0, "OK, %s: %s", o.Kind, o.Reason)
	}
	return reply(250, 2, 0, 0, "OK, %s", o.Kind)
}

// refuse counts what went wrong; a peer to whom it happens too often has to leave.
func (s *session) refuse(answer *smtp.SMTPError) error {
	if s.errors++; s.errors >= maxErrors {
		s.conn.hangUp("421 4.7.0 too many errors", false)
	}
	s.server.log.Debug("refused", "peer", s.peer(), "answer", answer.Message)
	return answer
}

func (s *session) peer() string { return s.conn.RemoteAddr().String() }

// reply makes an answer of one line. What of a mail or command stands in it is hostile.
func reply(code, class, subject, detail int, format string, args ...any) *smtp.SMTPError {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, fmt.Sprintf(format, args...))
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text[:min(len(text), maxReplyText)]}
}
