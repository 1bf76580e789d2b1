-- compatible from: 1
CREATE INDEX IF NOT EXISTS ${schema}"sample_amount" ON ${schema}"sample" (amount);
CREATE TABLE IF NOT EXISTS ${schema}"sample_note" (
  id bigint NOT NULL PRIMARY KEY
);
