-- What users want to be told of. project_id is 0 but for weekly summaries. value: 0 no; else yes, or a number of days.
-- owner: patch/patchnotify
CREATE TABLE notify_choice (
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  kind VARCHAR(20) NOT NULL,
  project_id BIGINT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (user_id, kind, project_id)
) WITHOUT ROWID;
CREATE INDEX notify_choice_kind ON notify_choice (kind, project_id, user_id);

-- What a user is to be told by the next mail on a topic: a series, or (negative) a patch that has none.
CREATE TABLE notify_item (
  id BIGINT PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  topic BIGINT NOT NULL,
  project_id BIGINT NOT NULL,
  patch_id BIGINT NOT NULL,
  kind VARCHAR(20) NOT NULL,
  detail TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX notify_item_topic ON notify_item (user_id, topic, at);
CREATE INDEX notify_item_project ON notify_item (project_id);

-- When a user was last sent what comes from time to time.
CREATE TABLE notify_sent (
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  kind VARCHAR(20) NOT NULL,
  project_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (user_id, kind, project_id)
) WITHOUT ROWID;
