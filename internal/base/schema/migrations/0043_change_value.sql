-- What a change set did to a bundle or a series itself: its name, whether it is public; its version, "metadata " and a name. A value before and after it, NULL: none.
-- subject: bundle, series. later: that was changed once more.
-- owner: patch
CREATE TABLE change_value (
  set_id BIGINT NOT NULL,
  subject VARCHAR(10) NOT NULL,
  subject_id BIGINT NOT NULL,
  field VARCHAR(120) NOT NULL,
  old_value TEXT NULL,
  new_value TEXT NULL,
  later BOOLEAN NOT NULL,
  PRIMARY KEY (set_id, field)
) WITHOUT ROWID;
CREATE INDEX change_value_subject ON change_value (subject, subject_id, later);
