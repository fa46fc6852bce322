-- Roll-up: how many events with a position there are, by period of 30 days (at / 2592000000000 microseconds, rounded down). Project 0 means those of all
-- projects, actor 0 those of everybody and nobody. Whoever changes it holds the row of event_last.
-- owner: event
CREATE TABLE event_count (
  project_id BIGINT NOT NULL,
  actor_id BIGINT NOT NULL,
  kind VARCHAR(30) NOT NULL,
  period BIGINT NOT NULL,
  events BIGINT NOT NULL,
  PRIMARY KEY (project_id, actor_id, kind, period)
) WITHOUT ROWID;
CREATE INDEX event_project_kind_at ON event (project_id, kind, at, id);

-- owner: account
CREATE INDEX person_name ON person (name_key, id);
