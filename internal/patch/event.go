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
	EventPatchStateChanged   = "patch-state-changed"
	EventPatchDelegated      = "patch-delegated"
	EventPatchArchived       = "patch-archived-changed"   // not in Patchwork 3.2
	EventPatchCommit         = "patch-commit-ref-changed" // nor are these two
	EventPatchPullURL        = "patch-pull-url-changed"
	EventPatchRelation       = "patch-relation-changed"
	EventCheckCreated        = "check-created"
	EventCheckUpdated        = "check-updated" // not in Patchwork 3.2

	EventPatchCommentAddressed = "patch-comment-addressed" // neither in Patchwork 3.2
	EventCoverCommentAddressed = "cover-comment-addressed"

	EventSeriesVersion  = "series-version-changed" // in 3.2 neither can be changed
	EventSeriesMetadata = "series-metadata-changed"
)

// EventKinds are all of them, by name.
func EventKinds() []string {
	return []string{EventCheckCreated, EventCheckUpdated, EventCoverCommentAddressed, EventCoverCommentCreated, EventCoverCreated, EventPatchArchived, EventPatchCommentAddressed, EventPatchCommentCreated, EventPatchCommit, EventPatchCompleted,
		EventPatchCreated, EventPatchDelegated, EventPatchPullURL, EventPatchRelation, EventPatchStateChanged, EventSeriesCompleted, EventSeriesCreated, EventSeriesMetadata, EventSeriesVersion}
}

// Payload is what an event of this domain holds: ids, the slugs of states, and other values of that moment.
type Payload struct {
	Patch   int64 `json:"patch,omitempty"`
	Cover   int64 `json:"cover,omitempty"`
	Series  int64 `json:"series,omitempty"`
	Comment int64 `json:"comment,omitempty"`
	Check   int64 `json:"check,omitempty"`

	PreviousState    string `json:"previous_state,omitempty"`
	CurrentState     string `json:"current_state,omitempty"`
	PreviousDelegate int64  `json:"previous_delegate,omitempty"` // user
	CurrentDelegate  int64  `json:"current_delegate,omitempty"`
	PreviousRelation int64  `json:"previous_relation,omitempty"`
	CurrentRelation  int64  `json:"current_relation,omitempty"`
	PreviousCommit   string `json:"previous_commit_ref,omitempty"`
	CurrentCommit    string `json:"current_commit_ref,omitempty"`
	PreviousPullURL  string `json:"previous_pull_url,omitempty"`
	CurrentPullURL   string `json:"current_pull_url,omitempty"`
	Archived         *bool  `json:"archived,omitempty"` // what it is now; it was the reverse

	PreviousAddressed *bool `json:"previous_addressed,omitempty"` // nil: nothing was asked for
	CurrentAddressed  *bool `json:"current_addressed,omitempty"`

	PreviousVersion  *int               `json:"previous_version,omitempty"`
	CurrentVersion   *int               `json:"current_version,omitempty"`
	PreviousMetadata map[string]*string `json:"previous_metadata,omitempty"` // of the names that changed; nil: there was none
	CurrentMetadata  map[string]*string `json:"current_metadata,omitempty"`
}
