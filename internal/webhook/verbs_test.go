// SPDX-License-Identifier: GPL-2.0-or-later

package webhook

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/test/dbtest"
)

const hookRows = "SELECT CONCAT_WS(' ', id, COALESCE(project_id, 0), url, CASE WHEN active = TRUE THEN 'on' ELSE 'off' END, categories, '|', filters, COALESCE(creator_id, 0)) FROM webhook ORDER BY id"

// TestWho: maintainers manage the hooks of their project, administrators all, nobody else any.
func TestWho(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		alpha := newProject(t, db, "alpha")
		newProject(t, db, "beta")
		mia, joe := newMaintainer(t, db, "mia", "alpha"), newMaintainer(t, db, "joe", "")
		c := Change{URL: ptr("https://a.example/x")}
		mine, _, err := Create(t.Context(), db, mia, noon, words, "alpha", c)
		if err != nil || mine.Project != alpha.ID || mine.Username != "mia" || !mine.Active || mine.Linkname != "alpha" {
			t.Fatalf("%+v, %v", mine, err)
		}
		site, _, err := Create(t.Context(), db, account.CLI, noon, words, "", Change{URL: c.URL, Creator: ptr("joe")})
		if err != nil || site.Project != 0 || site.Username != "joe" {
			t.Fatalf("%+v, %v", site, err)
		}
		for name, who := range map[string]account.Actor{"joe": joe, "anonymous": {}, "mia": mia} {
			for linkname, kind := range map[string]fault.Kind{"alpha": fault.Denied, "beta": fault.Denied, "": fault.Denied, "nosuch": fault.NotFound} {
				if name == "mia" && linkname == "alpha" {
					kind = fault.None
				}
				_, err := List(t.Context(), db, who, linkname)
				expectKind(t, name+" lists "+linkname, err, kind)
				if kind != fault.None {
					_, _, err = Create(t.Context(), db, who, noon, words, linkname, c)
					expectKind(t, name+" creates in "+linkname, err, kind)
				}
			}
			for id, kind := range map[int64]fault.Kind{mine.ID: fault.Denied, site.ID: fault.Denied, 99: fault.NotFound} {
				if name == "mia" && id == mine.ID {
					continue
				}
				_, err := Get(t.Context(), db, who, id)
				expectKind(t, name+" gets", err, kind)
				_, err = Update(t.Context(), db, who, noon, words, id, c)
				expectKind(t, name+" updates", err, kind)
				expectKind(t, name+" deletes", Delete(t.Context(), db, who, noon, id, nil), kind)
				_, err = Ping(t.Context(), db, who, noon, id)
				expectKind(t, name+" pings", err, kind)
				_, err = Deliveries(t.Context(), db, who, id, 0, 10)
				expectKind(t, name+" lists deliveries", err, kind)
				_, err = CountDeliveries(t.Context(), db, who, id)
				expectKind(t, name+" counts deliveries", err, kind)
				_, _, err = GetDelivery(t.Context(), db, who, id, 1)
				expectKind(t, name+" reads a delivery", err, kind)
				expectKind(t, name+" redelivers", Redeliver(t.Context(), db, who, noon, id, 1), kind)
			}
			_, err := All(t.Context(), db, who)
			expectKind(t, name+" lists all", err, fault.Denied)
		}
		all, err := All(t.Context(), db, account.CLI)
		if err != nil || len(all) != 2 || all[0].ID != site.ID {
			t.Errorf("%+v, %v", all, err)
		}
		expectRows(t, db, hookRows, "1 1 https://a.example/x on  | {} 1", "2 0 https://a.example/x on  | {} 2")
		if err := Delete(t.Context(), db, mia, noon, mine.ID, nil); err != nil {
			t.Fatal(err)
		}
		expectRows(t, db, "SELECT CONCAT_WS(' ', COALESCE(actor_id, 0), via, verb, '-', subject, '-', detail) FROM audit WHERE verb LIKE 'webhook%' ORDER BY id",
			"1 test webhook create - webhook 1 of project alpha - https://a.example/x", "0 cli webhook create - webhook 2 of the site - https://a.example/x",
			"1 test webhook delete - webhook 1 of project alpha - https://a.example/x")
		// What names a user or project goes with it, or lets go.
		_, _, err = Create(t.Context(), db, mia, noon, words, "alpha", c)
		if err != nil {
			t.Fatal(err)
		}
		execute(t, db, "DELETE FROM user_account WHERE username = 'mia'")
		expectRows(t, db, hookRows, "2 0 https://a.example/x on  | {} 2", "3 1 https://a.example/x on  | {} 0")
		execute(t, db, "DELETE FROM project WHERE linkname = 'alpha'")
		expectRows(t, db, hookRows, "2 0 https://a.example/x on  | {} 2")
	})
}

func TestCreateAndUpdate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newProject(t, db, "alpha")
		h, secret, err := Create(t.Context(), db, account.CLI, noon, words, "alpha", Change{URL: ptr(" https://a.example/x?y=1 "), Categories: &[]string{"patch-created", "", "patch-created", "check-created"},
			States: &[]string{"accepted"}, CheckStates: &[]string{"fail"}, CheckContexts: &[]string{"ci/*"}, Tags: &[]string{"Acked-by"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(secret) != len("whsec_")+44 || !h.HasSecret() || validSecret(secret) != nil {
			t.Errorf("secret %q", secret)
		}
		expectRows(t, db, hookRows, `1 1 https://a.example/x?y=1 on patch-created check-created | {"states":["accepted"],"check_states":["fail"],"check_contexts":["ci/*"],"tags":["Acked-by"]} 0`)
		want := Filter{States: []string{"accepted"}, CheckStates: []string{"fail"}, CheckContexts: []string{"ci/*"}, Tags: []string{"Acked-by"}}
		if diff := cmp.Diff(want, h.Filter); diff != "" {
			t.Error(diff)
		}
		h, err = Update(t.Context(), db, account.CLI, noon, words, h.ID, Change{Active: ptr(false), Categories: &[]string{}, States: &[]string{}, CheckStates: &[]string{}, CheckContexts: &[]string{}, Tags: &[]string{}, Secret: ptr("")})
		if err != nil || h.HasSecret() || h.Active {
			t.Errorf("%+v, %v", h, err)
		}
		expectRows(t, db, hookRows, `1 1 https://a.example/x?y=1 off  | {} 0`)
		execute(t, db, "UPDATE webhook SET failures = 5, failing_since = 1, disabled_at = 2, disabled_reason = 'x'")
		if h, err = Update(t.Context(), db, account.CLI, noon, words, h.ID, Change{Active: ptr(true)}); err != nil || h.Failures != 0 || h.FailingSince != nil || h.DisabledAt != nil || h.DisabledReason != "" {
			t.Errorf("%+v, %v", h, err)
		}
		list := func(s ...string) *[]string { return &s }
		for what, c := range map[string]Change{
			"no address":     {URL: ptr("")},
			"another scheme": {URL: ptr("ftp://a.example/")},
			"no host":        {URL: ptr("https:///x")},
			"no url":         {URL: ptr("https://a b/\x00")},
			"a password":     {URL: ptr("https://u:p@a.example/")},
			"a fragment":     {URL: ptr("https://a.example/#x")},
			"too long":       {URL: ptr("https://a.example/" + strings.Repeat("x", 2000))},
			"event":          {Categories: list("patch-exploded")},
			"state":          {States: list("maybe")},
			"check state":    {CheckStates: list("green")},
			"tag":            {Tags: list("Liked-by")},
			"long context":   {CheckContexts: list(strings.Repeat("x", 256))},
			"short secret":   {Secret: ptr("whsec_AAAA")},
			"no base64":      {Secret: ptr("whsec_" + strings.Repeat("%", 40))},
			"long secret":    {Secret: ptr(strings.Repeat("x", 256))},
			"unwritable":     {Secret: ptr("a\x00b")},
		} {
			if _, err := Update(t.Context(), db, account.CLI, noon, words, h.ID, c); !fault.Is(err, fault.Invalid) || fault.UserText(err) == "" {
				t.Errorf("%s: %v", what, err)
			}
			if c.URL == nil {
				c.URL = ptr("https://a.example/")
			}
			if _, _, err := Create(t.Context(), db, account.CLI, noon, words, "alpha", c); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := Update(t.Context(), db, account.CLI, noon, words, h.ID, Change{Creator: ptr("nobody")}); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		expectRows(t, db, hookRows, `1 1 https://a.example/x?y=1 on  | {} 0`)
		for range maxHooks - 1 {
			hook(t, db, "alpha", "https://a.example/")
		}
		if _, _, err := Create(t.Context(), db, account.CLI, noon, words, "alpha", Change{URL: ptr("https://a.example/")}); !fault.Is(err, fault.Conflict) {
			t.Errorf("the hundred and first: %v", err)
		}
		hook(t, db, "", "https://a.example/")
	})
}

// TestHears: each filter touches the events it speaks of, and no others.
func TestHears(t *testing.T) {
	site, one := Hook{}, Hook{Project: 1, Categories: []string{"a", "b"}}
	for _, test := range []struct {
		h    Hook
		e    event.Stored
		want bool
	}{
		{site, event.Stored{Project: 7, Kind: "x"}, true}, {site, event.Stored{Kind: "x"}, true}, {one, event.Stored{Project: 1, Kind: "b"}, true},
		{one, event.Stored{Project: 1, Kind: "c"}, false}, {one, event.Stored{Project: 2, Kind: "a"}, false},
	} {
		if got := test.h.hears(test.e); got != test.want {
			t.Errorf("%+v, %+v: %v", test.h, test.e, got)
		}
	}
	f := Filter{States: []string{"accepted"}, CheckStates: []string{"fail", "warning"}, CheckContexts: []string{"ci/*", "lint"}, Tags: []string{"Acked-by", "Tested-by"}}
	acked := []string{"Acked-by"}
	for _, test := range []struct {
		facts Facts
		want  bool
	}{
		{Facts{}, true},
		{Facts{State: "accepted"}, true}, {Facts{State: "new"}, false},
		{Facts{CheckState: "fail", CheckContext: "lint"}, true}, {Facts{CheckState: "fail", CheckContext: "ci/a/b"}, true},
		{Facts{CheckState: "success", CheckContext: "lint"}, false}, {Facts{CheckState: "fail", CheckContext: "lint2"}, false},
		{Facts{OfPatch: true}, false}, {Facts{OfPatch: true, Tags: acked}, true}, {Facts{OfPatch: true, Tags: []string{"Reviewed-by"}}, false},
		{Facts{OfPatch: true, Tags: acked, State: "new"}, false},
	} {
		if got := f.passes("x", test.facts); got != test.want {
			t.Errorf("%+v: %v", test.facts, got)
		}
		if !(Filter{}).passes("x", test.facts) {
			t.Errorf("no filter: %+v", test.facts)
		}
	}
}
