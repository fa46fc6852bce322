// SPDX-License-Identifier: GPL-2.0-or-later

package project

import (
	"context"
	"fmt"
	"reflect"

	"patchwork.example/pw/internal/base/sqldb"
	"patchwork.example/pw/internal/format/fold"
	"patchwork.example/pw/internal/format/pattern"
)

// Router finds the project of a mail.
type Router struct {
	projects []Project // by link name
	matches  map[int64]*pattern.Pattern
}

// LoadRouter reads all projects. A subject match that is no regular expression (only an import can bring one) matches nothing.
func LoadRouter(ctx context.Context, q sqldb.Queryer) (*Router, error) {
	all, err := All(ctx, q)
	if err != nil {
		return nil, err
	}
	r := &Router{projects: all, matches: map[int64]*pattern.Pattern{}}
	for _, p := range all {
		if p.SubjectMatch == "" {
			continue
		}
		if m, err := pattern.Compile(p.SubjectMatch); err == nil {
			r.matches[p.ID] = m
		}
	}
	return r, nil
}

// Same tells whether both know the same projects.
func (r *Router) Same(other *Router) bool { return reflect.DeepEqual(r.projects, other.projects) }

// Route finds the project for the first list id that has one; ids are tried in order. Of the projects on a list the first by link
// name whose subject match is found in subject wins, then the one without a subject match. Nil: none fits.
func (r *Router) Route(listIDs []string, subject string) *Project {
	for _, id := range listIDs {
		if p := r.onList(id, subject); p != nil {
			return p
		}
	}
	return nil
}

// ByID finds a project by its id. Nil: there is none.
func (r *Router) ByID(id int64) *Project {
	for i := range r.projects {
		if r.projects[i].ID == id {
			return &r.projects[i]
		}
	}
	return nil
}

// RouteByAddress finds the project whose list has one of the addresses, without regard to letter case; for mail that says nothing of a list. Nil: none.
func (r *Router) RouteByAddress(addresses []string, subject string) *Project {
	for _, address := range addresses {
		key := fold.Key(address)
		if p := r.first(subject, func(p *Project) bool { return fold.Key(p.ListEmail) == key }); p != nil {
			return p
		}
	}
	return nil
}

// onList looks for the id as it is spelled, then without regard to letter case (RFC 2919 §6).
func (r *Router) onList(id, subject string) *Project {
	if p := r.first(subject, func(p *Project) bool { return p.ListID == id }); p != nil {
		return p
	}
	key := fold.Key(id)
	return r.first(subject, func(p *Project) bool { return fold.Key(p.ListID) == key })
}

func (r *Router) first(subject string, fits func(*Project) bool) *Project {
	var open *Project
	for i := range r.projects {
		p := &r.projects[i]
		switch {
		case !fits(p):
		case p.SubjectMatch == "":
			if open == nil {
				open = p
			}
		case r.matches[p.ID] != nil && r.matches[p.ID].Match(subject):
			return p
		}
	}
	return open
}

// Lock locks the rows of projects in order of id until the transaction ends, so that mail of one project is taken in serially among
// all processes.
func Lock(ctx context.Context, tx *sqldb.Tx, ids []int64) error {
	if tx.LockRows() == "" || len(ids) == 0 { // SQLite: the writer is alone
		return nil
	}
	var locked []int64
	if err := tx.Select(ctx, &locked, "SELECT id FROM project WHERE id IN (?) ORDER BY id"+tx.LockRows(), ids); err != nil {
		return fmt.Errorf("lock projects: %w", err)
	}
	return nil
}
