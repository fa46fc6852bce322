-- What the lane of a series follows from beside what lists show, so that intake can go on from there: others: comments by others than its sender; waiting: patches, not
-- archived, in a state that asks its author. -1: not known yet.
-- owner: patch
ALTER TABLE series_triage ADD COLUMN others INTEGER NOT NULL DEFAULT -1;
ALTER TABLE series_triage ADD COLUMN waiting INTEGER NOT NULL DEFAULT -1;
