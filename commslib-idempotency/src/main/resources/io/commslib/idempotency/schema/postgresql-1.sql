CREATE TABLE IF NOT EXISTS ${schema}"inbox" (
  consumer varchar(300) NOT NULL,
  message_id varchar(128) NOT NULL,
  received_at timestamp with time zone NOT NULL,
  PRIMARY KEY (consumer, message_id)
);
