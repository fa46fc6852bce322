-- Random keys of the site, made at first use: for what is signed and must be known by every process, also after a restart.
-- owner: outmail
CREATE TABLE site_secret (
  name VARCHAR(40) NOT NULL PRIMARY KEY,
  value BYTES(32) NOT NULL,
  created_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Mails to be sent and, for a while, those that were. state: queued, sent, failed, dropped, bounced. body: JSON of outmail.Mail; empty once it must not be kept.
-- msgid is set by the first attempt and the same for all others.
CREATE TABLE outgoing_mail (
  id BIGINT PRIMARY KEY,
  kind VARCHAR(40) NOT NULL,
  recipient VARCHAR(255) NOT NULL,
  recipient_key VARCHAR(255) NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  msgid VARCHAR(255) NOT NULL,
  state VARCHAR(10) NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT NOT NULL,
  job_id BIGINT NOT NULL,
  queued_at BIGINT NOT NULL,
  ended_at BIGINT NULL
);
CREATE INDEX outgoing_mail_state ON outgoing_mail (state, id);
CREATE INDEX outgoing_mail_recipient ON outgoing_mail (recipient_key, id);
CREATE INDEX outgoing_mail_queued ON outgoing_mail (queued_at);

-- A server that did not take our mail is left alone until then.
CREATE TABLE outgoing_pause (
  destination VARCHAR(255) NOT NULL PRIMARY KEY,
  failures INTEGER NOT NULL,
  until_at BIGINT NOT NULL,
  error TEXT NOT NULL
) WITHOUT ROWID;

-- What came back, per mail.
CREATE TABLE mail_bounce (
  mail_id BIGINT NOT NULL,
  status VARCHAR(20) NOT NULL,
  recipient_key VARCHAR(255) NOT NULL,
  permanent BOOLEAN NOT NULL,
  detail TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (mail_id, status)
) WITHOUT ROWID;
CREATE INDEX mail_bounce_recipient ON mail_bounce (recipient_key, at);
CREATE INDEX mail_bounce_at ON mail_bounce (at);

-- Addresses that get no mail because it came back too often.
CREATE TABLE mail_suspended (
  recipient_key VARCHAR(255) NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,
  reason TEXT NOT NULL
) WITHOUT ROWID;

-- owner: account
CREATE INDEX email_confirmation_email ON email_confirmation (email, created_at);
CREATE INDEX email_confirmation_created ON email_confirmation (created_at);
