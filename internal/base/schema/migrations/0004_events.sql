-- pos is given after commit by one relay, strictly increasing; null until then.
-- owner: event
CREATE TABLE event (
  id BIGINT PRIMARY KEY,
  pos BIGINT NULL UNIQUE,
  project_id BIGINT NULL,
  kind VARCHAR(30) NOT NULL,
  actor_id BIGINT NULL,
  at BIGINT NOT NULL,
  payload TEXT NOT NULL
);
CREATE INDEX event_at ON event (at, id);
CREATE INDEX event_project_at ON event (project_id, at, id);
CREATE INDEX event_kind_at ON event (kind, at, id);
CREATE INDEX event_actor_at ON event (actor_id, at, id) WHERE actor_id IS NOT NULL;

CREATE TABLE event_subject (
  kind VARCHAR(10) NOT NULL,
  subject_id BIGINT NOT NULL,
  event_id BIGINT NOT NULL,
  PRIMARY KEY (kind, subject_id, event_id)
) WITHOUT ROWID;

CREATE TABLE event_consumer (
  name VARCHAR(100) NOT NULL PRIMARY KEY,
  pos BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE audit (
  id BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  actor_id BIGINT NULL,
  via VARCHAR(20) NOT NULL,
  verb VARCHAR(50) NOT NULL,
  subject VARCHAR(255) NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at, id);
CREATE INDEX audit_subject ON audit (subject, id);

-- state: waiting (for its time), blocked (by another job of its target), queued, running, done, dead, cancelled. Jobs with the same non-empty
-- target run one after the other; see 0012 for who has the turn.
-- owner: job
CREATE TABLE job (
  id BIGINT PRIMARY KEY,
  kind VARCHAR(40) NOT NULL,
  target VARCHAR(255) NOT NULL,
  priority INTEGER NOT NULL,
  payload TEXT NOT NULL,
  state VARCHAR(10) NOT NULL,
  run_at BIGINT NOT NULL,
  attempts INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  lease_owner VARCHAR(100) NOT NULL,
  lease_until BIGINT NOT NULL,
  error TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  finished_at BIGINT NULL
);
CREATE INDEX job_ready ON job (state, kind, priority, run_at, id);
CREATE INDEX job_target ON job (target, state, id);
