CREATE INDEX event_subject_event ON event_subject (event_id);
-- The highest position that an event was given. Whoever gives positions holds this row until he commits.
-- owner: event
CREATE TABLE event_last (
  id BIGINT PRIMARY KEY,
  pos BIGINT NOT NULL
);
INSERT INTO event_last (id, pos) SELECT 1, 0 FROM id_block WHERE name = 'state' AND NOT EXISTS (SELECT 1 FROM event_last);
