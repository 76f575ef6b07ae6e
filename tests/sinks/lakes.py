# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of lakes have in common: lakes of a few runs."""
import shutil
from pathlib import Path

from harness import new_folder
from tables import odd_run, run_merge

NOON = 1772366400  # 2026-03-01
DAY, NEXT = "date=2026-03-01", "date=2026-03-02"


def add(lake, name, seconds=NOON, options=""):
    """Adds a run."""
    run_merge("-s", f"parquet:partition=true{options}", "-o", lake, odd_run(name, seconds=seconds))


def copied(made, *tables):
    lake = new_folder() / "lake"
    shutil.copytree(made, lake, ignore=lambda folder, names: [name for name in names if tables and Path(folder) == made and
                                                              name not in tables])
    return lake


def names(lake, table, day=DAY):
    return sorted(path.name for path in (lake / table / day).iterdir())
