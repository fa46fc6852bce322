// SPDX-License-Identifier: GPL-2.0-or-later

package patch

// Kinds of event in this domain, as the REST API names them.
const (
	EventCoverCreated        = "cover-created"
	EventPatchCreated        = "patch-created"
	EventPatchCompleted      = "patch-completed"
	EventSeriesCreated       = "series-created"
	EventSeriesCompleted     = "series-completed"
	EventCoverCommentCreated = "cover-comment-created"
	EventPatchCommentCreated = "patch-comment-created"
)

// Payload is what an event of this domain holds: ids.
type Payload struct {
	Patch   int64 `json:"patch,omitempty"`
	Cover   int64 `json:"cover,omitempty"`
	Series  int64 `json:"series,omitempty"`
	Comment int64 `json:"comment,omitempty"`
}
