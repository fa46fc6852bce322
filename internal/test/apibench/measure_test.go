// SPDX-License-Identifier: GPL-2.0-or-later

package apibench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// How long each kind of request is measured, one at a time and then by so many clients.
const (
	alone      = 2 * time.Second
	leastAlone = 30 // requests
	together   = 2 * time.Second
	clients    = 4
)

// endpoint is one kind of request. body is made anew for each; nil: it is a GET.
type endpoint struct {
	name    string
	address string
	method  string
	body    func(n int) string
	header  map[string]string
	status  int     // 0: 200
	budget  float64 // of the design for p50, in ms; 0: none is set
}

func (s *site) endpoints(b *testing.B) []endpoint {
	f := s.facts
	v := "/api/1.4"
	middle := s.Patches / 2 / 100
	states := []string{"under-review", "accepted", "rejected", "new"}
	hundred, _ := json.Marshal(f.newest)
	list := []endpoint{
		{name: "patches, default", address: v + "/patches/?per_page=100", budget: 5},
		{name: "patches, as git-pw asks", address: "/api/1.2/patches/?order=-date&project=bench&state=new&state=under-review&archived=false&per_page=100", budget: 5},
		{name: "patches, page in the middle", address: fmt.Sprintf("%s/patches/?per_page=100&page=%d", v, middle)},
		{name: "patches, -date, middle", address: fmt.Sprintf("%s/patches/?per_page=100&order=-date&page=%d", v, middle)},
		{name: "patches, last page", address: v + "/patches/?per_page=100&page=last"},
		{name: "patches, cursor", address: s.cursor(b, v+"/patches/?per_page=100&order=-date&cursor="), budget: 5},
		{name: "patches, of a submitter", address: fmt.Sprintf("%s/patches/?per_page=100&order=-date&submitter=%d", v, f.person)},
		{name: "patches, q", address: v + "/patches/?per_page=100&order=-date&q=thirty"},
		{name: "patches, q of many", address: v + "/patches/?per_page=100&order=-date&q=fix"},
		{name: "patches, hash", address: v + "/patches/?hash=" + f.hash},
		{name: "patches, msgid", address: v + "/patches/?msgid=" + f.msgid},
		{name: "patch", address: fmt.Sprintf("%s/patches/%d/", v, f.patch)},
		{name: "series list", address: v + "/series/?per_page=100", budget: 8},
		{name: "series list, -date of project", address: v + "/series/?per_page=100&order=-date&project=bench", budget: 8},
		{name: "series", address: fmt.Sprintf("%s/series/%d/", v, f.series)},
		{name: "events", address: v + "/events/?per_page=100", budget: 8},
		{name: "events of a category", address: v + "/events/?per_page=100&category=series-completed&project=bench", budget: 8},
		{name: "events, after", address: fmt.Sprintf("%s/events/?per_page=100&after=%d", v, f.position), budget: 8},
		{name: "covers", address: v + "/covers/?per_page=100"},
		{name: "cover", address: fmt.Sprintf("%s/covers/%d/", v, f.cover)},
		{name: "comments", address: fmt.Sprintf("%s/patches/%d/comments/", v, f.commented)},
		{name: "checks", address: fmt.Sprintf("%s/patches/%d/checks/", v, f.newest[0])},
		{name: "people", address: v + "/people/?per_page=100"},
		{name: "projects", address: v + "/projects/"},
		{name: "bundle of 100", address: fmt.Sprintf("%s/bundles/%d/", v, f.bundle)},
		{name: "mbox of a series of 30", address: fmt.Sprintf("/series/%d/mbox/", f.thirty), budget: 10},
		{name: "POST check", address: fmt.Sprintf("%s/patches/%d/checks/", v, f.newest[1]), method: "POST", status: 201, body: func(int) string { return `{"state":"success","context":"bench"}` }},
		{name: "PATCH state", address: fmt.Sprintf("%s/patches/%d/", v, f.newest[2]), method: "PATCH", body: func(n int) string { return fmt.Sprintf(`{"state":%q}`, states[n%4]) }},
		{name: "PATCH 100 patches", address: v + "/patches/", method: "PATCH", budget: 50, body: func(n int) string { return fmt.Sprintf(`{"ids":%s,"state":%q}`, hundred, states[n%4]) }},
	}
	fresh := list[0]
	fresh.name, fresh.status, fresh.budget = "patches, 304", http.StatusNotModified, 0.3
	fresh.header = map[string]string{"If-None-Match": s.ask(b, list[0], 0).Header.Get("ETag")}
	return append(list, fresh)
}

// prepare makes what the import does not: checks and a bundle.
func (s *site) prepare(b *testing.B) {
	b.Helper()
	for n, id := range s.facts.newest {
		s.want(b, "POST", fmt.Sprintf("/api/1.4/patches/%d/checks/", id), fmt.Sprintf(`{"state":"success","context":"ci-%d"}`, n%3), 201)
	}
	ids, _ := json.Marshal(s.facts.newest)
	var made struct{ ID int64 }
	if err := json.Unmarshal(s.want(b, "POST", "/api/1.4/bundles/", fmt.Sprintf(`{"name":"hundred %d","public":true,"patches":%s}`, time.Now().UnixNano(), ids), 201), &made); err != nil {
		b.Fatal(err)
	}
	s.facts.bundle = made.ID
}

func (s *site) want(b *testing.B, method, address, body string, status int) []byte {
	b.Helper()
	a := s.ask(b, endpoint{address: address, method: method, body: func(int) string { return body }}, 0)
	if a.StatusCode != status {
		b.Fatalf("%s %s: %d %s", method, address, a.StatusCode, a.body)
	}
	return a.body
}

var next = regexp.MustCompile(`<https?://[^/]*([^>]*)>; rel="next"`)

// cursor is the address of the page after the first.
func (s *site) cursor(b *testing.B, first string) string {
	b.Helper()
	link := s.ask(b, endpoint{address: first}, 0).Header.Get("Link")
	m := next.FindStringSubmatch(link)
	if m == nil {
		b.Fatalf("%s: no next page in %q", first, link)
	}
	return m[1]
}

type answer struct {
	*http.Response
	body []byte
}

func (s *site) request(e endpoint, n int) *http.Request {
	method, body := "GET", io.Reader(nil)
	if e.body != nil {
		method, body = e.method, strings.NewReader(e.body(n))
	}
	req, err := http.NewRequest(method, s.Address+e.address, body)
	if err != nil {
		panic(err) // the addresses are our own
	}
	req.Header.Set("Authorization", "Token "+s.Token)
	if e.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range e.header {
		req.Header.Set(k, v)
	}
	return req
}

func (s *site) do(e endpoint, n int) (answer, error) {
	resp, err := http.DefaultTransport.RoundTrip(s.request(e, n))
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp, body}, err
}

func (s *site) ask(b *testing.B, e endpoint, n int) answer {
	b.Helper()
	a, err := s.do(e, n)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// count is how many queries an answer takes of a server that has answered before.
func (s *site) count(b *testing.B, e endpoint) int64 {
	b.Helper()
	for range 2 {
		s.Queries.Store(0)
		w := httptest.NewRecorder()
		req := s.request(e, 1)
		if req.Body != nil { // as a server gets it
			raw, err := io.ReadAll(req.Body)
			if err != nil {
				b.Fatal(err)
			}
			req.Body = io.NopCloser(bytes.NewReader(raw))
		}
		s.within.ServeHTTP(w, req)
	}
	return s.Queries.Load()
}

func (s *site) measure(b *testing.B) {
	b.Helper()
	s.prepare(b)
	fmt.Printf("\n%-32s %8s %8s %8s %7s %9s %8s %8s\n", s.Engine, "p50 ms", "p95 ms", "p99 ms", "budget", "requests/s", "bytes", "queries")
	for _, e := range s.endpoints(b) {
		if !strings.Contains(e.name, os.Getenv("ENDPOINT")) {
			continue
		}
		s.measureOne(b, e)
	}
	fmt.Printf("most memory of the server: %d MiB\n", s.Memory())
	b.ReportMetric(float64(s.Memory()), "server-MiB")
}

func (s *site) measureOne(b *testing.B, e endpoint) {
	b.Helper()
	if e.status == 0 {
		e.status = http.StatusOK
	}
	queries, size := s.count(b, e), 0
	for n := range 3 {
		a := s.ask(b, e, n)
		if size = len(a.body); a.StatusCode != e.status {
			b.Errorf("%s: %d, want %d: %.300s", e.name, a.StatusCode, e.status, a.body)
			return
		}
	}
	var took []time.Duration
	for end := time.Now().Add(alone); len(took) < leastAlone || time.Now().Before(end); {
		start := time.Now()
		if a := s.ask(b, e, len(took)); a.StatusCode != e.status {
			b.Errorf("%s: %d, want %d", e.name, a.StatusCode, e.status)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	at := func(share int) float64 { return took[len(took)*share/100].Seconds() * 1000 }
	budget := "-"
	if e.budget > 0 {
		budget = fmt.Sprint(e.budget)
		if at(50) > e.budget {
			budget += " !"
		}
	}
	fmt.Printf("%-32s %8.2f %8.2f %8.2f %7s %9.0f %8d %8d\n", e.name, at(50), at(95), at(99), budget, s.rate(b, e), size, queries)
}

// rate is how many requests are answered in a second when several clients ask at the same time.
func (s *site) rate(b *testing.B, e endpoint) float64 {
	var all sync.WaitGroup
	var answered atomic.Int64
	start := time.Now()
	for i := range clients {
		all.Go(func() {
			for n := i; time.Since(start) < together; n += clients {
				if a, err := s.do(e, n); err != nil || a.StatusCode != e.status {
					b.Errorf("%s: %+v, %v; want %d", e.name, a.Response, err, e.status)
					return
				}
				answered.Add(1)
			}
		})
	}
	all.Wait()
	return float64(answered.Load()) / time.Since(start).Seconds()
}
