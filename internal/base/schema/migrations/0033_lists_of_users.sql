-- How a user wants his lists. dates: "relative" or "absolute"; empty: as each list has them. Columns: names, joined by commas; empty: the usual ones.
-- owner: account
ALTER TABLE user_account ADD COLUMN dates VARCHAR(10) NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN patch_columns VARCHAR(255) NOT NULL DEFAULT '';
ALTER TABLE user_account ADD COLUMN series_columns VARCHAR(255) NOT NULL DEFAULT '';
