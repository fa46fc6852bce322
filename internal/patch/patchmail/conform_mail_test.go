// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// mailCase is one mail and what it becomes. What is empty is not looked at, but for outcome, series and events: those of a single patch.
type mailCase struct {
	name     string
	mail     letter
	outcome  string
	series   []string
	events   string
	title    string   // name of the patch
	url      string   // of the pull request
	email    string   // of the submitter
	who      string   // his name
	hash     string   // a value of Django's hasher for this very diff
	diff     string   // how the diff begins; "none": there is none
	inDiff   []string // what it holds, each once for each time it is named
	length   int      // of the diff
	text     string   // the whole text
	notThere []string // neither in diff nor in text
}

const (
	renames = "diff --git a/fs/old.c b/fs/new.c\nsimilarity index 100%\nrename from fs/old.c\nrename to fs/new.c\n" +
		"diff --git a/fs/old.h b/fs/new.h\nsimilarity index 100%\nrename from fs/old.h\nrename to fs/new.h\n"
	renameAndHunk = "diff --git a/x b/f\nsimilarity index 90%\nrename from x\nrename to f\n" + tiny
	tiny          = "--- a/f\n+++ b/f\n@@ -1 +1 @@ fn\n-a\n+b\n"
	tinyHash      = "55a796d31a5a90af598862300e5a616da8ac982f"
	emptyHash     = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	emptyFile     = "diff --git a/empty.txt b/empty.txt\nnew file mode 100644\nindex 000000000000..e69de29bb2d1\n"
	modeChange    = "diff --git a/tool.sh b/tool.sh\nold mode 100644\nnew mode 100755\n"
	binaryNew     = "diff --git dot.png dot.png\nnew file mode 100644\nindex 0000000000000000000000000000000000000000..1f1ac2d1d3a7c6e2b7d5c3a49c4e8fd5a1b2c3d4\n" +
		"GIT binary patch\nliteral 142\nzcmZ?wHDF+1WH{(L01^@FSp\n\nliteral 0\nHcmV?d00001\n\n"
	binaryChange = "diff --git dot.png dot.png\nindex 1f1ac2d1d3a7c6e2b7d5c3a49c4e8fd5a1b2c3d4..2f1ac2d1d3a7c6e2b7d5c3a49c4e8fd5a1b2c3d4 100644\n" +
		"GIT binary patch\nliteral 0\nHcmV?d00001\n\nliteral 142\nzcmZ?wHDF+1WH{(L01^@FSp\n\n"
	textNew   = "diff --git run.sh run.sh\nnew file mode 100755\nindex 0000000..47d8ab1\n--- /dev/null\n+++ run.sh\n@@ -0,0 +1 @@\n+exit 0\n"
	noNewline = "diff --git a/u b/u\nindex 1..2 100644\n--- a/u\n+++ b/u\n@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+two\n\\ No newline at end of file\n"
	rcs       = "Index: ld/emul.c\n===================================================================\nRCS file: /cvs/ld/emul.c,v\nretrieving revision 1.4\n" +
		"diff -u -p -r1.4 emul.c\n--- ld/emul.c\t1 Mar 2021 10:00:00 -0000\t1.4\n+++ ld/emul.c\t1 Mar 2021 10:05:00 -0000\n@@ -3,2 +3,3 @@\n a\n+b\n c\n"
)

// pullRequest is the text that git request-pull writes around an address.
func pullRequest(address string) string {
	return "Hi Lin,\n\nThe following changes since commit 52d543b549883ff0e503cdb159da5b8c1ed8b0f4:\n\n  Linux 5.12-rc1 (2021-02-28 16:05:19 -0800)\n\n" +
		"are available in the Git repository at:\n\n" + address + "\n\nfor you to fetch changes up to 0a1b2c3:\n\n  lib: go on (2021-03-01 11:00:00 +0000)\n\n" +
		"Ann Author (1):\n      lib: go on\n"
}

const git = "git://git.hosts.example/"

func multipart(parts ...string) string {
	return "--=_b\n" + strings.Join(parts, "\n--=_b\n") + "\n--=_b--\n"
}

const mixed = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"=_b\"\n"

var mailCases = []mailCase{
	{name: "0001-git-pull-request", mail: letter{subject: "[git pull] Please pull lib.git next branch", body: strings.ReplaceAll(pullRequest("  "+git+"ann/lib.git next"), "Git repository", "git repository")},
		title: "[git,pull] Please pull lib.git next branch", url: git + "ann/lib.git next", diff: "none"},
	{name: "0002-git-pull-request-wrapped", mail: letter{subject: "[GIT PULL] lib", body: pullRequest("  " + git + "ann/lib.git \\\n  next")}, url: git + "ann/lib.git next", diff: "none"},
	{name: "0003-git-pull-request-with-diff", mail: letter{subject: "[GIT PULL] x86 fixes", body: pullRequest("  "+git+"tip/tip.git x86-fixes") + "\n" + diffOf("arch/x86/smp.h")},
		url: git + "tip/tip.git x86-fixes", diff: "diff --git a/arch/x86/smp.h"},
	{name: "0004-git-pull-request-git+ssh", mail: letter{subject: "[GIT PULL] lib", body: pullRequest("  git+ssh://git.hosts.example/ann/lib.git for-linus")}, url: "git+ssh://git.hosts.example/ann/lib.git for-linus", diff: "none"},
	{name: "0005-git-pull-request-ssh", mail: letter{subject: "[GIT PULL] lib", body: pullRequest("  ssh://git.hosts.example/ann/lib.git for-linus")}, url: "ssh://git.hosts.example/ann/lib.git for-linus", diff: "none"},
	{name: "0006-git-pull-request-http", mail: letter{subject: "[GIT PULL] lib", body: pullRequest("  http://git.hosts.example/ann/lib.git for-linus")}, url: "http://git.hosts.example/ann/lib.git for-linus", diff: "none"},
	{name: "0007-cvs-format-diff", mail: letter{subject: "[PATCH]: Fix ld emulation", body: "2021-03-01  Ann\n\n\t* emul.c: go on.\n\n" + rcs}, title: ": Fix ld emulation", diff: rcs, text: "2021-03-01  Ann\n\n\t* emul.c: go on."},
	{name: "0008-git-rename", mail: letter{subject: "[PATCH 01/11] fs: rename", body: "Rename.\n---\n\n" + renames + signature}, series: []string{`(1,11,[1]) - "[01/11] fs: rename"`}, events: "PSp",
		diff: renames, inDiff: []string{"rename from", "rename from", "rename to", "rename to"}, hash: emptyHash},
	{name: "0009-git-rename-with-diff", mail: letter{subject: "[PATCH] fs: rename", body: "Rename.\n---\n\n" + renameAndHunk + signature}, diff: renameAndHunk, hash: tinyHash},
	{name: "0010-invalid-charset", mail: letter{subject: "[PATCH] lib", header: "Content-Type: text/plain; charset=x-no-such-charset\nContent-Transfer-Encoding: 8bit\n", body: "Größe\n---\n" + tiny}, hash: tinyHash, text: "Größe\n---"},
	{name: "0011-no-newline-at-end-of-file", mail: letter{subject: "[PATCH 5/5] lib", body: "End.\n---\n\n" + noNewline}, series: []string{`(1,5,[5]) - ""`}, events: "PS",
		diff: noNewline, inDiff: []string{`\ No newline`, `\ No newline`}, text: "End.\n---"},
	{name: "0012-invalid-header-char", mail: letter{subject: "[PATCH] lib", header: "X-Mailer: mutt \x00 1.5\nX-Odd\xff: \xfe\n", body: tiny}, hash: tinyHash},
	{name: "0013-with-utf8-body", mail: letter{subject: "[PATCH] lib", from: "=?UTF-8?q?Rafa=C5=82_Mi=C5=82y?= <rafal@people.example>", header: "Content-Type: text/plain; charset=UTF-8\n", body: "Łódź\n---\n" + tiny},
		email: "rafal@people.example", who: "Rafał Miły", text: "Łódź\n---", hash: tinyHash},
	// Django replaces every byte of the two names.
	{name: "0014-with-unencoded-utf8-headers", mail: letter{subject: "[PATCH] lib: größer", from: "Rafał Miły <rafal@people.example>", body: tiny}, title: "lib: größer", who: "Rafał Miły"},
	{name: "0015-with-invalid-utf8-headers", mail: letter{subject: "=?utf-8?q?=5BPATCH=5D_caf=C3?= =?utf-8?q?=A9?=", from: "=?UTF-8?q?Rafa=C5?= <rafal@people.example>", body: tiny}, email: "rafal@people.example"},
	{name: "0016-no-subject", mail: letter{subject: "", body: "Words\n---\n" + tiny}, series: []string{`(1,1,[1]) - ""`}, hash: tinyHash},
	{name: "0017-git-pull-request-git-2-14-3", mail: letter{subject: "[GIT] Networking", body: strings.ReplaceAll(pullRequest("  "+git+"net/net"), "for you to fetch", "for you to fetch changes")}, url: git + "net/net", diff: "none"},
	{name: "0019-multipart-patch", mail: letter{subject: "[PATCH] lib", header: strings.ReplaceAll(mixed, "mixed", "alternative"),
		body: multipart("Content-Type: text/plain\n\nWords\n---\n"+tiny, "Content-Type: text/html\n\n<div>Words</div>")}, hash: tinyHash, text: "Words\n---", notThere: []string{"<div"}},
	{name: "0020-multipart-comment", mail: letter{subject: "Re: [PATCH] lib", refs: "gone", header: strings.ReplaceAll(mixed, "mixed", "alternative"),
		body: multipart("Content-Type: text/plain\n\nSo be it.", "Content-Type: text/html\n\n<div>So be it.</div>")}, outcome: "pending", series: []string{}, events: "-"},
	{name: "0021-git-empty-new-file", mail: letter{subject: "[PATCH 1/3] lib", body: "Empty.\n---\n\n" + emptyFile + signature}, series: []string{`(1,3,[1]) - "[1/3] lib"`}, events: "PSp", diff: emptyFile, length: 89, hash: emptyHash},
	{name: "0022-git-mode-change", mail: letter{subject: "[PATCH 1/1] tool: Make it executable", body: "Mode.\n---\n\n" + modeChange + signature}, series: []string{`(1,1,[1]) - "[1/1] tool: Make it executable"`},
		title: "[1/1] tool: Make it executable", diff: modeChange, length: 63, hash: emptyHash},
	{name: "0023-git-pull-request-newline-in-url", mail: letter{subject: "[GIT PULL] soc", body: pullRequest("  https://git.hosts.example/soc/linux.git/\ntags/v5.4-next-soc")}, url: "https://git.hosts.example/soc/linux.git/ tags/v5.4-next-soc", diff: "none"},
	{name: "0024-git-pull-request-trailing-space", mail: letter{subject: "[GIT PULL] soc", body: pullRequest("  " + git + "soc/davinci.git tags/v5.6/soc ")}, url: git + "soc/davinci.git tags/v5.6/soc", diff: "none"},
	{name: "0025-git-add-binary-file", mail: letter{subject: "[PATCH] dot", body: "Dot.\n---\n\n" + binaryNew + signature}, diff: binaryNew, inDiff: []string{"GIT binary patch", "literal 142", "literal 0"}, notThere: []string{"2.39.5"}, text: "Dot.\n---"},
	// Django moves the mode and index lines of the text file into the text.
	{name: "0026-git-add-mixed-binary-text-files", mail: letter{subject: "[PATCH] dot", body: "Dot.\n---\n\n" + binaryNew + textNew + signature}, diff: binaryNew + textNew, text: "Dot.\n---"},
	{name: "0027-git-modify-binary-file", mail: letter{subject: "[PATCH] dot", body: "Dot.\n---\n\n" + binaryChange + signature}, diff: binaryChange, inDiff: []string{"literal 0", "literal 142"}, text: "Dot.\n---"},

	// What the old systems lose or get wrong, by the section of the reference that says so.
	{name: "wrong charset declared (3.1)", mail: letter{subject: "[PATCH] lib", header: "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n", body: "Gr\xf6\xdfe\n---\n" + tiny}, text: "Größe\n---", hash: tinyHash},
	{name: "us-ascii with UTF-8 in it (3.1)", mail: letter{subject: "[PATCH] lib", header: "Content-Type: text/plain; charset=us-ascii\n", body: "Größe\n---\n" + tiny}, text: "Größe\n---", hash: tinyHash},
	{name: "multipart/signed (A14)", mail: letter{subject: "[PATCH] lib", header: "Content-Type: multipart/signed; micalg=pgp-sha256; protocol=\"application/pgp-signature\"; boundary=\"=_b\"\n",
		body: multipart("Content-Type: text/plain\n\nWords\n---\n"+tiny, "Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\n\niQ\n-----END PGP SIGNATURE-----")},
		hash: tinyHash, text: "Words\n---", notThere: []string{"BEGIN PGP"}},
	{name: "base64 body", mail: letter{subject: "[PATCH] lib", header: "Content-Transfer-Encoding: base64\nContent-Type: text/plain; charset=utf-8\n", body: base64.StdEncoding.EncodeToString([]byte("Größe\n---\n" + tiny))}, text: "Größe\n---", hash: tinyHash},
	{name: "unknown transfer encoding", mail: letter{subject: "[PATCH] lib", header: "Content-Transfer-Encoding: x-uuu\n", body: tiny}, hash: tinyHash},
	{name: "a forwarded mail (3.1)", mail: letter{subject: "Fwd: lib", header: mixed, body: multipart("Content-Type: text/plain\n\nSee below.", "Content-Type: message/rfc822\n\nFrom: x@people.example\nSubject: lib\n\nWords\n---\n"+tiny)}, hash: tinyHash},
	{name: "CRLF (3.1)", mail: letter{subject: "[PATCH] lib", body: strings.ReplaceAll("Words\n\nmore\n---\n"+tiny, "\n", "\r\n")}, hash: tinyHash, text: "Words\n\nmore\n---"},
	{name: "binary files differ (13.3.2)", mail: letter{subject: "[PATCH] dot", body: "Dot.\n---\n\ndiff --git a/dot.png b/dot.png\nindex 1..2 100644\nBinary files a/dot.png and b/dot.png differ\n" + signature}, diff: "diff --git a/dot.png"},
	{name: "nothing in it", mail: letter{subject: "[PATCH] lib", body: "\n \n"}, outcome: "ignored", series: []string{}, events: "-"},
	{name: "a version and numbers beyond all columns", mail: letter{subject: "[PATCH v99999999999 99999999999/99999999999] lib", body: tiny}, series: []string{`(1,1,[1]) - "[v99999999999,99999999999/99999999999] lib"`}, events: "PSps"},
}

func TestMailConformance(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for i, c := range mailCases {
			t.Run(c.name, func(t *testing.T) {
				s := newSite(t, db, "mail-"+strconv.Itoa(i))
				c.mail.id = "mail-" + strconv.Itoa(i)
				s.mailCase(c)
			})
		}
		check(t, db)
	})
}

func (s *site) mailCase(c mailCase) {
	s.t.Helper()
	if c.outcome == "" {
		c.outcome = "patch"
	}
	if c.events == "" {
		c.events = "PSps"
	}
	s.send(c.outcome, c.mail)
	if got := s.events(); got != strings.Trim(c.events, "-") {
		s.t.Errorf("events %q, want %q", got, c.events)
	}
	if c.series == nil {
		c.series = []string{fmt.Sprintf("(1,1,[1]) - %q", s.patchColumn("name", c.mail.id))}
	}
	same(s.t, "series", s.series(), c.series)
	if c.outcome == "patch" {
		s.patchCase(c)
	}
}

func (s *site) patchCase(c mailCase) {
	s.t.Helper()
	x := s.one(c.mail.id)
	diff := s.text("SELECT d.diff FROM patch_diff d JOIN patch p ON p.id = d.patch_id JOIN message m ON m.id = p.message_id WHERE m.msgid = ?", msgid(c.mail.id))
	for _, f := range []struct{ what, got, want string }{
		{"name", x.Name, c.title}, {"pull request", deref(x.PullURL), c.url}, {"submitter", x.Submitter[0], c.email}, {"submitter's name", x.Submitter[1], c.who},
		{"hash", deref(x.Hash), c.hash}, {"text", x.content, c.text},
	} {
		if f.want != "" && f.got != f.want {
			s.t.Errorf("%s %q, want %q", f.what, f.got, f.want)
		}
	}
	if x.State != "new" {
		s.t.Errorf("state %q", x.State)
	}
	if c.diff == "none" && (diff != "" || x.Hash != nil) || c.diff != "none" && !strings.HasPrefix(diff, c.diff) || diff == "" && c.diff != "none" {
		s.t.Errorf("diff %q, want %q", diff, c.diff)
	}
	if c.length > 0 && len(diff) != c.length {
		s.t.Errorf("diff of %d bytes, want %d", len(diff), c.length)
	}
	for _, part := range c.notThere {
		if strings.Contains(diff+x.content, part) {
			s.t.Errorf("%q is in the diff or the text", part)
		}
	}
	rest := diff
	for _, part := range c.inDiff {
		before, after, ok := strings.Cut(rest, part)
		if !ok {
			s.t.Errorf("the diff lacks %q", part)
		}
		rest = before + after
	}
}
