-- What lists leave out, few rows of many: patches and cover letters ('patch', 'cover') whose mail is hidden, and series ('series') of which no mail is shown.
-- owner: patch
CREATE TABLE withheld (
  kind VARCHAR(10) NOT NULL,
  id BIGINT NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;
