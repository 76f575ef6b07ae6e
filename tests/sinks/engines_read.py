# SPDX-License-Identifier: BSD-2-Clause
"""Reads Parquet files by an engine: engines_read.py ENGINE FILE... prints for each a JSON object: {types, rows}. With
ENGINE-sql the files, or folders of them, are tables, and each SQL file among them is a query: prints its rows without times
as soon as it has them, $1 being its default. With clickhouse-sql, spark-sql and trino-sql the first file makes the tables, of a
lake in the present folder.

Numbers, booleans, texts, lists and nulls are what the engine gave, times are microseconds since 1970; nothing is cast
to text. `types` are those of the engine, in words of our own: int, bigint, time, text, list, bool."""
import datetime
import json
import os
import re
import sys
from pathlib import Path

NAMES = {
    "pyarrow": {"int32": "int", "int64": "bigint", "timestamp[us, tz=UTC]": "time", "string": "text", "bool": "bool",
                "list<element: string>": "list"},
    "polars": {"Int32": "int", "Int64": "bigint", "Datetime(time_unit='us', time_zone='UTC')": "time", "String": "text",
               "Boolean": "bool", "List(String)": "list"},
    "duckdb": {"INTEGER": "int", "BIGINT": "bigint", "TIMESTAMP WITH TIME ZONE": "time", "VARCHAR": "text", "BOOLEAN": "bool",
               "VARCHAR[]": "list"},
    "spark": {"int": "int", "bigint": "bigint", "timestamp": "time", "string": "text", "boolean": "bool",
              "array<string>": "list"},
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def plain(value):
    """Times as numbers, exactly."""
    if isinstance(value, datetime.datetime):
        assert value.tzinfo, "a time without a zone"
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    return value


def by_pyarrow(file):
    import pyarrow.parquet
    table = pyarrow.parquet.read_table(file, partitioning=None)
    return {f.name: str(f.type) for f in table.schema}, [list(row.values()) for row in table.to_pylist()]


def by_polars(file):
    import polars
    frame = polars.read_parquet(file, hive_partitioning=False)
    return {name: str(type_) for name, type_ in frame.schema.items()}, [list(row) for row in frame.rows()]


def by_duckdb(file):
    import duckdb
    found = duckdb.sql(f"SELECT * FROM read_parquet('{file}', hive_partitioning = false)")
    return dict(zip(found.columns, map(str, found.types))), [list(row) for row in found.fetchall()]


def session():
    from pyspark.sql import SparkSession
    return (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC").config("spark.log.level", "ERROR").getOrCreate())


def by_spark(file):
    frame = session().read.parquet(file)
    times = [name for name, type_ in frame.dtypes if type_ == "timestamp"]
    exact = frame.selectExpr(*(f"unix_micros(`{name}`) AS `{name}`" if name in times else f"`{name}`" for name in frame.columns))
    return dict(frame.dtypes), [list(row) for row in exact.collect()]


def query(file):
    sql = open(file, encoding="utf-8").read()
    default = re.search(r"^-- \$1 = (\d+)", sql, re.M)
    return sql.replace("$1", default.group(1) if default else "")


def statements(file):
    return filter(str.strip, open(file, encoding="utf-8").read().split(";\n"))


def say(rows):
    print(json.dumps(rows), flush=True)


def answer_by_clickhouse(files):
    """Of each query: rows as objects."""
    from chdb.session import Session
    session = Session()
    for statement in statements(files[0]):
        session.query(statement)
    session.query("USE lake")
    session.query("SET session_timezone = 'UTC', cast_keep_nullable = 1, output_format_json_quote_64bit_integers = 0")
    for file in files[1:]:
        rows = bytes(session.query(query(file), "JSONEachRow").bytes() or b"").decode().splitlines()
        say([json.loads(row) for row in rows])


def answer_by_trino(files):
    from trino_peer import Trino
    os.environ["TZ"] = "UTC"  # the time zone of its session is that of the server
    with Trino(Path.cwd()) as trino:
        for statement in statements(files[0]):
            trino.run(statement)
        for file in files[1:]:
            say(trino.run(query(file)))


def name_of(file):
    return os.path.basename(file).removesuffix(".parquet")


def sql_of_spark(views):
    spark = session()
    for statement in statements(views):
        spark.sql(statement)
    return lambda sql: [row.asDict() for row in spark.sql(sql).collect()]


def sql_of_polars(files):
    import polars
    context = polars.SQLContext({name_of(file): polars.scan_parquet(file, hive_partitioning=False) for file in files})
    return lambda sql: context.execute(sql).collect().to_dicts()


def sql_of_datafusion(files):
    import datafusion
    context = datafusion.SessionContext()
    for file in files:
        context.register_parquet(name_of(file), file)
    return lambda sql: context.sql(sql).to_pylist()


def answer(engine, tables, queries):
    """Of each query: rows as objects, without times."""
    ask = globals()[f"sql_of_{engine}"](tables)
    for file in queries:
        say([{name: value for name, value in row.items() if not isinstance(value, datetime.datetime)}
             for row in ask(query(file))])


def main(engine, files):
    os.environ["TZ"] = "Europe/Berlin"  # must not matter
    if engine in ("clickhouse-sql", "trino-sql"):
        return globals()[f"answer_by_{engine.removesuffix('-sql')}"](files)
    if engine == "spark-sql":
        return answer("spark", files[0], files[1:])
    if engine.endswith("-sql"):
        tables = [file for file in files if not file.endswith(".sql")]
        return answer(engine.removesuffix("-sql"), tables, files[len(tables):])
    for file in files:
        types, rows = globals()[f"by_{engine}"](file)
        types = {name: NAMES[engine][type_] for name, type_ in types.items()}
        say({"types": types, "rows": [[plain(value) for value in row] for row in rows]})
    return None


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
