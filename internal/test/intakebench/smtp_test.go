// SPDX-License-Identifier: GPL-2.0-or-later

package intakebench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/mbox"
	"patchwork.example/pw/internal/test/benchsite"
	"patchwork.example/pw/internal/test/dbtest"
)

const smtpConnections = 8

// BenchmarkSMTPServer sends the generated archive over 8 connections to a real `pw ingress`; each mail is answered 250 when it is committed. The clients share the
// processors with the server. PROFILE keeps the profile in that file and .ENGINE.
func BenchmarkSMTPServer(b *testing.B) {
	program := benchsite.Build(b)
	mails := readMails(b, sources(b)[0].path)
	for _, engine := range dbtest.Engines(b) {
		b.Run(engine, func(b *testing.B) {
			for b.Loop() {
				benchSMTP(b, program, engine, mails)
			}
		})
	}
}

func readMails(b *testing.B, path string) (out [][]byte) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	for r := mbox.NewReader(f, 1<<20); ; {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, append([]byte(nil), m.Raw...))
	}
}

func benchSMTP(b *testing.B, program, engine string, mails [][]byte) {
	b.StopTimer()
	url := database(b, program, engine, benchsite.List)
	address := freePort(b)
	server, metrics := benchsite.Command(program, url, "ingress", "--ingress-listen", address), freePort(b)
	profile := filepath.Join(b.TempDir(), "cpu")
	if keep := os.Getenv("PROFILE"); keep != "" {
		profile = keep + "." + engine
	}
	server.Env = append(server.Env, "PW_CPUPROFILE="+profile, "PW_METRICS_LISTEN="+metrics)
	server.Stderr = io.Discard
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	clients := connect(b, address)
	b.StartTimer()
	start := time.Now()
	send(b, clients, mails)
	took := time.Since(start)
	b.StopTimer()
	reportBatches(b, metrics)
	for _, c := range clients {
		c.Close()
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		b.Fatalf("pw ingress: %v", err)
	}
	if n := stored(b, url); n != len(mails) {
		b.Errorf("%d mails are stored, %d were answered 250", n, len(mails))
	}
	report(b, server, len(mails), took, databaseSize(b, engine, url))
	fmt.Printf("\n%s: where the time of pw goes\n%s\n", b.Name(), stages(b, program, profile))
	b.StartTimer()
}

// reportBatches gives how many mails shared a transaction, and how long storing them took, as the server's measurements tell.
func reportBatches(b *testing.B, address string) {
	b.Helper()
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.Fatal(err)
	}
	value := func(name string) (v float64) {
		_, rest, _ := strings.Cut(string(text), "\n"+name+" ")
		line, _, _ := strings.Cut(rest, "\n")
		if v, err = strconv.ParseFloat(line, 64); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		return v
	}
	batches := value("pw_mail_batch_mails_count")
	b.ReportMetric(value("pw_mail_batch_mails_sum")/batches, "mails/batch")
	b.ReportMetric(1000*value("pw_mail_batch_seconds_sum")/batches, "ms/batch")
}

func freePort(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func connect(b *testing.B, address string) (out []*textproto.Conn) {
	b.Helper()
	for end := time.Now().Add(20 * time.Second); len(out) < smtpConnections; {
		c, err := textproto.Dial("tcp", address)
		if err == nil {
			err = hello(c)
		}
		if err == nil {
			out = append(out, c)
		} else if time.Now().After(end) {
			b.Fatal(err)
		} else {
			time.Sleep(50 * time.Millisecond)
		}
	}
	return out
}

func hello(c *textproto.Conn) error {
	if _, _, err := c.ReadResponse(220); err != nil {
		return err
	}
	if err := c.PrintfLine("EHLO client.example"); err != nil {
		return err
	}
	_, _, err := c.ReadResponse(250)
	return err
}

// send gives each connection every eighth mail, so that neighbours arrive at the same time.
func send(b *testing.B, clients []*textproto.Conn, mails [][]byte) {
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for k := i; k < len(mails); k += len(clients) {
				if err := sendOne(c, mails[k]); err != nil {
					b.Errorf("mail %d: %v", k, err)
					return
				}
			}
		})
	}
	all.Wait()
}

// sendOne sends commands in one piece, as mail servers do (RFC 2920).
func sendOne(c *textproto.Conn, raw []byte) error {
	if err := c.PrintfLine("MAIL FROM:<bounce@lists.example>\r\nRCPT TO:<kettle@lists.example>\r\nDATA"); err != nil {
		return err
	}
	for _, code := range []int{250, 250, 354} {
		if _, _, err := c.ReadResponse(code); err != nil {
			return err
		}
	}
	w := c.DotWriter()
	if _, err := w.Write(raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, _, err := c.ReadResponse(250)
	return err
}

func stored(b *testing.B, url string) (n int) {
	b.Helper()
	db, err := sqldb.Open(b.Context(), url, sqldb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if err := db.Get(b.Context(), &n, "SELECT COUNT(*) FROM mail"); err != nil {
		b.Fatal(err)
	}
	return n
}
