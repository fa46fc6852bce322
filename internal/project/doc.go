// SPDX-License-Identifier: GPL-2.0-or-later

// Package project keeps the projects: the list each lives on, its links and switches, and who maintains it. All domains share them.
//
// It owns the tables project, project_maintainer and project_ingress_secret. It never reads or writes patches, issues or releases: what hangs on a project there is removed by
// the domains before RemoveProject.
//
//	r, err := project.LoadRouter(ctx, tx)
//	p := r.Route(listIDs, subject) // nil: no project for this mail
package project
