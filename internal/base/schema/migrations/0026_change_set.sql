-- What people changed of patches, so that they can take it back: a row for each change of one or many, kept for a day. state: draft (not confirmed yet),
-- waiting (a job does it), done, cancelled, failed. project_id 0: of several; actor_id 0: no user. wanted: JSON. total patches are to be looked at, done are; of
-- them changed are different now, refused may not be changed by the actor, overtaken were changed by others since, lost can't be as wanted.
-- owner: patch
CREATE TABLE change_set (
  id BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL,
  actor_id BIGINT NOT NULL,
  via VARCHAR(10) NOT NULL,
  at BIGINT NOT NULL,
  state VARCHAR(10) NOT NULL,
  wanted TEXT NOT NULL,
  undoes_id BIGINT NOT NULL,
  undone_by BIGINT NOT NULL,
  total INTEGER NOT NULL,
  done INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  overtaken INTEGER NOT NULL,
  lost INTEGER NOT NULL,
  back TEXT NOT NULL,
  reason TEXT NOT NULL,
  finished_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX change_set_actor ON change_set (actor_id, at);
CREATE INDEX change_set_expires ON change_set (expires_at);

-- What a change set of one patch. later: the field of the patch was changed once more. The field "refused" names a patch that the actor may not change.
CREATE TABLE change_row (
  set_id BIGINT NOT NULL,
  patch_id BIGINT NOT NULL,
  field VARCHAR(10) NOT NULL,
  old_value TEXT NOT NULL,
  new_value TEXT NOT NULL,
  later BOOLEAN NOT NULL,
  PRIMARY KEY (set_id, patch_id, field)
) WITHOUT ROWID;
CREATE INDEX change_row_patch ON change_row (patch_id, later);

-- Patches that a change has still to look at.
CREATE TABLE change_todo (
  set_id BIGINT NOT NULL,
  patch_id BIGINT NOT NULL,
  PRIMARY KEY (set_id, patch_id)
) WITHOUT ROWID;
