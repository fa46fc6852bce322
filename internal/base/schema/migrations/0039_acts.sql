-- Whether what comes from a person's address is sent by a program, as an administrator has said. NULL: each mail tells by itself; see mailmsg.Message.Automatic.
-- owner: account
ALTER TABLE person ADD COLUMN bot BOOLEAN NULL;
CREATE INDEX person_bot ON person (bot) WHERE bot IS NOT NULL;

-- automatic: the mail tells that a program sent it.
-- owner: patch
ALTER TABLE patch_comment ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE cover_comment ADD COLUMN automatic BOOLEAN NOT NULL DEFAULT FALSE;
