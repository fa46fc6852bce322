// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/config"
)

func TestStreamHandler(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(newStreamHandler(config.Log{Level: slog.LevelWarn, Format: "text"}, &b))
	log.Info("not said")
	log.Warn("said", "peer", "a b")
	if got := b.String(); !strings.HasSuffix(got, `level=WARN msg=said peer="a b"`+"\n") || strings.Contains(got, "not said") {
		t.Errorf("text: %q", got)
	}
	b.Reset()
	slog.New(newStreamHandler(config.Log{Format: "json"}, &b)).Info("said", "n", 3)
	if got := b.String(); !strings.HasPrefix(got, "{") || !strings.HasSuffix(got, `"msg":"said","n":3}`+"\n") {
		t.Errorf("json: %q", got)
	}
}

// severityList stands where syslog does.
type severityList []string

func (l *severityList) add(severity, line string) error {
	*l = append(*l, fmt.Sprintf("%s %q", severity, line))
	return nil
}

func (l *severityList) Debug(s string) error   { return l.add("debug", s) }
func (l *severityList) Info(s string) error    { return l.add("info", s) }
func (l *severityList) Warning(s string) error { return l.add("warning", s) }
func (l *severityList) Err(s string) error     { return l.add("err", s) }

func TestSyslogHandler(t *testing.T) {
	var got severityList
	log := slog.New(newSyslogHandler(&got, slog.LevelDebug))
	log.Debug("one")
	log.With("peer", "::1").Info("two")
	log.WithGroup("g").Warn("three", "level", 4)
	log.Error("four")
	want := severityList{`debug "msg=one\n"`, `info "msg=two peer=::1\n"`, `warning "msg=three g.level=4\n"`, `err "msg=four\n"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := Notify(path, "READY=1"); err != nil {
		t.Fatal(err)
	}
	l.SetReadDeadline(time.Now().Add(5 * time.Second))
	var b [64]byte
	if n, err := l.Read(b[:]); err != nil || string(b[:n]) != "READY=1" {
		t.Errorf("got %q, %v", b[:n], err)
	}
	if err := Notify("", "READY=1"); err != nil {
		t.Errorf("without a service manager: %v", err)
	}
	if err := Notify(path+"x", "READY=1"); err == nil {
		t.Error("a socket nobody listens at is no error")
	}
}
