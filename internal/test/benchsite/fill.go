// SPDX-License-Identifier: GPL-2.0-or-later

package benchsite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/event"
	"patchwork.example/pw/internal/ingress"
	"patchwork.example/pw/internal/patch/patchmail"
	"patchwork.example/pw/internal/project"
	"patchwork.example/pw/internal/test/archivegen"
)

// List is the list id of the project, which is called bench; Maintainer is a user who maintains it.
const (
	List       = "kettle.lists.example"
	Maintainer = "mia"
)

// fill makes an empty database one of n patches.
func fill(b *testing.B, program, url string, n int) {
	b.Helper()
	archive := filepath.Join(Scratch(b), "generated.mbox")
	generate(b, archive, n)
	Project(b, program, url, List)
	start := time.Now()
	Run(b, program, url, "ingress", "--mbox", "--list-id", List, archive)
	fmt.Printf("taken in within %.1f s\n", time.Since(start).Seconds())
	db, err := sqldb.Open(b.Context(), url, sqldb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	people(b, db)
	thirty(b, db)
	settle(b, db)
}

func generate(b *testing.B, path string, patches int) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	start := time.Now()
	made, err := archivegen.Write(f, archivegen.Options{Patches: patches, Few: true, Seed: 1, List: List})
	if err != nil {
		b.Fatal(err)
	}
	fmt.Printf("\ngenerated in %.1f s: %d patches, %d covers, %d comments in %d series, %.0f MB\n", time.Since(start).Seconds(), made.Patches, made.Covers, made.Comments, made.Series, float64(made.Bytes)/1e6)
}

// people makes a maintainer.
func people(b *testing.B, db *sqldb.DB) {
	b.Helper()
	name, email, now := Maintainer, Maintainer+"@people.example", clock.System{}.Now()
	if _, err := account.CreateUser(b.Context(), db, account.CLI, now, account.UserChange{Username: &name, Email: &email}); err != nil {
		b.Fatal(err)
	}
	if err := project.AddMaintainer(b.Context(), db, account.CLI, now, "bench", name); err != nil {
		b.Fatal(err)
	}
}

// thirty sends a series of thirty patches of 200 lines, each with a reply.
func thirty(b *testing.B, db *sqldb.DB) {
	b.Helper()
	var mails []ingress.Delivery
	send := func(id, parent, subject, body string) {
		head := ""
		if parent != "" {
			head = "In-Reply-To: <" + parent + ">\n"
		}
		mails = append(mails, ingress.Delivery{Via: "bench", Raw: []byte("From: Ann Author <ann@people.example>\nDate: " + time.Now().UTC().Format(time.RFC1123Z) + "\nMessage-ID: <" + id + ">\n" + head + "Subject: " + subject +
			"\nList-Id: <" + List + ">\n\n" + body)})
	}
	send("thirty-0@bench", "", "[PATCH 0/30] thirty", "Cover.\n")
	for n := 1; n <= 30; n++ {
		id := fmt.Sprintf("thirty-%d@bench", n)
		lines := strings.Repeat(fmt.Sprintf("+a line of patch number %d\n", n), 200)
		send(id, "thirty-0@bench", fmt.Sprintf("[PATCH %d/30] thirty: part %d", n, n), fmt.Sprintf("Text.\n---\n\ndiff --git a/f%d.c b/f%d.c\nnew file mode 100644\nindex 0000000..5a69788\n--- /dev/null\n+++ b/f%d.c\n@@ -0,0 +1,200 @@\n%s", n, n, n, lines))
		send("re-"+id, id, fmt.Sprintf("Re: [PATCH %d/30] thirty: part %d", n, n), "Good.\n\nAcked-by: Rev Example <rev@people.example>\n")
	}
	c := clock.System{}
	if _, err := ingress.New(db, c, ingress.DefaultLimits, patchmail.New(c)).Deliver(b.Context(), mails); err != nil {
		b.Fatal(err)
	}
}

// settle does what a server does by itself in the hours after an import: positions of events, statistics.
func settle(b *testing.B, db *sqldb.DB) {
	b.Helper()
	for {
		n, err := event.Relay(b.Context(), db)
		if err != nil {
			b.Fatal(err)
		}
		if n == 0 {
			break
		}
	}
	if db.Engine() == sqldb.Postgres {
		if _, err := db.SQL().ExecContext(b.Context(), "VACUUM ANALYZE"); err != nil {
			b.Fatal(err)
		}
	}
}
