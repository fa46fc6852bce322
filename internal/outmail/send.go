// SPDX-License-Identifier: GPL-2.0-or-later

package outmail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Transport says how mail leaves.
type Transport struct {
	Sendmail   string // path of a program that takes mail as sendmail does; empty: by SMTP
	Host       string
	Port       int
	Encryption string // none, starttls or tls
	User       string
	Password   string
	TLS        *tls.Config   // what to trust; nil: what the machine trusts
	Timeout    time.Duration // of reaching the server, of the dialog, and a third of what the server may take to say that it has the mail; 0: one minute
}

// Configured tells whether mail can leave at all.
func (t Transport) Configured() bool { return t.Sendmail != "" || t.Host != "" }

// Destination names the server in lists and errors.
func (t Transport) Destination() string {
	if t.Sendmail != "" {
		return t.Sendmail
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(t.Port))
}

func (t Transport) timeout() time.Duration {
	if t.Timeout > 0 {
		return t.Timeout
	}
	return time.Minute
}

// A refusal is why a mail did not leave.
type refusal struct {
	temporary bool
	server    bool   // it concerns the server, not this mail: others would fare no better
	recipient bool   // it is about the recipient's address
	status    string // enhanced status code, or the three digits of SMTP; may be empty
	err       error
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap gives what went wrong below.
func (r *refusal) Unwrap() error { return r.err }

// send delivers one mail and returns what the server said. The error is a *refusal.
func (t Transport) send(ctx context.Context, from, to string, raw []byte) (said string, err error) {
	if t.Sendmail != "" {
		return t.pipe(ctx, from, to, raw)
	}
	return t.smtp(ctx, from, to, raw)
}

var policies = map[string]gomail.TLSPolicy{"none": gomail.NoTLS, "starttls": gomail.TLSMandatory, "tls": gomail.NoTLS}

func (t Transport) client() (*gomail.Client, error) {
	opts := []gomail.Option{gomail.WithPort(t.Port), gomail.WithTimeout(t.timeout()), gomail.WithTLSPolicy(policies[t.Encryption])}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.TLS != nil {
		secure = t.TLS.Clone()
	}
	secure.ServerName = t.Host
	opts = append(opts, gomail.WithTLSConfig(secure))
	if t.Encryption == "tls" {
		opts = append(opts, gomail.WithSSL())
	}
	if t.User != "" {
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(t.User), gomail.WithPassword(t.Password))
	}
	return gomail.NewClient(t.Host, opts...)
}

func (t Transport) smtp(ctx context.Context, from, to string, raw []byte) (string, error) {
	c, err := t.client()
	if err != nil {
		return "", serverDown("set up", err)
	}
	s, err := c.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return "", serverDown("reach "+t.Destination(), err)
	}
	defer s.Close()
	said, no := t.talk(s, from, to, raw)
	if no != nil {
		return "", no
	}
	s.Quit() // the mail is theirs, whatever they answer
	return said, nil
}

// talk is one mail of an SMTP session. It is not cut short when the process is told to stop: a mail half sent would be sent twice.
func (t Transport) talk(s *smtp.Client, from, to string, raw []byte) (string, *refusal) {
	utf8 := !isASCII(to) || !isASCII(from)
	if ok, _ := s.Extension("SMTPUTF8"); utf8 && !ok {
		return "", &refusal{recipient: true, status: "5.6.7", err: errors.New("the mail server takes no addresses that are not ASCII (SMTPUTF8)")}
	}
	s.SkipSMTPUTF8(!utf8)
	s.UpdateDeadline(t.timeout()) // if the connection is gone, the next line finds out
	if err := s.Mail("<" + from + ">"); err != nil {
		return "", refused("MAIL FROM", err)
	}
	if err := s.Rcpt("<" + to + ">"); err != nil {
		r := refused("RCPT TO", err)
		r.recipient = isAddressTrouble(r.status)
		return "", r
	}
	w, err := s.Data()
	if err != nil {
		return "", refused("DATA", err)
	}
	if _, err := w.Write(raw); err != nil {
		return "", refused("send the mail", err)
	}
	s.UpdateDeadline(3 * t.timeout()) // RFC 5321, 4.5.3.2.6: servers look at mails before they answer
	if err := w.Close(); err != nil {
		return "", refused("end of the mail", err)
	}
	said := ""
	if d, ok := w.(*smtp.DataCloser); ok {
		said = d.ServerResponse()
	}
	return said, nil
}

// serverDown is a failure before any mail was spoken of.
func serverDown(doing string, err error) *refusal {
	return &refusal{temporary: true, server: true, err: fmt.Errorf("%s: %w", doing, err)}
}

var statusRE = regexp.MustCompile(`\b([245]\.\d{1,3}\.\d{1,3})\b`)

// refused judges an answer: 5yz is for good, all else may be otherwise next time. Without an answer, and after 421, it is the server that fails.
func refused(stage string, err error) *refusal {
	r := &refusal{temporary: true, server: true, err: fmt.Errorf("%s: %w", stage, err)}
	var answer *textproto.Error
	if !errors.As(err, &answer) {
		return r
	}
	r.err = fmt.Errorf("%s: %d %s", stage, answer.Code, Line(answer.Msg))
	r.temporary, r.server, r.status = answer.Code < 500, answer.Code == 421, strconv.Itoa(answer.Code)
	if s := statusRE.FindString(answer.Msg); s != "" {
		r.status = s
	}
	if answer.Code == 530 || answer.Code == 534 || answer.Code == 535 || answer.Code == 538 { // it wants another login: our settings are wrong, not the mail
		r.temporary, r.server = true, true
	}
	return r
}

// isAddressTrouble tells whether a refusal for good is about the address as such. Those for what the mail is like, for policy (5.7, such as "relaying
// denied") and for a full mailbox are not: another mail may fare better.
func isAddressTrouble(status string) bool {
	if !strings.HasPrefix(status, "5") {
		return false
	}
	for _, other := range []string{"5.2.2", "5.2.3", "5.3.", "5.5.", "5.6.", "5.7."} {
		if strings.HasPrefix(status, other) {
			return false
		}
	}
	return true
}

// Exit codes of sendmail programs that are for good (sysexits.h): EX_DATAERR, EX_NOUSER, EX_NOHOST, EX_NOPERM.
var exitForGood = map[int]string{65: "5.6.0", 67: "5.1.1", 68: "5.1.2", 77: "5.7.1"}

func (t Transport) pipe(ctx context.Context, from, to string, raw []byte) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*t.timeout())
	defer cancel()
	cmd := exec.CommandContext(ctx, t.Sendmail, "-i", "-f", from, "--", to)
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdin = bytes.NewReader(bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")))
	out, err := cmd.CombinedOutput()
	said := Line(string(out[:min(len(out), 1000)]))
	if err == nil {
		return said, nil
	}
	r := serverDown("run "+t.Sendmail, err)
	if said != "" {
		r.err = fmt.Errorf("%w: %s", r.err, said)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		status, forGood := exitForGood[exit.ExitCode()]
		r.temporary, r.server, r.status = !forGood, false, status
		r.recipient = isAddressTrouble(status)
	}
	return "", r
}
