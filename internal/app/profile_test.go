// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"fmt"
	"sync/atomic"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// A user's own page makes the same statements whatever he has, but for one more when mail comes from him.
func TestProfileStatements(t *testing.T) {
	for _, engine := range dbtest.Engines(t) {
		t.Run(engine, func(t *testing.T) {
			var n atomic.Int32
			db, err := sqldb.Open(t.Context(), dbtest.MigratedURL(t, engine), sqldb.Options{Statement: func(string) { n.Add(1) }})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			s := serve(t, db)
			s.seriesOfTwo()
			s.project("beta")
			u, joe := s.user("joe", "joe@people.example", false)
			looks := func(most int32, texts ...string) {
				t.Helper()
				n.Store(0)
				s.expect(s.visit(joe, "GET", "/user/", ""), 200, texts...)
				if n.Load() != most {
					t.Errorf("%d statements, want %d", n.Load(), most)
				}
			}
			looks(8, "joe@people.example", "!Maintainer of", "!Contributor to", "!Your bundles", ">0 patches</a>")
			s.maintainer("alpha", "joe")
			s.maintainer("beta", "joe")
			s.exec("UPDATE person SET user_id = ?", u.ID)
			s.exec("UPDATE patch SET delegate_id = ?", u.ID)
			for i := range 21 {
				s.exec("INSERT INTO bundle (id, owner_id, project_id, name, name_key, public) SELECT ?, ?, MIN(id), ?, ?, TRUE FROM project", i+1, u.ID, fmt.Sprintf("bundle %02d", i), fmt.Sprintf("bundle %02d", i))
			}
			if _, err := s.app.Check(t.Context(), true, func(string) {}); err != nil {
				t.Fatal(err)
			}
			looks(9, "Maintainer of", "Contributor to", ">3 patches</a>", "ann@people.example", "rita@people.example", `href="/bundle/joe/bundle%2019/"`, "!bundle 20", "All of them")
		})
	}
}
