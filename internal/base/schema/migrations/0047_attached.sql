-- The files that a mail carries, as JSON: see mailstore.Attachment. NULL: none, or not known because the message did not come by mail.
-- owner: mailstore
ALTER TABLE message_body ADD COLUMN attached TEXT NULL;
