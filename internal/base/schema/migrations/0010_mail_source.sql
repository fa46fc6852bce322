-- What mail is fetched from, and how far. position is the source's own: for a public-inbox the last commit of each epoch, for an IMAP mailbox
-- UIDVALIDITY and UID. Mails that were taken in twice are known by their bytes, so a position may stand too early, never too late.
-- owner: ingress
CREATE TABLE mail_source (
  name VARCHAR(255) NOT NULL PRIMARY KEY,
  kind VARCHAR(20) NOT NULL,
  position TEXT NOT NULL,
  mails BIGINT NOT NULL,
  moved_at BIGINT NOT NULL,
  checked_at BIGINT NOT NULL,
  error VARCHAR(1000) NOT NULL,
  error_at BIGINT NOT NULL
) WITHOUT ROWID;
