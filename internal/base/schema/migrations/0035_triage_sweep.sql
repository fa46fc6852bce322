-- Projects whose series are looked at again, because what tells where they stand was changed: a state, a tag, whether the project counts tags. step: 1 the tags of
-- cover letters are counted, 2 those of patches, 3 where series stand. after_id: up to this one it is done. The row goes with the last step; see the job "triage".
-- owner: patch
CREATE TABLE triage_sweep (
  project_id BIGINT PRIMARY KEY,
  step INTEGER NOT NULL,
  after_id BIGINT NOT NULL
);
