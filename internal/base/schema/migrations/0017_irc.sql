-- Where notices go by IRC. url has no password; categories as in webhook.
-- owner: irc
CREATE TABLE irc_target (
  id BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  url VARCHAR(500) NOT NULL,
  nick VARCHAR(30) NOT NULL,
  account VARCHAR(100) NOT NULL,
  password VARCHAR(255) NOT NULL,
  template TEXT NOT NULL,
  categories TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  creator_id BIGINT NULL REFERENCES user_account (id) ON DELETE SET NULL,
  created_at BIGINT NOT NULL,
  sent_at BIGINT NULL,
  failed_at BIGINT NULL,
  error VARCHAR(1000) NOT NULL,
  UNIQUE (project_id, url)
);
CREATE INDEX irc_target_creator ON irc_target (creator_id);
