CREATE TABLE IF NOT EXISTS ${schema}`held_keys` (
  consumer varchar(300) NOT NULL,
  lane_key varchar(256) NOT NULL,
  hold_level integer NOT NULL,
  held_at datetime(6) NOT NULL,
  PRIMARY KEY (consumer, lane_key)
) ENGINE = InnoDB ${text};
