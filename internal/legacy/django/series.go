// SPDX-License-Identifier: GPL-2.0-or-later

package django

import (
	"context"

	"patchwork.example/pw/internal/mailstore"
	"patchwork.example/pw/internal/patch"
)

type oldSeries struct {
	ID        int64
	Name      *string
	Date      naive
	Version   int
	Total     int
	Project   *int64 `db:"project_id"`
	Submitter int64  `db:"submitter_id"`
	Cover     *int64 `db:"cover_letter_id"`
}

func (im *importer) series(ctx context.Context) error {
	return take(ctx, im, table[oldSeries, patch.ImportedSeries]{
		what: "series", name: "patchwork_series", write: patch.ImportSeries,
		query: "SELECT id, name, date, version, total, project_id, submitter_id, cover_letter_id FROM patchwork_series ORDER BY id",
		convert: func(o oldSeries) patch.ImportedSeries {
			r := im.row("patchwork_series", o.ID)
			s := patch.ImportedSeries{ID: o.ID, Project: id(o.Project), Cover: id(o.Cover), Submitter: o.Submitter, Name: r.texts("name", o.Name, 255), Date: o.Date.mail(),
				Version: o.Version, Total: o.Total}
			im.facts.describe(&s)
			return s
		},
	})
}

type oldReference struct {
	ID      int64
	MsgID   string
	Project int64 `db:"project_id"`
	Series  int64 `db:"series_id"`
}

func (im *importer) references(ctx context.Context) error {
	return take(ctx, im, table[oldReference, patch.ImportedReference]{
		what: "references to series", name: "patchwork_seriesreference", write: patch.ImportReferences,
		query: "SELECT id, msgid, project_id, series_id FROM patchwork_seriesreference ORDER BY id",
		convert: func(o oldReference) patch.ImportedReference {
			key := mailstore.Key(im.row("patchwork_seriesreference", o.ID).text("msgid", o.MsgID, 0))
			return patch.ImportedReference{Project: o.Project, Series: o.Series, MsgID: key, Distance: im.facts.distance(o.Series, key), Awaited: !im.letters.known(o.Project, key)}
		},
	})
}

type oldDependency struct {
	From int64 `db:"from_series_id"`
	To   int64 `db:"to_series_id"`
}

func (im *importer) dependencies(ctx context.Context) error {
	if im.src.columns["patchwork_series_dependencies"] == nil { // before migration 0048
		return nil
	}
	return take(ctx, im, table[oldDependency, patch.ImportedDependency]{
		what: "dependencies of series", name: "patchwork_series_dependencies", write: patch.ImportDependencies,
		query: "SELECT from_series_id, to_series_id FROM patchwork_series_dependencies ORDER BY from_series_id, id",
		convert: func(o oldDependency) patch.ImportedDependency {
			im.places[o.From]++
			return patch.ImportedDependency{Series: o.From, DependsOn: o.To, Position: im.places[o.From]}
		},
	})
}

type oldRelation struct{ ID int64 }

func (im *importer) relations(ctx context.Context) error {
	return take(ctx, im, table[oldRelation, int64]{
		what: "relations of patches", name: "patchwork_patchrelation", write: patch.ImportRelations,
		query:   "SELECT id FROM patchwork_patchrelation ORDER BY id",
		convert: func(o oldRelation) int64 { return im.row("patchwork_patchrelation", o.ID).id },
	})
}
