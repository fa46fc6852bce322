-- Secrets with which mail may be put into a project over HTTP. Only the SHA-256 is kept: a secret is 256 random bits.
-- owner: project
CREATE TABLE project_ingress_secret (
  id BIGINT PRIMARY KEY,
  project_id BIGINT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  name VARCHAR(100) NOT NULL,
  secret_hash BYTES(32) NOT NULL UNIQUE,
  created_at BIGINT NOT NULL,
  UNIQUE (project_id, name)
);
