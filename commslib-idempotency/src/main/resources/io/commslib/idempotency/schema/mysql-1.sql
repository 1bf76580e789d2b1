CREATE TABLE IF NOT EXISTS ${schema}`inbox` (
  consumer varchar(300) NOT NULL,
  message_id varchar(400) NOT NULL,
  received_at datetime(6) NOT NULL,
  copies bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (consumer, message_id),
  KEY inbox_received (received_at)
) ENGINE = InnoDB ${text};
CREATE TABLE IF NOT EXISTS ${schema}`idempotency` (
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
) ENGINE = InnoDB ${text};
