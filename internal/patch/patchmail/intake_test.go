// SPDX-License-Identifier: GPL-2.0-or-later

package patchmail_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/dbtest"
)

func useTags(on bool) func(*project.Change) { return func(c *project.Change) { c.UseTags = &on } }

func hints(who string) func(*project.Change) { return func(c *project.Change) { c.Hints = &who } }

func newUser(t *testing.T, db *sqldb.DB, name, email string) {
	t.Helper()
	if _, err := account.CreateUser(context.Background(), db, account.CLI, now, account.UserChange{Username: &name, Email: &email}); err != nil {
		t.Fatal(err)
	}
}

// TestKnownFailureA9: a stranger's hint headers change nothing.
func TestKnownFailureA9(t *testing.T) {
	const header = "X-Patchwork-State: accepted\nX-Patchwork-Delegate: BOSS@people.example\n"
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newUser(t, db, "boss", "boss@people.example")
		newSite(t, db, "before").send("patch", letter{id: "p", subject: "[PATCH] x", body: patchText("x")}) // the person a user is linked to must be there
		newUser(t, db, "ann", "ann@people.example")
		try := func(linkname, who, from, state, delegate string) {
			t.Helper()
			s := newSite(t, db, linkname, hints(who))
			if err := project.AddMaintainer(context.Background(), db, account.CLI, now, linkname, "ann"); err != nil {
				t.Fatal(err)
			}
			s.send("patch patch", letter{id: linkname + "-0", subject: "[PATCH] none", from: from, body: patchText("x")},
				letter{id: linkname, subject: "[PATCH] one", from: from, header: header, body: patchText("x")})
			got := s.one(linkname).State + " " + s.text("SELECT u.username FROM user_account u JOIN patch p ON p.delegate_id = u.id WHERE p.project_id = ?", s.project.ID)
			if got != state+" "+delegate {
				t.Errorf("%s: state and delegate %q, want %q", linkname, got, state+" "+delegate)
			}
		}
		try("anyone", project.HintsAnyone, "Eve <eve@strangers.example>", "accepted", "boss")
		try("maintainers-stranger", project.HintsMaintainers, "Eve <eve@strangers.example>", "new", "")
		try("maintainers-themselves", project.HintsMaintainers, author, "accepted", "boss")
		try("nobody", project.HintsNobody, author, "new", "")
		check(t, db)
	})
}

// TestHints are the other forms of the headers, for a project that follows them.
func TestHints(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		newUser(t, db, "boss", "boss@people.example")
		s := newSite(t, db, "hints", hints(project.HintsAnyone))
		s.send("ignored patch patch patch patch comment comment",
			letter{id: "p0", subject: "[PATCH] ignored", header: "X-Patchwork-Hint: =?utf-8?q?IGNORE?=\n", body: patchText("x")},
			letter{id: "p1", subject: "[PATCH] one", header: "X-Patchwork-Hint: something else\nX-Patchwork-State: Under  review\n", body: patchText("x")},
			letter{id: "p2", subject: "[PATCH] slug", header: "X-Patchwork-State: under-review\n", body: patchText("x")},
			letter{id: "p3", subject: "[PATCH] unknown", header: "X-Patchwork-State: marvellous\nX-Patchwork-Delegate: nobody@people.example\n", body: patchText("x")},
			letter{id: "p4", subject: "[PATCH] named", header: "X-Patchwork-Delegate: The Boss <boss@people.example>\n", body: patchText("x")},
			letter{id: "r1", subject: "Re: one", refs: "p1", header: "X-Patchwork-Action-Required: yes\n", body: "Change this.\n"},
			letter{id: "r2", subject: "Re: one", refs: "p1", body: "Or that.\n"})
		for id, state := range map[string]string{"p1": "under-review", "p2": "new", "p3": "new"} {
			if got := s.one(id).State; got != state {
				t.Errorf("%s: state %q, want %q", id, got, state)
			}
		}
		if s.patchColumn("delegate_id", "p3") != "" || s.patchColumn("delegate_id", "p4") == "" {
			t.Error("the delegates are wrong")
		}
		const addressed = "SELECT CASE WHEN c.addressed IS NULL THEN 'null' WHEN c.addressed THEN 'true' ELSE 'false' END FROM patch_comment c JOIN message m ON m.id = c.message_id WHERE m.msgid = ?"
		if a, b := s.text(addressed, msgid("r1")), s.text(addressed, msgid("r2")); a != "false" || b != "null" {
			t.Errorf("addressed: %s and %s", a, b)
		}
	})
}

// TestKnownFailureA12: in a delegation rule * matches / too.
func TestKnownFailureA12(t *testing.T) {
	rules := []struct {
		path, user string
		priority   int
	}{{"drivers/net/*", "net", 0}, {"*/manage.py", "web", 0}, {"docs/[a-c]?.txt", "doc", 0}, {"drivers/*", "all", -1}, {"drivers/net/usb/*", "usb", 5}}
	cases := []struct{ name, body, user string }{
		{"below a directory below", diffOf("drivers/net/phy/b.c"), "net"},
		{"a higher priority first", diffOf("drivers/net/usb/b.c"), "usb"},
		{"a lower one for the rest", diffOf("drivers/gpu/b.c"), "all"},
		{"two files of one user", diffOf("drivers/net/b.c") + diffOf("drivers/net/phy/c.c"), "net"},
		{"files of two users", diffOf("drivers/net/b.c") + diffOf("drivers/gpu/c.c"), ""},
		{"a file without a rule", diffOf("drivers/net/b.c") + diffOf("kernel/c.c"), ""},
		{"any depth in front", diffOf("a/b/c/manage.py"), "web"},
		{"a set", diffOf("docs/bx.txt"), "doc"},
		{"not in the set", diffOf("docs/dx.txt"), ""},
		{"a new file", strings.Replace(diffOf("drivers/net/n.c"), "--- a/drivers/net/n.c", "--- /dev/null", 1), "net"},
		{"another letter case", diffOf("Drivers/net/n.c"), ""},
		{"a rename neither matches nor vetoes", renames + diffOf("drivers/net/b.c"), "net"},
		{"only a rename", renames, ""},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "rules")
		for _, name := range []string{"net", "web", "doc", "all", "usb"} {
			newUser(t, db, name, name+"@people.example")
		}
		for _, r := range rules {
			_, err := patch.CreateRule(context.Background(), db, account.CLI, now, patch.RuleChange{Project: &s.project.Linkname, Username: &r.user, Path: &r.path, Priority: &r.priority})
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range cases {
			id := fmt.Sprintf("p%d", i)
			s.send("patch", letter{id: id, subject: "[PATCH] " + c.name, body: "Words\n---\n" + c.body})
			if got := s.text("SELECT username FROM user_account WHERE id = ?", number0(s.patchColumn("delegate_id", id))); got != c.user {
				t.Errorf("%s: delegated to %q, want %q", c.name, got, c.user)
			}
		}
		check(t, db)
	})
}

func number0(s string) int64 {
	var n int64
	fmt.Sscan(s, &n)
	return n
}

// TestRouting is how a mail finds its project when nobody says for which list it came.
func TestRouting(t *testing.T) {
	cases := []struct{ name, header, subject, want string }{
		{"brackets", "List-Id: <dev.lists.example>\n", "x", "dev"},
		{"bare", "List-Id: dev.lists.example\n", "x", "dev"},
		{"quoted name", "LIST-ID: \"The list\" <dev.lists.example>\n", "x", "dev"},
		{"name", "List-Id: The list <dev.lists.example>\n", "x", "dev"},
		{"folded", "List-Id: The\n list\n\t<dev.lists.example>\n", "x", "dev"},
		{"encoded", "List-Id: =?utf-8?q?Entwickler=C3=BC?= <dev.lists.example>\n", "x", "dev"},
		{"the last brackets", "List-Id: <other.lists.example> <dev.lists.example>\n", "x", "dev"},
		{"text without brackets", "List-Id: My list dev.lists.example\n", "x", ""},
		{"another letter case", "List-Id: <Dev.lists.example>\n", "x", "dev"},
		{"a second header of the name", "List-Id: <other.lists.example>\nList-Id: <dev.lists.example>\n", "x", "dev"},
		{"X-Mailing-List", "X-Mailing-List: dev.lists.example\n", "x", "dev"},
		{"X-list", "X-list: dev.lists.example\n", "x", "dev"},
		{"the next header after an unknown id", "X-list: dev.lists.example\nList-Id: <other.lists.example>\n", "x", "dev"},
		{"none", "", "x", ""},
		{"subject match", "List-Id: <shared.lists.example>\n", "[PATCH Iproute] x", "iproute"},
		{"subject match, first by link name", "List-Id: <shared.lists.example>\n", "[PATCH ethtool iproute] x", "ethtool"},
		{"a look-ahead", "List-Id: <shared.lists.example>\n", "Re: [nodots] x", "nodots"},
		{"the project without a subject match", "List-Id: <shared.lists.example>\n", "[PATCH] x", "shared"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		match := func(re string) func(*project.Change) {
			return func(c *project.Change) { list := "shared.lists.example"; c.ListID, c.SubjectMatch = &list, &re }
		}
		s := newSite(t, db, "dev")
		newSite(t, db, "shared")
		newSite(t, db, "iproute", match("iproute"))
		newSite(t, db, "ethtool", match("ethtool"))
		newSite(t, db, "nodots", match(`\[no(?=dots)`))
		for i, c := range cases {
			l := letter{id: fmt.Sprintf("p%d", i), subject: c.subject, header: c.header, body: patchText("x")}
			out, err := s.in.Deliver(context.Background(), []ingress.Delivery{{Raw: l.raw(), Via: "test"}})
			if err != nil {
				t.Fatal(err)
			}
			got := s.text("SELECT linkname FROM project WHERE id = ?", out[0].Project)
			if got != c.want || (got == "") != (out[0].Kind == mailstore.Unrouted && out[0].Reason != "") {
				t.Errorf("%s: project %q (%s: %s), want %q", c.name, got, out[0].Kind, out[0].Reason, c.want)
			}
		}
		if n := s.text("SELECT COUNT(*) FROM mail JOIN mail_raw ON mail_raw.mail_id = mail.id WHERE outcome = 'unrouted'"); n != "2" {
			t.Errorf("%s unrouted mails are kept raw, want 2", n)
		}
	})
}

// TestRoutedLater takes an unrouted mail in when its project is there and the mail comes again.
func TestRoutedLater(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		mail := ingress.Delivery{Raw: letter{id: "p1", subject: "[PATCH] x", header: "List-Id: <late.lists.example>\n", body: patchText("x")}.raw(), Via: "test"}
		first := newSite(t, db, "first")
		for _, want := range []string{"unrouted", "known"} {
			if out, err := first.in.Deliver(context.Background(), []ingress.Delivery{mail}); err != nil || kind(out[0]) != want {
				t.Errorf("became %+v (%v), want %s", out, err, want)
			}
		}
		late := newSite(t, db, "late")
		if out, err := late.in.Deliver(context.Background(), []ingress.Delivery{mail}); err != nil || kind(out[0]) != "patch" {
			t.Errorf("became %+v (%v)", out, err)
		}
		same(t, "series", late.series(), []string{`(1,1,[1]) - "x"`})
	})
}

// TestMessageIDs are the forms of Message-Id that are met.
func TestMessageIDs(t *testing.T) {
	long := "<" + strings.Repeat("abc", 300) + "@mail.example>"
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "ids")
		for header, want := range map[string]string{
			"<abcdef>": "<abcdef>", "<a b@c>": "<a b@c>", `<"a b"@c>`: `<"a b"@c>`, "foo@bar>": "foo@bar>", "(note) <x@y> <z@z>": "<x@y>", "\t<f@old>\n": "<f@old>",
		} {
			raw := "From: a@people.example\nSubject: [PATCH] x\nMessage-Id: " + strings.TrimSuffix(header, "\n") + "\n\n" + patchText("x")
			s.deliver([]byte(raw))
			if got := s.text("SELECT msgid FROM message WHERE project_id = ? AND msgid = ?", s.project.ID, want); got != want {
				t.Errorf("Message-Id: %s is not stored as %s", header, want)
			}
		}
		patchMail := "From: a@people.example\nSubject: [PATCH] long\nMessage-Id: " + long + "\n\n" + patchText("x")
		reply := "From: a@people.example\nSubject: Re: long\nMessage-Id: <r@x>\nIn-Reply-To: " + long + "\n\nYes.\n"
		other := strings.NewReplacer("@mail.example>", "@MAIL.example>", "[PATCH] long", "[PATCH] other").Replace(patchMail)
		out := s.deliver([]byte(reply), []byte(patchMail), []byte(other))
		if got := kind(out[0]) + " " + kind(out[1]) + " " + kind(out[2]); got != "comment patch patch" {
			t.Errorf("mails about a long Message-Id became %s", got)
		}
		if got := s.text("SELECT msgid_long FROM message WHERE subject = '[PATCH] long'"); got != long {
			t.Errorf("the long Message-Id is kept as %q", got)
		}
	})
}

// TestLatin1Diff keeps the bytes of a diff that is not in UTF-8, and hashes its text.
func TestLatin1Diff(t *testing.T) {
	const head = "--- a/f\n+++ b/f\n@@ -1 +1 @@ fn\n"
	want := sha1.Sum([]byte("--- a/f\n+++ b/f\n@@ -1 +1 @@\n-gr\u00fcn\n+gr\u00f6\u00dfer\n"))
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "latin")
		for i, header := range []string{
			"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit\n",
			"Content-Type: text/x-patch; charset=iso-8859-15\nContent-Transfer-Encoding: 8bit\n",
			"", // nothing declared
		} {
			id := fmt.Sprintf("p%d", i)
			s.send("patch", letter{id: id, subject: "[PATCH] latin", header: header, body: head + "-gr\xfcn\n+gr\xf6\xdfer\n"})
			var diff []byte
			var charset string
			err := db.Each(context.Background(), scanInto(&diff, &charset), "SELECT d.diff, d.charset FROM patch_diff d JOIN patch p ON p.id = d.patch_id JOIN message m ON m.id = p.message_id WHERE m.msgid = ?", msgid(id))
			if err != nil || string(diff) != head+"-gr\xfcn\n+gr\xf6\xdfer\n" || charset != []string{"windows-1252", "iso-8859-15", "windows-1252"}[i] {
				t.Errorf("%s: stored %q in %q (%v)", header, diff, charset, err)
			}
			if got := s.patchColumn("hash", id); got != hex.EncodeToString(want[:]) {
				t.Errorf("%s: hash %s", header, got)
			}
		}
	})
}

// TestMunged finds who sent what the list says it sent itself, and who he is stays so.
func TestMunged(t *testing.T) {
	list := func(name string) string { return name + " <munge@lists.example>" }
	cases := []struct{ from, header, want string }{
		{list("Bob Builder via Munge"), "X-Original-From: Robert <bob@people.example>\n", "Bob Builder <bob@people.example>"},
		{list("'Bob Builder' via Munge"), "Reply-To: Eve <eve@people.example>, Bob Builder <bob@people.example>\n", "Bob Builder <bob@people.example>"},
		{list("Bob via Munge"), "Cc: Eve <eve@people.example>, \"Bob\" <bob2@people.example>\n", "Bob <bob2@people.example>"},
		{list("Bob via Munge"), "Reply-To: <solo@people.example>\n", "Bob <solo@people.example>"},
		{"munge@lists.example", "", "<munge@lists.example>"},
		{list("The list"), "X-Original-From: nothing\n", "The list <munge@lists.example>"},
		{"ann at people.example (Ann)", "", "Ann <ann@people.example>"},
		{"last, first <lf@people.example>", "", "last, first <lf@people.example>"},
		{"O'Brien <o'brien@people.example>", "", "O'Brien <o'brien@people.example>"},
		{"root@localhost", "", "<root@localhost>"},
		{"a@people.example, b@people.example", "", "<a@people.example>"},
	}
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		for i, c := range cases {
			s := newSite(t, db, fmt.Sprintf("munge%d", i), func(p *project.Change) { e := "munge@lists.example"; p.ListEmail = &e })
			id := fmt.Sprintf("p%d", i)
			s.send("patch", letter{id: id, subject: "[PATCH] x", from: c.from, header: c.header, body: patchText("x")})
			x := s.one(id)
			if got := strings.TrimSpace(x.Submitter[1] + " <" + x.Submitter[0] + ">"); got != c.want {
				// The list itself has the name most of its mails gave it.
				t.Errorf("From: %s with %q: %s, want %s", c.from, c.header, got, c.want)
			}
		}
	})
}

// TestClockDates: see TestKnownFailureA14; here a date is taken from the Received header.
func TestClockDates(t *testing.T) {
	received := "Received: from a by b (a; b); " + begin.AddDate(0, 0, 1).Format("Mon, 2 Jan 2006 15:04:05 -0700") + "\n"
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db, "dates")
		for date, want := range map[string]clock.Time{
			"":                                     clock.FromTime(begin.AddDate(0, 0, 1)),
			"Mon, 1 Mar 2049 10:00:00 +0000":       clock.FromTime(begin.AddDate(0, 0, 1)),
			"Thu, 1 Jan 1970 00:00:01 +0000":       clock.FromTime(begin.AddDate(0, 0, 1)),
			"1 Mar 2021 10:00:00":                  clock.FromTime(begin),
			"Mon Mar  1 10:00:00 2021":             clock.FromTime(begin),
			"Mon, 1 Mar 21 05:00 EST":              clock.FromTime(begin),
			"Mon, 1 Mar 2021 11:00:00 +0100 (CET)": clock.FromTime(begin),
		} {
			raw := "From: a@people.example\nSubject: [PATCH] " + date + "\nMessage-ID: <" + fmt.Sprintf("%x", date) + "@x>\nDate: " + date + "\n" + received + "\n" + patchText("x")
			s.deliver([]byte(raw))
			if got := s.text("SELECT date FROM message WHERE msgid = ?", fmt.Sprintf("<%x@x>", date)); got != fmt.Sprint(int64(want)) {
				t.Errorf("Date: %q is stored as %s, want %d", date, got, want)
			}
		}
	})
}
