-- owner: patch
CREATE TABLE state (
  id BIGINT PRIMARY KEY,
  name VARCHAR(100) NOT NULL UNIQUE,
  slug VARCHAR(100) NOT NULL UNIQUE,
  ordering INTEGER NOT NULL UNIQUE,
  action_required BOOLEAN NOT NULL
);

CREATE TABLE tag (
  id BIGINT PRIMARY KEY,
  name VARCHAR(20) NOT NULL,
  pattern VARCHAR(50) NOT NULL,
  abbrev VARCHAR(2) NOT NULL UNIQUE,
  show_column BOOLEAN NOT NULL
);

CREATE TABLE delegation_rule (
  id BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  path VARCHAR(255) NOT NULL,
  priority INTEGER NOT NULL,
  UNIQUE (project_id, path)
);
CREATE INDEX delegation_rule_user ON delegation_rule (user_id);

CREATE TABLE cover (
  id BIGINT PRIMARY KEY,
  message_id BIGINT NOT NULL UNIQUE,
  project_id BIGINT NOT NULL,
  submitter_id BIGINT NOT NULL,
  date BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  name_fold VARCHAR(255) NOT NULL DEFAULT ''
);
CREATE INDEX cover_project_date ON cover (project_id, date, id);
CREATE INDEX cover_submitter ON cover (submitter_id, date);

-- received and state_id are roll-ups: how many patches the series has, and the state all of them share (null: none, or they differ).
-- name_fold: name without letter case, which searches look through.
-- previous_by: what says that it is a new version of previous_id. name_key: sender and name, by which versions find each other. run: 1 one of its mails was sent by
-- git-send-email or b4, 2 as the first of a run, 3 in a run that began with its first mail and sent others too. threaded: one of its patches answers a mail. completed: it had all its patches once.
CREATE TABLE series (
  id BIGINT PRIMARY KEY,
  project_id BIGINT NULL,
  cover_id BIGINT NULL UNIQUE,
  previous_id BIGINT NULL,
  name VARCHAR(255) NULL,
  name_fold VARCHAR(255) NULL,
  date BIGINT NOT NULL,
  submitter_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  total INTEGER NOT NULL,
  received INTEGER NOT NULL,
  state_id BIGINT NULL,
  previous_by INTEGER NULL,
  change_id VARCHAR(255) NULL,
  base_commit VARCHAR(64) NULL,
  name_key VARCHAR(255) NULL,
  run INTEGER NOT NULL DEFAULT 0,
  threaded BOOLEAN NOT NULL DEFAULT FALSE,
  completed BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX series_change ON series (project_id, change_id) WHERE change_id IS NOT NULL;
CREATE INDEX series_name ON series (project_id, name_key, version);
CREATE INDEX series_project_date ON series (project_id, date, id);
CREATE INDEX series_submitter_date ON series (submitter_id, date);
CREATE INDEX series_previous ON series (previous_id) WHERE previous_id IS NOT NULL;
CREATE INDEX series_date ON series (date, id);

-- Message-IDs that the mails of a series refer to and by which more of its mails may be known: distance 1 is the parent of one of them. awaited: the
-- mail is not here. What begins with "run:" is no Message-ID, but what those of one run of git-send-email or b4 have in common; its distance is 0.
CREATE TABLE series_reference (
  project_id BIGINT NOT NULL,
  msgid VARCHAR(255) NOT NULL,
  series_id BIGINT NOT NULL,
  distance INTEGER NOT NULL DEFAULT 1,
  awaited BOOLEAN NOT NULL,
  PRIMARY KEY (project_id, msgid, series_id)
) WITHOUT ROWID;
CREATE INDEX series_reference_series ON series_reference (series_id);

CREATE TABLE series_dependency (
  series_id BIGINT NOT NULL,
  depends_on_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (series_id, depends_on_id)
) WITHOUT ROWID;
CREATE INDEX series_dependency_on ON series_dependency (depends_on_id);

-- value_key: the first 100 characters of value, by which it is found.
CREATE TABLE series_metadata (
  series_id BIGINT NOT NULL,
  name VARCHAR(100) NOT NULL,
  value TEXT NOT NULL,
  value_key VARCHAR(100) NOT NULL DEFAULT '',
  PRIMARY KEY (series_id, name)
) WITHOUT ROWID;

CREATE TABLE patch_relation (
  id BIGINT PRIMARY KEY
);

-- What lists read of a patch; its text is in message_body and patch_diff.
CREATE TABLE patch (
  id BIGINT PRIMARY KEY,
  message_id BIGINT NOT NULL UNIQUE,
  project_id BIGINT NOT NULL,
  submitter_id BIGINT NOT NULL,
  date BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  name_key VARCHAR(255) NOT NULL,
  state_id BIGINT NULL,
  delegate_id BIGINT NULL,
  archived BOOLEAN NOT NULL,
  series_id BIGINT NULL,
  number INTEGER NULL,
  related_id BIGINT NULL,
  hash VARCHAR(40) NULL,
  git_patch_id VARCHAR(40) NULL,
  commit_ref VARCHAR(255) NULL,
  pull_url VARCHAR(255) NULL,
  UNIQUE (series_id, number)
);
CREATE INDEX patch_list ON patch (project_id, archived, state_id, date, id);
CREATE INDEX patch_list_date ON patch (project_id, archived, date, id);
CREATE INDEX patch_list_name ON patch (project_id, archived, name, id);
CREATE INDEX patch_submitter ON patch (submitter_id, date, id, project_id, archived, state_id);
CREATE INDEX patch_delegate ON patch (delegate_id, archived, state_id, date, id, project_id) WHERE delegate_id IS NOT NULL;
CREATE INDEX patch_date ON patch (date, id);
CREATE INDEX patch_hash ON patch (hash);
CREATE INDEX patch_git ON patch (git_patch_id, project_id);
CREATE INDEX patch_related ON patch (related_id) WHERE related_id IS NOT NULL;

-- The bytes of the diff as they were sent, and the charset they are in when it is not UTF-8.
CREATE TABLE patch_diff (
  patch_id BIGINT PRIMARY KEY,
  charset VARCHAR(40) NOT NULL,
  diff BYTES NOT NULL
);

CREATE TABLE patch_comment (
  id BIGINT PRIMARY KEY,
  message_id BIGINT NOT NULL UNIQUE,
  patch_id BIGINT NOT NULL,
  submitter_id BIGINT NOT NULL,
  date BIGINT NOT NULL,
  addressed BOOLEAN NULL
);
CREATE INDEX patch_comment_patch ON patch_comment (patch_id, date, id);

CREATE TABLE cover_comment (
  id BIGINT PRIMARY KEY,
  message_id BIGINT NOT NULL UNIQUE,
  cover_id BIGINT NOT NULL,
  submitter_id BIGINT NOT NULL,
  date BIGINT NOT NULL,
  addressed BOOLEAN NULL
);
CREATE INDEX cover_comment_cover ON cover_comment (cover_id, date, id);

-- Roll-up: how often a tag stands in a patch and its comments. Rows with zero are not kept.
CREATE TABLE patch_tag (
  patch_id BIGINT NOT NULL,
  tag_id BIGINT NOT NULL,
  hits INTEGER NOT NULL,
  PRIMARY KEY (patch_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX patch_tag_tag ON patch_tag (tag_id);

-- state: 0 pending, 1 success, 2 warning, 3 fail.
CREATE TABLE patch_check (
  id BIGINT PRIMARY KEY,
  patch_id BIGINT NOT NULL,
  user_id BIGINT NULL,
  date BIGINT NOT NULL,
  state INTEGER NOT NULL,
  target_url VARCHAR(2000) NULL,
  description TEXT NULL,
  context VARCHAR(255) NOT NULL
);
CREATE INDEX patch_check_patch ON patch_check (patch_id, date);
CREATE INDEX patch_check_user ON patch_check (user_id);

-- Roll-up: the newest check per patch, user (0: deleted) and context.
CREATE TABLE patch_check_latest (
  patch_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  context VARCHAR(255) NOT NULL,
  check_id BIGINT NOT NULL,
  state INTEGER NOT NULL,
  PRIMARY KEY (patch_id, user_id, context)
) WITHOUT ROWID;

-- Roll-up: patches per project, state (0: none), archived and delegate (0: nobody).
CREATE TABLE patch_count (
  project_id BIGINT NOT NULL,
  state_id BIGINT NOT NULL,
  archived BOOLEAN NOT NULL,
  delegate_id BIGINT NOT NULL,
  patches BIGINT NOT NULL,
  PRIMARY KEY (project_id, state_id, archived, delegate_id)
) WITHOUT ROWID;

CREATE TABLE bundle (
  id BIGINT PRIMARY KEY,
  owner_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  name VARCHAR(255) NOT NULL,
  name_key VARCHAR(255) NOT NULL,
  public BOOLEAN NOT NULL,
  UNIQUE (owner_id, name)
);
CREATE INDEX bundle_project ON bundle (project_id);

CREATE TABLE bundle_patch (
  bundle_id BIGINT NOT NULL REFERENCES bundle (id) ON DELETE CASCADE,
  patch_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (bundle_id, patch_id)
) WITHOUT ROWID;
CREATE INDEX bundle_patch_patch ON bundle_patch (patch_id);

-- A state change that the submitter has not been told of yet. first_at: when the first of several changes was; null: modified_at.
CREATE TABLE state_notice (
  patch_id BIGINT PRIMARY KEY,
  original_state_id BIGINT NOT NULL,
  modified_at BIGINT NOT NULL,
  first_at BIGINT NULL
);
CREATE INDEX state_notice_modified ON state_notice (modified_at);

CREATE TABLE saved_query (
  id BIGINT PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  project_id BIGINT NULL REFERENCES project (id) ON DELETE CASCADE,
  name VARCHAR(100) NOT NULL,
  query TEXT NOT NULL,
  public BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE (user_id, name)
);
CREATE INDEX saved_query_project ON saved_query (project_id);
