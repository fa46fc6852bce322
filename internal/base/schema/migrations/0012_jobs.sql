CREATE INDEX job_due ON job (state, run_at, id);
CREATE INDEX job_finished ON job (state, finished_at, id);
CREATE INDEX job_lease ON job (state, lease_until);
-- A target's row is there while one of its jobs runs.
-- owner: job
CREATE TABLE job_lane (
  target VARCHAR(255) NOT NULL PRIMARY KEY,
  job_id BIGINT NOT NULL
) WITHOUT ROWID;
-- Work that is done from time to time, by one process: when it is due, when it was last begun, and by whom until when.
CREATE TABLE job_periodic (
  name VARCHAR(60) NOT NULL PRIMARY KEY,
  due_at BIGINT NOT NULL,
  started_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL,
  lease_owner VARCHAR(100) NOT NULL,
  lease_until BIGINT NOT NULL,
  error TEXT NOT NULL
) WITHOUT ROWID;
-- Processes that run jobs. One that has not been seen for a while is dead.
CREATE TABLE worker (
  id VARCHAR(100) NOT NULL PRIMARY KEY,
  host VARCHAR(255) NOT NULL,
  pid BIGINT NOT NULL,
  kinds TEXT NOT NULL,
  started_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX worker_seen ON worker (seen_at);
