-- compatible from: 1
ALTER TABLE ${schema}`outbox_message` ADD COLUMN /*M! IF NOT EXISTS */ note varchar(10);
CREATE INDEX /*M! IF NOT EXISTS */ outbox_message_note ON ${schema}`outbox_message` (note);
CREATE TABLE IF NOT EXISTS ${schema}`outbox_note` (
  id varchar(100) NOT NULL PRIMARY KEY
) ENGINE = InnoDB ${text};
