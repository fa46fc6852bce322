// SPDX-License-Identifier: GPL-2.0-or-later

package irc

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/egress"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
)

// describe takes the payload for the facts.
func describe(_ context.Context, _ sqldb.Queryer, events []event.Stored) ([]Described, error) {
	var out []Described
	for _, e := range events {
		d := Described{Event: e.ID, Facts: Facts{Kind: e.Kind}}
		if err := json.Unmarshal([]byte(e.Payload), &d.Facts); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// happen appends events and lets the consumer see them.
func happen(t *testing.T, db *sqldb.DB, c clock.Clock, projectID int64, kind string, facts ...Facts) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
		for _, f := range facts {
			f.Kind = kind
			if err := event.Append(ctx, tx, event.Event{Kind: kind, Project: projectID, At: c.Now(), Payload: f}); err != nil {
				return err
			}
		}
		return nil
	})
	for {
		given, err := event.Relay(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		moved, err := event.Consume(t.Context(), db, c.Now(), Consumer(c, slog.New(slog.DiscardHandler), describe))
		if err != nil {
			t.Fatal(err)
		}
		if given+moved == 0 {
			return
		}
	}
}

func create(t *testing.T, db *sqldb.DB, linkname string, c Change) Target {
	t.Helper()
	target, err := Create(t.Context(), db, account.CLI, noon, kinds, linkname, c)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// TestNotices: what happens is said in the channel of a real server, without and with TLS, and nothing in a name becomes a command.
func TestNotices(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	db := dbtest.Open(t, sqldb.SQLite)
	c := clock.NewFake(noon)
	p := newProject(t, db, "alpha")
	happen(t, db, c, p.ID, "patch-created")
	plain := create(t, db, "alpha", Change{URL: ptr(s.url("dev")), Nick: ptr("pwbot")})
	create(t, db, "alpha", Change{URL: ptr(s.tlsURL("#secure")), Nick: ptr("pwsafe"), Categories: &[]string{"patch-state-changed"}, Template: ptr(`{{.Title}} is {{.State}}{{if eq .State "accepted"}}!{{end}}`)})
	dev, secure := s.watch(t, "ann", "#dev"), s.watch(t, "bob", "#secure")
	pool := NewPool(local, s.trust)
	w := newWorker(t, db, c, pool)

	happen(t, db, c, p.ID, "patch-created", Facts{Project: "alpha", Title: "net: fix\r\nQUIT :evil\r\nPRIVMSG #dev :injected\x01\x02", URL: "https://pw/1"})
	happen(t, db, c, p.ID, "patch-state-changed", Facts{Project: "alpha", Title: "Größe " + strings.Repeat("ä", 400), State: "accepted", Previous: "new", Actor: "mia", URL: "https://pw/2"})
	if n := work(t, db, c, w); n != 3 {
		t.Errorf("%d jobs", n)
	}
	if got := dev.said(); got != "#dev :[alpha] patch-created: net: fix QUIT :evil PRIVMSG #dev :injected https://pw/1" {
		t.Error(got)
	}
	if got := dev.said(); !strings.HasPrefix(got, "#dev :[alpha] patch-state-changed: Größe ää") || !strings.HasSuffix(got, "ä…") || len(got) > 410 {
		t.Error(got)
	}
	if got := secure.said(); !strings.HasPrefix(got, "#secure :Größe ää") {
		t.Error(got)
	}
	// The same connection says more, and quits when the worker ends.
	if err := Test(t.Context(), db, account.CLI, noon, plain.ID); err != nil {
		t.Fatal(err)
	}
	work(t, db, c, w)
	if got := dev.await("PRIVMSG"); !strings.HasPrefix(got, ":pwbot!") || !strings.HasSuffix(got, "#dev :[alpha] This is a test: notices of this project come here.") {
		t.Error(got)
	}
	pool.Close()
	dev.await("QUIT")
	got, err := Get(t.Context(), db, account.CLI, plain.ID)
	if err != nil || got.SentAt == nil || *got.SentAt != noon || got.Error != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestRefusals: what a server or the policy refuses is said in the target's error, tried again, and given up after an hour.
func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	db := dbtest.Open(t, sqldb.SQLite)
	c := clock.NewFake(noon)
	newProject(t, db, "alpha")
	one := func(change Change, guard egress.Guard, trust *tls.Config) string {
		t.Helper()
		target := create(t, db, "alpha", change)
		if err := Test(t.Context(), db, account.CLI, c.Now(), target.ID); err != nil {
			t.Fatal(err)
		}
		work(t, db, c, newWorker(t, db, c, NewPool(guard, trust)))
		target, err := Get(t.Context(), db, account.CLI, target.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := Delete(t.Context(), db, account.CLI, noon, target.ID); err != nil {
			t.Fatal(err)
		}
		return target.Error
	}
	owner := s.watch(t, "owner", "#invited")
	fmt.Fprint(owner.c, "MODE #invited +i\r\n")
	owner.await(" MODE #invited +i")
	for what, got := range map[string]string{
		"is an address of a private network":  one(Change{URL: ptr(s.url("x"))}, egress.Guard{}, nil),
		"enter #invited: the server says 473": one(Change{URL: ptr(s.url("invited"))}, local, nil),
		"certificate":                         one(Change{URL: ptr(s.tlsURL("x"))}, local, nil),
		"refused":                             one(Change{URL: ptr(fmt.Sprintf("irc://127.0.0.1:%d/x", freePort(t)))}, local, nil),
	} {
		if !strings.Contains(got, what) {
			t.Errorf("%q lacks %q", got, what)
		}
	}
	target := create(t, db, "alpha", Change{URL: ptr(fmt.Sprintf("irc://127.0.0.1:%d/x", freePort(t)))})
	if err := Test(t.Context(), db, account.CLI, c.Now(), target.ID); err != nil {
		t.Fatal(err)
	}
	w := newWorker(t, db, c, NewPool(local, nil))
	n := 0
	for range 20 {
		n += work(t, db, c, w)
		c.Advance(5 * time.Minute)
	}
	var state string
	if err := db.Get(t.Context(), &state, "SELECT state FROM job ORDER BY id DESC LIMIT 1"); err != nil || state != "done" || n < 8 || n > 20 {
		t.Errorf("%s after %d attempts, %v", state, n, err)
	}
}

// TestServerRestarts: lines wait while the server is gone, and are said when it is back.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	db := dbtest.Open(t, sqldb.SQLite)
	c := clock.NewFake(noon)
	newProject(t, db, "alpha")
	target := create(t, db, "alpha", Change{URL: ptr(s.url("dev"))})
	w := newWorker(t, db, c, NewPool(local, nil))
	say := func() {
		if err := Test(t.Context(), db, account.CLI, c.Now(), target.ID); err != nil {
			t.Fatal(err)
		}
		work(t, db, c, w)
	}
	watch := s.watch(t, "ann", "#dev")
	say()
	watch.said()
	s.stop()
	say()
	if got, _ := Get(t.Context(), db, account.CLI, target.ID); got.Error == "" || got.FailedAt == nil {
		t.Errorf("%+v", got)
	}
	s.start(t)
	watch = s.watch(t, "ann", "#dev")
	c.Advance(time.Minute)
	work(t, db, c, w)
	watch.said()
	if got, _ := Get(t.Context(), db, account.CLI, target.ID); got.Error != "" || got.FailedAt != nil {
		t.Errorf("%+v", got)
	}
}

// TestSASL logs in to a server that speaks just enough: ngircd knows no SASL.
func TestSASL(t *testing.T) {
	t.Parallel()
	base, trust := certify(t, t.TempDir())
	pair, err := tls.LoadX509KeyPair(base+".pem", base+".key")
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	heard := make(chan string, 100)
	go saslServer(l, heard)
	db := dbtest.Open(t, sqldb.SQLite)
	c := clock.NewFake(noon)
	newProject(t, db, "alpha")
	_, port, _ := net.SplitHostPort(l.Addr().String())
	target := create(t, db, "alpha", Change{URL: ptr("ircs://127.0.0.1:" + port + "/dev"), Account: ptr("bot"), Password: ptr("kettle pass")})
	if err := Test(t.Context(), db, account.CLI, noon, target.ID); err != nil {
		t.Fatal(err)
	}
	pool := NewPool(local, trust)
	work(t, db, c, newWorker(t, db, c, pool))
	got, _ := Get(t.Context(), db, account.CLI, target.ID)
	if got.Error != "" {
		t.Fatal(got.Error)
	}
	l.Close() // who needs a connection of his own gets none
	at, err := got.place()
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.say(t.Context(), at, "kettle pass", "hello"); err != nil {
		t.Error(err)
	}
	if err := pool.say(t.Context(), at, "guessed", "hello"); err == nil {
		t.Error("who names the same account with another password speaks as one who knows it")
	}
	want := "AUTHENTICATE " + base64.StdEncoding.EncodeToString([]byte("bot\x00bot\x00kettle pass"))
	for l := range heard {
		if l == want {
			break
		}
		if strings.HasPrefix(l, "PRIVMSG") {
			t.Fatal("it said something before it had logged in")
		}
	}
}

// saslServer answers one client and writes down what it hears.
func saslServer(l net.Listener, heard chan<- string) {
	c, err := l.Accept()
	if err != nil {
		return
	}
	defer c.Close()
	say := func(s string) { fmt.Fprintf(c, ":irc.example.net %s\r\n", s) }
	for in := bufio.NewScanner(c); in.Scan(); {
		text := in.Text()
		heard <- text
		switch {
		case strings.HasPrefix(text, "CAP LS"):
			say("CAP * LS :sasl")
		case strings.HasPrefix(text, "CAP REQ"):
			say("CAP * ACK :sasl")
		case text == "AUTHENTICATE PLAIN":
			fmt.Fprint(c, "AUTHENTICATE +\r\n")
		case strings.HasPrefix(text, "AUTHENTICATE "):
			say("900 patchwork x!y@z bot :You are now logged in")
			say("903 patchwork :SASL authentication successful")
		case strings.HasPrefix(text, "CAP END"):
			say("001 patchwork :Welcome")
			say("376 patchwork :End of MOTD")
		case strings.HasPrefix(text, "PING "):
			say("PONG irc.example.net :" + strings.TrimPrefix(strings.TrimPrefix(text, "PING "), ":"))
		}
	}
}

func TestTargets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		c := clock.NewFake(noon)
		p := newProject(t, db, "alpha")
		newProject(t, db, "beta")
		happen(t, db, c, p.ID, "patch-created")
		a := create(t, db, "alpha", Change{URL: ptr("ircs://irc.example.org/dev"), Account: ptr("bot"), Password: ptr("secret")})
		if at, err := a.place(); err != nil || at != (place{"irc.example.org:6697", "irc.example.org", true, "#dev", "patchwork", "bot"}) {
			t.Errorf("%+v, %v", at, err)
		}
		b := create(t, db, "beta", Change{URL: ptr("irc://[::1]:7000/##dev"), Categories: &[]string{"patch-created"}})
		if at, err := b.place(); err != nil || at.address != "[::1]:7000" || at.channel != "##dev" || at.tls {
			t.Errorf("%+v, %v", at, err)
		}
		for what, c := range map[string]Change{
			"scheme": {URL: ptr("http://x/y")}, "no channel": {URL: ptr("irc://x/")}, "no host": {URL: ptr("irc:///x")}, "two": {URL: ptr("irc://x/a,b")}, "blank": {URL: ptr("irc://x/a%20b")},
			"line end": {URL: ptr("irc://x/a%0D%0AQUIT")}, "user": {URL: ptr("irc://u:p@x/y")}, "nick": {Nick: ptr("9lives")}, "nick with blank": {Nick: ptr("a b")},
			"password in clear": {URL: ptr("irc://x/y"), Account: ptr("a"), Password: ptr("b")}, "half a login": {Password: ptr("")}, "event": {Categories: &[]string{"nosuch"}},
			"field": {Template: ptr("{{.Nosuch}}")}, "syntax": {Template: ptr("{{")}, "range": {Template: ptr("{{range 1000000000}}x{{end}}")}, "printf": {Template: ptr(`{{printf "%999999d" 1}}`)},
			"nested": {Template: ptr(`{{if .Title}}{{len .Title}}{{end}}`)}, "define": {Template: ptr(`{{define "x"}}{{end}}{{template "x"}}`)}, "variable": {Template: ptr(`{{$x := .Title}}{{$x}}`)},
			"long": {Template: ptr(strings.Repeat("x", 2001))},
		} {
			if _, err := Update(t.Context(), db, account.CLI, noon, kinds, a.ID, c); !fault.Is(err, fault.Invalid) || fault.UserText(err) == "" {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := Create(t.Context(), db, account.CLI, noon, kinds, "alpha", Change{URL: ptr("ircs://irc.example.org/dev")}); !fault.Is(err, fault.Conflict) {
			t.Error(err)
		}
		joe := account.Actor{User: 99, Via: "web"}
		for what, err := range map[string]error{"create": second(Create(t.Context(), db, joe, noon, kinds, "alpha", Change{URL: ptr("irc://x/y")})), "update": second(Update(t.Context(), db, joe, noon, kinds, a.ID, Change{})),
			"delete": Delete(t.Context(), db, joe, noon, a.ID), "test": Test(t.Context(), db, joe, noon, a.ID), "get": second(Get(t.Context(), db, joe, a.ID)),
			"list": second(List(t.Context(), db, joe, "alpha")), "list all": second(List(t.Context(), db, joe, ""))} {
			if !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if all, err := List(t.Context(), db, account.CLI, ""); err != nil || len(all) != 2 || all[0].ID != a.ID {
			t.Errorf("%+v, %v", all, err)
		}
		// Only what is wanted, of the own project, in order; a flood becomes a number.
		var many []Facts
		for i := range 23 {
			many = append(many, Facts{Project: "alpha", Title: fmt.Sprint("t", i)})
		}
		happen(t, db, c, p.ID, "patch-created", many...)
		var texts []string
		if err := db.Select(t.Context(), &texts, "SELECT payload FROM job ORDER BY id"); err != nil {
			t.Fatal(err)
		}
		if len(texts) != 21 || !strings.Contains(texts[0], "t0") || !strings.Contains(texts[20], "[alpha] and 3 more") {
			t.Errorf("%v", texts)
		}
		// What happened long ago is no news.
		c.Set(noon.Add(-2 * time.Hour))
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return event.Append(ctx, tx, event.Event{Kind: "patch-created", Project: p.ID, At: c.Now(), Payload: Facts{}})
		})
		c.Set(noon)
		happen(t, db, c, p.ID, "patch-created")
		var n int
		if err := db.Get(t.Context(), &n, "SELECT COUNT(*) FROM job"); err != nil || n != 21 {
			t.Errorf("%d, %v", n, err)
		}
		if err := Delete(t.Context(), db, account.CLI, noon, a.ID); err != nil {
			t.Fatal(err)
		}
		if n := work(t, db, c, newWorker(t, db, c, NewPool(egress.Guard{}, nil))); n != 21 {
			t.Errorf("%d jobs of a target that is gone", n)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nQUIT\x00\x01\x03,4b\u2028c\u202e": "a QUIT,4b c", " a \t b ": "a b", "\xff": "\uFFFD", "": "",
		strings.Repeat("x", 500): strings.Repeat("x", 397) + "…", strings.Repeat("é", 300): strings.Repeat("é", 198) + "…",
	} {
		if got := clean(in); got != want || len(got) > maxLine {
			t.Errorf("%q: %s", in, cmp.Diff(want, got))
		}
	}
}
