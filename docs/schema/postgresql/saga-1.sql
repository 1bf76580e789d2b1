CREATE TABLE IF NOT EXISTS "commslib_schema" (module varchar(64) NOT NULL, version int NOT NULL, compatible_from int NOT NULL, applied_at timestamp with time zone NOT NULL, PRIMARY KEY (module, version));
-- saga, version 1, for processes of version 1 and newer
CREATE TABLE IF NOT EXISTS "saga" (
  id varchar(36) NOT NULL PRIMARY KEY,
  type varchar(50) NOT NULL,
  def_version int NOT NULL,
  business_key varchar(200) NOT NULL,
  status varchar(16) NOT NULL,
  current_step varchar(50) NOT NULL,
  steps varchar(8000) NOT NULL,
  version bigint NOT NULL,
  data bytea NOT NULL,
  wake_at timestamp with time zone,
  lease_owner varchar(100),
  lease_until timestamp with time zone,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  UNIQUE (type, business_key),
  CHECK ((status IN ('COMPLETED', 'COMPENSATED', 'PARKED')) = (wake_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS saga_wake_at ON "saga" (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS saga_status ON "saga" (status, updated_at);
CREATE TABLE IF NOT EXISTS "saga_log" (
  saga_id varchar(36) NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  at timestamp with time zone NOT NULL,
  kind varchar(32) NOT NULL,
  step varchar(50) NOT NULL,
  attempt int NOT NULL,
  actor varchar(100) NOT NULL,
  detail varchar(1000) NOT NULL,
  PRIMARY KEY (saga_id, seq)
);
CREATE TABLE IF NOT EXISTS "saga_definition" (
  type varchar(50) NOT NULL,
  def_version int NOT NULL,
  structure varchar(25000) NOT NULL,
  PRIMARY KEY (type, def_version)
);
INSERT INTO "commslib_schema" (module, version, compatible_from, applied_at) VALUES ('saga', 1, 1, clock_timestamp());
