// SPDX-License-Identifier: GPL-2.0-or-later

package ingress

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/project"
)

// HTTPOptions bound what is taken over HTTP.
type HTTPOptions struct {
	MailSize   int64 // bytes of one mail
	MailMemory int64 // bytes of all requests under way, but for those in Spool
	Spool      *Spool
	MailgunKey string // with which Mailgun signs; empty: signatures are not looked at
}

// HTTP takes mail in by POST requests, each with a secret of the project it is for.
type HTTP struct {
	opt       HTTPOptions
	db        *sqldb.DB
	clock     clock.Clock
	collector *Collector
	log       *slog.Logger
	memory    memory
}

// NewHTTP makes a taker of requests that hands mails to the collector. A request is answered 200 when its mail is committed.
func NewHTTP(opt HTTPOptions, db *sqldb.DB, c clock.Clock, collector *Collector, log *slog.Logger) *HTTP {
	h := &HTTP{opt: opt, db: db, clock: c, collector: collector, log: log}
	h.memory.free.Store(opt.MailMemory + 1)
	return h
}

// Routes adds /ingress/PROJECT/FORM; without FORM the body is the mail.
func (h *HTTP) Routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /ingress/{project}", h.serve)
	mux.HandleFunc("POST /ingress/{project}/{form...}", h.serve)
}

// HideSecret moves a secret out of the address of a request for Routes into a header, so that no log has it: some services can send nothing but
// an address. It goes around everything that writes a log.
func HideSecret(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if query := r.URL.Query(); strings.HasPrefix(r.URL.Path, "/ingress/") && query.Has("secret") {
			if r.Header.Get("Authorization") == "" {
				r.Header.Set("Authorization", "Bearer "+query.Get("secret"))
			}
			query.Del("secret")
			r.URL.RawQuery = query.Encode()
			r.RequestURI = r.URL.RequestURI()
		}
		next.ServeHTTP(w, r)
	})
}

func (h *HTTP) serve(w http.ResponseWriter, r *http.Request) {
	o, err := h.take(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	h.log.Debug("mail", "peer", r.RemoteAddr, "outcome", o.Kind, "known", o.Known, "project", o.Project, "reason", o.Reason)
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"outcome": o.Kind, "reason": o.Reason, "known": o.Known})
}

// take brings the mail of a request in.
func (h *HTTP) take(r *http.Request) (Outcome, error) {
	p, err := h.authenticate(r)
	if err != nil {
		return Outcome{}, err
	}
	form, ok := forms[r.PathValue("form")]
	if !ok {
		return Outcome{}, fault.New(fault.NotFound, "mail is posted to /ingress/%s/ as it is, or to one of /ingress/%[1]s/{sendgrid,mailgun/mime,postmark,ses}", p.Linkname)
	}
	box := letterbox{memory: &h.memory, spool: h.opt.Spool}
	defer box.empty()
	if err := h.receive(&box, r, form.overhead); err != nil {
		return Outcome{}, err
	}
	if box.large() {
		leave, err := h.opt.Spool.alone()
		if err != nil {
			return Outcome{}, err
		}
		defer leave()
	}
	body, err := box.mail()
	if err != nil {
		return Outcome{}, err
	}
	found, err := form.mail(h, r.Header, body)
	switch {
	case err != nil:
		return Outcome{}, err
	case found.notice != "":
		return Outcome{Kind: "notice", Reason: found.notice}, nil
	case len(found.raw) == 0:
		return Outcome{}, fault.New(fault.Invalid, "the request holds no mail")
	case int64(len(found.raw)) > h.opt.MailSize:
		return Outcome{}, h.tooLarge()
	}
	return h.collector.Submit(r.Context(), Delivery{Raw: plainLines(found.raw), Via: "http", Project: p.ID})
}

func (h *HTTP) tooLarge() error {
	return fault.New(fault.TooLarge, "the mail is larger than limits.mail-size (%d bytes)", h.opt.MailSize)
}

// authenticate finds the project whose secret the request has: as a bearer token, or as the password of any user.
func (h *HTTP) authenticate(r *http.Request) (project.Project, error) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		_, secret, ok = r.BasicAuth()
	}
	if !ok {
		return project.Project{}, fault.New(fault.Unauthenticated, "the secret of the project is missing: send it as \"Authorization: Bearer SECRET\", or as the password of HTTP basic authentication")
	}
	p, err := project.ByIngressSecret(r.Context(), h.db, r.PathValue("project"), strings.TrimSpace(secret))
	if fault.Is(err, fault.Unauthenticated) {
		if err := account.CountGuess(r.Context(), h.db, h.clock.Now(), "ingress", r.RemoteAddr); err != nil {
			return p, err
		}
		h.log.Warn("mail over HTTP with a wrong secret", "peer", r.RemoteAddr, "project", r.PathValue("project"))
	}
	return p, err
}

// receive reads the body, within the memory for all. What is taken apart is in memory up to three times.
func (h *HTTP) receive(box *letterbox, r *http.Request, overhead int64) error {
	limit := h.opt.MailSize * max(overhead, 1)
	if overhead > 1 {
		limit += 1 << 20 // for what stands beside the mail
	}
	if r.ContentLength > limit {
		return h.tooLarge()
	}
	refusal := box.receive(r.Body, limit)
	switch {
	case refusal == nil:
	case refusal.Code == 552:
		return h.tooLarge()
	case refusal.Code == 452:
		return fault.New(fault.Unavailable, "%s", refusal.Message)
	default:
		return fault.New(fault.Invalid, "the request was cut off")
	}
	if overhead > 1 && !box.large() {
		more := 2 * int64(len(box.text))
		if !box.memory.take(more) {
			return errBusy
		}
		box.taken += more
	}
	return nil
}

// refuse says why nothing was taken.
func (h *HTTP) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusInternalServerError, fault.UserText(err)
	switch fault.KindOf(err) {
	case fault.Unauthenticated:
		status, text = http.StatusUnauthorized, err.Error()
		w.Header().Set("WWW-Authenticate", `Basic realm="mail for a project", charset="UTF-8"`)
	case fault.Denied:
		status = http.StatusTooManyRequests
		var wait *account.Throttled
		if errors.As(err, &wait) {
			w.Header().Set("Retry-After", fmt.Sprint(wait.Seconds()))
		}
	case fault.Invalid:
		status = http.StatusBadRequest
	case fault.NotFound:
		status = http.StatusNotFound
	case fault.TooLarge:
		status = http.StatusRequestEntityTooLarge
	case fault.Unavailable:
		status, text = http.StatusServiceUnavailable, "the mail can't be stored now, try again later"
		w.Header().Set("Retry-After", "60")
	}
	if status >= 500 {
		h.log.Error("mail not stored, the sender will try again", "peer", r.RemoteAddr, "error", err)
	}
	if text == "" {
		text = "the mail could not be stored"
	}
	http.Error(w, text, status)
}
