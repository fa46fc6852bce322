// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"
	"maps"
	"slices"
	"strings"

	"patchwork.example/pw/internal/base/fault"
)

// known are the tables that are read and their columns, as migration 0048 has them.
var known = map[string]string{
	"auth_user":                                 "id password last_login is_superuser username first_name last_name email is_staff is_active date_joined",
	"authtoken_token":                           "key created user_id",
	"django_migrations":                         "id app name applied",
	"patchwork_bundle":                          "id name public owner_id project_id",
	"patchwork_bundlepatch":                     "id order bundle_id patch_id",
	"patchwork_check":                           "id date state target_url description context user_id patch_id",
	"patchwork_cover":                           "id msgid date headers content name project_id submitter_id",
	"patchwork_covercomment":                    "id msgid date headers content cover_id submitter_id addressed",
	"patchwork_delegationrule":                  "id path priority project_id user_id",
	"patchwork_emailconfirmation":               "id type email key date active user_id",
	"patchwork_emailoptout":                     "email",
	"patchwork_event":                           "id category date actor_id created_check_id current_delegate_id current_relation_id current_state_id previous_delegate_id previous_relation_id previous_state_id project_id series_id cover_id patch_id cover_comment_id patch_comment_id",
	"patchwork_patch":                           "id msgid date headers content name project_id submitter_id archived commit_ref delegate_id diff hash number pull_url related_id series_id state_id",
	"patchwork_patchchangenotification":         "patch_id last_modified orig_state_id",
	"patchwork_patchcomment":                    "id msgid date headers content patch_id submitter_id addressed",
	"patchwork_patchrelation":                   "id",
	"patchwork_patchtag":                        "id count tag_id patch_id",
	"patchwork_person":                          "id email name user_id",
	"patchwork_project":                         "id linkname name listid listemail subject_match web_url scm_url webscm_url list_archive_url list_archive_url_format commit_url_format send_notifications use_tags show_dependencies",
	"patchwork_series":                          "id name date version total project_id submitter_id cover_letter_id",
	"patchwork_series_dependencies":             "id from_series_id to_series_id",
	"patchwork_seriesreference":                 "id msgid project_id series_id",
	"patchwork_state":                           "id name slug ordering action_required",
	"patchwork_tag":                             "id name pattern abbrev show_column",
	"patchwork_userprofile":                     "id send_email items_per_page show_ids user_id",
	"patchwork_userprofile_maintainer_projects": "id userprofile_id project_id",
}

// younger are columns that came after migration 0044, the last of Patchwork 3.0; a table without a column is young itself.
var younger = []string{"patchwork_patchcomment.addressed", "patchwork_covercomment.addressed", "patchwork_event.cover_comment_id", "patchwork_event.patch_comment_id",
	"patchwork_project.show_dependencies", "patchwork_series_dependencies.id", "patchwork_series_dependencies.from_series_id", "patchwork_series_dependencies.to_series_id"}

// newest is the last migration that is known.
const newest = "0048_"

// version tells by its tables which Patchwork the source is of. One that can't be read is fault.Invalid, with the reason. django_migrations is no
// help: the last rows of a fresh database are those of squashed migrations.
func (s *source) version() (string, error) {
	for _, table := range []string{"django_migrations", "auth_user", "patchwork_project", "patchwork_patch"} {
		if s.columns[table] == nil {
			return "", fault.New(fault.Invalid, "%s is no database of a Django Patchwork: it has no table %s", s.name, table)
		}
	}
	if s.columns["patchwork_cover"] == nil || !s.has("patchwork_patch", "msgid") {
		return "", fault.New(fault.Invalid, "%s is of Patchwork 2 (before migration 0043): only 3.0 to 3.2 and what followed can be imported; bring it up to Patchwork 3.2 first", s.name)
	}
	if unknown := s.unknown(); len(unknown) > 0 {
		return "", fault.New(fault.Invalid, "%s is of a newer or changed Patchwork (later than migration 0048): this pw does not know %s", s.name, strings.Join(unknown, ", "))
	}
	if missing := s.missing(); len(missing) > 0 {
		return "", fault.New(fault.Invalid, "%s is of no Patchwork that is known: it lacks %s", s.name, strings.Join(missing, ", "))
	}
	switch {
	case s.has("patchwork_series_dependencies", "id"):
		return "after 3.2 (migration 0048)", nil
	case s.has("patchwork_event", "patch_comment_id"):
		return "3.1 or 3.2 (migration 0046)", nil
	case s.has("patchwork_patchcomment", "addressed"):
		return "between 3.0 and 3.1 (migration 0045)", nil
	}
	return "3.0 (migration 0044)", nil
}

// unknown lists tables and columns of Patchwork that would be lost.
func (s *source) unknown() []string {
	var out []string
	for table, columns := range s.columns {
		names, ok := known[table]
		if !ok && patchworkTable(table) {
			out = append(out, "table "+table)
		}
		for c := range columns {
			if ok && !slices.Contains(strings.Fields(names), c) {
				out = append(out, "column "+table+"."+c)
			}
		}
	}
	slices.Sort(out)
	return out
}

func (s *source) missing() []string {
	var out []string
	for table, names := range known {
		for _, c := range strings.Fields(names) {
			if name := table + "." + c; !s.has(table, c) && !slices.Contains(younger, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// LeftOut is a table that is not imported.
type LeftOut struct {
	Table string
	Rows  int64
	Why   string
}

// passedOver are the tables of Django that have no counterpart here, and the one that is computed anew.
var passedOver = []struct{ table, query, why string }{
	{"auth_group", "SELECT COUNT(*) FROM auth_group", "groups of Django's admin pages"},
	{"auth_group_permissions", "SELECT COUNT(*) FROM auth_group_permissions", "permissions of Django's admin pages"},
	{"auth_permission", "SELECT COUNT(*) FROM auth_permission", "permissions of Django's admin pages"},
	{"auth_user_groups", "SELECT COUNT(*) FROM auth_user_groups", "groups of Django's admin pages"},
	{"auth_user_user_permissions", "SELECT COUNT(*) FROM auth_user_user_permissions", "permissions of Django's admin pages"},
	{"django_admin_log", "SELECT COUNT(*) FROM django_admin_log", "what was done on Django's admin pages"},
	{"django_content_type", "SELECT COUNT(*) FROM django_content_type", "Django's own"},
	{"django_migrations", "SELECT COUNT(*) FROM django_migrations", "Django's own"},
	{"django_session", "SELECT COUNT(*) FROM django_session", "logins: everybody logs in again"},
	{"django_site", "SELECT COUNT(*) FROM django_site", "the name of the site: see http.base-url"},
	{"patchwork_patchtag", "SELECT COUNT(*) FROM patchwork_patchtag", "counts of tags: counted anew"},
}

// leftOut counts what is not imported; tables without rows are not named.
func (s *source) leftOut(ctx context.Context) ([]LeftOut, error) {
	var out []LeftOut
	named := map[string]bool{}
	for _, p := range passedOver {
		named[p.table] = true
		if s.columns[p.table] == nil {
			continue
		}
		n, err := s.count(ctx, p.query)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			out = append(out, LeftOut{p.table, n, p.why})
		}
	}
	for _, table := range slices.Sorted(maps.Keys(s.columns)) {
		if _, ours := known[table]; !ours && !named[table] && !strings.HasPrefix(table, "sqlite_") {
			out = append(out, LeftOut{table, -1, "not a table of Patchwork or Django; not counted"})
		}
	}
	return out, nil
}

// newerMigrations lists migrations of Patchwork that are not known; tables and columns are as known, or version would have refused.
func (s *source) newerMigrations(ctx context.Context) ([]string, error) {
	var out []string
	err := s.tx.SelectContext(ctx, &out, "SELECT name FROM django_migrations WHERE app = 'patchwork' AND name >= ? ORDER BY name", next(newest))
	return out, s.explain(ctx, "read its migrations", err)
}

// next is the first text after all that begin with prefix.
func next(prefix string) string { return prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1) }
