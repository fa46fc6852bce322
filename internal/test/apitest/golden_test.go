// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/app"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/legacy/django"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/shared"
)

const goldenHost = "pw.example.org"

// comparedHeaders are those that were recorded.
var comparedHeaders = []string{"Content-Type", "Link", "Content-Disposition", "Location"}

// recorded is one answer of Django.
type recorded struct {
	Status  int
	Headers map[string]string
	Body    json.RawMessage // a JSON value; of an answer that is no JSON its text
}

// described is what is known of the recorded installation from elsewhere.
type described struct {
	Users  []struct{ Username, Token string } `json:"password_checks"`
	Rows   []describedPatch                   `json:"patches"`
	Checks []struct {
		ID    int64
		State string
	}
	Tags    []struct{ Name, Abbrev string }
	Patches map[int64]describedPatch `json:"-"` // by id
}

type describedPatch struct {
	ID       int64
	Tags     map[string]int // by name
	State    string
	Archived bool
	Series   *int64
	Checks   []int64 `json:"unique_checks"`
}

// TestGolden serves the database of a real Django Patchwork and compares 412 answers with those that Django gave: each difference is either one of
// the deviations or a failure.
func TestGolden(t *testing.T) {
	const name = "django-main-sqlite"
	answers := map[string]recorded{}
	readPacked(t, name+"-golden.json.gz", func(r io.Reader) error { return json.NewDecoder(r).Decode(&answers) })
	var about described
	if err := json.NewDecoder(shared.Open(t, "fixtures", name+".expected.json")).Decode(&about); err != nil {
		t.Fatal(err)
	}
	about.Patches = map[int64]describedPatch{}
	for _, p := range about.Rows {
		about.Patches[p.ID] = p
	}
	old := filepath.Join(t.TempDir(), "old.db")
	readPacked(t, name+".db.gz", func(r io.Reader) error {
		f, err := os.Create(old)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(f, r)
		return err
	})
	if len(answers) != 412 {
		t.Fatalf("%d answers are recorded, want 412", len(answers))
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		now := clock.FromTime(time.Date(2027, 1, 15, 8, 0, 0, 0, time.UTC))
		if _, err := django.Import(t.Context(), db, account.CLI, now, django.Options{From: "sqlite://" + old}); err != nil {
			t.Fatal(err)
		}
		c := comparison{about: about}
		compareAll(t, &c, answers, serveDB(t, db, now))
		t.Log(c.report())
		for _, f := range c.failures() {
			t.Error(f)
		}
	})
}

// TestDeviationsAreDocumented wants each deviation in the page for users, in the words of its name.
func TestDeviationsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/deviations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, dev := range deviations {
		if !strings.Contains(string(page), dev.name) {
			t.Errorf("docs/deviations.md does not say %q", dev.name)
		}
	}
}

func readPacked(t *testing.T, name string, read func(io.Reader) error) {
	t.Helper()
	r, err := gzip.NewReader(shared.Open(t, "fixtures", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := read(r); err != nil {
		t.Fatal(err)
	}
}

// serveDB is the whole site on a database, behind a real HTTP server.
func serveDB(t *testing.T, db *sqldb.DB, now clock.Time) *httptest.Server {
	t.Helper()
	return serveConfig(t, db, now, config.Default())
}

// serveMailing serves a site whose configuration lets mail leave; nothing sends it.
func serveMailing(t *testing.T, db *sqldb.DB, now clock.Time) *httptest.Server {
	t.Helper()
	c := config.Default()
	c.HTTP.BaseURL, c.SMTP.Host, c.SMTP.From.Address = "https://patchwork.example.net", "mx.example.net", "patchwork@example.net"
	return serveConfig(t, db, now, c)
}

func serveConfig(t *testing.T, db *sqldb.DB, now clock.Time, c *config.Config) *httptest.Server {
	t.Helper()
	a := &app.App{Config: c, DB: db, Clock: clock.NewFake(now), Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	server := httptest.NewServer(a.Handler("4.test"))
	t.Cleanup(server.Close)
	return server
}

func compareAll(t *testing.T, c *comparison, answers map[string]recorded, server *httptest.Server) {
	t.Helper()
	tokens := map[string]string{}
	for _, u := range c.about.Users {
		tokens[u.Username] = u.Token
	}
	for key, theirs := range answers {
		who, url, _ := strings.Cut(key, " ")
		token, known := tokens[who]
		if who != "-" && (!known || token == "") {
			t.Fatalf("no token of %q is known", who)
		}
		c.compare(request{who, url}, theirs, ask(t, server, url, token))
	}
}

// ask sends a GET as it stands in the recording, to the same host, and follows no redirect.
func ask(t *testing.T, server *httptest.Server, url, token string) recorded {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = url
	req.Host = goldenHost
	if token != "" {
		req.Header.Set("Authorization", "Token "+token)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := recorded{Status: resp.StatusCode, Headers: map[string]string{}, Body: body}
	for _, name := range comparedHeaders {
		if v, ok := resp.Header[name]; ok {
			out.Headers[name] = strings.Join(v, ", ")
		}
	}
	if !isJSON(out) { // as the recording has it
		out.Body, _ = json.Marshal(string(body))
	}
	return out
}

func isJSON(r recorded) bool { return strings.HasPrefix(r.Headers["Content-Type"], "application/json") }

// request is one of the recorded ones.
type request struct{ who, url string }

var (
	apiVersion = regexp.MustCompile(`^/api/1\.(\d)/`)
	numbers    = regexp.MustCompile(`\d+`)
)

// endpoint is the kind of the address, without numbers and names.
func (r request) endpoint() string {
	path, _, _ := strings.Cut(apiVersion.ReplaceAllString(r.url, "/api/"), "?")
	if strings.HasPrefix(path, "/project/") || strings.HasPrefix(path, "/bundle/") {
		parts := strings.Split(strings.Trim(path, "/"), "/")
		return "/" + parts[0] + "/…/" + parts[len(parts)-1] + "/"
	}
	return numbers.ReplaceAllString(path, "N")
}

// version is the API's, such as 1.2; empty for a page.
func (r request) version() string {
	if m := apiVersion.FindStringSubmatch(r.url); m != nil {
		return "1." + m[1]
	}
	return ""
}
