// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/config"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/web"
)

var noon = clock.FromTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

// site is the whole program behind a real HTTP server.
type site struct {
	t   *testing.T
	app *App
	db  *sqldb.DB
	url string
	log *safeBuffer
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func serve(t *testing.T, db *sqldb.DB, change ...func(*config.Config)) *site {
	t.Helper()
	cfg := config.Default()
	for _, f := range change {
		f(cfg)
	}
	s := &site{t: t, db: db, log: &safeBuffer{}}
	s.app = &App{Config: cfg, DB: db, Clock: clock.NewFake(noon), Log: slog.New(slog.NewTextHandler(s.log, nil))}
	server := httptest.NewServer(s.app.Handler("4.test"))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *site) project(linkname string, change ...func(*project.Change)) project.Project {
	s.t.Helper()
	name, list, email := strings.ToUpper(linkname), linkname+".lists.example", linkname+"@lists.example"
	c := project.Change{Linkname: &linkname, Name: &name, ListID: &list, ListEmail: &email}
	for _, f := range change {
		f(&c)
	}
	p, err := project.Create(context.Background(), s.db, account.CLI, noon, c)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// user makes a user and logs him in; the token is his session.
func (s *site) user(name, email string, admin bool) (account.User, string) {
	s.t.Helper()
	u, err := account.CreateUser(context.Background(), s.db, account.CLI, noon, account.UserChange{Username: &name, Email: &email, IsAdmin: &admin})
	if err != nil {
		s.t.Fatal(err)
	}
	return u, s.session(u.ID)
}

// session lets a user in without the time that checking a password takes.
func (s *site) session(user int64) string {
	s.t.Helper()
	var secret [32]byte
	secret[0] = byte(user)
	token := base64.RawURLEncoding.EncodeToString(secret[:])
	sum := sha256.Sum256([]byte(token))
	err := s.db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		return tx.Insert(context.Background(), "login_session", []string{"id_hash", "user_id", "created_at", "seen_at", "expires_at"},
			[][]any{{sum[:], user, int64(noon), int64(noon), int64(noon.Add(time.Hour))}})
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// key makes a token of a user, good for everything.
func (s *site) key(username string) string {
	s.t.Helper()
	key, _, err := account.CreateToken(s.t.Context(), s.db, account.CLI, noon, account.NewToken{Username: username, Name: "client", Scope: account.ScopeWrite})
	if err != nil {
		s.t.Fatal(err)
	}
	return key
}

func (s *site) maintainer(linkname, username string) {
	s.t.Helper()
	if err := project.AddMaintainer(context.Background(), s.db, account.CLI, noon, linkname, username); err != nil {
		s.t.Fatal(err)
	}
}

// mail takes a mail in; head is its header without Date and List-Id.
func (s *site) mail(linkname, head, body string) {
	s.t.Helper()
	raw := head + "\nDate: Sun, 1 Mar 2026 08:00:00 +0000\nList-Id: <" + linkname + ".lists.example>\n\n" + body
	out, err := s.app.Intake().Deliver(context.Background(), []ingress.Delivery{{Raw: []byte(raw), Via: "test"}})
	if err != nil {
		s.t.Fatal(err)
	}
	if k := out[0].Kind; k != "patch" && k != "cover" && k != "comment" {
		s.t.Fatalf("the mail became %q: %s\n%s", k, out[0].Reason, raw)
	}
}

// patchMail takes a patch in whose Message-ID is given without brackets.
func (s *site) patchMail(linkname, msgid, subject string, more ...string) {
	s.t.Helper()
	head := append([]string{"From: Ann Author <ann@people.example>", "Subject: " + subject, "Message-ID: <" + msgid + ">"}, more...)
	s.mail(linkname, strings.Join(head, "\n"), "Text of "+subject+".\n\nSigned-off-by: Ann Author <ann@people.example>\n---\n\n"+diff)
}

const diff = "diff --git a/lib/a.c b/lib/a.c\nindex 1d2c3b4..5a69788 100644\n--- a/lib/a.c\n+++ b/lib/a.c\n@@ -7,2 +7,3 @@ int f(void)\n one\n+two\n three\n"

// id is the number of the patch or cover letter that has a Message-ID.
func (s *site) id(table, msgid string) int64 {
	s.t.Helper()
	var id int64
	if err := s.db.Get(context.Background(), &id, "SELECT p.id FROM "+table+" p JOIN message m ON m.id = p.message_id WHERE m.msgid = ?", "<"+msgid+">"); err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	err := s.db.Tx(context.Background(), func(tx *sqldb.Tx) error {
		n, err := tx.Exec(context.Background(), query, args...)
		if err == nil && n == 0 {
			return fmt.Errorf("it matches no row")
		}
		return err
	})
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

// rows gives what a query finds, columns joined by a blank.
func (s *site) rows(query string, args ...any) []string {
	s.t.Helper()
	out := []string{}
	err := s.db.Each(context.Background(), func(rows *sqlx.Rows) error {
		row, err := rows.SliceScan()
		var b strings.Builder
		for _, v := range row {
			if text, ok := v.([]byte); ok {
				v = string(text)
			}
			fmt.Fprint(&b, v, " ")
		}
		out = append(out, strings.TrimSpace(b.String()))
		return err
	}, query, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// sound wants the roll-ups to be true.
func (s *site) sound() {
	s.t.Helper()
	found, err := s.app.Check(context.Background(), false, func(string) {})
	if err != nil || len(found) > 0 {
		s.t.Errorf("%+v, %v", found, err)
	}
}

// answer is what a visitor got.
type answer struct {
	*http.Response
	body string
}

func (a answer) location() string { return a.Header.Get("Location") }

// flash is the message that the next page will show.
func (a answer) flash() string {
	for _, c := range a.Cookies() {
		if c.Name == "pw_flash" && c.MaxAge > 0 {
			raw, _ := base64.RawURLEncoding.DecodeString(c.Value)
			text, _, _ := strings.Cut(string(raw), "\x00")
			return text
		}
	}
	return ""
}

// undo is the path of the form that takes back what the message tells of.
func (a answer) undo() string {
	for _, c := range a.Cookies() {
		if c.Name == "pw_flash" {
			raw, _ := base64.RawURLEncoding.DecodeString(c.Value)
			parts := strings.Split(string(raw), "\x00")
			return append(parts, "")[1]
		}
	}
	return ""
}

// visit asks for a page, follows no redirect, and gives what came. token: a session or empty. header: "Name: value".
func (s *site) visit(token, method, path, form string, header ...string) answer {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	req.URL.Opaque = "//" + req.URL.Host + path // as it is written
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		req.AddCookie(&http.Cookie{Name: web.SessionCookie, Value: token})
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Content-Type" {
			req.Header.Del(name)
		}
		req.Header.Add(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{resp, string(body)}
}

func (s *site) get(path string) answer {
	s.t.Helper()
	return s.visit("", "GET", path, "")
}

// expect wants a status and texts in the body; one that begins with ! must not be there.
func (s *site) expect(a answer, status int, texts ...string) {
	s.t.Helper()
	if a.StatusCode != status {
		s.t.Errorf("%s %s: %d, want %d: %.300s", a.Request.Method, a.Request.URL.Opaque, a.StatusCode, status, strings.Join(strings.Fields(a.body), " "))
	}
	for _, text := range texts {
		text, not := strings.CutPrefix(text, "!")
		if strings.Contains(a.body, text) == not {
			s.t.Errorf("%s %s: %q is there: %v, want %v", a.Request.Method, a.Request.URL.Opaque, text, not, !not)
		}
	}
}

// redirects wants a redirect.
func (s *site) redirects(a answer, status int, to string) {
	s.t.Helper()
	if a.StatusCode != status || a.location() != to {
		s.t.Errorf("%s %s: %d to %q, want %d to %q", a.Request.Method, a.Request.URL.Opaque, a.StatusCode, a.location(), status, to)
	}
}

// seriesOfTwo makes project alpha with a series of two patches and a cover letter, replies to both, and one patch alone.
func (s *site) seriesOfTwo() {
	s.t.Helper()
	s.project("alpha")
	s.mail("alpha", "From: Ann Author <ann@people.example>\nSubject: [PATCH 0/2] Two steps\nMessage-ID: <c@x>", "What it is about.\n")
	s.patchMail("alpha", "p1@x", "[PATCH 1/2] First step", "In-Reply-To: <c@x>")
	s.patchMail("alpha", "p2@x", "[PATCH 2/2] Second step", "In-Reply-To: <c@x>")
	s.mail("alpha", "From: Rita <rita@people.example>\nSubject: Re: [PATCH 1/2] First step\nMessage-ID: <r1@x>\nIn-Reply-To: <p1@x>", "> Text\n\nGood.\n\nReviewed-by: Rita <rita@people.example>\n")
	s.mail("alpha", "From: Rita <rita@people.example>\nSubject: Re: [PATCH 0/2] Two steps\nMessage-ID: <r0@x>\nIn-Reply-To: <c@x>", "Nice cover.\n")
	s.patchMail("alpha", "alone@x", "[PATCH] Alone")
}

func (s *site) hide(p project.Project, msgid string, hidden bool) {
	s.t.Helper()
	if err := patch.HideMessage(context.Background(), s.db, account.CLI, noon, p, msgid, "spam", hidden); err != nil {
		s.t.Fatal(err)
	}
}
