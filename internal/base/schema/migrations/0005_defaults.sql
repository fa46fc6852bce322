INSERT INTO state (id, name, slug, ordering, action_required) VALUES
  (1, 'New', 'new', 0, TRUE),
  (2, 'Under Review', 'under-review', 1, TRUE),
  (3, 'Accepted', 'accepted', 2, FALSE),
  (4, 'Rejected', 'rejected', 3, FALSE),
  (5, 'RFC', 'rfc', 4, FALSE),
  (6, 'Not Applicable', 'not-applicable', 5, FALSE),
  (7, 'Changes Requested', 'changes-requested', 6, FALSE),
  (8, 'Awaiting Upstream', 'awaiting-upstream', 7, FALSE),
  (9, 'Superseded', 'superseded', 8, FALSE),
  (10, 'Deferred', 'deferred', 9, FALSE);
INSERT INTO tag (id, name, pattern, abbrev, show_column) VALUES
  (1, 'Acked-by', '^Acked-by:', 'A', TRUE),
  (2, 'Reviewed-by', '^Reviewed-by:', 'R', TRUE),
  (3, 'Tested-by', '^Tested-by:', 'T', TRUE);
INSERT INTO id_block (name, next_id) VALUES ('state', 11), ('tag', 4);
