// SPDX-License-Identifier: GPL-2.0-or-later

package ingress_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/test/dbtest"
	"patchwork.example/pw/internal/test/peers"
)

func smallBatches(db *sqldb.DB) *ingress.Intake {
	limits := ingress.DefaultLimits
	limits.BatchMails = 3 // so that even these archives take several
	return ingress.New(db, clock.System{}, limits, patchmail.New(clock.System{}))
}

// readInbox imports what is new and gives the counts as text.
func readInbox(t *testing.T, db *sqldb.DB, location string, change func(*ingress.PublicInboxOptions)) string {
	t.Helper()
	opt := ingress.PublicInboxOptions{Cache: filepath.Join(os.TempDir(), "unused"), MailSize: 1 << 20, Every: time.Minute}
	if change != nil {
		change(&opt)
	}
	p, err := ingress.OpenPublicInbox(location, opt)
	if err != nil {
		t.Fatal(err)
	}
	commits := 0
	sum, err := smallBatches(db).ImportPublicInbox(t.Context(), p, func(n int) { commits = n }, func(ingress.Summary) {})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d commits, %d mails, %d known, %v", commits, sum.Mails, sum.Known, sum.Outcomes)
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

// All epochs are read in order, once; a mail that the archive removed is left out; a history that was written anew is read again.
func TestPublicInbox(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		addFeedProject(t, db)
		a, all := peers.NewInbox(t), feed(12)
		spam := letter("spam@mail.example", "Buy widgets.")
		a.Add(0, all[0], all[1], spam, all[2], all[3], all[4])
		a.Add(1, all[5], all[6])
		a.Remove(1, spam)
		a.Epoch(2) // is empty yet
		wantText(t, "first", readInbox(t, db, a.Dir, nil), "9 commits, 7 mails, 0 known, map[comment:2 cover:1 patch:4]")
		wantText(t, "nothing new", readInbox(t, db, a.Dir, nil), "0 commits, 0 mails, 0 known, map[]")
		a.Add(2, all[7], all[8])
		wantText(t, "resumed", readInbox(t, db, a.Dir, nil), "2 commits, 2 mails, 0 known, map[comment:2]")
		states, err := ingress.SourceStates(t.Context(), db)
		if err != nil || len(states) != 1 || states[0].Mails != 9 || states[0].Kind != "public-inbox" || states[0].CheckedAt == 0 || strings.Count(states[0].Position, `":"`) != 3 {
			t.Errorf("%v %+v", err, states)
		}
		a.Rewrite(0, all[0], all[2], all[3], all[9])
		wantText(t, "purged", readInbox(t, db, a.Dir, nil), "4 commits, 4 mails, 3 known, map[cover:1]")
		wantText(t, "rescan", readInbox(t, db, a.Dir, func(o *ingress.PublicInboxOptions) { o.Rescan = true }), "9 commits, 8 mails, 8 known, map[]")
		if rows := mailRows(t, db); len(rows) != 10 || rows["<spam@mail.example>"] != 0 {
			t.Errorf("%d mails: %v", len(rows), rows)
		}
	})
}

func TestPublicInboxVersion1(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	addFeedProject(t, db)
	a, all := peers.NewInbox(t), feed(4)
	a.AddV1(all[:3]...)
	wantText(t, "first", readInbox(t, db, a.Dir, nil), "3 commits, 3 mails, 0 known, map[comment:1 patch:2]")
	a.AddV1(all[3])
	wantText(t, "then", readInbox(t, db, a.Dir, nil), "1 commits, 1 mails, 0 known, map[comment:1]")
}

// Bytes are those that were sent, --list-id decides, and a mail that is too large is cut.
func TestPublicInboxBytes(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	addFeedProject(t, db)
	a := peers.NewInbox(t)
	odd := "From: =?utf-8?q?=C3=84nn?= <ann@example.org>\r\nSubject: [PATCH] odd\nMessage-ID: <odd@mail.example>\n\n\xff\x00From here\n>From there\n---\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b"
	a.Add(0, odd, letter("big@mail.example", strings.Repeat("x", 5000)))
	wantText(t, "import", readInbox(t, db, a.Dir, func(o *ingress.PublicInboxOptions) { o.ListID, o.MailSize = feedList, 4000 }),
		"2 commits, 2 mails, 0 known, map[broken:1 patch:1]")
	wantText(t, "bytes", string(rawOf(t, db, "<odd@mail.example>")), odd)
	if n := len(rawOf(t, db, "<big@mail.example>")); n != 4000 {
		t.Errorf("%d bytes of the large mail", n)
	}
}

// An archive elsewhere is mirrored and kept up to date, with new epochs.
func TestPublicInboxOverHTTP(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	addFeedProject(t, db)
	a, all := peers.NewInbox(t), feed(6)
	server := peers.Serve(t, filepath.Dir(a.Dir))
	address := server.URL + "/" + filepath.Base(a.Dir) + "/"
	cache := t.TempDir()
	read := func() string {
		return readInbox(t, db, address, func(o *ingress.PublicInboxOptions) { o.Cache = cache })
	}
	a.Add(0, all[0], all[1])
	wantText(t, "cloned", read(), "2 commits, 2 mails, 0 known, map[comment:1 patch:1]")
	a.Add(0, all[2])
	a.Add(1, all[3])
	wantText(t, "fetched", read(), "2 commits, 2 mails, 0 known, map[comment:1 patch:1]")
	a.Rewrite(0, all[1], all[2])
	a.Add(1, all[4])
	wantText(t, "purged", read(), "3 commits, 3 mails, 2 known, map[cover:1]")

	v1 := peers.NewInbox(t)
	v1.AddV1(all[5])
	v1Address := peers.Serve(t, filepath.Dir(v1.Dir)).URL + "/" + filepath.Base(v1.Dir)
	wantText(t, "version 1", readInbox(t, db, v1Address, func(o *ingress.PublicInboxOptions) { o.Cache = cache }), "1 commits, 1 mails, 0 known, map[patch:1]")
	server.Close()
	p, _ := ingress.OpenPublicInbox(address, ingress.PublicInboxOptions{Cache: cache, MailSize: 1 << 20})
	_, err := smallBatches(db).ImportPublicInbox(t.Context(), p, func(int) {}, func(ingress.Summary) {})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("the server is gone: %v", err)
	}
}

// A repository's own configuration names programs that git would run in places; reading runs none of them.
func TestPublicInboxHostile(t *testing.T) {
	db := dbtest.Open(t, sqldb.SQLite)
	addFeedProject(t, db)
	a, ran := peers.NewInbox(t), filepath.Join(t.TempDir(), "ran")
	a.Add(0, feed(1)...)
	evil := fmt.Sprintf("[core]\n\tfsmonitor = touch %[1]s\n\tpager = touch %[1]s\n\tsshCommand = touch %[1]s\n\talternateRefsCommand = touch %[1]s\n"+
		"[log]\n\tshowSignature = true\n[gpg]\n\tprogram = touch %[1]s\n[diff]\n\texternal = touch %[1]s\n[diff \"x\"]\n\ttextconv = touch %[1]s\n\tcommand = touch %[1]s\n", ran)
	dir := a.Epoch(0)
	config, err := os.OpenFile(filepath.Join(dir, "config"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	config.WriteString(evil)
	config.Close()
	os.WriteFile(filepath.Join(dir, "info", "attributes"), []byte("* diff=x\n"), 0o600)
	wantText(t, "import", readInbox(t, db, a.Dir, nil), "1 commits, 1 mails, 0 known, map[patch:1]")
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program of the repository's configuration was run")
	}
	for _, bad := range []string{"", "ssh://example.org/x", "ext::touch /tmp/x://", "https://a:b@example.org/x", "https:///x", "--upload-pack=touch://x", "https://example.org/?x"} {
		if _, err := ingress.OpenPublicInbox(bad, ingress.PublicInboxOptions{}); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Several processes follow one archive: each mail is taken in once, also when it comes while they wait.
func TestFollowPublicInbox(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		addFeedProject(t, db)
		a, all := peers.NewInbox(t), feed(8)
		a.Add(0, all[:4]...)
		ctx, stop := context.WithCancel(t.Context())
		log := slog.New(slog.NewTextHandler(t.Output(), nil))
		done := make(chan bool)
		for range 3 {
			p, err := ingress.OpenPublicInbox(a.Dir, ingress.PublicInboxOptions{MailSize: 1 << 20, Every: 100 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			go func() { smallBatches(db).Follow(ctx, p, log); done <- true }()
		}
		peers.Eventually(t, "four mails", func() bool { return len(mailRows(t, db)) == 4 })
		a.Add(0, all[4:6]...)
		a.Add(1, all[6:]...)
		peers.Eventually(t, "eight mails", func() bool { return len(mailRows(t, db)) == 8 })
		stop()
		for range 3 {
			<-done
		}
		want := map[string]int{}
		for id := range mailRows(t, db) {
			want[id] = 1
		}
		if got := mailRows(t, db); !maps.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
	})
}
