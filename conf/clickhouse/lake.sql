-- Views of a lake of Parquet files (collector-merge -s parquet:partition=true), for the named queries. The server finds the lake, or
-- a link to it, as `lake` in its folder user_files; on an object store, use s3() in place of file().
--
--   clickhouse-client --multiquery <lake.sql
--   sed 's/\$1/30/' slowest.sql | clickhouse-client --database lake --session_timezone UTC --cast_keep_nullable 1
--
-- Times in their answers are in whole seconds: CAST(... AS TIMESTAMP) is that in ClickHouse.

CREATE DATABASE IF NOT EXISTS lake;
CREATE VIEW IF NOT EXISTS lake.runs AS SELECT * FROM file('lake/runs/*/*.parquet', 'Parquet');
CREATE VIEW IF NOT EXISTS lake.steps AS SELECT * FROM file('lake/steps/*/*.parquet', 'Parquet');
CREATE VIEW IF NOT EXISTS lake.processes AS SELECT * FROM file('lake/processes/*/*.parquet', 'Parquet');
CREATE VIEW IF NOT EXISTS lake.images AS SELECT * FROM file('lake/images/*/*.parquet', 'Parquet');
CREATE VIEW IF NOT EXISTS lake.hidden_failures AS SELECT * FROM file('lake/hidden_failures/*/*.parquet', 'Parquet');
CREATE VIEW IF NOT EXISTS lake.verdicts AS SELECT * FROM file('lake/verdicts/*/*.parquet', 'Parquet');
CREATE VIEW IF NOT EXISTS lake.core_lost AS SELECT * FROM file('lake/core_lost/*/*.parquet', 'Parquet');
