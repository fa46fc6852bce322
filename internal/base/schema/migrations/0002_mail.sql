-- A delivery: one row per mail as it was received. Quarantine is an outcome.
-- owner: mailstore
CREATE TABLE mail (
  id BIGINT PRIMARY KEY,
  received_at BIGINT NOT NULL,
  sha256 BYTES(32) NOT NULL,
  size BIGINT NOT NULL,
  via VARCHAR(20) NOT NULL,
  list_id VARCHAR(255) NOT NULL,
  project_id BIGINT NULL,
  msgid VARCHAR(255) NOT NULL,
  outcome VARCHAR(20) NOT NULL,
  reason VARCHAR(1000) NOT NULL
);
CREATE INDEX mail_outcome ON mail (outcome, id);
CREATE INDEX mail_project_outcome ON mail (project_id, outcome, id);
CREATE INDEX mail_received ON mail (received_at, id);
CREATE INDEX mail_msgid ON mail (msgid, sha256);

-- The bytes of a delivery, zstd, in pieces that any server takes in one statement.
CREATE TABLE mail_raw (
  mail_id BIGINT NOT NULL,
  part INTEGER NOT NULL,
  raw BYTES NOT NULL,
  PRIMARY KEY (mail_id, part)
);

-- A mail of a project. msgid is the key: at most 255 bytes; a longer Message-ID is cut and hashed, and stands whole in msgid_long.
-- copy numbers rows that an older system held twice; it is 0 for everything that came by mail.
CREATE TABLE message (
  id BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL,
  msgid VARCHAR(255) NOT NULL,
  copy INTEGER NOT NULL,
  msgid_long TEXT NULL,
  kind VARCHAR(10) NOT NULL,
  submitter_id BIGINT NOT NULL,
  date BIGINT NOT NULL,
  subject TEXT NOT NULL,
  in_reply_to VARCHAR(255) NOT NULL,
  thread_id BIGINT NOT NULL,
  mail_id BIGINT NULL,
  hidden BOOLEAN NOT NULL,
  UNIQUE (msgid, project_id, copy)
);
CREATE INDEX message_thread ON message (thread_id, date);

CREATE TABLE message_body (
  message_id BIGINT PRIMARY KEY,
  headers TEXT NOT NULL,
  content TEXT NULL
);

-- References of messages whose parent is not here yet.
CREATE TABLE pending_reference (
  project_id BIGINT NOT NULL,
  msgid VARCHAR(255) NOT NULL,
  message_id BIGINT NOT NULL,
  distance INTEGER NOT NULL,
  PRIMARY KEY (project_id, msgid, message_id)
) WITHOUT ROWID;
CREATE INDEX pending_reference_message ON pending_reference (message_id);

-- What was deleted or hidden on purpose: replay and import do not bring it back.
CREATE TABLE tombstone (
  project_id BIGINT NOT NULL,
  msgid VARCHAR(255) NOT NULL,
  kind VARCHAR(10) NOT NULL,
  at BIGINT NOT NULL,
  actor_id BIGINT NULL,
  reason VARCHAR(1000) NOT NULL,
  PRIMARY KEY (project_id, msgid)
) WITHOUT ROWID;
