// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"
	"fmt"
	"strings"

	"patchwork.example/pw/internal/base/fault"
)

// references are the columns that name rows of other tables, each with a query that counts those whose row is not there. Django's constraints
// forbid them, but SQLite did not always enforce them.
var references = []struct{ column, to, dangling string }{
	{"authtoken_token.user_id", "auth_user",
		"SELECT COUNT(*) FROM authtoken_token a WHERE a.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.user_id)"},
	{"patchwork_userprofile.user_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_userprofile a WHERE a.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.user_id)"},
	{"patchwork_userprofile_maintainer_projects.userprofile_id", "patchwork_userprofile",
		"SELECT COUNT(*) FROM patchwork_userprofile_maintainer_projects a WHERE a.userprofile_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_userprofile b WHERE b.id = a.userprofile_id)"},
	{"patchwork_userprofile_maintainer_projects.project_id", "patchwork_project",
		"SELECT COUNT(*) FROM patchwork_userprofile_maintainer_projects a WHERE a.project_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_project b WHERE b.id = a.project_id)"},
	{"patchwork_person.user_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_person a WHERE a.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.user_id)"},
	{"patchwork_delegationrule.project_id", "patchwork_project",
		"SELECT COUNT(*) FROM patchwork_delegationrule a WHERE a.project_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_project b WHERE b.id = a.project_id)"},
	{"patchwork_delegationrule.user_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_delegationrule a WHERE a.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.user_id)"},
	{"patchwork_emailconfirmation.user_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_emailconfirmation a WHERE a.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.user_id)"},
	{"patchwork_cover.project_id", "patchwork_project",
		"SELECT COUNT(*) FROM patchwork_cover a WHERE a.project_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_project b WHERE b.id = a.project_id)"},
	{"patchwork_cover.submitter_id", "patchwork_person",
		"SELECT COUNT(*) FROM patchwork_cover a WHERE a.submitter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_person b WHERE b.id = a.submitter_id)"},
	{"patchwork_covercomment.cover_id", "patchwork_cover",
		"SELECT COUNT(*) FROM patchwork_covercomment a WHERE a.cover_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_cover b WHERE b.id = a.cover_id)"},
	{"patchwork_covercomment.submitter_id", "patchwork_person",
		"SELECT COUNT(*) FROM patchwork_covercomment a WHERE a.submitter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_person b WHERE b.id = a.submitter_id)"},
	{"patchwork_series.project_id", "patchwork_project",
		"SELECT COUNT(*) FROM patchwork_series a WHERE a.project_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_project b WHERE b.id = a.project_id)"},
	{"patchwork_series.submitter_id", "patchwork_person",
		"SELECT COUNT(*) FROM patchwork_series a WHERE a.submitter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_person b WHERE b.id = a.submitter_id)"},
	{"patchwork_series.cover_letter_id", "patchwork_cover",
		"SELECT COUNT(*) FROM patchwork_series a WHERE a.cover_letter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_cover b WHERE b.id = a.cover_letter_id)"},
	{"patchwork_series_dependencies.from_series_id", "patchwork_series",
		"SELECT COUNT(*) FROM patchwork_series_dependencies a WHERE a.from_series_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_series b WHERE b.id = a.from_series_id)"},
	{"patchwork_series_dependencies.to_series_id", "patchwork_series",
		"SELECT COUNT(*) FROM patchwork_series_dependencies a WHERE a.to_series_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_series b WHERE b.id = a.to_series_id)"},
	{"patchwork_seriesreference.project_id", "patchwork_project",
		"SELECT COUNT(*) FROM patchwork_seriesreference a WHERE a.project_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_project b WHERE b.id = a.project_id)"},
	{"patchwork_seriesreference.series_id", "patchwork_series",
		"SELECT COUNT(*) FROM patchwork_seriesreference a WHERE a.series_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_series b WHERE b.id = a.series_id)"},
	{"patchwork_patch.project_id", "patchwork_project",
		"SELECT COUNT(*) FROM patchwork_patch a WHERE a.project_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_project b WHERE b.id = a.project_id)"},
	{"patchwork_patch.submitter_id", "patchwork_person",
		"SELECT COUNT(*) FROM patchwork_patch a WHERE a.submitter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_person b WHERE b.id = a.submitter_id)"},
	{"patchwork_patch.delegate_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_patch a WHERE a.delegate_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.delegate_id)"},
	{"patchwork_patch.related_id", "patchwork_patchrelation",
		"SELECT COUNT(*) FROM patchwork_patch a WHERE a.related_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patchrelation b WHERE b.id = a.related_id)"},
	{"patchwork_patch.series_id", "patchwork_series",
		"SELECT COUNT(*) FROM patchwork_patch a WHERE a.series_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_series b WHERE b.id = a.series_id)"},
	{"patchwork_patch.state_id", "patchwork_state",
		"SELECT COUNT(*) FROM patchwork_patch a WHERE a.state_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_state b WHERE b.id = a.state_id)"},
	{"patchwork_patchcomment.patch_id", "patchwork_patch",
		"SELECT COUNT(*) FROM patchwork_patchcomment a WHERE a.patch_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patch b WHERE b.id = a.patch_id)"},
	{"patchwork_patchcomment.submitter_id", "patchwork_person",
		"SELECT COUNT(*) FROM patchwork_patchcomment a WHERE a.submitter_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_person b WHERE b.id = a.submitter_id)"},
	{"patchwork_check.patch_id", "patchwork_patch",
		"SELECT COUNT(*) FROM patchwork_check a WHERE a.patch_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patch b WHERE b.id = a.patch_id)"},
	{"patchwork_check.user_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_check a WHERE a.user_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.user_id)"},
	{"patchwork_bundle.owner_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_bundle a WHERE a.owner_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.owner_id)"},
	{"patchwork_bundle.project_id", "patchwork_project",
		"SELECT COUNT(*) FROM patchwork_bundle a WHERE a.project_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_project b WHERE b.id = a.project_id)"},
	{"patchwork_bundlepatch.bundle_id", "patchwork_bundle",
		"SELECT COUNT(*) FROM patchwork_bundlepatch a WHERE a.bundle_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_bundle b WHERE b.id = a.bundle_id)"},
	{"patchwork_bundlepatch.patch_id", "patchwork_patch",
		"SELECT COUNT(*) FROM patchwork_bundlepatch a WHERE a.patch_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patch b WHERE b.id = a.patch_id)"},
	{"patchwork_patchchangenotification.patch_id", "patchwork_patch",
		"SELECT COUNT(*) FROM patchwork_patchchangenotification a WHERE a.patch_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patch b WHERE b.id = a.patch_id)"},
	{"patchwork_patchchangenotification.orig_state_id", "patchwork_state",
		"SELECT COUNT(*) FROM patchwork_patchchangenotification a WHERE a.orig_state_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_state b WHERE b.id = a.orig_state_id)"},
	{"patchwork_event.project_id", "patchwork_project",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.project_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_project b WHERE b.id = a.project_id)"},
	{"patchwork_event.actor_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.actor_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.actor_id)"},
	{"patchwork_event.patch_id", "patchwork_patch",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.patch_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patch b WHERE b.id = a.patch_id)"},
	{"patchwork_event.series_id", "patchwork_series",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.series_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_series b WHERE b.id = a.series_id)"},
	{"patchwork_event.cover_id", "patchwork_cover",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.cover_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_cover b WHERE b.id = a.cover_id)"},
	{"patchwork_event.patch_comment_id", "patchwork_patchcomment",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.patch_comment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patchcomment b WHERE b.id = a.patch_comment_id)"},
	{"patchwork_event.cover_comment_id", "patchwork_covercomment",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.cover_comment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_covercomment b WHERE b.id = a.cover_comment_id)"},
	{"patchwork_event.created_check_id", "patchwork_check",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.created_check_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_check b WHERE b.id = a.created_check_id)"},
	{"patchwork_event.previous_state_id", "patchwork_state",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.previous_state_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_state b WHERE b.id = a.previous_state_id)"},
	{"patchwork_event.current_state_id", "patchwork_state",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.current_state_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_state b WHERE b.id = a.current_state_id)"},
	{"patchwork_event.previous_delegate_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.previous_delegate_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.previous_delegate_id)"},
	{"patchwork_event.current_delegate_id", "auth_user",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.current_delegate_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM auth_user b WHERE b.id = a.current_delegate_id)"},
	{"patchwork_event.previous_relation_id", "patchwork_patchrelation",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.previous_relation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patchrelation b WHERE b.id = a.previous_relation_id)"},
	{"patchwork_event.current_relation_id", "patchwork_patchrelation",
		"SELECT COUNT(*) FROM patchwork_event a WHERE a.current_relation_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM patchwork_patchrelation b WHERE b.id = a.current_relation_id)"},
}

// sound is fault.Invalid if a row names another that is not there.
func (s *source) sound(ctx context.Context) error {
	var found []string
	for _, r := range references {
		table, column, _ := strings.Cut(r.column, ".")
		if !s.has(table, column) {
			continue
		}
		n, err := s.count(ctx, r.dangling)
		if err != nil {
			return err
		}
		if n > 0 {
			found = append(found, fmt.Sprintf("%d rows of %s name a row of %s that is not there", n, r.column, r.to))
		}
	}
	if len(found) > 0 {
		return fault.New(fault.Invalid, "%s is damaged; nothing was imported:\n%s", s.name, strings.Join(found, "\n"))
	}
	return nil
}
