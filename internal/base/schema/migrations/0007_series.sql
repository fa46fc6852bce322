-- owner: patch
-- Roll-up: how often a tag stands in a cover letter and its comments. It is part of the patch_tag of each patch of the series.
CREATE TABLE cover_tag (
  cover_id BIGINT NOT NULL,
  tag_id BIGINT NOT NULL,
  hits INTEGER NOT NULL,
  PRIMARY KEY (cover_id, tag_id)
) WITHOUT ROWID;
CREATE INDEX cover_tag_tag ON cover_tag (tag_id);

-- What the mails of a series say it builds upon (message, change, patch) or replaces (supersedes): Message-ID, change-id with :vN if it names a version, or
-- output of git patch-id. target_id: the series that was found; null: not here yet.
CREATE TABLE series_need (
  project_id BIGINT NOT NULL,
  kind VARCHAR(10) NOT NULL,
  value VARCHAR(255) NOT NULL,
  series_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  target_id BIGINT NULL,
  PRIMARY KEY (project_id, kind, value, series_id)
) WITHOUT ROWID;
CREATE INDEX series_need_series ON series_need (series_id);
CREATE INDEX series_need_target ON series_need (target_id);

-- Signs that two series are versions of one another, beside their change-id and name: see docs/design.md, "Which version?".
CREATE TABLE series_kin (
  series_id BIGINT NOT NULL,
  other_id BIGINT NOT NULL,
  sign INTEGER NOT NULL,
  PRIMARY KEY (series_id, other_id, sign)
) WITHOUT ROWID;
CREATE INDEX series_kin_other ON series_kin (other_id);

-- Patches that became superseded because a new version came, by_series_id; undone: somebody changed their state since, or took it back.
CREATE TABLE patch_superseded (
  patch_id BIGINT PRIMARY KEY,
  by_series_id BIGINT NOT NULL,
  original_state_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  undone BOOLEAN NOT NULL
);
CREATE INDEX patch_superseded_by ON patch_superseded (by_series_id);
