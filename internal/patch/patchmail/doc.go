// SPDX-License-Identifier: GPL-2.0-or-later

// Package patchmail reads mail for package patch: which project a mail is for, who sent it, whether it is a patch, a cover letter, a
// comment or nothing of ours, and which series it belongs to. It is a claimer of package ingress.
//
// It owns no tables; what it decides is stored by patch.Intake. What it decides follows Patchwork 3.2 unless docs/deviations.md says otherwise.
//
//	in := ingress.New(db, clock.System{}, ingress.DefaultLimits, patchmail.New(clock.System{}))
package patchmail
