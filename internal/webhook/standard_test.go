// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// standard is a receiver's side of Standard Webhooks, written from its specification 1.0.0 and from nothing in this package: it keeps the ids it has seen.
type standard struct {
	key  []byte
	now  time.Time
	seen map[string]bool
}

func newStandard(secret string, now time.Time) (*standard, error) {
	coded, ok := strings.CutPrefix(secret, "whsec_")
	if !ok {
		return nil, errors.New("a symmetric secret begins with whsec_")
	}
	key, err := base64.StdEncoding.DecodeString(coded)
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, fmt.Errorf("a key has 24 to 64 bytes, not %d: %w", len(key), err)
	}
	return &standard{key, now, map[string]bool{}}, nil
}

// verify is nil for a message that is genuine, young and new.
func (s *standard) verify(h http.Header, body string) error {
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	if id == "" || strings.Contains(id, ".") {
		return fmt.Errorf("id %q", id)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != stamp {
		return fmt.Errorf("time %q", stamp)
	}
	if age := s.now.Sub(time.Unix(seconds, 0)); age.Abs() > 5*time.Minute {
		return fmt.Errorf("%s old", age)
	}
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id + "." + stamp + "." + body))
	genuine := false
	for part := range strings.SplitSeq(h.Get("webhook-signature"), " ") {
		version, coded, _ := strings.Cut(part, ",")
		sum, err := base64.StdEncoding.DecodeString(coded)
		genuine = genuine || version == "v1" && err == nil && hmac.Equal(sum, mac.Sum(nil))
	}
	if !genuine {
		return errors.New("no signature fits")
	}
	if s.seen[id] {
		return errors.New("seen before")
	}
	s.seen[id] = true
	return nil
}

// TestStandardWebhooks: a receiver that knows the specification and no more takes what is sent, with a secret of our making and with one of his; what was changed
// on the way, is old, or comes again he finds out.
func TestStandardWebhooks(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	c := clock.NewFake(noon)
	alpha := newProject(t, db, "alpha")
	listen(t, db, c)
	for _, given := range []*string{nil, ptr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")} {
		r := newReceiver(t, nil)
		h, secret, err := Create(t.Context(), db, account.CLI, noon, words, "alpha", Change{URL: &r.URL, Secret: given})
		if err != nil {
			t.Fatal(err)
		}
		s, err := newStandard(secret, noon.Time())
		if err != nil {
			t.Fatal(secret, err)
		}
		happen(t, db, c, alpha.ID, "patch-created", `patch-state-changed {"State":"größer"}`)
		if _, err := Ping(t.Context(), db, account.CLI, noon, h.ID); err != nil {
			t.Fatal(err)
		}
		work(t, db, c, newWorker(t, db, c, local))
		posts := r.got()
		if len(posts) != 3 {
			t.Fatalf("%d posts", len(posts))
		}
		for _, p := range posts {
			if err := s.verify(p.header, p.body); err != nil {
				t.Error(err, p)
			}
			for what, err := range map[string]error{
				"again":                s.verify(p.header, p.body),
				"another body":         (&standard{s.key, s.now, map[string]bool{}}).verify(p.header, p.body+" "),
				"another key":          (&standard{[]byte("another key"), s.now, map[string]bool{}}).verify(p.header, p.body),
				"recorded and sent":    (&standard{s.key, s.now.Add(6 * time.Minute), map[string]bool{}}).verify(p.header, p.body),
				"another time and id":  (&standard{s.key, s.now, map[string]bool{}}).verify(with(p.header, "Webhook-Id", "pw-9"), p.body),
				"another time, now on": (&standard{s.key, s.now, map[string]bool{}}).verify(with(p.header, "Webhook-Timestamp", fmt.Sprint(s.now.Unix()+1)), p.body),
			} {
				if err == nil {
					t.Errorf("%s was taken", what)
				}
			}
		}
		if err := Redeliver(t.Context(), db, account.CLI, c.Now(), h.ID, 1); err == nil {
			work(t, db, c, newWorker(t, db, c, local))
			if last := r.got()[3]; s.verify(last.header, last.body) == nil {
				t.Error("the same event, sent again, is taken for another one")
			}
		}
	}
	// What others publish as an example of the scheme.
	example := http.Header{"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"}, "Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}
	s, err := newStandard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", time.Unix(1614265330, 0))
	if err != nil || s.verify(example, `{"test": 2432232314}`) != nil {
		t.Error("the receiver of this test does not know a genuine message", err)
	}
	if got := signStandard("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`)); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Error(got)
	}
}

func with(h http.Header, name, value string) http.Header {
	h = h.Clone()
	h.Set(name, value)
	return h
}
