/* SPDX-License-Identifier: BSD-2-Clause */
/* Merges Parquet files by DuckDB, as the parquet sink writes them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/lake/compact.h"
#include "core/log.h"
#include "core/query/query.h"
#include "core/text.h"

/* A row group is what engines read at once; a file, what they share out. */
#define GROUP_ROWS 122880
#define FILE_MB 256
#define MEMORY_MB 1024
/* Of what is too much for that: a reader and the writer hold a row group of each text column whole, and the sort, which leaves
 * memory only for what it knows, takes the rest. With one thread they get on with this, however much there is to sort. */
#define LARGE_MB 64
#define LARGE_MEMORY_MB 2048

/* A column that is not written. The sink has none with a blank in its name. */
#define HASH "\"row hash\""

/* Those that a table has, in this order: a step's rows lie together, and those of a run's events. */
static const char *const sorted_by[] = {"pipeline", "step", "began", "since", "run",  "host", "time",
					"marker",   "seq",  "start", "pid",   "exec", "task", "kind"};

struct rows {
	const struct lake_job *job;
	struct query query;
	struct lake_inputs inputs, examples; /* files of runs */
	struct text columns, order, notes;
	struct error err;
	uint64_t count; /* files of the sink, of those that were asked */
	bool has[sizeof(sorted_by) / sizeof(*sorted_by)];
	bool twice; /* there are runs in the table `twice` */
};

static bool is_large(const struct lake_job *job)
{
	return job->bytes > LARGE_MB << 20;
}

static int ask(struct rows *rows, struct text *sql, int (*call)(void *arg, const char *const *row))
{
	int rc = sql->error;

	if (!rc)
		rc = call ? query__each(&rows->query, sql->data, call, rows, &rows->err)
			  : query__run(&rows->query, sql->data, &rows->err);
	text__free(sql);
	return rc;
}

/* ---- files ---- */

static size_t batches_of(const struct lake_inputs *inputs)
{
	return (inputs->count + LAKE_BATCH - 1) / LAKE_BATCH;
}

static size_t end_of(const struct lake_inputs *inputs, size_t batch)
{
	size_t end = (batch + 1) * LAKE_BATCH;

	return end < inputs->count ? end : inputs->count;
}

/* Whether its files have the same columns. */
static bool is_alike(const struct lake_inputs *inputs, size_t batch)
{
	return inputs->list[batch * LAKE_BATCH].form == inputs->list[end_of(inputs, batch) - 1].form;
}

/* A function of the files of a batch, its parenthesis open: of runs; then, in the last one, of earlier compactions. */
static void put_files(struct text *sql, const struct rows *rows, const char *function, const struct lake_inputs *inputs,
		      size_t batch)
{
	int work = rows->job->work;

	text__printf(sql, "%s(", function);
	if (batch == batches_of(inputs)) {
		text__printf(sql, "'/proc/self/fd/%d/done/*" LAKE_FILE "'", work);
		return;
	}
	for (size_t i = batch * LAKE_BATCH; i < end_of(inputs, batch); i++)
		text__printf(sql, "%s'/proc/self/fd/%d/in/%s'", i % LAKE_BATCH ? ", " : "[", work,
			     inputs->list[i].name);
	text__printf(sql, "]");
}

/* Where one file of each form tells as much as all. */
static size_t batches_of_examples(const struct rows *rows)
{
	return batches_of(&rows->examples) + (rows->job->done > 0);
}

static void put_examples(struct text *sql, const struct rows *rows, const char *function, size_t batch)
{
	put_files(sql, rows, function, &rows->examples, batch);
}

#define HERE ", hive_partitioning = false"
#define BY_NAME ", union_by_name = true" HERE ")"

/* Its rows with all columns, in the order in which they are written, and HASH: of a whole row. */
static void put_rows(struct text *sql, const struct rows *rows, size_t batch)
{
	bool alike = batch < batches_of(&rows->inputs) && is_alike(&rows->inputs, batch);

	text__printf(sql,
		     "SELECT *, hash(t) AS " HASH
		     " FROM (SELECT %s FROM (SELECT * FROM shape UNION ALL BY NAME SELECT * FROM ",
		     rows->columns.data);
	put_files(sql, rows, "read_parquet", &rows->inputs, batch);
	text__printf(sql, "%s)) AS t", alike ? HERE ")" : BY_NAME);
}

static int read_files(struct rows *rows)
{
	int rc = lake_inputs__read(&rows->inputs, &rows->examples, rows->job->work, &rows->err);

	return rc || rows->inputs.count == rows->job->in ? rc : -EIO;
}

/* ---- what the files say of themselves ---- */

static int add_note(void *arg, const char *const *row)
{
	struct rows *rows = arg;

	text__printf(&rows->notes, "%s", rows->notes.size ? ", " : "");
	sql__quote(&rows->notes, row[0], '"');
	text__printf(&rows->notes, ": ");
	sql__quote(&rows->notes, row[1], '\'');
	if (!strcmp(row[0], "schema"))
		rows->count = strtoull(row[2], NULL, 10);
	if (!strcmp(row[0], "schema") && strcmp(row[3], "1"))
		return error__set(&rows->err, -EINVAL,
				  "its files have several schemas: of several versions of the collector");
	return rows->notes.error;
}

/* A file without the number of its schema is not the sink's. */
static int read_notes(struct rows *rows)
{
	struct text sql = {0};
	int rc;

	text__printf(&sql, "CREATE TABLE notes (k VARCHAR, v VARCHAR, n BIGINT)");
	rc = ask(rows, &sql, NULL);
	for (size_t i = 0; i < batches_of_examples(rows) && !rc; i++) {
		text__printf(
			&sql,
			"INSERT INTO notes SELECT k, v, count(DISTINCT f) FROM (SELECT file_name AS f, decode(key) "
			"AS k, decode(value) AS v FROM ");
		put_examples(&sql, rows, "parquet_kv_metadata", i);
		text__printf(&sql, ")) GROUP BY k, v");
		rc = ask(rows, &sql, NULL);
	}
	text__printf(
		&sql,
		"SELECT k, max(v), CAST(CAST(sum(n) AS BIGINT) AS VARCHAR), CAST(count(DISTINCT v) AS VARCHAR) FROM "
		"notes GROUP BY k ORDER BY k");
	rc = rc ? rc : ask(rows, &sql, add_note);
	if (!rc && rows->count != rows->examples.count + rows->job->done)
		rc = error__set(&rows->err, -EINVAL, "some of its files were not written by the parquet sink");
	return rc;
}

static int fail_type(void *arg, const char *const *row)
{
	struct rows *rows = arg;

	return error__set(&rows->err, -EINVAL, "the column %s has several types in its files", row[0]);
}

/* DuckDB would find a type that takes all. Of lists, what is in them has a name too: the same in all. */
static int compare_types(struct rows *rows)
{
	struct text sql = {0};
	int rc;

	text__printf(&sql, "CREATE TABLE types (name VARCHAR, t VARCHAR)");
	rc = ask(rows, &sql, NULL);
	for (size_t i = 0; i < batches_of_examples(rows) && !rc; i++) {
		text__printf(
			&sql,
			"INSERT INTO types SELECT min(name), t FROM (SELECT file_name, min(name) AS name, "
			"string_agg(DISTINCT t ORDER BY t) AS t FROM (SELECT file_name, name, concat_ws(' ', type, "
			"converted_type, logical_type) AS t FROM ");
		put_examples(&sql, rows, "parquet_schema", i);
		text__printf(&sql, ")) GROUP BY file_name, lower(name)) GROUP BY lower(name), t");
		rc = ask(rows, &sql, NULL);
	}
	text__printf(&sql, "SELECT min(name) FROM types GROUP BY lower(name) HAVING count(DISTINCT t) > 1 LIMIT 1");
	return rc ? rc : ask(rows, &sql, fail_type);
}

/* `missing` stays the last column, whichever files have more columns than others. */
static int add_column(void *arg, const char *const *row)
{
	struct rows *rows = arg;

	text__printf(&rows->columns, "%s", rows->columns.size ? ", " : "");
	sql__quote(&rows->columns, row[0], '"');
	for (size_t i = 0; i < sizeof(sorted_by) / sizeof(*sorted_by); i++)
		if (!strcmp(sorted_by[i], row[0]))
			rows->has[i] = true;
	return rows->columns.error;
}

static int read_columns(struct rows *rows)
{
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < batches_of_examples(rows) && !rc; i++) {
		text__printf(&sql, "CREATE OR REPLACE TABLE shape AS %sSELECT * FROM ",
			     i ? "SELECT * FROM shape UNION ALL BY NAME " : "");
		put_examples(&sql, rows, "read_parquet", i);
		text__printf(&sql, BY_NAME " LIMIT 0");
		rc = ask(rows, &sql, NULL);
	}
	text__printf(&sql, "SELECT column_name FROM duckdb_columns() WHERE table_name = 'shape' ORDER BY "
			   "column_name = 'missing', column_index");
	rc = rc ? rc : ask(rows, &sql, add_column);
	for (size_t i = 0; i < sizeof(sorted_by) / sizeof(*sorted_by); i++)
		if (rows->has[i])
			text__printf(&rows->order, "%s\"%s\"", rows->order.size ? ", " : "", sorted_by[i]);
	return rc;
}

/* ---- rows ---- */

/* DuckDB keeps what it knows of each file until the end of the statement, outside of its limit, and takes longer to open a
 * small file than to read it. So the rows of small files are read once, a batch of files at a time. */
static bool gathers(const struct rows *rows)
{
	return batches_of(&rows->inputs) > 1 || !is_large(rows->job);
}

static int gather(struct rows *rows)
{
	struct text sql = {0};
	int rc;

	if (rows->job->only_describe || !gathers(rows))
		return 0;
	text__printf(&sql, "SET prefetch_all_parquet_files = true"); /* they are small */
	rc = ask(rows, &sql, NULL);
	for (size_t i = 0; i < batches_of(&rows->inputs) && !rc; i++) {
		text__printf(&sql, "COPY (");
		put_rows(&sql, rows, i);
		text__printf(&sql, ") TO '/proc/self/fd/%d/tmp/rows-%zu" LAKE_FILE "' (FORMAT parquet)",
			     rows->job->work, i);
		rc = ask(rows, &sql, NULL);
	}
	text__printf(&sql, "SET prefetch_all_parquet_files = false");
	return rc ? rc : ask(rows, &sql, NULL);
}

static void put_rows_of_runs(struct text *sql, const struct rows *rows)
{
	if (!gathers(rows))
		put_rows(sql, rows, 0);
	else
		text__printf(sql, "SELECT * FROM read_parquet('/proc/self/fd/%d/tmp/rows-*" LAKE_FILE "') AS t",
			     rows->job->work);
}

/* The view `rows`, of all that is to be written. */
static int make_view(struct rows *rows)
{
	const struct lake_job *job = rows->job;
	struct text sql = {0};

	if (job->only_describe)
		return 0;
	text__printf(&sql, "CREATE OR REPLACE VIEW rows AS ");
	if (job->in)
		put_rows_of_runs(&sql, rows);
	if (rows->twice)
		text__printf(
			&sql,
			" WHERE NOT EXISTS (SELECT 1 FROM twice WHERE twice.run = t.run AND twice.host IS NOT DISTINCT "
			"FROM t.host)");
	text__printf(&sql, "%s", job->in && job->done ? " UNION ALL " : "");
	if (job->done)
		put_rows(&sql, rows, batches_of(&rows->inputs));
	return ask(rows, &sql, NULL);
}

/* ---- runs that came again ---- */

static int add_run(void *arg, const char *const *row)
{
	struct rows *rows = arg;

	log__warn("%s: the run %s of %s is in a compacted file; the one that came later is left out", rows->job->what,
		  row[0], row[1] ? row[1] : "no host");
	rows->twice = true;
	return 0;
}

/* A run whose file was written again once it was compacted counts once. Rows without a run are all kept. */
static int find_twice(struct rows *rows)
{
	const struct lake_job *job = rows->job;
	struct text sql = {0};
	int rc;

	if (job->only_describe || !job->in || !(job->done + job->kept))
		return 0;
	text__printf(&sql, "CREATE TABLE twice AS SELECT run, host FROM (SELECT run, host FROM (");
	put_rows_of_runs(&sql, rows);
	text__printf(&sql, ") INTERSECT SELECT run, host FROM read_parquet([");
	for (int i = 0; i < 2; i++)
		if (i ? job->kept : job->done)
			text__printf(&sql, "%s'/proc/self/fd/%d/%s/*" LAKE_FILE "'", i && job->done ? ", " : "",
				     job->work, i ? "kept" : "done");
	text__printf(&sql, "]" BY_NAME ") WHERE run IS NOT NULL");
	rc = ask(rows, &sql, NULL);
	text__printf(&sql, "SELECT run, host FROM twice ORDER BY run, host");
	rc = rc ? rc : ask(rows, &sql, add_run);
	return rc || !rows->twice ? rc : make_view(rows);
}

/* ---- writing ---- */

static int copy(struct rows *rows)
{
	const struct lake_job *job = rows->job;
	struct text sql = {0};

	if (job->only_describe)
		return 0;
	text__printf(&sql,
		     "COPY (SELECT %s FROM rows%s%s) TO '/proc/self/fd/%d/out/%s' (FORMAT parquet, COMPRESSION zstd, "
		     "COMPRESSION_LEVEL 3, WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE %d, KV_METADATA {%s}",
		     rows->columns.data, rows->order.size ? " ORDER BY " : "", rows->order.size ? rows->order.data : "",
		     job->work, job->bytes > 2 * FILE_MB << 20 ? "" : "all" LAKE_FILE, GROUP_ROWS, rows->notes.data);
	/* several files are written only where one would be too large: their rows are not in order to the last one */
	if (job->bytes > 2 * FILE_MB << 20)
		text__printf(&sql, ", FILE_SIZE_BYTES '%dMB', OVERWRITE_OR_IGNORE true", FILE_MB);
	text__printf(&sql, ")");
	return ask(rows, &sql, NULL);
}

static int fail_rows(void *arg, const char *const *row)
{
	struct rows *rows = arg;

	return error__set(&rows->err, -EIO, "of %s rows, %s were written, or others: this is a defect", row[0], row[1]);
}

/* Counts, and a sum of hashes: of the columns in their order, with their types. */
static int compare_rows(struct rows *rows)
{
	struct text sql = {0};

	if (rows->job->only_describe)
		return 0;
	text__printf(&sql,
		     "SELECT CAST(a.n AS VARCHAR), CAST(b.n AS VARCHAR) FROM (SELECT count(*) AS n, sum(" HASH
		     ") AS h FROM rows) AS a, (SELECT count(*) AS n, sum(hash(t)) AS h FROM (SELECT * FROM "
		     "read_parquet('/proc/self/fd/%d/out/*" LAKE_FILE "', hive_partitioning = false)) AS t) AS b "
		     "WHERE a.n <> b.n OR a.h IS DISTINCT FROM b.h",
		     rows->job->work);
	return ask(rows, &sql, fail_rows);
}

/* One thread: of two, the one that waits for the other asks all the time whether there is something to do. No cache of what
 * was read from files: they are read once, or by the kernel's. */
static int set_up(struct rows *rows)
{
	struct text sql = {0};

	text__printf(&sql,
		     "SET threads = 1; SET enable_external_file_cache = false; SET memory_limit = '%dMiB'; SET "
		     "temp_directory = '/proc/self/fd/%d/tmp'",
		     is_large(rows->job) ? LARGE_MEMORY_MB : MEMORY_MB, rows->job->work);
	return ask(rows, &sql, NULL);
}

/* What a log says of files: to be read by the process that writes it. */
static int describe(struct rows *rows)
{
	const struct lake_job *job = rows->job;
	struct text sql = {0};
	int rc;

	if (!job->describe)
		return 0;
	text__printf(&sql, "COPY (SELECT regexp_extract(file_name, '[^/]*$'), num_rows FROM ");
	text__printf(&sql, "parquet_file_metadata('/proc/self/fd/%d/%s/*" LAKE_FILE "')", job->work,
		     job->only_describe ? "in" : "out");
	text__printf(&sql, ") TO '/proc/self/fd/%d/tmp/counts' (FORMAT csv, HEADER false, DELIMITER ' ', QUOTE '')",
		     job->work);
	rc = ask(rows, &sql, NULL);
	text__printf(
		&sql,
		"COPY (SELECT data_type, column_name FROM duckdb_columns() WHERE table_name = 'shape' ORDER BY "
		"column_name = 'missing', column_index) TO '/proc/self/fd/%d/tmp/schema' (FORMAT csv, HEADER false, "
		"DELIMITER '\t', QUOTE '')",
		job->work);
	return rc ? rc : ask(rows, &sql, NULL);
}

int lake_job__run(void *arg)
{
	static int (*const parts[])(struct rows * rows) = {set_up,	 read_files,   read_notes, compare_types,
							   read_columns, gather,       make_view,  find_twice,
							   copy,	 compare_rows, describe};
	struct rows rows = {.job = arg};
	int rc = query__open_database(&rows.query, &rows.err);

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && !rc; i++)
		rc = parts[i](&rows);
	if (rc)
		log__error("%s: %.*s", rows.job->what, (int)strcspn(rows.err.text, "\n"),
			   *rows.err.text ? rows.err.text : strerror(-rc));
	query__close_database(&rows.query);
	lake_inputs__free(&rows.inputs);
	lake_inputs__free(&rows.examples);
	text__free(&rows.columns);
	text__free(&rows.order);
	text__free(&rows.notes);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
