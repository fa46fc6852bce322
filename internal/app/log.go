// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"context"
	"io"
	"log/slog"
	"log/syslog"
	"os"
	"sync"

	"golang.org/x/term"

	"patchwork.example/pw/internal/base/config"
)

// newLog is the configured log: stderr, or syslog (facility daemon) if that is chosen and nobody sits at stderr. Without a syslog daemon
// the lines go to stderr, the first of them saying so.
func newLog(cfg *config.Config, stderr *os.File) *slog.Logger {
	if cfg.Syslog && !term.IsTerminal(int(stderr.Fd())) {
		w, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_INFO, "pw")
		if err == nil {
			return slog.New(newSyslogHandler(w, cfg.Log.Level))
		}
		log := slog.New(newStreamHandler(cfg.Log, stderr))
		log.Warn("no syslog, logging to stderr", "error", err)
		return log
	}
	return slog.New(newStreamHandler(cfg.Log, stderr))
}

func newStreamHandler(cfg config.Log, w io.Writer) slog.Handler {
	opt := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.NewJSONHandler(w, opt)
	}
	return slog.NewTextHandler(w, opt)
}

// severities is what of *syslog.Writer is used.
type severities interface {
	Debug(string) error
	Info(string) error
	Warning(string) error
	Err(string) error
}

// syslogHandler writes records as text without time and level, which syslog has itself.
type syslogHandler struct {
	slog.Handler
	to *syslogWriter
}

// syslogWriter is where the text handler writes; level is that of the record being written.
type syslogWriter struct {
	mu    sync.Mutex
	level slog.Level
	to    severities
}

func newSyslogHandler(to severities, level slog.Level) slog.Handler {
	w := &syslogWriter{to: to}
	bare := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}
	return syslogHandler{slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: bare}), w}
}

// Handle implements slog.Handler.
func (h syslogHandler) Handle(ctx context.Context, r slog.Record) error {
	h.to.mu.Lock()
	defer h.to.mu.Unlock()
	h.to.level = r.Level
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h syslogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return syslogHandler{h.Handler.WithAttrs(attrs), h.to}
}

// WithGroup implements slog.Handler.
func (h syslogHandler) WithGroup(name string) slog.Handler {
	return syslogHandler{h.Handler.WithGroup(name), h.to}
}

// Write implements io.Writer for the text handler, which calls it once a record.
func (w *syslogWriter) Write(p []byte) (int, error) {
	put := w.to.Info
	switch {
	case w.level >= slog.LevelError:
		put = w.to.Err
	case w.level >= slog.LevelWarn:
		put = w.to.Warning
	case w.level < slog.LevelInfo:
		put = w.to.Debug
	}
	return len(p), put(string(p))
}
