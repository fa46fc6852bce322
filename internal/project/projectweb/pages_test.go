// SPDX-License-Identifier: GPL-2.0-or-later

package projectweb

import (
	"fmt"
	"testing"

	"patchwork.example/pw/internal/project"
)

func TestOnWeb(t *testing.T) {
	for address, want := range map[string]bool{
		"https://example.org/x?y=z": true, "http://example.org": true, "HTTPS://example.org/": true, "git://example.org/x": false, "ssh://git@example.org/x": false,
		"git@example.org:x.git": false, "javascript:alert(1)": false, "javascript://example.org/": false, "//example.org/": false, "/x": false, "": false, "https://": false,
		"https:example.org": false, " https://example.org/": false, "data:text/html,x": false,
	} {
		if got := onWeb(address); got != want {
			t.Errorf("%q: %v", address, got)
		}
	}
}

func TestLinks(t *testing.T) {
	got := fmt.Sprint(links(project.Project{WebURL: "w", SCMURL: "s", WebSCMURL: "b", ListArchiveURL: "a"}))
	if want := "[{Web site w} {Source b} {Repository s} {List archive a}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := links(project.Project{SCMURL: "git://x"}); len(got) != 1 || got[0].url != "git://x" {
		t.Errorf("%v", got)
	}
}

func TestURLs(t *testing.T) {
	p := project.Project{Linkname: "größe_2"}
	if got := listURL(p) + " " + aboutURL(p); got != "/project/gr%C3%B6%C3%9Fe_2/list/ /project/gr%C3%B6%C3%9Fe_2/" {
		t.Error(got)
	}
}
