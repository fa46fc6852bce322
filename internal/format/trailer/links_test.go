// SPDX-License-Identifier: GPL-2.0-or-later

package trailer

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadLinks(t *testing.T) {
	const commit, id = "0123456789abcdef0123456789abcdef01234567", "89abcdef0123456789abcdef0123456789abcdef"
	for text, want := range map[string]Links{
		"": {},
		"Words.\n\n---\nbase-commit: " + commit + "\nchange-id: 20240101-topic-abcdef123456\n": {BaseCommit: commit, ChangeID: "20240101-topic-abcdef123456"},
		"Base-Commit: ABCDEF1\r\n":                             {BaseCommit: "abcdef1"},
		"base-commit: HEAD\nchange-id: two words\n":            {},
		"base-commit: abc\n":                                   {},
		"change-id: one\nchange-id: two\n":                     {ChangeID: "two"},
		"> change-id: quoted\n change-id: indented\n":          {},
		"Supersedes: <a@b.example>\n":                          {Supersedes: []string{"<a@b.example>"}},
		"supersedes: a@b.example\nObsoletes: <c@d.example>\n":  {Supersedes: []string{"<a@b.example>", "<c@d.example>"}},
		"Supersedes: https://lore.example/list/a@b.example/\n": {Supersedes: []string{"<a@b.example>"}},
		"Supersedes: the first version\n":                      {},
		"prerequisite-change-id: topic:v3\nprerequisite-change-id: other:latest\nprerequisite-change-id: third\n": {Changes: []string{"topic:v3", "other", "third"}},
		"prerequisite-patch-id: " + strings.ToUpper(id) + "\nprerequisite-patch-id: " + id[1:] + "\n":             {PatchIDs: []string{id}},
		"change-id: " + strings.Repeat("x", 256) + "\n":                                                           {},
	} {
		if diff := cmp.Diff(want, ReadLinks(text)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
	if n := len(ReadLinks(strings.Repeat("prerequisite-patch-id: "+id+"\n", 200)).PatchIDs); n != MaxDependencies {
		t.Errorf("%d ids", n)
	}
}
