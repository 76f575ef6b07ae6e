# SPDX-License-Identifier: BSD-2-Clause
"""The rooms of the house: which folder may use which, over includes and over the symbols of what was built."""
import re
import subprocess

import pytest
from harness import BUILD, CC, MADE, SRC, new_folder

# A room of core: its header for others, and the rooms it may use. All may include core/*.h, the SDK.
ROOMS = {
    "base": ("core/base/base.h", []),
    "stream": (None, ["base"]),
    "resume": ("core/resume/resume.h", ["base", "stream"]),
    "merge": ("core/merge/merge.h", ["base", "stream", "resume", "config", "lake"]),
    "runs": ("core/runs/runs.h", ["base", "stream", "resume"]),
    "query": ("core/query/query.h", ["base", "stream"]),
    "lake": ("core/lake/lake.h", ["base", "query"]),
    "config": ("core/config/config.h", ["base"]),
    "bpf": ("core/bpf/bpf.h", ["base", "config"]),
    "account": ("core/account/account.h", ["base", "bpf"]),
    "proc": ("core/proc/proc.h", ["base"]),
    "given": ("core/given/given.h", ["base"]),
    "status": ("core/status/status.h", ["base", "stream", "resume"]),
    "rotate": ("core/rotate/rotate.h", ["base", "stream", "resume"]),
    "daemon": (None, ["status", "rotate", "base", "stream", "resume", "merge", "runs", "config", "bpf", "account", "proc", "given"]),
}

# A library of sinks: its headers for others, the rooms of core and the libraries it may use. A sink may use all.
LIBRARIES = {
    "columns": (["event_columns.h"], ["base", "stream"], []),
    "packing": (["packing.h"], ["base", "stream"], []),
    "outbox": (["outbox.h", "gzip.h", "option_file.h"], ["base", "stream"], []),
    "http": (["http.h"], ["base", "stream"], ["outbox"]),
    "proto": (["proto.h"], ["base", "stream"], []),
    "rows": (["json_row.h"], ["base", "stream"], []),
    "program": (["program.h"], ["base", "stream"], []),
    "steps": (["steps.h", "nextflow.h"], ["base", "config"], ["program"]),
    "model": (["model.h", "ending.h", "on_model.h", "losses.h"], ["base", "stream"], ["program", "steps"]),
    "totals": (["totals.h", "tally.h", "story.h", "step_sums.h"], ["base", "stream"], ["program", "model"]),
    "live": (["live.h"], ["base", "stream"], ["program", "steps", "model", "totals"]),
    "detector": (["verdict_entry.h", "detector.h", "trend.h"], ["base", "stream", "config"], ["program", "model"]),
    "waits": ([], ["base", "stream", "config"], ["program", "model", "detector"]),
    "verdicts": (["verdicts.h"], ["base", "stream", "config"], ["program", "steps", "model", "detector", "waits"]),
    "judging": (["judge.h", "judged.h", "pass.h", "tallied.h"], ["base", "stream", "config"],
                ["program", "steps", "model", "totals", "verdicts"]),
    "tables": (["tables.h", "files.h"], ["base", "stream", "config"],
               ["columns", "program", "steps", "model", "totals", "verdicts"]),
}
SINKS = ["base", "stream"]
RINGS = set()  # rooms whose files still call each other in a ring
PROBES = []  # core/probe.h and core/probe.bpf.h are all there is

# System headers that only these may include: a pattern, then rooms of core and libraries of sinks
OWNED = {
    r"bpf/|linux/bpf|libelf|gelf": {"bpf", "probes"},
    r"yaml": {"config"},
    r"pcre2": {"config", "steps"},
    r"dlfcn": {"base"},
    r"msgpack": set(),
    r"duckdb": {"query", "tables", "parquet", "duckdb"},
    r"ncurses": {"top"},
    r"curl": {"http"},
    r"openssl": {"forward"},
    r"librdkafka": {"kafka"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


def sources(folder, pattern="*.[ch]"):
    return [path for path in sorted((SRC / folder).glob(pattern)) if not path.name.endswith(MADE)]


def includes(path):
    found = INCLUDE.findall(path.read_text())
    return {name for quote, name in found if quote == '"'}, {name for quote, name in found if quote == "<"}


def plugin_folders(kind):
    return sorted(path for path in (SRC / kind).iterdir() if path.is_dir() and any(path.glob("*.c")))


def is_library(folder):
    return not any(re.search(r"^SINK\(", path.read_text(), re.M) for path in folder.glob("*.c"))


def doors(rooms):
    return {ROOMS[room][0] for room in rooms} - {None}


def strangers(path, own, *allowed):
    """What `path` includes that is neither its own folder's, nor the SDK's, nor `allowed`."""
    names, _ = includes(path)
    return {name for name in names if not name.startswith(own) and not re.fullmatch(r"core/[^/]+\.h", name)
            and name not in allowed and not name.startswith(tuple(a for a in allowed if a.endswith("/")))}


def test_nothing_else_is_at_the_top():
    """What git has: a file that a test or a hand has left is committed easily."""
    listed = subprocess.run(["git", "-C", SRC, "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode or not listed.stdout:
        pytest.skip("no checkout")
    top = {name.split("/")[0] for name in listed.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} == {
        "configure.ac", "Makefile.am", "core", "probes", "sinks", "conf", "pipelines", "tests", "m4", "README.md", "LICENSES", "NEWS"}


def test_every_folder_is_in_the_table():
    assert {path.name for path in (SRC / "core").iterdir() if path.is_dir() and any(path.glob("*.c"))} == set(ROOMS)
    assert {path.name for path in plugin_folders("sinks") if is_library(path)} == set(LIBRARIES)


def ring(uses):
    """Those of a graph {name: names it uses} that use each other in a ring, or use such; empty: there is none."""
    left = dict(uses)
    while ready := [name for name, used in left.items() if not left.keys() & set(used)]:
        for name in ready:
            del left[name]
    return left


def test_the_tables_have_no_ring():
    for uses in ({room: uses for room, (_, uses) in ROOMS.items()}, {name: row[2] for name, row in LIBRARIES.items()}):
        assert not ring(uses) and {other for used in uses.values() for other in used} <= set(uses)


def test_core_itself_is_the_sdk():
    assert {path.name for path in (SRC / "core").iterdir() if path.is_file() and path.suffix not in (".o", ".a")
            and path.name != "collector.pc" and not path.name.startswith(".")} \
        == {path.name for path in (SRC / "core").glob("*.h")} | {"collector.pc.in"}
    for path in sources("core"):
        names, _ = includes(path)
        assert all(re.fullmatch(r"core/[^/]+\.h", name) for name in names), path


@pytest.mark.parametrize("room", ROOMS)
def test_includes_of_a_room(room):
    found = {path.name: strangers(path, f"core/{room}/", *doors(ROOMS[room][1]), "config.h")
             for path in sources(f"core/{room}")}
    assert len(found) > 2 and not {name: bad for name, bad in found.items() if bad}


@pytest.mark.parametrize("folder", plugin_folders("sinks"), ids=lambda path: path.name)
def test_includes_of_sinks(folder):
    _, rooms, libraries = LIBRARIES.get(folder.name, (None, SINKS, list(LIBRARIES)))
    allowed = [f"sinks/{library}/{header}" for library in libraries for header in LIBRARIES[library][0]]
    allowed += sorted(doors(rooms))
    found = {path.name: strangers(path, f"sinks/{folder.name}/", *allowed) for path in sorted(folder.glob("*.[ch]"))}
    assert not {name: bad for name, bad in found.items() if bad}


@pytest.mark.parametrize("path", sources("probes", "*/*.[ch]"), ids=lambda path: path.name)
def test_includes_of_probes(path):
    own, system = includes(path)
    folder = f"{path.relative_to(SRC).parent}/"
    if path.suffix == ".h":
        assert not own and not system, "a header shared with BPF includes nothing"
    elif path.name.endswith(".bpf.c"):
        assert not strangers(path, folder) and not system
        assert {name for name in own if name.startswith("core/")} == {"core/probe.bpf.h"}
    else:
        assert not strangers(path, folder) and {name for name in own if name.startswith("core/")} == {"core/probe.h"}


def test_libraries_of_the_system_have_one_owner():
    for path in [p for folder in ("core", "probes", "sinks") for p in sources(folder, "**/*.[ch]")]:
        parts = path.relative_to(SRC).parts
        who = "probes" if parts[0] == "probes" else parts[1]
        _, system = includes(path)
        for name in system:
            for pattern, owners in OWNED.items():
                if re.match(pattern, name) and path.name != "pack.h" and not path.name.endswith(".bpf.h"):
                    assert who in owners, f"{path}: <{name}>"


# ---- the same by symbols ----

def objects(archive):
    """{object: (symbols that it defines for others, symbols that it lacks)} of an archive."""
    found = {}
    for line in subprocess.run(["nm", "-A", archive], capture_output=True, text=True, check=True).stdout.splitlines():
        where, _, rest = line.partition(": ") if ": " in line else line.rpartition(":")
        where, words = where.split(":")[1], rest.split()
        kind, name = words[-2:] if len(words) > 1 else ("", "")
        defined, undefined = found.setdefault(where, (set(), set()))
        if kind in "TDBRVW" and kind:
            defined.add(name)
        elif kind == "U":
            undefined.add(name)
    return found


def symbols(archive):
    """(those it defines for others, those it lacks with the object that does) of an archive."""
    found = objects(archive)
    defined = set().union(*(own for own, _ in found.values()))
    return defined, {name: where for where, (_, lacks) in found.items() for name in lacks - defined}


@pytest.fixture(scope="module", name="archives")
def all_archives():
    paths = {room: BUILD / f"core/lib{room}.a" for room in ROOMS}
    paths.update({f"sinks/{name}": BUILD / f"sinks/lib{name}.a" for name in LIBRARIES})
    return {name: symbols(path) for name, path in paths.items() if path.exists()}


@pytest.mark.parametrize("name", [*ROOMS, *(f"sinks/{name}" for name in LIBRARIES)])
def test_symbols_of_a_room(archives, name):
    if name not in archives:
        pytest.skip(f"{name} was not built: an optional library is not here")
    library = name.partition("/")[2]
    allowed = {*LIBRARIES[library][1], *(f"sinks/{other}" for other in LIBRARIES[library][2])} if library \
        else set(ROOMS[name][1])
    bad = {symbol: (where, other) for symbol, where in archives[name][1].items()
           for other, (defined, _) in archives.items() if other not in allowed | {name} and symbol in defined}
    assert not bad


@pytest.mark.parametrize("name", [*(f"core/lib{room}" for room in ROOMS if room not in RINGS),
                                  *(f"sinks/lib{name}" for name in LIBRARIES if name not in RINGS)])
def test_no_ring_among_the_files_of_a_room(name):
    path = BUILD / f"{name}.a"
    if not path.exists():
        pytest.skip(f"{name} was not built: an optional library is not here")
    found = objects(path)
    assert not ring({where: {other for other, (defined, _) in found.items() if other != where and lacks & defined}
                     for where, (_, lacks) in found.items()})


def test_symbols_have_one_home(archives):
    homes = {}
    for name, (defined, _) in archives.items():
        for symbol in defined:
            if not symbol.startswith(("__asan", "__odr", "_sub_", "__ubsan")):
                homes.setdefault(symbol, []).append(name)
    assert not {symbol: names for symbol, names in homes.items() if len(names) > 1}


def test_streams_are_read_without_dlopen_libbpf_libyaml():
    """A program of a few lines, linked with the two archives, zlib and msgpack alone."""
    folder = new_folder()
    (folder / "reader.c").write_text("""
        #include <stdio.h>
        #include "core/stream.h"
        int main(int argc, char **argv)
        {
            struct stream_reader *reader;
            struct record record;
            struct error err;
            if (argc < 2 || stream_reader__open(&reader, argv[1], &err))
                return 1;
            while (stream_reader__next(reader, &record) == 1)
                puts(record.event->name);
            stream_reader__close(reader);
            return 0;
        }""")
    found = [name for name in ("msgpack-c", "msgpack") if not subprocess.call(["pkg-config", "--exists", name])]
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", found[0], "zlib"], capture_output=True, text=True,
                           check=True).stdout.split()
    sanitize = ["-fsanitize=address,undefined"] if "__asan_init" in symbols(BUILD / "core/libbase.a")[1] else []
    subprocess.run([*CC, *sanitize, f"-I{SRC}", "-o", folder / "reader", folder / "reader.c", BUILD / "core/libstream.a",
                    BUILD / "core/libbase.a", *flags], check=True)
    used = subprocess.run(["nm", "-u", folder / "reader"], capture_output=True, text=True, check=True).stdout
    assert "dlopen" not in used and not re.search(r"\b(bpf_|yaml_|pcre2_)", used)
