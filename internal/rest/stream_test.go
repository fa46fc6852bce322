// SPDX-License-Identifier: GPL-2.0-or-later

package rest

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/base/clock"
)

// streaming serves one stream at /api/count/, which sends what comes from numbers.
func streaming(t *testing.T, numbers <-chan int, beat time.Duration) (*Shell, *httptest.Server) {
	t.Helper()
	s := New(Options{SessionCookie: "pw_session", PerPage: 30, MostPerPage: 250}, people{}, clock.NewFake(0), slog.New(slog.DiscardHandler))
	s.streams.beat = beat
	mux := http.NewServeMux()
	s.Route(mux, Route{Path: "/count/", Methods: map[string]Op{"GET": {Media: EventStream, Do: func(c *Call) error {
		return c.Stream(func(out *Stream) error {
			for out.Wait(c.R.Context(), nil, 5*time.Millisecond, "7") {
				select {
				case n := <-numbers:
					if err := out.Send("8", map[string]any{"n": n}); err != nil {
						return err
					}
				default:
				}
			}
			return nil
		})
	}}}})
	server := httptest.NewUnstartedServer(mux)
	server.Config.ReadTimeout, server.Config.WriteTimeout = time.Second, time.Second
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(s.EndStreams)
	return s, server
}

// follow opens a stream and gives its lines.
func follow(t *testing.T, server *httptest.Server, header ...string) (*http.Response, *bufio.Reader) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/count/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", EventStream)
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res, bufio.NewReader(res.Body)
}

func lines(t *testing.T, from *bufio.Reader, want string) {
	t.Helper()
	var got strings.Builder
	for got.Len() < len(want) {
		line, err := from.ReadString('\n')
		got.WriteString(line)
		if err != nil {
			t.Fatalf("%q, %v", got.String(), err)
		}
	}
	if got.String() != want {
		t.Errorf("%q, want %q", got.String(), want)
	}
}

// TestStream: a stream outlives the time-outs of the server, says from time to time that it is there, and ends with the server.
func TestStream(t *testing.T) {
	numbers := make(chan int, 1)
	s, server := streaming(t, numbers, 300*time.Millisecond)
	res, body := follow(t, server)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	lines(t, body, "retry: 3000\n\n")
	head, err := http.NewRequestWithContext(t.Context(), "HEAD", server.URL+"/api/count/", nil)
	if err != nil {
		t.Fatal(err)
	}
	head.Header.Set("Accept", EventStream)
	if a, err := http.DefaultClient.Do(head); err != nil || a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" || a.Header.Get("Cache-Control") != "no-store" { // and it ends
		t.Errorf("HEAD: %+v, %v", a, err)
	}
	numbers <- 5
	lines(t, body, "id: 8\ndata: {\"n\":5}\n\n")
	for range 5 { // a second and a half, longer than the server lets an ordinary request last
		lines(t, body, "id: 7\n: still here\n\n")
	}
	numbers <- 6
	lines(t, body, "id: 8\ndata: {\"n\":6}\n\n")
	s.EndStreams()
	if rest, err := io.ReadAll(body); err != nil || strings.Contains(string(rest), "data") {
		t.Errorf("%q, %v", rest, err)
	}
	if res, _ := follow(t, server); res.StatusCode != 503 || res.Header.Get("Retry-After") != "10" {
		t.Errorf("after the end: %d %v", res.StatusCode, res.Header)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// TestStreamsAreFew: a client has a bounded number of streams, and so has the process; who goes away makes room.
func TestStreamsAreFew(t *testing.T) {
	s, server := streaming(t, nil, time.Minute)
	var open []*http.Response
	for range streamsEach {
		res, _ := follow(t, server)
		if res.StatusCode != 200 {
			t.Fatal(res.Status)
		}
		open = append(open, res)
	}
	res, body := follow(t, server)
	if text, _ := io.ReadAll(body); res.StatusCode != 429 || string(text) != `{"detail":"You have 8 streams already; close one first."}` {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	if res, _ := follow(t, server, "Authorization: Token writer"); res.StatusCode != 200 {
		t.Errorf("of a user: %s", res.Status)
	}
	open[0].Body.Close()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if res, _ := follow(t, server); res.StatusCode == 200 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no room although one has gone")
		}
	}
	s.streams.mu.Lock()
	s.streams.all = mostStreams
	s.streams.mu.Unlock()
	if res, _ := follow(t, server, "Authorization: Token reader"); res.StatusCode != 503 {
		t.Errorf("beyond the bound of the process: %s", res.Status)
	}
}
