-- Whether a user has registered himself and not yet shown that the address is his. He can do nothing, and is removed when the link in his mail has ended.
-- owner: account
ALTER TABLE user_account ADD COLUMN pending BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX user_account_pending ON user_account (pending, created_at);
