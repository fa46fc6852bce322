// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
)

// sendDigests tells submitters of changes of state in projects that do so: all of a submitter in one mail, once they have settled.
func (n *Notifier) sendDigests(ctx context.Context, now clock.Time) (int, error) {
	persons, err := patch.DueNotices(ctx, n.db, now.Add(-n.delay), now.Add(-longest*n.delay), mailsPerRun)
	if err != nil {
		return 0, err
	}
	return each(ctx, n, "state changes", persons, func(tx *sqldb.Tx, person int64) (*outmail.Mail, error) {
		notices, err := patch.TakeNotices(ctx, tx, person)
		if err != nil {
			return nil, err
		}
		notices = slices.DeleteFunc(notices, func(x patch.Notice) bool { return !x.Sends || x.Was == x.Now })
		p, err := account.PersonByID(ctx, tx, person)
		if err != nil || len(notices) == 0 {
			return nil, err
		}
		out, err := account.OptedOut(ctx, tx, p.Email)
		if err != nil || out {
			return nil, err
		}
		return digest(p, notices)
	})
}

// digestSubject is that of Patchwork 3.2, which people filter by; the projects are in order.
func digestSubject(notices []patch.Notice) string {
	var projects []string
	for _, x := range notices {
		projects = append(projects, x.Linkname)
	}
	slices.Sort(projects)
	noun := "patches"
	if len(notices) == 1 {
		noun = "patch"
	}
	return fmt.Sprintf("[%s] Patch notification: %d %s updated", strings.Join(slices.Compact(projects), ","), len(notices), noun)
}

func digest(p account.Person, notices []patch.Notice) (*outmail.Mail, error) {
	text, err := fill(digestText, struct {
		Notices []patch.Notice
		More    int
	}{notices[:min(len(notices), mostListed)], max(0, len(notices)-mostListed)})
	if err != nil {
		return nil, err
	}
	return &outmail.Mail{Kind: "state-digest", To: mail.Address{Name: p.Name, Address: p.Email}, Subject: digestSubject(notices), Text: text, Notice: true}, nil
}
