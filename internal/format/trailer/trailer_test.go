// SPDX-License-Identifier: GPL-2.0-or-later

package trailer

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const request = "Hi,\n\nThe following changes since commit 0123456789ab:\n\n  Linux 6.9 (2024-05-12)\n\n"

// What follows the words "repository at:" and what Patchwork 3.2 makes of it.
func TestPullURL(t *testing.T) {
	for after, want := range map[string]string{
		"\n\n  git://example.org/linux.git for-linus\n\nJohn (3):\n": "git://example.org/linux.git for-linus",
		"\n  git://example.org/x.git\n\nfor you to fetch\n":          "git://example.org/x.git",
		"\n  git://example.org/x.git":                                "git://example.org/x.git",
		"\n  user@host:foo.git tags/x\n":                             "user@host:foo.git tags/x",
		"\n  git+ssh://example.org/~me/x.git a_b-c.d\n":              "git+ssh://example.org/~me/x.git a_b-c.d",
		"\n  ssh://example.org:22/x.git tags/x \n":                   "ssh://example.org:22/x.git tags/x",
		"\n  HTTP://example.org/x.git tags/x\t\r\n":                  "HTTP://example.org/x.git tags/x",
		" \t\r\n\n\n\thttps://example.org/x.git/\n  tags/v5.4-soc\n": "https://example.org/x.git/ tags/v5.4-soc",
		"\n  git://example.org/x.git \\\n\tnext\n":                   "git://example.org/x.git next",
		"\n  git://example.org/x.git \\\n two words\n":               "git://example.org/x.git",
		"\n  git://example.org/x.git two words\n":                    "",
		"\n  git://example.org/x.git next,\n":                        "",
		"\n  git://exämple.org/x.git\n":                              "git://exämple.org/x.git",
		"\n  (tmp)\n":                                                "",
		"\n  foo bar\n":                                              "",
		"\n  foo\n":                                                  "",
		"\n  git://\n":                                               "",
		"\n  ://example.org\n":                                       "",
		" git://example.org/x.git\n":                                 "",
		"\n":                                                         "",
		"":                                                           "",
		" now:\n  git://example.org/x\n":                             "",
	} {
		text := request + "are available in the Git Repository at:" + after
		if got := PullURL(text); got != want {
			t.Errorf("after %q: PullURL = %q, want %q", after, got, want)
		}
	}
}

func TestPullURLNeedsBothLines(t *testing.T) {
	const where = "are available in the git repository at:\n  git://example.org/x\n"
	for text, want := range map[string]string{
		where:                     "",
		request:                   "",
		where + request:           "",
		"> " + request:            "git://example.org/x",
		request + "> " + where:    "",
		"The following: " + where: "",
		strings.ToUpper("The following changes since commit") + " x\n" + where: "git://example.org/x",
		"The following changes since commit " + where:                          "",
	} {
		if strings.HasPrefix(text, "> ") {
			text += where
		}
		if got := PullURL(text); got != want {
			t.Errorf("PullURL(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestPullURLTakesTheLast(t *testing.T) {
	at := "are available in the git repository at:\n  "
	text := request + at + "git://example.org/a\n\n" + request + at + "git://example.org/b one\n\n" + at + "none here\n"
	if got := PullURL(text); got != "git://example.org/b one" {
		t.Errorf("PullURL = %q", got)
	}
}

func TestPullURLIsCut(t *testing.T) {
	got := PullURL(request + "are available in the git repository at:\n  git://" + strings.Repeat("é", 400) + "\n")
	if want := "git://" + strings.Repeat("é", 249); got != want {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
}

func TestDependencies(t *testing.T) {
	for line, want := range map[string][]Dependency{
		"Depends-on: <1.2@example.org>":                                          {{Kind: MessageID, Value: "<1.2@example.org>"}},
		"depends-ON:<1.2@example.org> \r":                                        {{Kind: MessageID, Value: "<1.2@example.org>"}},
		"Depends-on:  1.2@example.org":                                           {{Kind: MessageID, Value: "<1.2@example.org>"}},
		"Based-on: <1@x>":                                                        {{Kind: MessageID, Value: "<1@x>"}},
		"prerequisite-message-id: <1@x>":                                         {{Kind: MessageID, Value: "<1@x>"}},
		"Depends-on: http://pw.example.org/project/net/list/?series=12":          {{Kind: SeriesID, Series: 12, Project: "net"}},
		"Depends-on: https://x/base/project/net/list?state=*&series=7":           {{Kind: SeriesID, Series: 7, Project: "net"}},
		"Depends-on: https://pw.example.org/project/net/patch/1.2@example.org/":  {{Kind: PatchPath, Value: "<1.2@example.org>", Project: "net"}},
		"Depends-on: https://pw.example.org/project/net/cover/a%2Fb+c@example.o": {{Kind: PatchPath, Value: "<a/b+c@example.o>", Project: "net"}},
		"Depends-on: https://lore.kernel.org/linux-man/1.2@example.org/":         {{Kind: MessageID, Value: "<1.2@example.org>"}},
		"Depends-on: https://lore.kernel.org/all/1.2@example.org/T/#u":           {{Kind: MessageID, Value: "<1.2@example.org>"}},
		"Depends-on: https://pw.example.org/project/net/list/?series=x":          nil,
		"Depends-on: https://pw.example.org/project/net/list/":                   nil,
		"Depends-on: https://pw.example.org/project/net/list/?series=-1":         nil,
		"Depends-on: https://pw.example.org/?series=1":                           nil,
		"Depends-on: https://pw.example.org/a%zz@b":                              nil,
		"Depends-on: ftp://pw.example.org/1":                                     nil,
		"Depends-on: <1@x> and more":                                             nil,
		"Depends-on: <1@x> <2@x>":                                                nil,
		"Depends-on: nothing":                                                    nil,
		"Depends-on: @x":                                                         nil,
		"Depends-on: <<1@x>>":                                                    nil,
		"Depends-on:":                                                            nil,
		"Depends-onto: <1@x>":                                                    nil,
		"> Depends-on: <1@x>":                                                    nil,
		" Depends-on: <1@x>":                                                     nil,
	} {
		if diff := cmp.Diff(want, Dependencies("text\n"+line+"\ntext")); diff != "" {
			t.Errorf("Dependencies(%q) (-want +got):\n%s", line, diff)
		}
	}
}

func TestDependenciesKeepOrderOnceEach(t *testing.T) {
	got := Dependencies("Depends-on: <b@x>\nDepends-on: <a@x>\nBased-on: b@x\n")
	want := []Dependency{{Kind: MessageID, Value: "<b@x>"}, {Kind: MessageID, Value: "<a@x>"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDependenciesAreBounded(t *testing.T) {
	var b strings.Builder
	for i := range 150 {
		fmt.Fprintf(&b, "Depends-on: <%d@x>\n", i)
	}
	got := Dependencies(b.String())
	if len(got) != 100 || got[99].Value != "<99@x>" {
		t.Errorf("%d dependencies", len(got))
	}
}

func TestTrailers(t *testing.T) {
	so := Trailer{"Signed-off-by", "A <a@x>"}
	for text, want := range map[string][]Trailer{
		"":                               nil,
		"Why.\n\nSigned-off-by: A <a@x>": {so},
		"Signed-off-by: A <a@x>\n---\nv2: more\n":                                  {so},
		"Why.\n\nFixes: 0123 (\"a\n very long: one\")\nSigned-off-by: A <a@x>\n\n": {{"Fixes", `0123 ("a very long: one")`}, so},
		"Why.\n\nSigned-off-by: A <a@x>\n[b: changed it]\nAcked-by : B":            {so, {"Acked-by", "B"}},
		"Why.\n\nplain words\nSigned-off-by: A <a@x>":                              {so},
		"Why.\n\n1\n2\n3\n4\nSigned-off-by: A <a@x>":                               nil,
		"Why.\n\nAcked-by: B\nplain words":                                         nil,
		"Why.\n\n(cherry picked from commit 0123)\nAcked-by: B":                    {{"Acked-by", "B"}},
		"Acked-by: B\n\nNo trailer here.":                                          nil,
		"Link: https://example.org/x\r\nSigned-off-by: A <a@x>\r\n":                {{"Link", "https://example.org/x"}, so},
		"https://example.org/x\nAcked-by: B":                                       nil,
		" Acked-by: B":                                                             nil,
		"Ack_by: B":                                                                nil,
	} {
		if diff := cmp.Diff(want, Trailers(text)); diff != "" {
			t.Errorf("Trailers(%q) (-want +got):\n%s", text, diff)
		}
	}
}

// slowPull is the rule of Patchwork 3.2 as one expression (reference §3.5).
var slowPull = regexp.MustCompile(`(?ims)^the following changes since commit.*^are available in the git repository at:\s*\n` +
	`\s*([\w+-]+(?:://|@)[\w/.@:~-]+[\s\\]*[\w/._-]*)\s*$`)

// FuzzPullURL puts texts together from the pieces that matter, one per byte.
func FuzzPullURL(f *testing.F) {
	pieces := []string{"\n", " ", "\nare available in the git repository at:", "git", "://", "@", "a/b", "\\", "-", ")", ":", "\n\n",
		"\nThe following changes since commit", "\t", "\r\n", "x.y"}
	f.Add([]byte{2, 0, 1, 3, 4, 6, 1, 15, 0})
	f.Add([]byte{2, 0, 3, 4, 6, 11, 3, 1, 3, 2, 0, 3, 5, 7, 0, 6, 9})
	f.Fuzz(func(t *testing.T, choice []byte) {
		var b strings.Builder
		b.WriteString("The following changes since commit")
		for _, c := range choice[:min(len(choice), 60)] {
			b.WriteString(pieces[int(c)%len(pieces)])
		}
		text, want := b.String(), ""
		if m := slowPull.FindStringSubmatch(text); m != nil {
			want = strings.Join(strings.FieldsFunc(m[1], isGap), " ")
			want = want[:min(len(want), 255)]
		}
		if got := PullURL(text); got != want {
			t.Errorf("PullURL(%q) = %q, want %q", text, got, want)
		}
	})
}

func BenchmarkDependencies(b *testing.B) {
	text := strings.Repeat("Because the driver needs it, and more of it.\n", 200)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Dependencies(text)
	}
}

func BenchmarkPullURL(b *testing.B) {
	text := strings.Repeat("Because the driver needs it, and more of it.\n", 200)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		PullURL(text)
	}
}

// FuzzTrailers checks what is read of any text.
func FuzzTrailers(f *testing.F) {
	f.Add("a\n\nSigned-off-by: b <c@d>\n more\nLink: https://x\n---\nx")
	f.Add("Acked-by:\n(cherry picked from commit 1)\n")
	f.Add("Depends-on: <a@b>\nBased-on: https://x/project/p/list/?series=9\nprerequisite-message-id: a@b\nDepends-on: https://x/project/p/patch/a%40b/\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, tr := range Trailers(text) {
			if tr.Key == "" || strings.ContainsAny(tr.Key, " :\n") || strings.Contains(tr.Value, "\n") || strings.Contains(tr.Value, "  ") {
				t.Fatalf("%q has the trailer %+v", text, tr)
			}
		}
		seen := map[Dependency]bool{}
		for _, d := range Dependencies(text) {
			id := strings.HasPrefix(d.Value, "<") && strings.HasSuffix(d.Value, ">") && strings.Contains(d.Value, "@")
			if seen[d] || len(seen) == MaxDependencies || (d.Kind == SeriesID) != (d.Series > 0) || (d.Kind == SeriesID) == id {
				t.Fatalf("%q has the dependency %+v", text, d)
			}
			seen[d] = true
		}
		if url := PullURL(text); utf8.RuneCountInString(url) > 255 || utf8.ValidString(text) && !utf8.ValidString(url) || strings.ContainsAny(url, "\r\n") {
			t.Fatalf("%q has the pull request %q", text, url)
		}
	})
}

func TestMerged(t *testing.T) {
	for text, want := range map[string]bool{
		"The pull request you sent on Mon:\n\n> git://x tags/y\n\nhas been merged into a.git:\nhttps://x/c/1\n": true,
		"the pull request was merged":                true,
		"Hi,\nThe pull request was merged.\n":        true,
		"The pull request\n> has been merged\n":      false,
		"> The pull request\nhas been merged\n":      false,
		"has been merged\nThe pull request you sent": false,
		"The pull request fails to build.\n":         false,
		"The commit has been merged into tip\n":      false,
		"":                                           false,
	} {
		if got := Merged(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
