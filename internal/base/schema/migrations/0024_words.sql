-- owner: patch
-- The grams of the folded names of patches, by which filters find words: see internal/patch/words.go. On SQLite the number of a row is the date of the patch in
-- seconds × 2^30 + its id, so that what is found comes in the order of dates; nothing but the index is stored.
-- only: sqlite
CREATE VIRTUAL TABLE patch_words USING fts5 (grams, content = '', columnsize = 0, detail = none, tokenize = 'ascii');
-- Merges of the index wait for 16 segments instead of 4, which saves a fifth of its cost in intake.
-- only: sqlite
INSERT INTO patch_words (patch_words, rank) VALUES ('automerge', 16);
-- What is in the index, for pw db check; it stores nothing.
-- only: sqlite
CREATE VIRTUAL TABLE patch_words_vocab USING fts5vocab (patch_words, instance);
-- only: postgres
CREATE TABLE patch_words (
  patch_id BIGINT PRIMARY KEY,
  grams INTEGER[] NOT NULL
);
-- New rows wait in a list of 256 kB at most, which each search looks through, before they are sorted in.
-- only: postgres
CREATE INDEX patch_words_grams ON patch_words USING GIN (grams) WITH (gin_pending_list_limit = 256);
-- only: mariadb
CREATE TABLE patch_words (
  gram INTEGER NOT NULL,
  patch_id BIGINT NOT NULL,
  PRIMARY KEY (gram, patch_id)
);

-- Patches up to the id last, of which those up to done are in patch_words, are older than it. No row: all are in it.
CREATE TABLE patch_words_fill (
  id BIGINT PRIMARY KEY,
  done BIGINT NOT NULL,
  last BIGINT NOT NULL
);
INSERT INTO patch_words_fill (id, done, last) SELECT 1, 0, MAX(id) FROM patch WHERE NOT EXISTS (SELECT 1 FROM patch_words_fill) HAVING MAX(id) IS NOT NULL;
