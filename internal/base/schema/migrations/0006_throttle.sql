-- How often logging in failed lately. key_hash is the SHA-256 of a user name as typed, or of the network of a visitor; see account.Sessions.Login.
-- owner: account
CREATE TABLE login_throttle (
  key_hash BYTES(32) NOT NULL PRIMARY KEY,
  failures INTEGER NOT NULL,
  blocked_until BIGINT NOT NULL,
  forget_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX login_throttle_forget ON login_throttle (forget_at);
