-- owner: patch
-- Roll-up: how many series ("series") and cover letters ("cover") a project has (0: none), hidden ones too.
CREATE TABLE list_count (
  project_id BIGINT NOT NULL,
  kind VARCHAR(10) NOT NULL,
  objects BIGINT NOT NULL,
  PRIMARY KEY (project_id, kind)
) WITHOUT ROWID;

CREATE INDEX series_list ON series (project_id, id);
CREATE INDEX series_list_name ON series (project_id, name, id);
CREATE INDEX cover_list ON cover (project_id, id);
CREATE INDEX cover_list_name ON cover (project_id, name, id);
CREATE INDEX cover_date ON cover (date, id);
CREATE INDEX series_metadata_value ON series_metadata (name, value_key);
