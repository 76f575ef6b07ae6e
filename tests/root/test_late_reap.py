# SPDX-License-Identifier: BSD-2-Clause
"""A process that its parent waits for 12 s after its end: the kernel closes its account only then."""
import json
import sys

import pytest
from harness import BUILD, ask, collect, merge

PARENT = """
import json, os, time
child = os.fork()
if not child:
    until = time.process_time() + 0.3
    while time.process_time() < until:
        os.stat("/")
    with open("/dev/zero", "rb", buffering=0) as zero:
        zero.read(1 << 20)
    os._exit(0)
time.sleep(12)
usage = os.wait4(child, 0)[2]
print(json.dumps({"pid": child, "cpu_ns": round((usage.ru_utime + usage.ru_stime) * 1e9)}))
"""


@pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")
def test_a_process_reaped_late_has_its_account():
    run = collect(sys.executable, "-c", PARENT)
    said = json.loads(run.stdout)
    late = run.one("cpu.exit", pid=said["pid"])["ts"] - run.one("lifecycle.exit", pid=said["pid"])["ts"]
    assert late > 10e9, "the account did not come late"
    sql = f"SELECT cpu_ns, read_chars, missing FROM processes WHERE pid = {said['pid']}"
    row, = ask(run, sql)
    assert abs(int(row["cpu_ns"]) - said["cpu_ns"]) < 1e6, row
    assert int(row["read_chars"]) >= 1 << 20, row
    assert not any(name in str(row["missing"]) for name in ("cpu_ns", "read_chars")), row
    page = merge(run.path, sink="summary")
    assert "not complete" not in page and "not known" not in page, page
    merge(run.path, options=["--strict"], sink="null")
