# SPDX-License-Identifier: BSD-2-Clause
"""What configure said of hardening is in every program and plugin, as readelf and nm see it."""
import re
import subprocess

import pytest
from harness import BUILD

MAKEFILE = (BUILD / "Makefile").read_text()
PROGRAMS = [path for name in ("collector", "collector-ls", "collector-status", "collector-top", "collector-merge", "collector-query", "collector-diff")
            if (path := BUILD / name).exists()]
PLUGINS = sorted(BUILD.glob("probes/*.so")) + sorted(BUILD.glob("sinks/*.so"))
ALL = PROGRAMS + PLUGINS


def flags(name):
    return re.search(rf"^{name} = *(.*)$", MAKEFILE, re.M)[1].split()


def only_with(flag, *names):
    used = [word for name in names for word in flags(name)]
    return pytest.mark.skipif(not any(flag in word for word in used), reason=f"configured without {flag}")


def out(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def imported(path):
    """Names of other libraries' symbols, without their versions."""
    return {line.split()[-1].partition("@")[0] for line in out("nm", "-D", "--undefined-only", path).splitlines()}


def ident(path):
    return path.name


def test_finds_what_was_built():
    assert len(PROGRAMS) >= 2 and len(PLUGINS) >= 8


@pytest.mark.parametrize("path", ALL, ids=ident)
class TestLinked:
    @only_with("relro", "HARDEN_LDFLAGS")
    def test_relro(self, path):
        assert "GNU_RELRO" in out("readelf", "-lW", path)

    @only_with("now", "HARDEN_LDFLAGS")
    def test_bind_now(self, path):
        assert re.search(r"\(FLAGS\).*BIND_NOW|\(BIND_NOW\)|\(FLAGS_1\).*NOW", out("readelf", "-dW", path))

    @only_with("noexecstack", "HARDEN_LDFLAGS")
    def test_stack_is_not_executable(self, path):
        assert re.search(r"GNU_STACK.* RW +0x", out("readelf", "-lW", path))

    def test_no_text_relocations(self, path):
        assert "TEXTREL" not in out("readelf", "-dW", path)

    def test_no_folder_is_searched_for_libraries(self, path):
        """But DuckDB's, if configure was given one."""
        found = re.findall(r"\((?:RPATH|RUNPATH)\).*\[(.*)\]", out("readelf", "-dW", path))
        assert all(f"-Wl,-rpath,{folder}" in flags("LIBS_duckdb") for folder in found)


@only_with("pie", "PIE_LDFLAGS")
@pytest.mark.parametrize("path", PROGRAMS, ids=ident)
def test_programs_are_position_independent(path):
    assert re.search(r"Type: +DYN", out("readelf", "-hW", path))
    assert re.search(r"\(FLAGS_1\).*PIE", out("readelf", "-dW", path))


# Those with arrays on the stack: elsewhere the compiler has nothing to guard
GUARDED = PROGRAMS + [path for path in PLUGINS if path.parent.name == "sinks" and path.name != "null.so"]


@only_with("stack-protector", "HARDEN_CFLAGS")
@pytest.mark.parametrize("path", GUARDED, ids=ident)
def test_stack_protector(path):
    assert "__stack_chk_fail" in imported(path)


# Those with calls that the C library checks
FORTIFIED = PROGRAMS + [path for path in PLUGINS if path.stem in ("lifecycle", "summary", "report", "trace", "perfetto")]


@only_with("_FORTIFY_SOURCE", "HARDEN_CFLAGS")
@pytest.mark.parametrize("path", FORTIFIED, ids=ident)
def test_fortified(path):
    names = imported(path)
    assert [name for name in names if name.endswith("_chk")], names


@only_with("cf-protection", "HARDEN_CFLAGS")
@pytest.mark.parametrize("path", PROGRAMS, ids=ident)
def test_control_flow(path):
    """Functions that are called through their address are marked; two are the C runtime's own."""
    assert out("objdump", "-d", path).count("endbr64") > 4
