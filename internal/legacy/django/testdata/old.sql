-- A small database with the tables and columns of Django Patchwork at migration 0048, and data of our own.
CREATE TABLE django_migrations (id INTEGER PRIMARY KEY, app TEXT NOT NULL, name TEXT NOT NULL, applied datetime NOT NULL);
CREATE TABLE django_session (session_key TEXT PRIMARY KEY, session_data TEXT NOT NULL, expire_date datetime NOT NULL);
CREATE TABLE auth_user (id INTEGER PRIMARY KEY, password TEXT NOT NULL, last_login datetime, is_superuser bool NOT NULL, username TEXT NOT NULL UNIQUE,
  first_name TEXT NOT NULL, last_name TEXT NOT NULL, email TEXT NOT NULL, is_staff bool NOT NULL, is_active bool NOT NULL, date_joined datetime NOT NULL);
CREATE TABLE authtoken_token ("key" TEXT PRIMARY KEY, created datetime NOT NULL, user_id INTEGER NOT NULL UNIQUE);
CREATE TABLE patchwork_userprofile (id INTEGER PRIMARY KEY, send_email bool NOT NULL, items_per_page INTEGER NOT NULL, show_ids bool NOT NULL, user_id INTEGER NOT NULL UNIQUE);
CREATE TABLE patchwork_userprofile_maintainer_projects (id INTEGER PRIMARY KEY, userprofile_id INTEGER NOT NULL, project_id INTEGER NOT NULL);
CREATE TABLE patchwork_person (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, user_id INTEGER);
CREATE TABLE patchwork_emailconfirmation (id INTEGER PRIMARY KEY, type TEXT NOT NULL, email TEXT NOT NULL, "key" TEXT NOT NULL, date datetime NOT NULL, active bool NOT NULL, user_id INTEGER);
CREATE TABLE patchwork_emailoptout (email TEXT PRIMARY KEY);
CREATE TABLE patchwork_project (id INTEGER PRIMARY KEY, linkname TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, listid TEXT NOT NULL, listemail TEXT NOT NULL, subject_match TEXT NOT NULL,
  web_url TEXT NOT NULL, scm_url TEXT NOT NULL, webscm_url TEXT NOT NULL, list_archive_url TEXT NOT NULL, list_archive_url_format TEXT NOT NULL, commit_url_format TEXT NOT NULL,
  send_notifications bool NOT NULL, use_tags bool NOT NULL, show_dependencies bool NOT NULL);
CREATE TABLE patchwork_state (id INTEGER PRIMARY KEY, name TEXT NOT NULL, slug TEXT NOT NULL, ordering INTEGER NOT NULL UNIQUE, action_required bool NOT NULL);
CREATE TABLE patchwork_tag (id INTEGER PRIMARY KEY, name TEXT NOT NULL, pattern TEXT NOT NULL, abbrev TEXT NOT NULL UNIQUE, show_column bool NOT NULL);
CREATE TABLE patchwork_delegationrule (id INTEGER PRIMARY KEY, path TEXT NOT NULL, priority INTEGER NOT NULL, project_id INTEGER NOT NULL, user_id INTEGER NOT NULL);
CREATE TABLE patchwork_cover (id INTEGER PRIMARY KEY, msgid TEXT NOT NULL, date datetime NOT NULL, headers TEXT NOT NULL, content TEXT, name TEXT NOT NULL,
  project_id INTEGER NOT NULL, submitter_id INTEGER NOT NULL);
CREATE TABLE patchwork_series (id INTEGER PRIMARY KEY, name TEXT, date datetime NOT NULL, version INTEGER NOT NULL, total INTEGER NOT NULL, project_id INTEGER,
  submitter_id INTEGER NOT NULL, cover_letter_id INTEGER UNIQUE);
CREATE TABLE patchwork_series_dependencies (id INTEGER PRIMARY KEY, from_series_id INTEGER NOT NULL, to_series_id INTEGER NOT NULL);
CREATE TABLE patchwork_seriesreference (id INTEGER PRIMARY KEY, msgid TEXT NOT NULL, project_id INTEGER NOT NULL, series_id INTEGER NOT NULL, UNIQUE (project_id, msgid));
CREATE TABLE patchwork_patchrelation (id INTEGER PRIMARY KEY);
CREATE TABLE patchwork_patch (id INTEGER PRIMARY KEY AUTOINCREMENT, msgid TEXT NOT NULL, date datetime NOT NULL, headers TEXT NOT NULL, content TEXT, name TEXT NOT NULL,
  project_id INTEGER NOT NULL, submitter_id INTEGER NOT NULL, archived bool NOT NULL, commit_ref TEXT, delegate_id INTEGER, diff TEXT, hash TEXT, number smallint, pull_url TEXT,
  related_id INTEGER, series_id INTEGER, state_id INTEGER, UNIQUE (project_id, msgid));
CREATE TABLE patchwork_patchtag (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, tag_id INTEGER NOT NULL, patch_id INTEGER NOT NULL);
CREATE TABLE patchwork_patchcomment (id INTEGER PRIMARY KEY, msgid TEXT NOT NULL, date datetime NOT NULL, headers TEXT NOT NULL, content TEXT, patch_id INTEGER NOT NULL,
  submitter_id INTEGER NOT NULL, addressed bool);
CREATE TABLE patchwork_covercomment (id INTEGER PRIMARY KEY, msgid TEXT NOT NULL, date datetime NOT NULL, headers TEXT NOT NULL, content TEXT, cover_id INTEGER NOT NULL,
  submitter_id INTEGER NOT NULL, addressed bool);
CREATE TABLE patchwork_check (id INTEGER PRIMARY KEY, date datetime NOT NULL, state smallint NOT NULL, target_url TEXT, description TEXT, context TEXT NOT NULL,
  user_id INTEGER NOT NULL, patch_id INTEGER NOT NULL);
CREATE TABLE patchwork_bundle (id INTEGER PRIMARY KEY, name TEXT NOT NULL, public bool NOT NULL, owner_id INTEGER NOT NULL, project_id INTEGER NOT NULL);
CREATE TABLE patchwork_bundlepatch (id INTEGER PRIMARY KEY, "order" INTEGER NOT NULL, bundle_id INTEGER NOT NULL, patch_id INTEGER NOT NULL);
CREATE TABLE patchwork_patchchangenotification (patch_id INTEGER PRIMARY KEY, last_modified datetime NOT NULL, orig_state_id INTEGER NOT NULL);
CREATE TABLE patchwork_event (id INTEGER PRIMARY KEY, category TEXT NOT NULL, date datetime NOT NULL, actor_id INTEGER, created_check_id INTEGER, current_delegate_id INTEGER,
  current_relation_id INTEGER, current_state_id INTEGER, previous_delegate_id INTEGER, previous_relation_id INTEGER, previous_state_id INTEGER, project_id INTEGER NOT NULL,
  series_id INTEGER, cover_id INTEGER, patch_id INTEGER, cover_comment_id INTEGER, patch_comment_id INTEGER);

INSERT INTO django_migrations VALUES (1, 'patchwork', '0001_squashed_0040_add_related_patches', '2024-01-01 00:00:00'), (2, 'patchwork', '0048_series_dependencies', '2024-01-01 00:00:00');
INSERT INTO django_session VALUES ('k1', 'x', '2024-01-01 00:00:00'), ('k2', 'y', '2024-01-01 00:00:00');

-- The profile with number 3 is not that of user 3.
INSERT INTO auth_user VALUES
  (3, 'pbkdf2_sha256$1500$leaves$M7oX3EvfvuvkysTfMDqsrGx7/1YaehFPCE7Q2iYNBZ0=', '2024-07-01 08:30:00.25', 1, 'ann', 'Ann', 'Löwe', 'ann@people.example', 1, 1, '2024-01-15 12:00:00.000001'),
  (5, '!unusable', NULL, 0, 'Bob', '', '', 'bob@people.example', 0, 1, '2024-01-16 12:00:00'),
  (6, 'pbkdf2_sha256$1500$leaves$M7oX3EvfvuvkysTfMDqsrGx7/1YaehFPCE7Q2iYNBZ0=', NULL, 0, 'gone', '', '', '', 0, 0, '2024-01-17 12:00:00');
INSERT INTO patchwork_userprofile VALUES (7, 1, 1000, 1, 3), (3, 0, 25, 0, 6);
INSERT INTO authtoken_token VALUES ('00112233445566778899aabbccddeeff00112233', '2024-02-01 00:00:00', 3);
INSERT INTO patchwork_person VALUES (1, 'ann@people.example', 'Ann Löwe', 3), (2, 'bo@People.Example', 'Bo', NULL), (4, 'cy@people.example', NULL, NULL), (8, 'dee@people.example', '', NULL);
INSERT INTO patchwork_emailconfirmation VALUES
  (11, 'registration', 'Bob@People.Example', 'aaaabbbbccccddddeeeeffff0000111122223333', '2024-01-16 12:00:00', 1, 5),
  (12, 'optout', 'old@people.example', '0000bbbbccccddddeeeeffff0000111122223333', '2024-01-16 13:00:00', 0, NULL);
INSERT INTO patchwork_emailoptout VALUES ('Zed@People.Example'), ('zed@people.example'), ('amy@people.example');

INSERT INTO patchwork_project VALUES
  (1, 'kettle', 'Kettle', 'kettle-dev.lists.example', 'kettle-dev@lists.example', '', 'https://kettle.example/', 'git://kettle.example/k.git', 'https://kettle.example/git',
    'https://lists.example/kettle/', 'https://lists.example/r/{}', 'https://kettle.example/c/{}', 1, 1, 1),
  (4, 'mug', 'Mug', 'mug.lists.example', 'mug@lists.example', '^\[PATCH mug', '', '', '', '', '', '', 0, 0, 0);
INSERT INTO patchwork_userprofile_maintainer_projects VALUES (1, 7, 1), (2, 3, 4);
INSERT INTO patchwork_state VALUES (1, 'Fresh', 'fresh', 0, 1), (2, 'Under Review', 'under-review', 1, 1), (9, 'Brewed', 'brewed', 5, 0);
INSERT INTO patchwork_tag VALUES (2, 'Tasted-by', '^Tasted-by:', 'T', 1);
INSERT INTO patchwork_delegationrule VALUES (3, 'lid/*', 7, 1, 5);

INSERT INTO patchwork_cover VALUES (5, '<c0@kettle.example>', '2024-03-01 10:00:00', 'From: Ann <ann@people.example>
Subject: [PATCH 0/3] better
 lids
Message-Id: <c0@kettle.example>', 'All of it.

change-id: 20240301-lids-0a1b2c3d
base-commit: beefbeefbeefbeefbeefbeefbeefbeefbeefbeef', '[0/3] better lids', 1, 1);
INSERT INTO patchwork_patchrelation VALUES (6);
INSERT INTO patchwork_series VALUES (20, 'better lids', '2024-03-01 10:00:00', 1, 3, 1, 1, 5), (21, NULL, '1971-01-01 00:00:00', 2, 1, 1, 4, NULL), (22, '', '2024-03-02 00:00:00', 1, 1, NULL, 2, NULL);
INSERT INTO patchwork_series_dependencies VALUES (5, 20, 22), (6, 20, 21);
INSERT INTO patchwork_seriesreference VALUES (1, '<c0@kettle.example>', 1, 20), (2, '<p1@kettle.example>', 1, 20), (3, '<p2@kettle.example>', 1, 20), (4, '<single/one+2@kettle.example>', 1, 21),
  (5, '<lost@kettle.example>', 1, 21), (6, '<far@kettle.example>', 1, 21);
INSERT INTO patchwork_patch VALUES
  (10, '<p1@kettle.example>', '2024-03-01 10:00:01', 'From: Ann <ann@people.example>
Subject: [PATCH 1/3] lid: close it
Message-Id: <p1@kettle.example>
In-Reply-To: <c0@kettle.example>', 'Steam.

Tasted-by: Bo <bo@people.example>', '[1/3] lid: close it', 1, 1, 0, NULL, NULL, 'diff --git a/lid/a.c b/lid/a.c
--- a/lid/a.c
+++ b/lid/a.c
@@ -1 +1,2 @@
 open
+closed é
', '0123456789abcdef0123456789abcdef01234567', 1, NULL, NULL, 20, 1),
  (11, '<p2@kettle.example>', '2024-03-01 10:00:02', 'Subject: [PATCH 2/3] lid: open it
Message-Id: <p2@kettle.example>
References: <c0@kettle.example>', '', '[2/3] lid: open it', 1, 1, 1, 'feedbeef', 3, '', NULL, 2, NULL, 6, 20, 9),
  (12, '<single/one+2@kettle.example>', '1971-01-01 00:00:00', 'Subject: [GIT PULL] leaves
References: <far@kettle.example>
	<lost@kettle.example>', NULL, '[GIT,PULL] leaves', 1, 4, 0, NULL, NULL, NULL, NULL, 1, 'git://kettle.example/leaves.git for-kettle', 6, 21, NULL),
  (13, '<p1@kettle.example>', '2038-01-19 03:14:08', 'Subject: [PATCH mug] handle', 'Tasted-by: nobody counts here', '[mug] handle', 4, 8, 0, NULL, NULL, 'diff', NULL, NULL, NULL, NULL, NULL, 2);
INSERT INTO patchwork_patch (id, msgid, date, headers, content, name, project_id, submitter_id, archived, hash, state_id)
  SELECT 14, '<' || replace(hex(zeroblob(100)), '00', 'éé') || '@kettle.example>', '2024-03-05 23:59:59.999999', 'Subject: long' || char(10) || 'In-Reply-To: <lost@kettle.example>',
    'a' || char(0) || 'b', 'long', 1, 2, 0, '0123456789abcdef0123456789abcdef01234567', 1;
INSERT INTO patchwork_patchtag VALUES (1, 1, 2, 10);
INSERT INTO patchwork_patchcomment VALUES
  (31, '<r1@kettle.example>', '2024-03-01 11:00:00', 'Subject: Re: [PATCH 1/3] lid: close it
References: <c0@kettle.example> <p1@kettle.example>', 'Good.
Tasted-by: Cy <cy@people.example>', 10, 2, 0),
  (32, '<both@kettle.example>', '2024-03-01 12:00:00', 'Subject: Re: all', 'To both.', 10, 2, NULL),
  (33, '<r3@kettle.example>', '1971-01-02 00:00:00', '', NULL, 12, 4, 1);
INSERT INTO patchwork_covercomment VALUES (41, '<both@kettle.example>', '2024-03-01 12:00:00', 'Subject: Re: all', 'To both.', 5, 2, NULL);
INSERT INTO patchwork_check VALUES
  (50, '2024-07-01 09:00:00', 3, 'https://ci.example/50', 'broken', 'build', 3, 10),
  (51, '2024-07-01 09:00:00', 1, '', '', 'build', 3, 10),
  (52, '2024-07-01 08:00:00.123456', 2, NULL, NULL, 'lint', 5, 10);
INSERT INTO patchwork_bundle VALUES (60, 'with/slash', 1, 3, 1), (61, 'empty', 0, 5, 4);
INSERT INTO patchwork_bundlepatch VALUES (1, 2, 60, 10), (2, 1, 60, 11);
INSERT INTO patchwork_patchchangenotification VALUES (11, '2024-07-01 09:30:00', 1);
INSERT INTO patchwork_event (id, category, date, actor_id, project_id, patch_id, series_id, cover_id, previous_state_id, current_state_id, previous_delegate_id, current_delegate_id,
  current_relation_id, created_check_id, patch_comment_id, cover_comment_id) VALUES
  (100, 'series-created', '2024-03-01 10:00:00.5', NULL, 1, NULL, 20, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (101, 'cover-created', '2024-03-01 10:00:00.5', NULL, 1, NULL, NULL, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (102, 'patch-completed', '2024-03-01 10:00:01', NULL, 1, 10, 20, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (103, 'patch-state-changed', '2024-07-01 09:30:00', 3, 1, 11, NULL, NULL, 1, 9, NULL, NULL, NULL, NULL, NULL, NULL),
  (104, 'patch-delegated', '2024-07-01 09:30:01', 3, 1, 11, NULL, NULL, NULL, NULL, 5, 3, NULL, NULL, NULL, NULL),
  (105, 'check-created', '2024-07-01 09:00:00', 3, 1, 10, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50, NULL, NULL),
  (106, 'patch-comment-created', '2024-03-01 11:00:01', NULL, 1, 10, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 31, NULL),
  (107, 'cover-comment-created', '2024-03-01 12:00:01', NULL, 1, NULL, NULL, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 41),
  (108, 'patch-relation-changed', '2024-07-02 00:00:00', NULL, 1, 12, NULL, NULL, NULL, NULL, NULL, NULL, 6, NULL, NULL, NULL);
UPDATE sqlite_sequence SET seq = 500 WHERE name = 'patchwork_patch';
