// SPDX-License-Identifier: GPL-2.0-or-later

package mailstore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"patchwork.example/pw/internal/base/fault"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/test/dbtest"
)

func inTx(t *testing.T, db *sqldb.DB, f func(ctx context.Context, tx *sqldb.Tx) error) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sqldb.Tx) error { return f(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func expectRows(t *testing.T, db *sqldb.DB, query string, want ...string) {
	t.Helper()
	got := []string{}
	if err := db.Select(t.Context(), &got, query); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("%s: %s", query, diff)
	}
}

func TestKey(t *testing.T) {
	long := "<" + strings.Repeat("a", 253) + "@b>" // 257 bytes
	tests := []struct{ name, id, want string }{
		{"empty", "", ""},
		{"short", "<a@b>", "<a@b>"},
		{"255 bytes", long[:255], long[:255]},
		{"256 bytes", long[:256], "<" + strings.Repeat("a", 189) + "#"},
		{"multibyte, cut between", strings.Repeat("é", 128), strings.Repeat("é", 95) + "#"},
		{"multibyte, cut before", "<" + strings.Repeat("é", 128), "<" + strings.Repeat("é", 94) + "#"},
		{"four bytes", "<<" + strings.Repeat("😀", 70), "<<" + strings.Repeat("😀", 47) + "#"},
	}
	for _, test := range tests {
		got := mailstore.Key(test.id)
		head, sum, cut := strings.Cut(got, "#")
		wantHead, _, wantCut := strings.Cut(test.want, "#")
		if head != wantHead || cut != wantCut || len(got) > 255 || !utf8.ValidString(got) {
			t.Errorf("%s: %q (%d bytes), want %q", test.name, got, len(got), test.want)
		}
		if cut && len(sum) != 64 {
			t.Errorf("%s: sum %q", test.name, sum)
		}
	}
	// sha256sum of 256 letters x.
	if got, want := mailstore.Key(strings.Repeat("x", 256)), strings.Repeat("x", 190)+"#"+sumOf256x; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if mailstore.Key(long+"1") == mailstore.Key(long+"2") {
		t.Error("two ids that differ at their end have one key")
	}
}

const sumOf256x = "85e62acd750c4eb56b7b6a1d66dca5bfaac5f062608a1a893410d0288936c09a"

func TestPack(t *testing.T) {
	noise := make([]byte, 3<<20)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	for name, raw := range map[string][]byte{"empty": {}, "small": []byte("From: ann\n\nhello\n"), "large": bytes.Repeat([]byte("0123456789\n"), 400_000), "noise": noise} {
		packed := mailstore.Pack(raw)
		got, err := mailstore.Unpack(packed, int64(max(len(raw), 1)))
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(raw), err)
		}
		if len(raw) == 0 {
			continue
		}
		if got, err = mailstore.Unpack(packed, int64(len(raw)-1)); err == nil || got != nil {
			t.Errorf("%s: %d bytes, more than the limit: %v", name, len(got), err)
		}
	}
	packed := mailstore.Pack(noise)
	if _, err := mailstore.Unpack(packed[:len(packed)/2], 10<<20); err == nil || !strings.HasPrefix(err.Error(), "unpack a stored mail: ") {
		t.Errorf("half a mail: %v", err)
	}
}

func mail(id, project int64, msgid, outcome, raw string) mailstore.Mail {
	return mailstore.Mail{ID: id, ReceivedAt: 100, SHA256: sha256.Sum256([]byte(raw)), Size: int64(len(raw)), Via: "stdin", ListID: "l.example.org", Project: project,
		MsgID: msgid, Outcome: outcome, Reason: "why " + msgid, Packed: mailstore.Pack([]byte(raw))}
}

const mails = "SELECT CONCAT_WS(' ', id, COALESCE(project_id, 0), msgid, outcome, reason) FROM mail ORDER BY id"

func TestMails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		long := mail(4, 0, "<long@x>", mailstore.Broken, "d")
		long.ListID, long.Reason = strings.Repeat("é", 300), strings.Repeat("ü", 1001)
		all := []mailstore.Mail{mail(1, 3, "<a@x>", "patch", "raw a"), mail(2, 3, "<a@x>", mailstore.Duplicate, ""), mail(3, 0, "<a@x>", mailstore.Unrouted, "raw a"), long}
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return mailstore.Put(ctx, tx, all) })
		for id, want := range map[int64]string{1: "raw a", 2: "", 3: "raw a", 4: "d"} {
			if raw, err := mailstore.Raw(ctx, db, id, 1000); err != nil || string(raw) != want {
				t.Errorf("raw of %d: %q, %v", id, raw, err)
			}
		}
		if _, err := mailstore.Raw(ctx, db, 9, 1000); !fault.Is(err, fault.NotFound) {
			t.Errorf("raw of an unknown mail: %v", err)
		}
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			a, empty, other := sha256.Sum256([]byte("raw a")), sha256.Sum256(nil), sha256.Sum256([]byte("other"))
			got, err := mailstore.SeenBefore(ctx, tx, mailstore.Sum{MsgID: "<a@x>", SHA256: a}, mailstore.Sum{MsgID: "<a@x>", SHA256: empty}, mailstore.Sum{MsgID: "<long@x>", SHA256: other})
			want := map[[32]byte][]mailstore.Seen{
				a:     {{ID: 3, Project: 0, ListID: "l.example.org", Outcome: "unrouted"}, {ID: 1, Project: 3, ListID: "l.example.org", Outcome: "patch"}},
				empty: {{ID: 2, Project: 3, ListID: "l.example.org", Outcome: "duplicate"}},
			}
			byProject := cmpopts.SortSlices(func(a, b mailstore.Seen) bool { return a.Project < b.Project })
			if diff := cmp.Diff(want, got, byProject); diff != "" {
				t.Error(diff)
			}
			return err
		})
		list, err := mailstore.Deliveries(ctx, db, "<a@x>")
		for i := range all {
			all[i].Packed = nil
		}
		if diff := cmp.Diff(all[:3], list); err != nil || diff != "" {
			t.Error("deliveries:", err, diff)
		}
		expectRows(t, db, "SELECT CONCAT_WS(' ', list_id, reason) FROM mail WHERE id = 4", strings.Repeat("é", 255)+" "+strings.Repeat("ü", 1000))
		counts, err := mailstore.Counts(ctx, db)
		if diff := cmp.Diff(map[string]int64{"patch": 1, "duplicate": 1, "unrouted": 1, "broken": 1}, counts); err != nil || diff != "" {
			t.Error("counts:", err, diff)
		}
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			n, err := mailstore.Purge(ctx, tx, 3, "<a@x>", strings.Repeat("w", 1001))
			if n != 2 {
				t.Errorf("%d mails purged", n)
			}
			return err
		})
		expectRows(t, db, mails, "1 3 <a@x> deleted "+strings.Repeat("w", 1000), "2 3 <a@x> deleted "+strings.Repeat("w", 1000), "3 0 <a@x> unrouted why <a@x>",
			"4 0 <long@x> broken "+strings.Repeat("ü", 1000))
		if _, err := mailstore.Raw(ctx, db, 1, 1000); !fault.Is(err, fault.NotFound) {
			t.Errorf("a purged mail: %v", err)
		}
		if _, err := mailstore.Raw(ctx, db, 3, 1000); err != nil {
			t.Errorf("the mail of another project: %v", err)
		}
	})
}

// message makes one of kind in project 3.
func message(id int64, msgid, kind string) *mailstore.Message {
	return &mailstore.Message{ID: id, Project: 3, MsgID: msgid, Kind: kind, Submitter: 8, Date: 1000, Subject: "s", Thread: 1, Mail: id, Headers: "h " + msgid, Content: "c " + msgid}
}

func insert(t *testing.T, db *sqldb.DB, messages ...*mailstore.Message) {
	t.Helper()
	inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return mailstore.Insert(ctx, tx, messages) })
}

func TestMessages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		long := message(2, mailstore.Key("<"+strings.Repeat("é", 200)+">"), "comment")
		long.LongID, long.InReplyTo, long.Mail, long.Hidden = "<"+strings.Repeat("é", 200)+">", "<a@x>", 0, true
		other := message(3, "<a@x>", "patch")
		other.Project = 4
		insert(t, db, message(1, "<a@x>", "patch"), long, other)
		got, err := mailstore.Lookup(ctx, db, 3, []string{"<a@x>", long.MsgID, "<A@x>", "<a@x> "})
		want := map[string]*mailstore.Message{"<a@x>": message(1, "<a@x>", "patch"), long.MsgID: long}
		noText := cmpopts.IgnoreFields(mailstore.Message{}, "Headers", "Content")
		if diff := cmp.Diff(want, got, noText); err != nil || diff != "" {
			t.Error("lookup:", err, diff)
		}
		if none, err := mailstore.Lookup(ctx, db, 3, nil); err != nil || len(none) != 0 {
			t.Error(none, err)
		}
		both, err := mailstore.ByMsgID(ctx, db, "<a@x>")
		if diff := cmp.Diff([]*mailstore.Message{message(1, "<a@x>", "patch"), other}, both, noText); err != nil || diff != "" {
			t.Error("in all projects:", err, diff)
		}
		headers, content, err := mailstore.Body(ctx, db, 1)
		if headers != "h <a@x>" || content != "c <a@x>" || err != nil {
			t.Error(headers, content, err)
		}
		if _, _, err := mailstore.Body(ctx, db, 99); !fault.Is(err, fault.NotFound) {
			t.Errorf("text of no message: %v", err)
		}
		err = db.Tx(ctx, func(tx *sqldb.Tx) error {
			return mailstore.Insert(ctx, tx, []*mailstore.Message{message(9, "<a@x>", "cover")})
		})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("a second message of the same id: %v", err)
		}
		if n, err := mailstore.CountMessages(ctx, db, 3); n != 2 || err != nil {
			t.Error(n, err)
		}
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			if err := mailstore.SetHidden(ctx, tx, 1, true); err != nil {
				return err
			}
			if err := mailstore.SetHidden(ctx, tx, 99, true); !fault.Is(err, fault.NotFound) {
				t.Errorf("hide no message: %v", err)
			}
			return mailstore.Remove(ctx, tx, 2)
		})
		expectRows(t, db, "SELECT CONCAT_WS(' ', id, CASE WHEN hidden = TRUE THEN 'hidden' ELSE 'shown' END) FROM message ORDER BY id", "1 hidden", "3 shown")
		expectRows(t, db, "SELECT CONCAT(message_id, '') FROM message_body ORDER BY message_id", "1", "3")
	})
}

func TestTombstones(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		ctx := t.Context()
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			for _, x := range []mailstore.Tombstone{
				{Project: 3, MsgID: "<a@x>", Kind: "hidden", At: 1, Actor: 7, Reason: "rude"},
				{Project: 3, MsgID: "<a@x>", Kind: "deleted", At: 2, Reason: strings.Repeat("ü", 1001)},
				{Project: 3, MsgID: "<b@x>", Kind: "hidden", At: 3, Actor: 7},
				{Project: 4, MsgID: "<a@x>", Kind: "hidden", At: 4},
			} {
				if err := mailstore.Bury(ctx, tx, x); err != nil {
					return err
				}
			}
			return nil
		})
		got, err := mailstore.Tombstones(ctx, db, 3, []string{"<a@x>", "<b@x>", "<c@x>"})
		if diff := cmp.Diff(map[string]string{"<a@x>": "deleted", "<b@x>": "hidden"}, got); err != nil || diff != "" {
			t.Error(err, diff)
		}
		list, err := mailstore.TombstonesOf(ctx, db, []int64{3, 4, 5}, "<a@x>")
		want := []mailstore.Tombstone{{Project: 3, MsgID: "<a@x>", Kind: "deleted", At: 2, Reason: strings.Repeat("ü", 1000)}, {Project: 4, MsgID: "<a@x>", Kind: "hidden", At: 4}}
		if diff := cmp.Diff(want, list); err != nil || diff != "" {
			t.Error(err, diff)
		}
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return mailstore.Unbury(ctx, tx, mailstore.Ref{Project: 3, MsgID: "<a@x>"})
		})
		expectRows(t, db, "SELECT CONCAT_WS(' ', project_id, msgid) FROM tombstone ORDER BY 1", "3 <b@x>", "4 <a@x>")
	})
}

func TestPending(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		reply, second := message(5, "<r@x>", mailstore.Pending), message(6, "<s@x>", mailstore.Pending)
		insert(t, db, reply, second)
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			if err := mailstore.Put(ctx, tx, []mailstore.Mail{mail(5, 3, "<r@x>", "pending", "r"), mail(6, 3, "<s@x>", "pending", "s")}); err != nil {
				return err
			}
			return mailstore.Wait(ctx, tx, []mailstore.Waiting{{Message: reply, MsgID: "<p@x>", Distance: 0}, {Message: reply, MsgID: "<cover@x>", Distance: 1},
				{Message: second, MsgID: "<cover@x>", Distance: 0}})
		})
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			got, err := mailstore.WaitingFor(ctx, tx, 3, []string{"<cover@x>", "<p@x>", "<none@x>"})
			want := []mailstore.Waiting{{Message: reply, MsgID: "<p@x>", Distance: 0}, {Message: reply, MsgID: "<cover@x>", Distance: 1}, {Message: second, MsgID: "<cover@x>", Distance: 0}}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
			if other, err := mailstore.WaitingFor(ctx, tx, 4, []string{"<cover@x>"}); err != nil || len(other) != 0 {
				t.Error("in another project:", other, err)
			}
			if err := mailstore.Attached(ctx, tx, []*mailstore.Message{reply}, "comment", "its parent came later"); err != nil {
				return err
			}
			if err := mailstore.JoinThreads(ctx, tx, []int64{1}, 77); err != nil {
				return err
			}
			list, err := mailstore.InThreads(ctx, tx, []int64{77}, "comment")
			if err != nil || len(list) != 1 || list[0].MsgID != reply.MsgID || list[0].Content != reply.Content {
				t.Errorf("comments of the thread: %+v, %v", list, err)
			}
			return mailstore.StopWaiting(ctx, tx, []int64{5}, 0)
		})
		const rows = "SELECT CONCAT_WS(' ', id, kind, thread_id) FROM message ORDER BY id"
		const refs = "SELECT CONCAT_WS(' ', message_id, msgid, distance) FROM pending_reference ORDER BY 1"
		expectRows(t, db, rows, "5 comment 77", "6 pending 77")
		expectRows(t, db, refs, "6 <cover@x> 0")
		expectRows(t, db, mails, "5 3 <r@x> comment its parent came later", "6 3 <s@x> pending why <s@x>")
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return mailstore.Orphan(ctx, tx, message(1, "<p@x>", "patch"), []int64{5})
		})
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error {
			return mailstore.Orphan(ctx, tx, message(1, "<p@x>", "patch"), nil)
		})
		expectRows(t, db, rows, "5 pending 77", "6 pending 77")
		expectRows(t, db, refs, "5 <p@x> 0", "6 <cover@x> 0")
		expectRows(t, db, mails, "5 3 <r@x> pending the mail it answers was deleted", "6 3 <s@x> pending why <s@x>")
		inTx(t, db, func(ctx context.Context, tx *sqldb.Tx) error { return mailstore.Remove(ctx, tx, 5) })
		expectRows(t, db, refs, "6 <cover@x> 0")
	})
}
