// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// setting is how create and update set a column, and what is in the database then.
type setting struct {
	create, update string
	made, changed  any
	read           string // SQL; the column itself unless given
}

// nouns are the tables whose columns all must have a flag, but those that nobody sets by hand.
var nouns = []struct {
	table, noun string
	others      string // columns without a flag
	add         string // besides the settings
	name        string // for update
	columns     map[string]setting
}{
	{"user_account", "user", "id username_key email_key password created_at last_login pending dates patch_columns series_columns series_per_page", "--no-password", "ann", map[string]setting{
		"username":       {create: "--username=ann", made: "ann", update: "--username=Anne", changed: "Anne"},
		"email":          {create: "--email=ann@example.org", made: "ann@example.org", update: "--email=a@example.net", changed: "a@example.net"},
		"first_name":     {create: "--first-name=Ann", made: "Ann", update: "--first-name=Änne", changed: "Änne"},
		"last_name":      {create: "--last-name=Author", made: "Author", update: "--last-name=", changed: ""},
		"is_active":      {create: "--no-active", made: false, update: "--active", changed: true},
		"is_admin":       {create: "--admin", made: true, update: "--admin=false", changed: false},
		"send_email":     {create: "--send-email", made: true, update: "--no-send-email", changed: false},
		"items_per_page": {create: "--items-per-page=7", made: 7, update: "--items-per-page=500", changed: 500},
		"show_ids":       {create: "--show-ids=true", made: true, update: "--no-show-ids=true", changed: false},
	}},
	{"project", "project", "id", "", "widgets", map[string]setting{
		"linkname":                {create: "--linkname=widgets", made: "widgets", update: "--linkname=widgets-2", changed: "widgets-2"},
		"name":                    {create: "--name=Widgets", made: "Widgets", update: "--name=All the Widgets", changed: "All the Widgets"},
		"listid":                  {create: "--list-id=w.example.org", made: "w.example.org", update: "--list-id=v.example.org", changed: "v.example.org"},
		"listemail":               {create: "--list-email=w@example.org", made: "w@example.org", update: "--list-email=v@example.org", changed: "v@example.org"},
		"subject_match":           {create: `--subject-match=\[.*w`, made: `\[.*w`, update: "--subject-match=", changed: ""},
		"web_url":                 {create: "--web-url=https://w.example.org/", made: "https://w.example.org/", update: "--web-url=", changed: ""},
		"scm_url":                 {create: "--scm-url=git://w", made: "git://w", update: "--scm-url=git://v", changed: "git://v"},
		"webscm_url":              {create: "--webscm-url=https://git/w", made: "https://git/w", update: "--webscm-url=https://git/v", changed: "https://git/v"},
		"list_archive_url":        {create: "--list-archive-url=https://lore/w", made: "https://lore/w", update: "--list-archive-url=https://lore/v", changed: "https://lore/v"},
		"list_archive_url_format": {create: "--list-archive-url-format=https://lore/{}", made: "https://lore/{}", update: "--list-archive-url-format=/{}", changed: "/{}"},
		"commit_url_format":       {create: "--commit-url-format=https://git/?id={}", made: "https://git/?id={}", update: "--commit-url-format=", changed: ""},
		"send_notifications":      {create: "--send-notifications", made: true, update: "--no-send-notifications", changed: false},
		"use_tags":                {create: "--no-use-tags", made: false, update: "--use-tags", changed: true},
		"show_dependencies":       {create: "--show-dependencies", made: true, update: "--show-dependencies=0", changed: false},
		"auto_supersede":          {create: "--auto-supersede", made: true, update: "--no-auto-supersede", changed: false},
		"hints":                   {create: "--hints=anyone", made: "anyone", update: "--hints=nobody", changed: "nobody"},
		"nav_html":                {create: "--nav-html=<a>\n&amp;</a>", made: "<a>\n&amp;</a>", update: "--nav-html=<b>", changed: "<b>"},
	}},
	{"state", "state", "id", "", "in-next", map[string]setting{
		"name":            {create: "--name=In Next", made: "In Next", update: "--name=Linux Next", changed: "Linux Next"},
		"slug":            {create: "--slug=in-next", made: "in-next", update: "--slug=linux-next", changed: "linux-next"},
		"ordering":        {create: "--ordering=77", made: 77, update: "--ordering=3", changed: 3},
		"action_required": {create: "--no-action-required", made: false, update: "--action-required", changed: true},
	}},
	{"tag", "tag", "id", "", "Fixes", map[string]setting{
		"name":        {create: "--name=Fixes", made: "Fixes", update: "--name=Mends", changed: "Mends"},
		"pattern":     {create: "--pattern=^Fixes: [0-9a-f]+", made: "^Fixes: [0-9a-f]+", update: "--pattern=^Mends:", changed: "^Mends:"},
		"abbrev":      {create: "--abbrev=Fx", made: "Fx", update: "--abbrev=M", changed: "M"},
		"show_column": {create: "--no-show-column", made: false, update: "--show-column", changed: true},
	}},
	{"delegation_rule", "delegate-rule", "id", "", "1", map[string]setting{
		"project_id": {create: "--project=one", made: "one", update: "--project=two", changed: "two", read: "(SELECT linkname FROM project p WHERE p.id = project_id)"},
		"user_id":    {create: "--user=bob", made: "bob", update: "--user=carol", changed: "carol", read: "(SELECT username FROM user_account u WHERE u.id = user_id)"},
		"path":       {create: "--path=fs/*", made: "fs/*", update: "--path=net/*", changed: "net/*"},
		"priority":   {create: "--priority=-5", made: -5, update: "--priority=10", changed: 10},
	}},
}

var (
	createTableRE = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \(\n(.*?)\n\)`)
	addColumnRE   = regexp.MustCompile(`ALTER TABLE (\w+) ADD COLUMN (\w+)`)
	columnRE      = regexp.MustCompile(`(?m)^  ([a-z]\w*) `)
)

// migratedColumns reads the columns of all tables from the migration files.
func migratedColumns(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../../internal/base/schema/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	out := map[string][]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range createTableRE.FindAllStringSubmatch(string(text), -1) {
			for _, col := range columnRE.FindAllStringSubmatch(table[2], -1) {
				out[table[1]] = append(out[table[1]], col[1])
			}
		}
		for _, col := range addColumnRE.FindAllStringSubmatch(string(text), -1) {
			out[col[1]] = append(out[col[1]], col[2])
		}
	}
	return out
}

// TestEveryColumnCanBeSet fails for a new column until there is a flag for it.
func TestEveryColumnCanBeSet(t *testing.T) {
	tables := migratedColumns(t)
	for _, n := range nouns {
		var missing []string
		for _, col := range tables[n.table] {
			if _, ok := n.columns[col]; !ok && !slices.Contains(strings.Fields(n.others), col) {
				missing = append(missing, col)
			}
		}
		if len(missing) > 0 {
			t.Errorf("no flag sets %v of table %s", missing, n.table)
		}
		if len(tables[n.table]) != len(n.columns)+len(strings.Fields(n.others)) {
			t.Errorf("table %s has the columns %v", n.table, tables[n.table])
		}
	}
}

func TestColumnsReachTheDatabase(t *testing.T) {
	dbtest.EachURL(t, func(t *testing.T, url string) {
		s := site{t, url}
		s.does("db", "sync")
		for _, name := range []string{"one", "two"} {
			s.does("admin", "project", "create", name, "-n", name, "-i", name+".example.org", "-e", name+"@example.org")
		}
		for _, name := range []string{"bob", "carol"} {
			s.does("admin", "user", "create", name, "-e", name+"@example.org", "--no-password")
		}
		db := s.db()
		for _, n := range nouns {
			create, update := []string{"admin", n.noun, "create"}, []string{"admin", n.noun, "update", n.name}
			if n.add != "" {
				create = append(create, n.add)
			}
			for _, c := range n.columns {
				create, update = append(create, c.create), append(update, c.update)
			}
			s.does(create...)
			for col, c := range n.columns {
				expectColumn(t, db, n.table, col, c, c.made)
			}
			s.does(update...)
			for col, c := range n.columns {
				expectColumn(t, db, n.table, col, c, c.changed)
			}
			s.expectShown(n.noun, n.columns)
		}
	})
}

// expectColumn reads the newest row of a table.
func expectColumn(t *testing.T, db *sqldb.DB, table, col string, c setting, want any) {
	t.Helper()
	read := c.read
	if read == "" {
		read = col
	}
	got := reflect.New(reflect.TypeOf(want))
	err := db.Get(t.Context(), got.Interface(), "SELECT "+read+" FROM "+table+" WHERE id = (SELECT MAX(id) FROM "+table+")")
	if err != nil || got.Elem().Interface() != want {
		t.Errorf("%s.%s is %v (%v), want %v", table, col, got.Elem(), err, want)
	}
}

// expectShown finds the changed values in what list and show print as JSON, under the names of the flags.
func (s site) expectShown(noun string, columns map[string]setting) {
	s.t.Helper()
	var list []map[string]any
	if err := json.Unmarshal([]byte(s.does("admin", noun, "list", "--json")), &list); err != nil {
		s.t.Fatal(err)
	}
	newest := slices.MaxFunc(list, func(a, b map[string]any) int { return int(a["id"].(float64) - b["id"].(float64)) })
	for _, c := range columns {
		flag, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(c.update, "--"), "no-"), "=")
		key := strings.ReplaceAll(flag, "-", "_")
		if got := fmt.Sprint(newest[key]); got != fmt.Sprint(c.changed) {
			s.t.Errorf("%s list --json has %q: %s, want %v", noun, key, got, c.changed)
		}
	}
	name := map[string]string{"user": "username", "project": "linkname", "state": "slug", "tag": "name", "delegate-rule": "id"}[noun]
	var one map[string]any
	if err := json.Unmarshal([]byte(s.does("admin", noun, "show", fmt.Sprint(newest[name]), "--json")), &one); err != nil {
		s.t.Fatal(err)
	}
	if !reflect.DeepEqual(one, newest) {
		s.t.Errorf("show and list differ:\n%v\n%v", one, newest)
	}
}
