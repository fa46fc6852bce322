// SPDX-License-Identifier: GPL-2.0-or-later

// Package patch is the core of everything about patches: patches, covers, their comments, series, states, tags, delegation, checks,
// bundles and relations: the rules and the SQL, in one place for all faces.
//
// It owns the tables state, tag, delegation_rule, cover, series and its satellites, patch and its satellites, both kinds of comment, bundles,
// patch_count, state_notice and saved_query. It never parses mail (patch/patchmail does) and never renders anything.
//
// Mail comes in through an Intake, the working set of one transaction and project:
//
//	in, err := patch.LoadIntake(ctx, tx, rules, p, now, wanted)
//	s := in.NewSeries(...)
//	err = in.AddPatch(ctx, patch.NewPatch{Message: m, Series: s, Number: 1, ...})
//	err = in.Write(ctx)
package patch
