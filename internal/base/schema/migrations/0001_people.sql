-- Blocks of ids that processes take; see sqldb.Tx.NextID.
-- owner: base/sqldb
CREATE TABLE id_block (
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  next_id BIGINT NOT NULL
) WITHOUT ROWID;

-- owner: account
CREATE TABLE user_account (
  id BIGINT PRIMARY KEY,
  username VARCHAR(255) NOT NULL,
  username_key VARCHAR(255) NOT NULL UNIQUE,
  email VARCHAR(255) NOT NULL,
  email_key VARCHAR(255) NOT NULL,
  first_name VARCHAR(150) NOT NULL,
  last_name VARCHAR(150) NOT NULL,
  password VARCHAR(255) NOT NULL,
  is_active BOOLEAN NOT NULL,
  is_admin BOOLEAN NOT NULL,
  send_email BOOLEAN NOT NULL,
  items_per_page INTEGER NOT NULL,
  show_ids BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  last_login BIGINT NULL
);
CREATE INDEX user_account_email ON user_account (email_key);

-- A person is an address that mail came from. name_votes: see account.Persons.
CREATE TABLE person (
  id BIGINT PRIMARY KEY,
  email VARCHAR(255) NOT NULL,
  email_key VARCHAR(255) NOT NULL UNIQUE,
  name VARCHAR(255) NULL,
  name_key VARCHAR(255) NOT NULL,
  name_votes INTEGER NOT NULL,
  user_id BIGINT NULL REFERENCES user_account (id) ON DELETE SET NULL
);
CREATE INDEX person_user ON person (user_id);

-- As lists by submitter sort. MariaDB has no index of an expression.
-- only: sqlite
CREATE INDEX person_shown ON person (COALESCE(NULLIF(name_key, ''), email_key));
-- only: postgres
CREATE INDEX person_shown ON person ((COALESCE(NULLIF(name_key, ''), email_key)));

CREATE TABLE login_session (
  id_hash BYTES(32) NOT NULL PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX login_session_user ON login_session (user_id);
CREATE INDEX login_session_expires ON login_session (expires_at);

CREATE TABLE api_token (
  id BIGINT PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  name VARCHAR(100) NOT NULL,
  token_hash BYTES(32) NOT NULL UNIQUE,
  scope VARCHAR(20) NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NULL,
  used_at BIGINT NULL,
  UNIQUE (user_id, name)
);

CREATE TABLE email_confirmation (
  id BIGINT PRIMARY KEY,
  kind VARCHAR(20) NOT NULL,
  email VARCHAR(255) NOT NULL,
  user_id BIGINT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  key_hash BYTES(32) NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  active BOOLEAN NOT NULL
);
CREATE INDEX email_confirmation_user ON email_confirmation (user_id);

CREATE TABLE email_optout (
  email_key VARCHAR(255) NOT NULL PRIMARY KEY,
  created_at BIGINT NOT NULL
);

-- owner: project
CREATE TABLE project (
  id BIGINT PRIMARY KEY,
  linkname VARCHAR(255) NOT NULL UNIQUE,
  name VARCHAR(255) NOT NULL UNIQUE,
  listid VARCHAR(255) NOT NULL,
  listemail VARCHAR(255) NOT NULL,
  subject_match VARCHAR(64) NOT NULL,
  web_url VARCHAR(2000) NOT NULL,
  scm_url VARCHAR(2000) NOT NULL,
  webscm_url VARCHAR(2000) NOT NULL,
  list_archive_url VARCHAR(2000) NOT NULL,
  list_archive_url_format VARCHAR(2000) NOT NULL,
  commit_url_format VARCHAR(2000) NOT NULL,
  send_notifications BOOLEAN NOT NULL,
  use_tags BOOLEAN NOT NULL,
  show_dependencies BOOLEAN NOT NULL,
  auto_supersede BOOLEAN NOT NULL,
  hints VARCHAR(12) NOT NULL,
  nav_html TEXT NOT NULL,
  UNIQUE (listid, subject_match)
);

CREATE TABLE project_maintainer (
  project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  user_id BIGINT NOT NULL REFERENCES user_account (id) ON DELETE CASCADE,
  PRIMARY KEY (project_id, user_id)
) WITHOUT ROWID;
CREATE INDEX project_maintainer_user ON project_maintainer (user_id);
