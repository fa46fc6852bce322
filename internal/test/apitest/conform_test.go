// SPDX-License-Identifier: GPL-2.0-or-later

package apitest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/apiseed"
	"patchwork.example/pw/internal/test/dbtest"
)

// conformance is one of the 105 checks of the contract. Where it says "beat", Patchwork 3.2 fails and we must not.
type conformance struct {
	number int
	says   string
	fresh  bool // it changes the site, so it gets one of its own
	run    func(*kit)
}

const conformances = 105

// TestConformance runs the 105 checks on each engine. Every answer on the way must also be as its OpenAPI document says.
func TestConformance(t *testing.T) {
	all := slices.Concat(indexChecks, patchChecks, relationChecks, bundleChecks, checkChecks, commentChecks, nounChecks, eventChecks, pageChecks, webChecks)
	for n := 1; n <= conformances; n++ {
		if count := len(slices.DeleteFunc(slices.Clone(all), func(c conformance) bool { return c.number != n })); count != 1 {
			t.Errorf("check %d stands in the table %d times", n, count)
		}
	}
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			site := newKit(t, engine)
			docs := readDocuments(t, site.Client)
			for _, c := range all {
				t.Run(fmt.Sprintf("%03d", c.number), func(t *testing.T) {
					k := site
					if c.fresh {
						k = newKit(t, engine)
					}
					k = k.in(t)
					k.Seen = func(a apiseed.Answer) {
						if wrong := docs.wrong(a); wrong != "" {
							t.Errorf("%s: %s", a.Request, wrong)
						}
					}
					c.run(k)
					if t.Failed() {
						t.Logf("check %d: %s", c.number, c.says)
					}
				})
			}
		})
	}
}

// kit is the small site behind a server, and what the checks say.
type kit struct {
	apiseed.Client
	*apiseed.Seed
	t       *testing.T
	db      *sqldb.DB
	queries *statements
}

// statements keeps the texts of the last statements of a database.
type statements struct {
	mu    sync.Mutex
	texts []string
}

func (s *statements) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, text)
	if len(s.texts) > 200 {
		s.texts = s.texts[100:]
	}
}

// since gives the texts of the last statements, and forgets them.
func (s *statements) since() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.texts
	s.texts = nil
	return out
}

func newKit(t *testing.T, engine string) *kit {
	t.Helper()
	queries := &statements{}
	db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: queries.add})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	seed := apiseed.Fill(t, db)
	server := serveDB(t, db, apiseed.Now)
	return &kit{apiseed.Client{T: t, URL: server.URL, Tokens: seed.Tokens}, seed, t, db, queries}
}

// in is the same site in a subtest.
func (k *kit) in(t *testing.T) *kit {
	out := *k
	out.t, out.T = t, t
	return &out
}

// is wants a status, and values at places of the body: is(a, 200, "state", "new", "delegate", nil).
func (k *kit) is(a apiseed.Answer, status int, places ...any) apiseed.Answer {
	k.t.Helper()
	if a.Status != status {
		k.t.Errorf("%s: %d, want %d: %.300s", a.Request, a.Status, status, a.Body)
		return a
	}
	for i := 0; i < len(places); i += 2 {
		want := places[i+1]
		if n, ok := want.(int); ok {
			want = int64(n)
		}
		got := a.At(places[i].(string))
		if list, ok := got.([]any); ok {
			got = fmt.Sprint(list)
		}
		if m, ok := got.(map[string]any); ok && len(m) == 0 {
			got = "{}"
		}
		if got != want {
			k.t.Errorf("%s: %s is %v, want %v", a.Request, places[i], got, want)
		}
	}
	return a
}

// has wants keys in an object (the first of a list); one that begins with ! must not be there.
func (k *kit) has(a apiseed.Answer, keys string) {
	k.t.Helper()
	k.is(a, 200)
	in := strings.Fields(a.Keys())
	for key := range strings.FieldsSeq(keys) {
		key, not := strings.CutPrefix(key, "!")
		if slices.Contains(in, key) == not {
			k.t.Errorf("%s: key %s is there: %v, want %v", a.Request, key, not, !not)
		}
	}
}

// lists wants a list of the objects with these ids, in any order.
func (k *kit) lists(who, address string, ids ...int64) {
	k.t.Helper()
	a := k.is(k.Get(who, address), 200)
	got, want := strings.Fields(strings.Trim(a.IDs(), "[]")), strings.Fields(strings.Trim(fmt.Sprint(ids), "[]"))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		k.t.Errorf("%s: ids %v, want %v", a.Request, got, want)
	}
}

// says wants a text in the body.
func (k *kit) says(a apiseed.Answer, status int, text string) {
	k.t.Helper()
	if k.is(a, status); !strings.Contains(a.Body, text) {
		k.t.Errorf("%s: %q is not in %.300s", a.Request, text, a.Body)
	}
}

// each wants a status of a request made by several users; - is nobody.
func (k *kit) each(users, method, address, body string, status int) {
	k.t.Helper()
	for who := range strings.FieldsSeq(users) {
		k.is(k.Do(strings.TrimPrefix(who, "-"), method, address, body), status)
	}
}

func (k *kit) patch(n int) string { return fmt.Sprintf("/api/patches/%d/", k.Patches[n]) }

func (k *kit) cover(n int) string { return fmt.Sprintf("/api/covers/%d/", k.Covers[n]) }

// in gives an address in an older version.
func older(version, address string) string {
	return strings.Replace(address, "/api/", "/api/"+version+"/", 1)
}

// count is how many queries a request takes, of somebody who has asked before.
func (k *kit) count(who, address string) int64 {
	k.t.Helper()
	k.is(k.Get(who, address), 200)
	k.queries.since()
	k.is(k.Get(who, address), 200)
	return int64(len(k.queries.since()))
}

// more sends patches of a series to alpha; the Message-IDs are NAME-1@mail.example and so on.
func (k *kit) more(name string, n int) (ids []int64) {
	k.t.Helper()
	var mails []apiseed.Mail
	for i := 1; i <= n; i++ {
		m := apiseed.Mail{Project: "alpha", From: "Ann Author <ann@people.example>", ID: fmt.Sprintf("%s-%d@mail.example", name, i), Subject: fmt.Sprintf("[PATCH %d/%d] %s number %d", i, n, name, i),
			Body: fmt.Sprintf("Text.\n---\n\n%s", strings.ReplaceAll(apiseed.Diff, "kettle", fmt.Sprintf("%s%d", name, i)))}
		if i > 1 {
			m.Parent = name + "-1@mail.example"
		}
		mails = append(mails, m)
	}
	apiseed.Deliver(k.t, k.db, mails...)
	for i := 1; i <= n; i++ {
		ids = append(ids, apiseed.ID(k.t, k.db, "patch", fmt.Sprintf("%s-%d@mail.example", name, i)))
	}
	return ids
}

// exec changes rows in a way that no verb does.
func (k *kit) exec(query string, args ...any) {
	k.t.Helper()
	err := k.db.Tx(k.t.Context(), func(tx *sqldb.Tx) error {
		_, err := tx.Exec(k.t.Context(), query, args...)
		return err
	})
	if err != nil {
		k.t.Fatalf("%s: %v", query, err)
	}
}
