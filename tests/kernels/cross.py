#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds the whole for another kind of machine: cross.py FOLDER [ARCH], ARCH is arm64 without a word.

The compiler is Debian's (gcc-aarch64-linux-gnu); the libraries are Debian's for that machine, unpacked below the
cache. Nothing is installed, dpkg learns of no other architecture. Exit status 77 and a sentence if they cannot be
had."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from archive import Cache, Skip  # noqa: E402  pylint: disable=wrong-import-position
from machine import MACHINES  # noqa: E402  pylint: disable=wrong-import-position

SRC = Path(__file__).resolve().parents[2]
PACKAGES = ["libbpf-dev", "libelf-dev", "zlib1g-dev", "libyaml-dev", "libpcre2-dev", "libmsgpack-dev",
            "libcmocka-dev", "libc6-dev"]
UNUSED = "libboost|libmsgpack-cxx"  # 160 MB that libmsgpack-dev asks for and C does not


class BuildFailed(Exception):
    """What was there to build with did not build."""


def default_cache():
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "collector-kernels"


def compiler(machine, root):
    if not shutil.which(f"{machine.triplet}-gcc"):
        raise Skip(f"no {machine.triplet}-gcc: apt-get install gcc-{machine.triplet.replace('_', '-')}")
    return [f"{machine.triplet}-gcc", f"--sysroot={root}"]


def sysroot(cache, machine):
    """The folder below which the machine's libraries lie."""
    root = cache.folder / f"sysroot-{machine.arch}"
    if not (root / ".complete").exists():
        cache.archive(machine.arch).unpack_with_needs(PACKAGES, root, UNUSED)
        (root / ".complete").touch()
    # without npm there is no DuckDB, and all else is built
    subprocess.run([SRC / "tests/setup", "duckdb"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                   env={**os.environ, "SETUP_PREFIX": f"{root}/usr/local", "SETUP_MACHINE": machine.uname})
    return root


def run_in(folder, log, env, *command):
    done = subprocess.run(command, cwd=folder, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=log,
                          stderr=subprocess.STDOUT, check=False, timeout=1800)
    return done.returncode == 0


def build(folder, machine, root):
    """Configures once, then makes what has changed. Returns whether it went well; FOLDER/build.log says the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    local = root / "usr/local"
    duckdb = f"--with-duckdb={local}" if (local / "lib/libduckdb.so").exists() else "--without-duckdb"
    env = {"PKG_CONFIG_SYSROOT_DIR": str(root),
           "PKG_CONFIG_LIBDIR": f"{root}/usr/lib/{machine.triplet}/pkgconfig:{root}/usr/share/pkgconfig"}
    with open(folder / "build.log", "w", encoding="utf-8") as log:
        done = (folder / "Makefile").exists() or run_in(
            folder, log, env, SRC / "configure", "--quiet", f"--host={machine.triplet}", duckdb,
            "PKG_CONFIG=pkg-config", "CC=" + " ".join(compiler(machine, root)))
        return done and run_in(folder, log, env, "make", f"-j{os.cpu_count()}")


def main():
    folder = Path(sys.argv[1]).resolve()
    machine = MACHINES[sys.argv[2] if len(sys.argv) > 2 else "arm64"]
    cache = Cache(default_cache())
    try:
        with cache.alone():
            done = build(folder, machine, sysroot(cache, machine))
    except Skip as why:
        print(why)
        return 77
    sys.stdout.write((folder / "build.log").read_text(encoding="utf-8", errors="replace"))
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
