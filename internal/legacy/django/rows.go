// SPDX-License-Identifier: GPL-2.0-or-later

package django

import "context"

// read are the tables whose rows are counted before they are read; those with mails are read twice, first their headers.
var read = []struct {
	table string
	times int64
	query string
}{
	{"patchwork_patch", 2, "SELECT COUNT(*) FROM patchwork_patch"}, {"patchwork_cover", 2, "SELECT COUNT(*) FROM patchwork_cover"},
	{"patchwork_patchcomment", 2, "SELECT COUNT(*) FROM patchwork_patchcomment"}, {"patchwork_covercomment", 2, "SELECT COUNT(*) FROM patchwork_covercomment"},
	{"auth_user", 1, "SELECT COUNT(*) FROM auth_user"}, {"authtoken_token", 1, "SELECT COUNT(*) FROM authtoken_token"},
	{"patchwork_person", 1, "SELECT COUNT(*) FROM patchwork_person"}, {"patchwork_emailconfirmation", 1, "SELECT COUNT(*) FROM patchwork_emailconfirmation"},
	{"patchwork_emailoptout", 1, "SELECT COUNT(*) FROM patchwork_emailoptout"}, {"patchwork_project", 1, "SELECT COUNT(*) FROM patchwork_project"},
	{"patchwork_userprofile_maintainer_projects", 1, "SELECT COUNT(*) FROM patchwork_userprofile_maintainer_projects"},
	{"patchwork_state", 1, "SELECT COUNT(*) FROM patchwork_state"}, {"patchwork_tag", 1, "SELECT COUNT(*) FROM patchwork_tag"},
	{"patchwork_delegationrule", 1, "SELECT COUNT(*) FROM patchwork_delegationrule"}, {"patchwork_series", 1, "SELECT COUNT(*) FROM patchwork_series"},
	{"patchwork_seriesreference", 1, "SELECT COUNT(*) FROM patchwork_seriesreference"},
	{"patchwork_series_dependencies", 1, "SELECT COUNT(*) FROM patchwork_series_dependencies"},
	{"patchwork_patchrelation", 1, "SELECT COUNT(*) FROM patchwork_patchrelation"}, {"patchwork_check", 1, "SELECT COUNT(*) FROM patchwork_check"},
	{"patchwork_bundle", 1, "SELECT COUNT(*) FROM patchwork_bundle"}, {"patchwork_bundlepatch", 1, "SELECT COUNT(*) FROM patchwork_bundlepatch"},
	{"patchwork_patchchangenotification", 1, "SELECT COUNT(*) FROM patchwork_patchchangenotification"}, {"patchwork_event", 1, "SELECT COUNT(*) FROM patchwork_event"},
}

// rows is how many rows will be read in all, for the progress.
func (im *importer) rows(ctx context.Context) (int64, error) {
	var total int64
	for _, t := range read {
		if im.src.columns[t.table] == nil {
			continue
		}
		n, err := im.src.count(ctx, t.query)
		if err != nil {
			return 0, err
		}
		total += n * t.times
	}
	return total, nil
}
