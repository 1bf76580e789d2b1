CREATE TABLE IF NOT EXISTS ${schema}`sample` (
  id bigint NOT NULL PRIMARY KEY
) ENGINE = InnoDB ${text};
