CREATE TABLE IF NOT EXISTS ${schema}"outbox_message" (
  shard smallint NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload varbinary(67108864) NOT NULL,
  headers varchar(1000000) NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (shard, id)
);
CREATE TABLE IF NOT EXISTS ${schema}"outbox_shard" (
  shard smallint NOT NULL PRIMARY KEY,
  owner varchar(100),
  epoch bigint NOT NULL DEFAULT 0,
  lease_until timestamp with time zone NOT NULL
);
CREATE TABLE IF NOT EXISTS ${schema}"outbox_node" (
  node varchar(100) NOT NULL PRIMARY KEY,
  heartbeat timestamp with time zone NOT NULL
);
CREATE TABLE IF NOT EXISTS ${schema}"outbox_retry" (
  shard smallint NOT NULL,
  message_row bigint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  attempts int NOT NULL,
  next_at timestamp with time zone,
  last_error varchar(1000) NOT NULL,
  first_failed_at timestamp with time zone NOT NULL,
  PRIMARY KEY (shard, message_row)
);
CREATE TABLE IF NOT EXISTS ${schema}"outbox_parked" (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  shard smallint NOT NULL,
  message_row bigint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload varbinary(67108864) NOT NULL,
  headers varchar(1000000) NOT NULL,
  created_at timestamp with time zone NOT NULL,
  attempts int NOT NULL,
  error_code varchar(64) NOT NULL,
  last_error varchar(1000) NOT NULL,
  first_failed_at timestamp with time zone NOT NULL,
  parked_at timestamp with time zone NOT NULL
);
CREATE TABLE IF NOT EXISTS ${schema}"outbox_delayed" (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  due_at timestamp with time zone NOT NULL,
  shard smallint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload varbinary(67108864) NOT NULL,
  headers varchar(1000000) NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS ${schema}"outbox_delayed_due" ON ${schema}"outbox_delayed" (due_at);
