-- Views of a lake of Parquet files (collector-merge -s parquet:partition=true), for the named queries, for as long as the session
-- lasts. The lake, or a link to it, is `lake` in the folder where Spark runs; on an object store, write its URL in place.
--
--   spark-sql -i lake.sql --conf spark.sql.session.timeZone=UTC -e "$(sed 's/\$1/30/' slowest.sql)"

CREATE OR REPLACE TEMPORARY VIEW runs USING parquet OPTIONS (path 'lake/runs');
CREATE OR REPLACE TEMPORARY VIEW steps USING parquet OPTIONS (path 'lake/steps');
CREATE OR REPLACE TEMPORARY VIEW processes USING parquet OPTIONS (path 'lake/processes');
CREATE OR REPLACE TEMPORARY VIEW images USING parquet OPTIONS (path 'lake/images');
CREATE OR REPLACE TEMPORARY VIEW hidden_failures USING parquet OPTIONS (path 'lake/hidden_failures');
CREATE OR REPLACE TEMPORARY VIEW verdicts USING parquet OPTIONS (path 'lake/verdicts');
CREATE OR REPLACE TEMPORARY VIEW core_lost USING parquet OPTIONS (path 'lake/core_lost');
