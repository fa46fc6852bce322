// SPDX-License-Identifier: GPL-2.0-or-later

package main

import (
	"strings"
	"testing"
)

func TestProjectCommands(t *testing.T) {
	s := newSite(t)
	s.says("admin project create widgets -n Widgets -i w.example.org -e w@example.org", 0, "created project \"widgets\"\n", "")
	s.says("admin project create -l tools -n Tools -i dev.example.org -e dev@example.org --web-url https://example.org/ --scm-url git://example.org"+
		" --webscm-url https://git.example.org/ --list-archive-url https://lore.example.org/ --subject-match tool --commit-url-format https://git.example.org/{}",
		0, "created project \"tools\"\n", "")
	s.says("admin project create gadgets -n Gadgets --listid g.example.org --listemail g@example.org --use_tags=false", 0, "created project \"gadgets\"\n", "")
	s.exec("UPDATE project SET id = CASE linkname WHEN 'widgets' THEN 1 WHEN 'tools' THEN 2 ELSE 3 END")
	s.says("admin project list", 0, ""+
		"ID  LINKNAME  NAME     LIST ID          LIST EMAIL       SUBJECT MATCH\n"+
		"3   gadgets   Gadgets  g.example.org    g@example.org    -\n"+
		"2   tools     Tools    dev.example.org  dev@example.org  tool\n"+
		"1   widgets   Widgets  w.example.org    w@example.org    -\n", "")
	want(t, s.pw("", "admin", "project", "update", "tools", "--nav-html", "<a>\n\n<b>\n", "--no-use-tags", "--hints", "nobody"),
		outcome{0, "changed project \"tools\"\n", ""})
	s.says("admin project update -l tools --auto-supersede", 0, "changed project \"tools\"\n", "")
	s.says("admin project show 2", 0, `id                       2
linkname                 tools
name                     Tools
list id                  dev.example.org
list email               dev@example.org
subject match            tool
web url                  https://example.org/
scm url                  git://example.org
webscm url               https://git.example.org/
list archive url         https://lore.example.org/
list archive url format  -
commit url format        https://git.example.org/{}
send notifications       no
use tags                 no
show dependencies        no
auto supersede           yes
hints                    nobody
nav html                 <a>
                         
                         <b>
`, "")
	s.says("admin project delete gadgets", 0, "deleted project \"gadgets\"\n", "")
	s.says("admin project delete -l tools --yes", 0, "deleted project \"tools\"\n", "")
	s.says("admin project list", 0, ""+
		"ID  LINKNAME  NAME     LIST ID        LIST EMAIL     SUBJECT MATCH\n"+
		"1   widgets   Widgets  w.example.org  w@example.org  -\n", "")
}

func TestProjectErrors(t *testing.T) {
	s := newSite(t)
	s.does("admin", "project", "create", "widgets", "-n", "Widgets", "-i", "w.example.org", "-e", "w@example.org")
	tests := []struct {
		line string
		code int
		err  string
	}{
		{"create widgets -n Other -i o.example.org -e o@example.org", 73,
			"pw: another project has the link name \"widgets\", the name \"Other\", or the list id \"o.example.org\" with the same subject match \"\"\n"},
		{"create other -n Other", 64, "pw: required flag(s) \"list-id\", \"list-email\" not set\nRun 'pw admin project create --help' for usage.\n"},
		{"create a/b -n Other -i o.example.org -e o@example.org", 65, "pw: link name \"a/b\": want letters, digits, - and _ only\n"},
		{"update widgets --hints all", 65, "pw: hints \"all\": want anyone, maintainers or nobody\n"},
		{"update gadgets --use-tags", 66, "pw: no project \"gadgets\"\n"},
		{"show gadgets", 66, "pw: no project \"gadgets\"\n"},
		{"delete gadgets", 66, "pw: no project \"gadgets\"\n"},
	}
	for _, tt := range tests {
		s.says("admin project "+tt.line, tt.code, "", tt.err)
	}
}

func TestProjectWithMailIsDeletedOnlyByPurge(t *testing.T) {
	s := newMailSite(t)
	s.says("admin project delete widgets", 73, "", "pw: delete project \"widgets\": it has 4 messages; say --purge to delete them with it\n")

	const question = "Delete project \"widgets\" and its 4 messages? This can't be undone. Type yes to go on [no]: "
	at := s.atTerminal("admin", "project", "delete", "widgets", "--purge")
	at.answer(question, "y\n")
	at.ends(130, question+"y\npw: nothing was deleted: interrupted\n")
	s.does("admin", "project", "show", "widgets")

	at = s.atTerminal("admin", "project", "delete", "widgets", "--purge")
	at.answer(question, "yes\n")
	at.ends(0, question+"yes\ndeleted project \"widgets\" and its 4 messages\n")
	for _, table := range []string{"project", "patch", "message", "series"} {
		s.expectRows(table, 0)
	}
	s.expectRows("mail_raw", 1) // the mail for no project
}

func TestMaintainerCommands(t *testing.T) {
	s := newSite(t)
	s.does("admin", "project", "create", "widgets", "-n", "Widgets", "-i", "w.example.org", "-e", "w@example.org")
	for _, name := range []string{"ann", "bob"} {
		s.does("admin", "user", "create", name, "-e", name+"@example.org", "--no-password")
	}
	const none = "PROJECT  USERNAME  EMAIL\n"
	s.says("admin maintainer list", 0, none, "")
	s.says("admin maintainer add widgets Ann", 0, "\"Ann\" is maintainer of \"widgets\"\n", "")
	s.says("admin maintainer create --project widgets --user ann", 0, "\"ann\" is maintainer of \"widgets\"\n", "")
	s.says("admin maintainer list widgets", 0, none+"widgets  ann       ann@example.org\n", "")
	s.says("admin maintainer update widgets ann --user bob", 0, "\"bob\" is maintainer of \"widgets\" in place of \"ann\"\n", "")
	s.says("admin maintainer list --project widgets --json", 0, "[\n  {\"project\": \"widgets\", \"username\": \"bob\", \"email\": \"bob@example.org\"}\n]\n", "")
	s.says("admin maintainer show widgets Bob", 0, "project   widgets\nusername  bob\nemail     bob@example.org\n", "")
	s.says("admin maintainer show widgets ann", 66, "", "pw: \"ann\" is not a maintainer of \"widgets\"; it has: bob\n")
	s.says("admin maintainer remove widgets ann", 66, "", "pw: maintainer delete widgets ann: \"ann\" is not a maintainer of \"widgets\"\n")
	s.says("admin maintainer update widgets ann --user bob", 66, "", "pw: maintainer update widgets bob: \"ann\" is not a maintainer of \"widgets\"\n")
	s.says("admin maintainer remove --project widgets --user bob", 0, "\"bob\" is no longer maintainer of \"widgets\"\n", "")
	s.says("admin maintainer list", 0, none, "")
	s.says("admin maintainer list gadgets", 66, "", "pw: no project \"gadgets\"\n")
	s.says("admin maintainer add gadgets ann", 66, "", "pw: maintainer create gadgets ann: no project \"gadgets\"\n")
	s.says("admin maintainer add widgets carol", 66, "", "pw: maintainer create widgets carol: no user \"carol\"\n")
	s.says("admin maintainer add widgets", 64, "",
		"pw: wrong number of arguments; write \"pw admin maintainer create PROJECT USER [flags]\"\nRun 'pw admin maintainer create --help' for usage.\n")
	s.says("admin maintainer add --project widgets", 64, "",
		"pw: if any flags in the group [project user] are set they must all be set; missing [user]\nRun 'pw admin maintainer create --help' for usage.\n")
}

func TestRuleCommands(t *testing.T) {
	s := newSite(t)
	s.does("admin", "project", "create", "widgets", "-n", "Widgets", "-i", "w.example.org", "-e", "w@example.org")
	for _, name := range []string{"ann", "bob"} {
		s.does("admin", "user", "create", name, "-e", name+"@example.org", "--no-password")
	}
	s.says("admin delegate-rule create --project widgets --user ann --path fs/*", 0, "created delegation rule 1\n", "")
	s.does(strings.Fields("admin delegate-rule create --project widgets --user ann --path fs/erofs/* --priority 10")...)
	s.exec("UPDATE delegation_rule SET id = 2 WHERE priority = 10") // ids may have gaps
	s.says("admin delegate-rule create --project widgets --user bob --path fs/*", 73, "", "pw: delegate-rule create: project \"widgets\" has a rule for the path \"fs/*\" already\n")
	s.says("admin delegate-rule create --project widgets --user bob", 64, "", "pw: required flag(s) \"path\" not set\nRun 'pw admin delegate-rule create --help' for usage.\n")
	s.says("admin delegate-rule create --project widgets --user carol --path x", 66, "", "pw: delegate-rule create: no user \"carol\"\n")
	s.says("admin delegate-rule update --project widgets --path fs/* --user bob", 0, "changed delegation rule 1\n", "")
	s.says("admin delegate-rule update 2 --path fs/erofs/x*", 0, "changed delegation rule 2\n", "")
	s.says("admin delegate-rule list widgets", 0, ""+
		"ID  PROJECT  PATH         USER  PRIORITY\n"+
		"2   widgets  fs/erofs/x*  ann   10\n"+
		"1   widgets  fs/*         bob   0\n", "")
	s.says("admin delegate-rule show --project widgets --path fs/*", 0, "id        1\nproject   widgets\npath      fs/*\nuser      bob\npriority  0\n", "")
	s.says("admin delegate-rule show --project widgets --path net/*", 66, "", "pw: project \"widgets\" has no rule for the path \"net/*\"; see `pw admin delegate-rule list`\n")
	s.says("admin delegate-rule show --project widgets", 64, "", "pw: name the rule by its number or by --project and --path\nRun 'pw admin delegate-rule show --help' for usage.\n")
	s.says("admin delegate-rule show 7", 66, "", "pw: no delegation rule 7\n")
	s.says("admin delegate-rule update --project widgets --path fs/*", 64, "",
		"pw: nothing to change: say with flags what should be different, see \"pw admin delegate-rule update --help\"\nRun 'pw admin delegate-rule update --help' for usage.\n")
	s.says("admin delegate-rule delete x", 65, "", "pw: delegate-rule delete: delegation rule \"x\": want its number, see `pw admin delegate-rule list`\n")
	s.says("admin delegate-rule delete 1", 0, "deleted delegation rule 1\n", "")
	s.says("admin delegate-rule delete --project widgets --path fs/erofs/x*", 0, "deleted delegation rule 2\n", "")
	s.says("admin delegate-rule list --project widgets --json", 0, "[]\n", "")
}
