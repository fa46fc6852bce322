// SPDX-License-Identifier: GPL-2.0-or-later

package accountweb

import (
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/web"
)

// A user sets what lists show, and gives away addresses that are his, but for that of his account; nobody else does.
func TestChangeProfile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, web.Options{})
		s.user("ann")
		s.user("joe")
		for i, email := range []string{"ann@example.org", "ann@home.example", "joe@example.org"} {
			owner := strings.Split(email, "@")[0]
			s.exec("INSERT INTO person (id, email, email_key, name, name_key, name_votes, user_id) SELECT ?, ?, ?, ?, ?, 1, id FROM user_account WHERE username = ?", i+1, email, email, owner, owner, owner)
		}
		nobody, ann, joe := s.visitor(), s.visitor(), s.visitor()
		for _, path := range []string{"/user/", "/user/unlink/2/"} {
			if a := nobody.post(path, "items_per_page", "7"); a.StatusCode != 302 || !strings.HasPrefix(a.Header.Get("Location"), "/user/login/") {
				t.Errorf("%s without a login: %d %s", path, a.StatusCode, a.Header.Get("Location"))
			}
		}
		ann.login("ann", password, "")
		joe.login("joe", password, "")
		settings := func(want string) {
			t.Helper()
			var rows int
			var ids bool
			if err := db.Get(t.Context(), &rows, "SELECT items_per_page FROM user_account WHERE username = 'ann'"); err != nil {
				t.Fatal(err)
			}
			if err := db.Get(t.Context(), &ids, "SELECT show_ids FROM user_account WHERE username = 'ann'"); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(rows, " ", ids); got != want {
				t.Errorf("the settings are %s, want %s", got, want)
			}
		}
		for _, test := range []struct{ rows, ids, want string }{
			{"25", "on", "25 true"}, {"0", "on", "25 true"}, {"501", "", "25 true"}, {"x", "", "25 true"}, {"500", "", "500 false"},
		} {
			fields := []string{"items_per_page", test.rows}
			if test.ids != "" {
				fields = append(fields, "show_ids", test.ids)
			}
			a := ann.post("/user/", fields...)
			if test.rows == "x" {
				if a.StatusCode != 400 {
					t.Errorf("x: %d", a.StatusCode)
				}
			} else if a.StatusCode != 303 || a.Header.Get("Location") != "/user/" || a.cookie("pw_flash") == nil {
				t.Errorf("%s: %d %v", test.rows, a.StatusCode, a.Header)
			}
			settings(test.want)
		}
		if page := ann.get("/user/").body; !strings.Contains(page, `action="/user/unlink/2/"`) || strings.Contains(page, `action="/user/unlink/1/"`) || !strings.Contains(page, `value="500"`) {
			t.Error(page)
		}
		owner := func(person int) (n int) {
			t.Helper()
			if err := db.Get(t.Context(), &n, "SELECT COUNT(*) FROM person e JOIN user_account u ON u.id = e.user_id WHERE e.id = ?", person); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if a := joe.post("/user/unlink/2/"); a.StatusCode != 404 || owner(2) != 1 { // in Patchwork 3.2 anybody can
			t.Errorf("joe unlinks ann's address: %d", a.StatusCode)
		}
		if a := ann.post("/user/unlink/1/"); a.StatusCode != 303 || owner(1) != 1 {
			t.Errorf("ann unlinks the address of her account: %d", a.StatusCode)
		}
		if a := ann.post("/user/unlink/2/"); a.StatusCode != 303 || owner(2) != 0 {
			t.Errorf("ann unlinks her other address: %d", a.StatusCode)
		}
		for _, path := range []string{"/user/unlink/2/", "/user/unlink/x/", "/user/unlink/99/"} {
			if a := ann.post(path); a.StatusCode != 404 {
				t.Errorf("%s: %d", path, a.StatusCode)
			}
		}
		if a := ann.get("/user/unlink/2/"); a.StatusCode != 302 || a.Header.Get("Location") != "/user/" {
			t.Errorf("GET: %d", a.StatusCode)
		}
	})
}
