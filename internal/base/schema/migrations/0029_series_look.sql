-- Which versions of a series a user has looked at, and when last: what changed since then is shown to him. Looks at a series that was deleted or merged into another go with it.
-- owner: patch
CREATE TABLE series_look (
  series_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  at BIGINT NOT NULL,
  PRIMARY KEY (series_id, user_id)
) WITHOUT ROWID;
CREATE INDEX series_look_user ON series_look (user_id);
