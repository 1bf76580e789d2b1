CREATE TABLE orders (id text PRIMARY KEY, pieces int NOT NULL);
CREATE TABLE stock (pieces int NOT NULL);
INSERT INTO stock VALUES (100);
