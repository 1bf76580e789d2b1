-- compatible from: 1
CREATE INDEX IF NOT EXISTS ${schema}"outbox_message_destination" ON ${schema}"outbox_message" (destination);
CREATE TABLE IF NOT EXISTS ${schema}"outbox_note" (
  id varchar(100) NOT NULL PRIMARY KEY
);
