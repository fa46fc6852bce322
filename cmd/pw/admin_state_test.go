// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// order lists the states as place:slug.
func (s site) order() string {
	s.t.Helper()
	var states []struct {
		Slug     string
		Ordering int
	}
	if err := json.Unmarshal([]byte(s.does("admin", "state", "list", "--json")), &states); err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, st := range states {
		out = append(out, fmt.Sprintf("%d:%s", st.Ordering, st.Slug))
	}
	return strings.Join(out, " ")
}

func TestStateCommands(t *testing.T) {
	s := newSite(t)
	s.says("admin state list", 0, ""+
		"ID  NAME               SLUG               ORDERING  ACTION REQUIRED\n"+
		"1   New                new                0         yes\n"+
		"2   Under Review       under-review       1         yes\n"+
		"3   Accepted           accepted           2         no\n"+
		"4   Rejected           rejected           3         no\n"+
		"5   RFC                rfc                4         no\n"+
		"6   Not Applicable     not-applicable     5         no\n"+
		"7   Changes Requested  changes-requested  6         no\n"+
		"8   Awaiting Upstream  awaiting-upstream  7         no\n"+
		"9   Superseded         superseded         8         no\n"+
		"10  Deferred           deferred           9         no\n", "")
	want(t, s.pw("", "admin", "state", "create", "In Next", "--no-action-required"), outcome{0, "created state \"in-next\"\n", ""})
	want(t, s.pw("", "admin", "state", "create", "-n", "In next"), outcome{73, "", "pw: state create: another state has the name \"In next\" or the slug \"in-next\"\n"})
	want(t, s.pw("", "admin", "state", "update", "in next", "-n", "Linux Next"), outcome{0, "changed state \"in-next\"\n", ""})
	s.says("admin state update -n in-next --slug linux-next", 0, "changed state \"linux-next\"\n", "")
	s.says("admin state show LINUX-NEXT", 0, "id               11\nname             Linux Next\nslug             linux-next\nordering         10\naction required  no\n", "")
	s.says("admin state update linux-next --slug new", 73, "", "pw: state update: another state has the name \"Linux Next\" or the slug \"new\"\n")
	s.says("admin state update linux-next --slug Next", 65, "", "pw: state update: state slug \"Next\": want lower-case letters, digits and -\n")
	s.says("admin state create Done --ordering -1 --slug done", 65, "", "pw: state create: ordering -1: want 0 or more\n")
	s.says("admin state create Done --slug done", 0, "created state \"done\"\n", "")
	s.says("admin state delete done", 0, "deleted state \"done\"\n", "")
	s.says("admin state delete done", 66, "", "pw: state delete: no state \"done\"; there are: new, under-review, accepted, rejected, rfc,"+
		" not-applicable, changes-requested, awaiting-upstream, superseded, deferred, linux-next\n")
}

func TestStatesMakeRoom(t *testing.T) {
	s := newSite(t)
	for _, slug := range strings.Fields("rejected rfc not-applicable changes-requested awaiting-upstream superseded") {
		s.does("admin", "state", "delete", slug)
	}
	steps := []struct{ line, want string }{
		{"create Next --ordering 1", "0:new 1:next 2:under-review 3:accepted 9:deferred"},
		{"update accepted --ordering 0", "0:accepted 1:new 2:next 3:under-review 9:deferred"},
		{"update accepted --ordering 0", "0:accepted 1:new 2:next 3:under-review 9:deferred"},
		{"update new --ordering 2", "0:accepted 2:new 3:next 4:under-review 9:deferred"},
		{"update next --ordering 9", "0:accepted 2:new 4:under-review 9:next 10:deferred"},
		{"update deferred --ordering 9", "0:accepted 2:new 4:under-review 9:deferred 10:next"},
		{"update deferred --ordering 1 --no-action-required", "0:accepted 1:deferred 2:new 4:under-review 10:next"},
	}
	for _, step := range steps {
		s.does(append([]string{"admin", "state"}, strings.Fields(step.line)...)...)
		if got := s.order(); got != step.want {
			t.Errorf("%s: %s, want %s", step.line, got, step.want)
		}
	}
}

func TestStateInUseStays(t *testing.T) {
	s := newMailSite(t)
	s.says("admin state delete new", 73, "", "pw: state delete: 1 patches are in state \"new\": move them to another state first\n")
}

func TestTagCommands(t *testing.T) {
	s := newSite(t)
	s.says("admin tag create Fixes", 0, "created tag \"Fixes\"\n", "")
	s.says("admin tag create Found-by", 73, "", "pw: tag create: another tag has the abbreviation \"F\"\n")
	s.says("admin tag create -n Found-by -a Fo -p ^Found --no-show-column", 0, "created tag \"Found-by\"\n", "")
	s.says("admin tag create Bad -p (", 65, "", "pw: tag create: tag pattern \"(\" is no regular expression: regular expression \"(\", character 1: error parsing regexp: missing closing ) in `(`\n")
	s.says("admin tag update fixes --pattern ^Fixes:.*[0-9a-f] -n Mends", 0, "changed tag \"Mends\"\n", "")
	s.says("admin tag update F -a A", 73, "", "pw: tag update: another tag has the abbreviation \"A\"\n")
	s.exec("UPDATE tag SET id = 5 WHERE abbrev = 'Fo'") // ids may have gaps
	s.says("admin tag list", 0, ""+
		"ID  NAME         PATTERN            ABBREV  SHOW COLUMN\n"+
		"1   Acked-by     ^Acked-by:         A       yes\n"+
		"4   Mends        ^Fixes:.*[0-9a-f]  F       yes\n"+
		"5   Found-by     ^Found             Fo      no\n"+
		"2   Reviewed-by  ^Reviewed-by:      R       yes\n"+
		"3   Tested-by    ^Tested-by:        T       yes\n", "")
	s.says("admin tag show found-by", 0, "id           5\nname         Found-by\npattern      ^Found\nabbrev       Fo\nshow column  no\n", "")
	s.says("admin tag delete Fo", 0, "deleted tag \"Fo\"\n", "")
	s.says("admin tag show Fo", 66, "", "pw: no tag \"Fo\"; see `pw admin tag list`\n")
}
