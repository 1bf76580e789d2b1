CREATE TABLE IF NOT EXISTS `commslib_schema` (module varchar(64) NOT NULL, version int NOT NULL, compatible_from int NOT NULL, applied_at datetime(6) NOT NULL, PRIMARY KEY (module, version));
-- held-keys, version 1, for processes of version 1 and newer
CREATE TABLE IF NOT EXISTS `held_keys` (
  consumer varchar(300) NOT NULL,
  lane_key varchar(256) NOT NULL,
  hold_level integer NOT NULL,
  held_at datetime(6) NOT NULL,
  PRIMARY KEY (consumer, lane_key)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin;
INSERT INTO `commslib_schema` (module, version, compatible_from, applied_at) VALUES ('held-keys', 1, 1, utc_timestamp(6));
