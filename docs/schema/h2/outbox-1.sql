CREATE TABLE IF NOT EXISTS "commslib_schema" (module varchar(64) NOT NULL, version int NOT NULL, compatible_from int NOT NULL, applied_at timestamp with time zone NOT NULL, PRIMARY KEY (module, version));
-- outbox, version 1, for processes of version 1 and newer
CREATE TABLE IF NOT EXISTS "outbox_message" (
  shard smallint NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload varbinary(67108864) NOT NULL,
  headers varchar(1000000) NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (shard, id)
);
CREATE TABLE IF NOT EXISTS "outbox_shard" (
  shard smallint NOT NULL PRIMARY KEY,
  owner varchar(100),
  epoch bigint NOT NULL DEFAULT 0,
  lease_until timestamp with time zone NOT NULL
);
CREATE TABLE IF NOT EXISTS "outbox_node" (
  node varchar(100) NOT NULL PRIMARY KEY,
  heartbeat timestamp with time zone NOT NULL
);
CREATE TABLE IF NOT EXISTS "outbox_retry" (
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
CREATE TABLE IF NOT EXISTS "outbox_parked" (
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
  fingerprint varchar(16) NOT NULL,
  last_error varchar(1000) NOT NULL,
  first_failed_at timestamp with time zone NOT NULL,
  parked_at timestamp with time zone NOT NULL
);
CREATE TABLE IF NOT EXISTS "outbox_delayed" (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  due_at timestamp with time zone NOT NULL,
  message_id varchar(400) NOT NULL,
  shard smallint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload varbinary(67108864) NOT NULL,
  headers varchar(1000000) NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS "outbox_delayed_due" ON "outbox_delayed" (due_at);
CREATE INDEX IF NOT EXISTS "outbox_delayed_message" ON "outbox_delayed" (message_id);
CREATE TABLE IF NOT EXISTS "outbox_pause" (
  destination varchar(200) NOT NULL PRIMARY KEY,
  paused_at timestamp with time zone NOT NULL,
  cause varchar(1000) NOT NULL
);
CREATE TABLE IF NOT EXISTS "outbox_audit" (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamp with time zone NOT NULL,
  actor varchar(200) NOT NULL,
  reason varchar(1000) NOT NULL,
  action varchar(32) NOT NULL,
  subject varchar(1000) NOT NULL
);
CREATE TABLE IF NOT EXISTS "outbox_archive" (
  archive_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  archived_day date NOT NULL,
  shard smallint NOT NULL,
  id bigint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload varbinary(67108864) NOT NULL,
  headers varchar(1000000) NOT NULL,
  created_at timestamp with time zone NOT NULL,
  archived_at timestamp with time zone NOT NULL
);
CREATE INDEX IF NOT EXISTS "outbox_archive_day" ON "outbox_archive" (archived_day);
CREATE TABLE IF NOT EXISTS "outbox_key_lock" (
  slot int NOT NULL PRIMARY KEY
);
MERGE INTO "outbox_key_lock" (slot) KEY (slot) SELECT X FROM SYSTEM_RANGE(0, 4095);
INSERT INTO "commslib_schema" (module, version, compatible_from, applied_at) VALUES ('outbox', 1, 1, CURRENT_TIMESTAMP);
