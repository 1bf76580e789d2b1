CREATE TABLE IF NOT EXISTS `commslib_schema` (module varchar(64) NOT NULL, version int NOT NULL, compatible_from int NOT NULL, applied_at datetime(6) NOT NULL, PRIMARY KEY (module, version));
-- idempotency, version 1, for processes of version 1 and newer
CREATE TABLE IF NOT EXISTS `inbox` (
  consumer varchar(300) NOT NULL,
  message_id varchar(400) NOT NULL,
  received_at datetime(6) NOT NULL,
  copies bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (consumer, message_id),
  KEY inbox_received (received_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
CREATE TABLE IF NOT EXISTS `idempotency` (
  scope varchar(200) NOT NULL,
  request_key varchar(255) NOT NULL,
  fingerprint varchar(128) NOT NULL,
  token bigint NOT NULL,
  leased_until bigint NOT NULL,
  takeover tinyint NOT NULL,
  expires_at bigint NOT NULL,
  steps mediumtext NOT NULL,
  status integer,
  content_type varchar(2048),
  headers mediumtext,
  body mediumblob,
  PRIMARY KEY (scope, request_key),
  KEY idempotency_expires (expires_at)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin;
INSERT INTO `commslib_schema` (module, version, compatible_from, applied_at) VALUES ('idempotency', 1, 1, utc_timestamp(6));
