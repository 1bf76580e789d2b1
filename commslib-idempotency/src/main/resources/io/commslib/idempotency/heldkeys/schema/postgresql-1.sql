CREATE TABLE IF NOT EXISTS ${schema}"held_keys" (
  consumer varchar(300) COLLATE "C" NOT NULL,
  lane_key varchar(256) COLLATE "C" NOT NULL,
  hold_level integer NOT NULL,
  held_at timestamp with time zone NOT NULL,
  PRIMARY KEY (consumer, lane_key)
);
