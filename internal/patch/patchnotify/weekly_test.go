// SPDX-License-Identifier: GPL-2.0-or-later

package patchnotify

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"patchwork.example/pw/internal/account"
	"patchwork.example/pw/internal/base/clock"
	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/outmail"
	"patchwork.example/pw/internal/patch"
	"patchwork.example/pw/internal/test/dbtest"
)

type mailT = outmail.Mail

func TestReviewReminder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		s.project("kettle", false)
		carl := s.user("carl", "kettle")
		s.choose(carl, Choice{ReviewDays: 10})
		s.none("nothing delegated", s.after(0))
		s.series("kettle", "k", "Boil faster")
		s.change(account.CLI, patch.Change{Delegate: &carl.ID}, "k1@x", "k2@x")
		s.state(account.CLI, "accepted", "k2@x") // needs no action
		s.none("not long enough", s.after(9*day))
		m := s.one(s.after(day), "carl@people.example", "1 patch waits for your review")
		golden(t, "review.txt", m)
		s.none("told this week", s.after(6*day))
		for i := range 60 {
			s.mail("kettle", "ann@people.example", fmt.Sprintf("m%d@x", i), fmt.Sprintf("[PATCH] Number %d", i))
			s.change(account.CLI, patch.Change{Delegate: &carl.ID}, fmt.Sprintf("m%d@x", i))
		}
		s.one(s.after(2*day), "carl@people.example", "1 patch waits for your review")
		m = s.one(s.after(10*day), "carl@people.example", "61 patches wait for your review")
		if !strings.Contains(m.Text, "\n ... and 11 more.\n") || strings.Count(m.Text, "     kettle, New, since ") != 50 {
			t.Error(m.Text)
		}
		s.choose(carl, Choice{ReviewDays: 1})
		if m = s.one(s.after(7*day), "carl@people.example", "61 patches wait for your review"); !strings.Contains(m.Text, "have waited for a day or more:\n") {
			t.Error(m.Text)
		}
		s.choose(carl, Choice{})
		s.none("no longer wanted", s.after(30*day))
	})
}

func TestWeekEnd(t *testing.T) {
	for at, want := range map[string]string{
		"2026-03-04T12:00:00Z": "2026-03-02T06:00:00Z", "2026-03-02T06:00:00Z": "2026-03-02T06:00:00Z", "2026-03-02T05:59:59Z": "2026-02-23T06:00:00Z",
		"2026-03-01T23:00:00Z": "2026-02-23T06:00:00Z", "2026-01-01T00:00:00Z": "2025-12-29T06:00:00Z",
	} {
		in, _ := time.Parse(time.RFC3339, at)
		if got := weekEnd(clock.FromTime(in)).Time().Format(time.RFC3339); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}

func TestSummary(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s := newSite(t, db)
		k := s.project("kettle", false)
		s.project("alpha", false)
		ann, bob := s.user("ann"), s.user("bob")
		s.mail("kettle", "ann@people.example", "old@x", "[PATCH] Of the week before")
		s.exec("UPDATE event SET at = at - ?", int64(clock.Time(0).Add(5*day)))
		s.choose(ann, Choice{Summaries: []int64{k.ID}})
		s.choose(bob, Choice{Summaries: []int64{k.ID}})
		s.series("kettle", "k", "Boil faster")
		s.mail("alpha", "ann@people.example", "a@x", "[PATCH] Of another project")
		s.state(account.CLI, "accepted", "k1@x")
		s.none("not Monday yet", s.after(4*day)) // Sunday noon
		mails := s.after(day)
		if len(mails) != 2 || mails[0].Subject != "[kettle] The week to 2026-03-09" || mails[1].To.Address != "bob@people.example" {
			t.Fatalf("%+v", mails)
		}
		golden(t, "summary.txt", mails[0])
		s.none("told this week", s.after(6*day))
		s.choose(bob, Choice{})
		m := s.one(s.after(day), "ann@people.example", "[kettle] The week to 2026-03-16")
		if !strings.Contains(m.Text, "\n  Nothing happened.\n") {
			t.Error(m.Text)
		}
	})
}
