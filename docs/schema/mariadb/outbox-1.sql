CREATE TABLE IF NOT EXISTS `commslib_schema` (module varchar(64) NOT NULL, version int NOT NULL, compatible_from int NOT NULL, applied_at datetime(6) NOT NULL, PRIMARY KEY (module, version));
-- outbox, version 1, for processes of version 1 and newer
CREATE TABLE IF NOT EXISTS `outbox_message` (
  shard smallint NOT NULL,
  id bigint NOT NULL AUTO_INCREMENT,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload longblob NOT NULL,
  headers mediumtext NOT NULL,
  created_at datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  PRIMARY KEY (shard, id),
  KEY outbox_message_id (id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_shard` (
  shard smallint NOT NULL PRIMARY KEY,
  owner varchar(100),
  epoch bigint NOT NULL DEFAULT 0,
  lease_until datetime(6) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_node` (
  node varchar(100) NOT NULL PRIMARY KEY,
  heartbeat datetime(6) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_retry` (
  shard smallint NOT NULL,
  message_row bigint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  attempts int NOT NULL,
  next_at datetime(6),
  last_error varchar(1000) NOT NULL,
  first_failed_at datetime(6) NOT NULL,
  PRIMARY KEY (shard, message_row)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_parked` (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  shard smallint NOT NULL,
  message_row bigint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload longblob NOT NULL,
  headers mediumtext NOT NULL,
  created_at datetime(6) NOT NULL,
  attempts int NOT NULL,
  error_code varchar(64) NOT NULL,
  fingerprint varchar(16) NOT NULL,
  last_error varchar(1000) NOT NULL,
  first_failed_at datetime(6) NOT NULL,
  parked_at datetime(6) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_delayed` (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  due_at datetime(6) NOT NULL,
  message_id varchar(400) NOT NULL,
  shard smallint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload longblob NOT NULL,
  headers mediumtext NOT NULL,
  created_at datetime(6) NOT NULL DEFAULT (utc_timestamp(6)),
  KEY outbox_delayed_due (due_at),
  KEY outbox_delayed_message (message_id)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_pause` (
  destination varchar(200) NOT NULL PRIMARY KEY,
  paused_at datetime(6) NOT NULL,
  cause varchar(1000) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_audit` (
  id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  at datetime(6) NOT NULL,
  actor varchar(200) NOT NULL,
  reason varchar(1000) NOT NULL,
  action varchar(32) NOT NULL,
  subject varchar(1000) NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_archive` (
  archive_id bigint NOT NULL AUTO_INCREMENT PRIMARY KEY,
  archived_day date NOT NULL,
  shard smallint NOT NULL,
  id bigint NOT NULL,
  destination varchar(200) NOT NULL,
  msg_key varchar(256),
  payload longblob NOT NULL,
  headers mediumtext NOT NULL,
  created_at datetime(6) NOT NULL,
  archived_at datetime(6) NOT NULL,
  KEY outbox_archive_day (archived_day)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `outbox_key_lock` (
  slot int NOT NULL PRIMARY KEY
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
INSERT IGNORE INTO `outbox_key_lock` (slot)
  SELECT a.n + 16 * b.n + 256 * c.n FROM
  (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15) a,
  (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15) b,
  (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10 UNION ALL SELECT 11 UNION ALL SELECT 12 UNION ALL SELECT 13 UNION ALL SELECT 14 UNION ALL SELECT 15) c;
INSERT INTO `commslib_schema` (module, version, compatible_from, applied_at) VALUES ('outbox', 1, 1, utc_timestamp(6));
