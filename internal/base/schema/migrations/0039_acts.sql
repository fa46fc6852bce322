-- Whether what comes from a person's address is sent by a program, as an administrator has said. NULL: each mail tells by itself; see mailmsg.Message.Automatic.
-- owner: account
ALTER TABLE person ADD COLUMN bot BOOLEAN NULL;
CREATE INDEX person_bot ON person (bot) WHERE bot IS NOT NULL;

-- automatic: the mail tells that a program sent it.
-- owner: patch
ALTER TABLE patch_comment ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE cover_comment ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT FALSE;

-- What a change set of a bundle did: the place of a patch in it before and after; NULL: not in it. later: that place was changed once more.
CREATE TABLE change_place (
  set_id BIGINT NOT NULL,
  patch_id BIGINT NOT NULL,
  bundle_id BIGINT NOT NULL,
  old_place INTEGER NULL,
  new_place INTEGER NULL,
  later BOOLEAN NOT NULL,
  PRIMARY KEY (set_id, patch_id)
) WITHOUT ROWID;
CREATE INDEX change_place_bundle ON change_place (bundle_id, later);

-- series_per_page: rows of lists of series; 0: as many as lists of patches have.
-- owner: account
ALTER TABLE user_account ADD COLUMN series_per_page INTEGER NOT NULL DEFAULT 0;
