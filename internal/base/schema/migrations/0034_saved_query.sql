-- kind: of which list, "patch" or "series". opens: that list opens with it.
-- owner: patch
ALTER TABLE saved_query ADD COLUMN kind VARCHAR(10) NOT NULL DEFAULT 'patch';
ALTER TABLE saved_query ADD COLUMN opens BOOLEAN NOT NULL DEFAULT FALSE;
-- What is delegated to somebody, over all projects.
CREATE INDEX patch_count_delegate ON patch_count (delegate_id);
