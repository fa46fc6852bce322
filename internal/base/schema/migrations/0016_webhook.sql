-- categories: names of events with blanks between them, none: all. filters: JSON, see webhook.Filter. pending: deliveries of events that wait.
-- owner: webhook
CREATE TABLE webhook (
  id BIGINT PRIMARY KEY,
  project_id BIGINT NULL REFERENCES project (id) ON DELETE CASCADE,
  url VARCHAR(2000) NOT NULL,
  secret VARCHAR(255) NOT NULL,
  categories TEXT NOT NULL,
  filters TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  creator_id BIGINT NULL REFERENCES user_account (id) ON DELETE SET NULL,
  created_at BIGINT NOT NULL,
  pending BIGINT NOT NULL,
  failures INTEGER NOT NULL,
  failing_since BIGINT NULL,
  delivered_at BIGINT NULL,
  disabled_at BIGINT NULL,
  disabled_reason VARCHAR(1000) NOT NULL
);
CREATE INDEX webhook_project ON webhook (project_id);
CREATE INDEX webhook_creator ON webhook (creator_id);

-- One message to one hook: the bytes that are sent, however often. state: pending, delivered, failed, cancelled. event_id is null for a ping.
CREATE TABLE webhook_delivery (
  id BIGINT PRIMARY KEY,
  webhook_id BIGINT NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
  event_id BIGINT NULL,
  kind VARCHAR(30) NOT NULL,
  body BYTES NOT NULL,
  state VARCHAR(10) NOT NULL,
  attempts INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  finished_at BIGINT NULL,
  error VARCHAR(1000) NOT NULL
);
CREATE INDEX webhook_delivery_hook ON webhook_delivery (webhook_id, id);
CREATE INDEX webhook_delivery_created ON webhook_delivery (created_at);

-- What was sent and answered each time. status is 0 where there was no answer; took is in microseconds.
CREATE TABLE webhook_attempt (
  delivery_id BIGINT NOT NULL REFERENCES webhook_delivery (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  at BIGINT NOT NULL,
  took BIGINT NOT NULL,
  request TEXT NOT NULL,
  status INTEGER NOT NULL,
  response TEXT NOT NULL,
  body BYTES NOT NULL,
  cut BOOLEAN NOT NULL,
  error VARCHAR(1000) NOT NULL,
  PRIMARY KEY (delivery_id, number)
);
