-- compatible from: 1
ALTER TABLE ${schema}"sample" ADD COLUMN IF NOT EXISTS name varchar(10);
CREATE INDEX IF NOT EXISTS "sample_amount" ON ${schema}"sample" (amount);
CREATE TABLE IF NOT EXISTS ${schema}"sample_note" (
  id bigint NOT NULL PRIMARY KEY
);
