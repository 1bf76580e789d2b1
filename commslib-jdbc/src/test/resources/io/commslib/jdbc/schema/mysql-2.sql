ALTER TABLE ${schema}`sample` ADD COLUMN name varchar(10);
CREATE INDEX sample_name ON ${schema}`sample` (name);
