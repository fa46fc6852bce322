// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// TestStreamsEndWithServer: a server that is told to end does not wait for those who follow events, and says so in no log as slow.
func TestStreamsEndWithServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	s := serve(t, dbtest.Open(t, sqldb.SQLite), func(c *config.Config) { c.HTTP.Listen, c.HTTP.SlowRequest = address, time.Millisecond })
	up := make(chan struct{})
	s.app.Ready = func() { close(up) }
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.app.ServeHTTP(ctx, "4.test") }()
	<-up
	r, err := http.NewRequest("GET", "http://"+address+"/api/1.4/events/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body := bufio.NewReader(res.Body)
	if line, err := body.ReadString('\n'); err != nil || line != "retry: 3000\n" {
		t.Fatalf("%d %q %v", res.StatusCode, line, err)
	}
	time.Sleep(20 * time.Millisecond)
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(15 * time.Second): // it gives requests 20
		t.Fatal("the server waits for a stream")
	}
	if rest, err := io.ReadAll(body); err != nil || string(rest) != "\n" {
		t.Errorf("%q, %v", rest, err)
	}
	if log := s.log.String(); !strings.Contains(log, "path=/api/1.4/events/ status=200") || strings.Contains(log, "level=WARN") {
		t.Error(log)
	}
}
