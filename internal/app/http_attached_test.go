// SPDX-License-Identifier: GPL-2.0-or-later

package app

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/test/dbtest"
)

// attachedSeries are the parts of a reply with a new version of two patches, one compressed, a plain diff, and what is no patch.
func attachedSeries() string {
	file := func(id, subject, name string) string {
		return "From " + strings.Repeat(id, 40) + " Mon Sep 17 00:00:00 2001\nFrom: Ann Author <ann@people.example>\nDate: Mon, 1 Mar 2021 10:00:00 +0000\nSubject: [PATCH] " + subject +
			"\n\nWords.\n---\n " + name + " | 1 +\n\n" + newFile(name) + "-- \n2.40\n\n"
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write([]byte(file("2", "two", "two")))
	w.Close()
	part := func(kind, name, body string) string {
		return "--b\nContent-Type: " + kind + "\nContent-Disposition: attachment; filename=\"" + name + "\"\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(body)) + "\n"
	}
	return "--b\nContent-Type: text/plain\n\nHere is version 2.\n" + part("application/octet-stream", "v2-0001-one.patch", file("1", "one", "one")) + part("application/gzip", "v2-0002-two.patch.gz", z.String()) +
		part("text/x-diff", "more/three.diff", newFile("three")) + part("text/html", "<b>.html", "<script>alert(1)</script>") + part("image/png", "plan.png", "\x89PNG\r\n\x1a\n\x00") +
		"--b\nContent-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN PGP SIGNATURE-----\n--b--\n"
}

func newFile(name string) string {
	return "diff --git a/" + name + " b/" + name + "\nnew file mode 100644\n--- /dev/null\n+++ b/" + name + "\n@@ -0,0 +1 @@\n+" + name + "\n"
}

// TestAttachedToReply: the files of a reply stand on every page that shows it and in API 1.4, can be read as they were sent, and its patches are one file that git am takes.
func TestAttachedToReply(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := serve(t, db)
		s.seriesOfTwo()
		s.mail("alpha", "From: Ann Author <ann@people.example>\nSubject: Re: [PATCH 1/2] First step\nMessage-ID: <v2/x@x>\nIn-Reply-To: <p1@x>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b", attachedSeries())
		const at = "/project/alpha/v2%252Fx@x/"
		for _, path := range []string{"/project/alpha/patch/p1@x/", "/project/alpha/p1@x/T/", "/project/alpha/series/" + s.rows("SELECT series_id FROM patch WHERE id = ?", s.id("patch", "p1@x"))[0] + "/"} {
			page := s.get(path)
			s.expect(page, 200)
			for _, want := range []string{at + "2-v2-0001-one.patch", at + "3-v2-0002-two.patch.gz", at + "4-more-three.diff", at + "5-%3Cb%3E.html", at + "6-plan.png", at + "patches.mbox", "All 3 patches", "image/png, 9 bytes", "&lt;b&gt;.html"} {
				if !strings.Contains(page.body, want) {
					t.Errorf("%s lacks %q", path, want)
				}
			}
			if strings.Contains(page.body, "signature.asc") {
				t.Errorf("%s has the signature", path)
			}
		}
		for path, want := range map[string]struct{ kind, disposition, body string }{
			"4-more-three.diff":      {"text/plain; charset=utf-8", "", newFile("three")},
			"4-another-name":         {"text/plain; charset=utf-8", "", newFile("three")},
			"5-%3Cb%3E.html":         {"text/plain; charset=utf-8", "", "<script>alert(1)</script>"},
			"6-plan.png":             {"application/octet-stream", "attachment; filename=plan.png", "\x89PNG\r\n\x1a\n\x00"},
			"3-v2-0002-two.patch.gz": {"application/octet-stream", "attachment; filename=v2-0002-two.patch.gz", ""},
		} {
			a := s.get(at + path)
			s.expect(a, 200)
			if h := a.Header; h.Get("Content-Type") != want.kind || h.Get("Content-Disposition") != want.disposition || want.body != "" && a.body != want.body || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v %q", path, h, a.body)
			}
		}
		for _, path := range []string{at + "1-text", at + "7-signature.asc", at + "8-x", "/project/alpha/p1@x/patches.mbox", "/project/alpha/none@x/2-x.patch"} {
			s.expect(s.get(path), 404)
		}
		got := s.get(at + "patches.mbox")
		s.expect(got, 200)
		applies(t, got.body, "Ann Author one\nAnn Author two\nAnn Author First step\n", "one", "two", "three")

		var list []struct{ Attachments []map[string]any }
		api := s.get(fmt.Sprintf("/api/1.4/patches/%d/comments/", s.id("patch", "p1@x")))
		if err := json.Unmarshal([]byte(api.body), &list); err != nil {
			t.Fatal(err)
		}
		files := list[len(list)-1].Attachments
		want := map[string]any{"name": "v2-0001-one.patch", "content_type": "application/octet-stream", "size": float64(288), "is_patch": true, "url": s.url + at + "2-v2-0001-one.patch"}
		if diff := cmp.Diff(want, files[0]); diff != "" || len(files) != 5 {
			t.Errorf("API: %s\n%s", diff, api.body)
		}
		if older := s.get(fmt.Sprintf("/api/1.3/patches/%d/comments/", s.id("patch", "p1@x"))); strings.Contains(older.body, "attachments") {
			t.Error("API 1.3 has attachments")
		}
	})
}

// applies takes an mbox file by git am and compares authors and subjects of the commits, and the files.
func applies(t *testing.T, mbox, commits string, files ...string) {
	t.Helper()
	dir := t.TempDir()
	git := func(input string, args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=T", "-c", "user.email=t@x.example", "-C", dir}, args...)...)
		cmd.Stdin = strings.NewReader(input)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s\n%s", args[0], err, out, mbox)
		}
		return string(out)
	}
	git("", "init", "-q")
	git(mbox, "am", "-q")
	if got := git("", "log", "--reverse", "--format=%an %s"); got != commits {
		t.Errorf("commits\n%s, want\n%s", got, commits)
	}
	for _, name := range files {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(b) != name+"\n" {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
}
