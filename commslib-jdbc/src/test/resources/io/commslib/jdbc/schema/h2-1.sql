CREATE TABLE IF NOT EXISTS ${schema}"sample" (
  id bigint NOT NULL PRIMARY KEY,
  amount int
);
