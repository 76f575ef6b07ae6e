# SPDX-License-Identifier: BSD-2-Clause
"""What `make install` puts where, what is in it, and that `make uninstall` takes all of it away."""
import functools
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import BUILD, MADE, SRC, installed, make, new_folder

MAKEFILE = (BUILD / "Makefile").read_text()


def variable(name):
    """What a variable of the Makefile stands for."""
    value = re.search(rf"^{name} = *(.*)$", MAKEFILE, re.M)[1]
    return re.sub(r"\$[({](\w+)[)}]", lambda found: variable(found[1]), value)


def names(folder, *patterns):
    return {path.name for pattern in patterns for path in folder.glob(pattern)}


WITH_DUCKDB, WITH_NCURSESW = ((BUILD / name).exists() for name in ("collector-query", "collector-top"))
PROGRAMS = ["collector", "collector-ls", "collector-merge", "collector-status", *(["collector-top"] if WITH_NCURSESW else []),
            *(["collector-query", "collector-diff"] if WITH_DUCKDB else [])]

# A variable of the Makefile, folders below it, and the files that are there
FILES = [
    ("bindir", "", PROGRAMS),
    ("plugindir", "", ["libbase.a", "libstream.a"]),
    ("plugindir", "probes", names(BUILD, "probes/*.so")),
    ("plugindir", "sinks", names(BUILD, "sinks/*.so")),
    ("sdkdir", "core", names(SRC, "core/*.h")),
    ("pkgconfigdir", "", ["collector.pc"]),
    ("mandir", "man1", ["collector-diff.1", "collector-ls.1", "collector-merge.1", "collector-query.1", "collector-status.1",
                          "collector-top.1"]),
    ("mandir", "man5", ["collector.steps.5", "collector.yaml.5"]),
    ("mandir", "man7", ["collector-cluster.7"]),
    ("mandir", "man8", ["collector.8"]),
    ("confdir", "", ["daemon.yaml"]),
    ("docdir", "", ["NEWS", "README.md", "STREAM.md"]),
    ("docdir", "LICENSES", ["BSD-2-Clause.txt", "GPL-2.0-only.txt"]),
    ("docdir", "examples", [*names(SRC, "conf/*.yaml"), *names(SRC, "conf/prometheus/*.yaml"), *names(SRC, "conf/grafana/*.json")]),
    ("queriesdir", "", names(SRC, "conf/queries/*.sql")),
    ("clickhousedir", "", names(SRC, "conf/clickhouse/*.sql")),
    ("sparkdir", "", names(SRC, "conf/spark/*.sql")),
    ("trinodir", "", names(SRC, "conf/trino/*.sql")),
    ("stepsdir", "", names(SRC, "conf/steps/*.yaml")),
    ("redactdir", "", ["programs"]),
    ("bashcompletiondir", "", PROGRAMS),
    ("zshcompletiondir", "", ["_collector"]),
    ("fishcompletiondir", "", [f"{name}.fish" for name in PROGRAMS]),
    ("systemdsystemunitdir", "", ["collector.service", "collector-follow@.service"]),
    ("sysusersdir", "", ["collector.conf"]),
]


def place(top, name, *below):
    """The folder of a variable in what is installed below `top`; None: it is empty, nothing is installed there."""
    return Path(f"{top}{variable(name)}", *below) if variable(name) else None


def files(top):
    return {str(path.relative_to(top)) for path in top.rglob("*") if not path.is_dir()}


def test_all_files_and_no_others():
    top = installed()
    wanted = {str((folder / name).relative_to(top)) for where, below, found in FILES
              if (folder := place(top, where, below)) for name in found}
    assert len(wanted) > 70 and files(top) == wanted


def test_no_path_of_the_build():
    """Neither in programs and plugins nor in what is made of templates. The prefix may lie in one of these folders."""
    top, prefix = installed(), variable("prefix").encode()
    for path in (path for path in top.rglob("*") if path.is_file()):
        content = path.read_bytes().replace(prefix, b"")
        for folder in top, SRC, BUILD:
            at = content.find(str(folder).encode())
            assert at < 0, f"{path}: {content[max(0, at - 80):at + 160]}"


def test_links_lead_somewhere():
    assert not [path for path in installed().rglob("*") if path.is_symlink() and not path.exists()]


def test_templates_are_filled_in():
    top = installed()
    for where, name in ("pkgconfigdir", "collector.pc"), ("systemdsystemunitdir", "collector.service"), ("systemdsystemunitdir", "collector-follow@.service"):
        if folder := place(top, where):
            assert not re.search(r"@\w+@", (folder / name).read_text())


def unit(name="collector.service"):
    if not (folder := place(installed(), "systemdsystemunitdir")):
        pytest.skip("configured without a folder for units")
    return (folder / name).read_text()


UNITS = ["collector.service", "collector-follow@.service"]


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_names_what_is_installed(name):
    command = re.search(r"^ExecStart=(\S+) --config (\S+) ", unit(name), re.M)
    assert all(Path(f"{installed()}{path}").is_file() for path in command.groups())
    user = re.search(r"^User=(.*)$", unit(name), re.M)[1]
    assert re.search(rf"^u {user} ", (SRC / "conf/sysusers.d/collector.conf").read_text(), re.M)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_unit(name):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    folder = new_folder()
    file = folder / name.replace("@", "@jsonl")
    file.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit(name), flags=re.M))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True, check=False)
    assert file.name not in done.stderr, done.stderr


def test_systemd_takes_the_user():
    if not shutil.which("systemd-sysusers"):
        pytest.skip("systemd-sysusers is not installed")
    root = new_folder()
    (root / "etc").mkdir()
    done = subprocess.run(["systemd-sysusers", "--dry-run", f"--root={root}", SRC / "conf/sysusers.d/collector.conf"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "collector" in done.stdout + done.stderr, done.stderr


def test_licenses_of_all_files():
    texts = {path.stem for path in (SRC / "LICENSES").iterdir()}
    found = set()
    files = [path for folder in ("core", "probes", "sinks") for path in (SRC / folder).rglob("*.[ch]")]
    for path in (path for path in files if not path.name.endswith(MADE)):
        if spdx := re.match(r"(?:/\*|//) SPDX-License-Identifier: (.*?)( \*/)?\n", path.read_text()):
            found |= set(spdx[1].split(" OR "))
    assert found == texts
    assert "GNU GENERAL PUBLIC LICENSE" in (SRC / "LICENSES/GPL-2.0-only.txt").read_text()


@functools.cache
def installed_again():
    """Installed, changed by the administrator, and installed once more."""
    top = new_folder()
    make("install", f"DESTDIR={top}")
    with open(place(top, "confdir") / "daemon.yaml", "a", encoding="utf-8") as file:
        file.write("# ours\n")
    make("install", f"DESTDIR={top}")
    return top


def test_a_configuration_is_kept():
    config = place(installed_again(), "confdir") / "daemon.yaml"
    assert config.read_text().endswith("# ours\n")
    make("uninstall", f"DESTDIR={installed_again()}")
    assert files(installed_again()) == {str(config.relative_to(installed_again()))}


def test_uninstall_leaves_nothing_of_ours():
    top = new_folder()
    make("install", f"DESTDIR={top}")
    make("uninstall", f"DESTDIR={top}")
    assert not files(top)
    left = [path for path in top.rglob("*") if path.name == "collector"]
    assert not left
