-- Lookups of a project's Message-IDs and names: what differs from row to row comes first. While PostgreSQL has no statistics of a table it takes a list of them for no better than the
-- project alone, and would go through all of it.
-- owner: patch
-- only: postgres
ALTER TABLE series_reference DROP CONSTRAINT IF EXISTS series_reference_pkey, ADD PRIMARY KEY (msgid, project_id, series_id);
-- The sender's number stands before the name, so few projects share one.
CREATE INDEX series_named ON series (name_key, version);
-- only: sqlite
DROP INDEX IF EXISTS series_name;
-- only: postgres
DROP INDEX IF EXISTS series_name;
-- only: mariadb
DROP INDEX IF EXISTS series_name ON series;

-- owner: mailstore
-- only: postgres
ALTER TABLE pending_reference DROP CONSTRAINT IF EXISTS pending_reference_pkey, ADD PRIMARY KEY (msgid, project_id, message_id);
