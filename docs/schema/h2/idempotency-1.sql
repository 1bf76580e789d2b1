CREATE TABLE IF NOT EXISTS "commslib_schema" (module varchar(64) NOT NULL, version int NOT NULL, compatible_from int NOT NULL, applied_at timestamp with time zone NOT NULL, PRIMARY KEY (module, version));
-- idempotency, version 1, for processes of version 1 and newer
CREATE TABLE IF NOT EXISTS "inbox" (
  consumer varchar(300) NOT NULL,
  message_id varchar(400) NOT NULL,
  received_at timestamp with time zone NOT NULL,
  PRIMARY KEY (consumer, message_id)
);
CREATE TABLE IF NOT EXISTS "idempotency" (
  scope varchar(200) NOT NULL,
  request_key varchar(255) NOT NULL,
  fingerprint varchar(128) NOT NULL,
  token bigint NOT NULL,
  leased_until bigint NOT NULL,
  takeover boolean NOT NULL,
  expires_at bigint NOT NULL,
  steps varchar(1000000) NOT NULL,
  status integer,
  content_type varchar(2048),
  headers varchar(1000000),
  body varbinary(1048576),
  PRIMARY KEY (scope, request_key)
);
INSERT INTO "commslib_schema" (module, version, compatible_from, applied_at) VALUES ('idempotency', 1, 1, CURRENT_TIMESTAMP);
