// SPDX-License-Identifier: GPL-2.0-or-later

package patchweb

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
)

func TestPageURL(t *testing.T) {
	for msgid, want := range map[string]string{
		"<a@b>":       "/project/p%C3%B6/patch/a@b/",
		"a@b":         "/project/p%C3%B6/patch/a@b/",
		"<a/b@c>":     "/project/p%C3%B6/patch/a%252Fb@c/",
		"<a%b@c>":     "/project/p%C3%B6/patch/a%25b@c/",
		"<a+b c@d>":   "/project/p%C3%B6/patch/a+b%20c@d/",
		"<a?b#c@d>":   "/project/p%C3%B6/patch/a%3Fb%23c@d/",
		"<a%2Fb@c>":   "/project/p%C3%B6/patch/a%25252Fb@c/",       // Patchwork 3.2 gives it the path of <a/b@c>
		"<a/b%2Fc@d>": "/project/p%C3%B6/patch/a%252Fb%25252Fc@d/", // in 3.2 it has no path
		"<..>":        "/project/p%C3%B6/patch/%252E%252E/",
		"<<a>@b>":     "/project/p%C3%B6/patch/%3Ca%3E@b/",
		"<\"'&@x>":    "/project/p%C3%B6/patch/%22'&@x/",
	} {
		if got := patch.PagePath("pö", "patch", msgid); got != want {
			t.Errorf("%s: %s, want %s", msgid, got, want)
		}
	}
}

// TestParseTarget: of the forms that an address may mean the first that a message has is taken.
func TestParseTarget(t *testing.T) {
	for path, want := range map[string]target{
		"/project/x/patch/a@b/":                              {[]string{"<a@b>", "a@b", "<a@b"}, ""},
		"/project/x/patch/a@b":                               {[]string{"<a@b>", "a@b", "<a@b"}, ""},
		"/project/x/cover/a@b/mbox/":                         {[]string{"<a@b>", "a@b", "<a@b"}, "mbox"},
		"/project/patch/patch/patch/raw":                     {[]string{"<patch>", "patch", "<patch"}, "raw"},
		"/project/x/patch/a%252Fb/":                          {[]string{"<a/b>", "a/b", "<a/b", "<a%2Fb>", "a%2Fb", "<a%2Fb"}, ""},
		"/project/x/patch/a%252Fb%25252Fc/":                  {[]string{"<a/b%252Fc>", "a/b%252Fc", "<a/b%252Fc", "<a%2Fb%252Fc>", "a%2Fb%252Fc", "<a%2Fb%252Fc", "<a/b%2Fc>", "a/b%2Fc", "<a/b%2Fc"}, ""},
		"/project/x/patch/a%2Fmbox/":                         {[]string{"<a/mbox>", "a/mbox", "<a/mbox"}, ""},
		"/project/x/patch/%3Ca@b%3E/":                        {[]string{"<<a@b>>", "<a@b>", "<<a@b>"}, ""},
		"/project/x/patch/%2500%25FF/":                       {[]string{"<%00%FF>", "%00%FF", "<%00%FF", "<\uFFFD\uFFFD>", "\uFFFD\uFFFD", "<\uFFFD\uFFFD"}, ""},
		"/project/x/patch/mbox/":                             {[]string{"<mbox>", "mbox", "<mbox"}, ""},
		"/project/x/patch/":                                  {[]string{"<>", "", "<"}, ""},
		"/project/x/patch/50%25+%25/":                        {[]string{"<50%+%>", "50%+%", "<50%+%"}, ""},
		"/project/x/patch/a/patch/b@c/mbox/":                 {[]string{"<a/patch/b@c>", "a/patch/b@c", "<a/patch/b@c"}, "mbox"},
		"/project/x/patch/a@b/mbox/series/":                  {[]string{"<a@b/mbox/series>", "a@b/mbox/series", "<a@b/mbox/series"}, ""},
		"/project/x/patch/" + url.PathEscape("a b\"'") + "/": {[]string{`<a b"'>`, `a b"'`, `<a b"'`}, ""},
	} {
		if diff := cmp.Diff(want, parseTarget(path), cmp.AllowUnexported(target{})); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func TestParseChange(t *testing.T) {
	three, none, yes, no := int64(3), int64(0), true, false
	for form, want := range map[string]patch.Change{
		"":                                 {},
		"state=*&delegate=*&archived=*":    {},
		"state=&archived=":                 {},
		"state=3&delegate=3":               {State: &three, Delegate: &three},
		"delegate=":                        {Delegate: &none},
		"archived=True":                    {Archived: &yes},
		"archived=false&action=update&x=y": {Archived: &no},
		"state=3&state=4":                  {State: &three},
		"STATE=3":                          {},
	} {
		v, err := url.ParseQuery(form)
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseChange(v)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v %s", form, err, diff)
		}
	}
	for _, form := range []string{"state=x", "state=3.0", "state=99999999999999999999", "delegate=ann", "delegate=+", "archived=yes", "archived=1"} {
		v, _ := url.ParseQuery(form)
		if got, err := parseChange(v); err == nil {
			t.Errorf("%q: %+v", form, got)
		}
	}
}

func TestSafeLink(t *testing.T) {
	for address, want := range map[string]string{
		"https://example.org/a?b=c#d": "https://example.org/a?b=c#d", "http://example.org": "http://example.org", "HTTP://example.org/": "http://example.org/",
		"javascript:alert(1)": "", "javascript://example.org/": "", "//example.org/": "", "example.org": "", "": "", "https://": "", "ftp://example.org/": "", "java\nscript:x": "", "https://exa mple.org/": "",
	} {
		if got := safeLink(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
	pr := project.Project{ListArchiveURLFormat: "https://l.example/{}/t.html", CommitURLFormat: "javascript:{}"}
	if got := archiveURL(pr, "<a/b?c@d>"); got != "https://l.example/a%2Fb%3Fc@d/t.html" {
		t.Error(got)
	}
	if got := commitURL(pr, "alert(1)"); got != "" {
		t.Error(got)
	}
}

func TestFlashOf(t *testing.T) {
	for want, done := range map[string]patch.Changed{
		"No patches updated":                  {},
		"1 patch updated (state: Accepted)":   {Patches: 1},
		"2 patches updated (state: Accepted)": {Patches: 2},
		"1 patch updated (state: Accepted). You don't have permissions to edit patch '\uFFFDx'": {Patches: 1, Refused: []string{"\u202ex"}},
		"No patches updated. You don't have permissions to edit patch 'a', 'b', 'c' and 2 more": {Refused: strings.Split("abcde", "")},
	} {
		if f := flashText(done, "state: Accepted"); f.Text != want || f.Bad != (len(done.Refused) > 0) {
			t.Errorf("%+v, want %q", f, want)
		}
	}
}
