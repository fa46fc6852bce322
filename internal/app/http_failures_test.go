// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

// mboxes are all values of keys named mbox in a JSON text.
func mboxes(t *testing.T, text string) (out []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if m, ok := v["mbox"].(string); ok {
				out = append(out, m)
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return out
}

// TestKnownFailureD1: the address of each mbox that the API names, in all versions, is a file with a name, and no way to somewhere else.
func TestKnownFailureD1(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.patchMail("alpha", "odd/%2F+#?@x", "[PATCH] Odd")
		joe, _ := s.user("joe", "joe@people.example", false)
		name, public, patches := "a b/%", true, []int64{s.id("patch", "odd/%2F+#?@x"), s.id("patch", "p1@x")}
		name = strings.ReplaceAll(name, "/", "")
		if _, err := patch.CreateBundle(t.Context(), db, account.Actor{User: joe.ID}, 0, patch.BundleChange{Name: &name, Public: &public, Patches: &patches}); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, version := range []string{"", "1.0/", "1.1/", "1.2/", "1.3/", "1.4/"} {
			for _, list := range []string{"patches/", "covers/", "series/", "bundles/", "events/", fmt.Sprintf("patches/%d/", patches[0])} {
				a := s.get("/api/" + version + list)
				s.expect(a, 200)
				found := mboxes(t, a.body)
				if len(found) == 0 && (list != "covers/" || version != "1.0/") {
					t.Errorf("%s%s names no mbox", version, list)
				}
				for _, m := range found {
					path, ours := strings.CutPrefix(m, s.url)
					if !ours {
						t.Errorf("%s", m)
					}
					if !seen[path] {
						seen[path] = true
						if f := s.get(path); f.StatusCode != 200 || !strings.HasPrefix(f.body, "From patchwork ") || !strings.HasPrefix(f.Header.Get("Content-Disposition"), "attachment; filename=") {
							t.Errorf("%s: %d %v", path, f.StatusCode, f.Header)
						}
					}
				}
			}
		}
		if len(seen) < 9 { // 4 patches, cover, 3 series, bundle
			t.Errorf("%d files: %v", len(seen), seen)
		}
	})
}

// TestKnownFailureD2: a patch is changed by a form, too.
func TestKnownFailureD2(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.user("mia", "mia@people.example", false)
		s.maintainer("alpha", "mia")
		path, key := fmt.Sprintf("/api/1.2/patches/%d/", s.id("patch", "p1@x")), "Authorization: Token "+s.key("mia")
		s.expect(s.visit("", "PATCH", path, "state=under-review&archived=True&commit_ref=abc", key), 200, `"state":"under-review"`, `"archived":true`, `"commit_ref":"abc"`)
		s.expect(s.visit("", "PATCH", strings.TrimSuffix(path, "/"), "state=accepted", key), 200, `"state":"accepted"`, `"archived":true`)
		s.sound()
	})
}

// TestKnownFailureC3: a private bundle is there for its owner only, in the API and as a file, and for him it is.
func TestKnownFailureC3(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		joe, session := s.user("joe", "joe@people.example", false)
		_, mia := s.user("mia", "mia@people.example", false)
		_, root := s.user("root", "root@people.example", true)
		s.maintainer("alpha", "mia")
		name, patches := "secret", []int64{s.id("patch", "p1@x")}
		b, err := patch.CreateBundle(t.Context(), db, account.Actor{User: joe.ID}, 0, patch.BundleChange{Name: &name, Patches: &patches})
		if err != nil {
			t.Fatal(err)
		}
		one := fmt.Sprintf("bundles/%d/", b.ID)
		for _, token := range []string{"", mia, root} {
			for _, version := range []string{"", "1.0/", "1.4/"} {
				s.expect(s.visit(token, "GET", "/api/"+version+one, ""), 404, "!secret")
				s.expect(s.visit(token, "GET", "/api/"+version+"bundles/", ""), 200, "!secret")
			}
			s.expect(s.visit(token, "GET", "/bundle/joe/secret/mbox/", ""), 404, "!First step")
		}
		s.expect(s.visit(session, "GET", "/api/1.4/"+one, ""), 200, "secret")
		s.expect(s.visit(session, "GET", "/bundle/joe/secret/mbox/", ""), 200, "First step")
	})
}
