-- owner: patch
-- Roll-up: what lists of series show of one, and who must act on it. lane: -1 hidden, 0 done, 1 needs a first review, 2 reviewed and green, 3 in review, 4 waits for its
-- author, 5 waits for checks. date: of the series. active_at: of its newest mail. Of what is not hidden: patches, comments, unaddressed (comments that ask for
-- something). Of what is not archived either: open (patches that require action), reviewed (open ones with an Acked-by or Reviewed-by), and pending, success, warning
-- and fail (newest checks). states and tags: "id:patches …", before those of tags "=id …" of the tags that all patches have; delegates: "id …" of patches that require action, or wait for their author.
CREATE TABLE series_triage (
  series_id BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL,
  lane INTEGER NOT NULL,
  date BIGINT NOT NULL,
  active_at BIGINT NOT NULL,
  newer BOOLEAN NOT NULL,
  patches INTEGER NOT NULL,
  open INTEGER NOT NULL,
  reviewed INTEGER NOT NULL,
  comments INTEGER NOT NULL,
  unaddressed INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  success INTEGER NOT NULL,
  warning INTEGER NOT NULL,
  fail INTEGER NOT NULL,
  states VARCHAR(255) NOT NULL,
  tags VARCHAR(255) NOT NULL,
  delegates VARCHAR(255) NOT NULL
);
CREATE INDEX series_triage_date ON series_triage (project_id, lane, date, series_id);
CREATE INDEX series_triage_active ON series_triage (project_id, lane, active_at, series_id);

-- Roll-up: series per project and lane.
CREATE TABLE triage_count (
  project_id BIGINT NOT NULL,
  lane INTEGER NOT NULL,
  series BIGINT NOT NULL,
  PRIMARY KEY (project_id, lane)
) WITHOUT ROWID;
