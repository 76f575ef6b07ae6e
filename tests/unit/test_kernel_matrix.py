# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel matrix says of kernels that it cannot boot, and of one that does not come to its end."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

SRC = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
KERNELS = SRC / "tests" / "kernels"
sys.path.insert(0, str(KERNELS))
from archive import HOST  # noqa: E402  pylint: disable=wrong-import-position
from machine import BEGIN, MACHINES  # noqa: E402  pylint: disable=wrong-import-position

pytestmark = pytest.mark.skipif(HOST not in MACHINES, reason=f"kernels of {HOST} are not booted")
OFFLINE = "#!/bin/sh\nexit 100\n"
# Stands for an emulator whose kernel starts the suite and dies.
DIES = f"""#!/bin/sh
for word; do
	case $word in
	file,id=results,path=*) echo "{BEGIN}" >"${{word#*path=}}" ;;
	esac
done
exit 1
"""


@pytest.fixture(name="matrix")
def matrix_fixture(tmp_path):
    """A cache that holds a shell and nothing else, an apt-get without a network."""
    machine = MACHINES[HOST]
    cache, programs = tmp_path / "cache", tmp_path / "programs"
    shell = cache / "tools" / f"busybox-static-{HOST}"
    (shell / "bin").mkdir(parents=True)
    (shell / "bin/busybox").touch()
    (shell / ".complete").touch()
    (cache / f"kernels-{HOST}").mkdir()
    programs.mkdir()

    def program(name, text):
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)

    def kernel(release, *, good):
        offset, magic = machine.magic
        image = b"\0" * offset + (magic if good else b"\0") + b"\0" * 4096
        (cache / f"kernels-{HOST}" / release).write_bytes(image)

    def run(*words, path=os.environ["PATH"]):
        done = subprocess.run([sys.executable, KERNELS / "run", "--cache", cache, *words], check=False,
                              capture_output=True, text=True, timeout=120,
                              env={**os.environ, "PATH": f"{programs}:{path}"})
        assert not done.stderr
        return done.returncode, done.stdout.splitlines()

    program("apt-get", OFFLINE)
    run.program, run.kernel, run.qemu = program, kernel, machine.qemu
    return run


def test_damaged_image(matrix):
    matrix.program(matrix.qemu, DIES)
    matrix.kernel("5.10.0-1-cloud", good=False)
    code, lines = matrix("5.10", "--strict")
    assert lines[-1].startswith("SKIP: kernel 5.10.0: ") and "5.10.0-1-cloud is no kernel's image" in lines[-1]
    assert code == 1  # that is what --strict is for
    assert matrix("5.10")[0] == 0


def test_no_such_kernel(matrix):
    matrix.program(matrix.qemu, DIES)
    code, lines = matrix("99.1")
    assert (code, lines[-1]) == (0, "SKIP: kernel 99.1: the archive has no such kernel, and none is cached")


def test_no_qemu(matrix):
    matrix.kernel("5.10.0-1-cloud", good=True)
    code, lines = matrix("5.10", path="/nonexistent")
    assert code == 0
    assert lines[-1].startswith(f"SKIP: kernel 5.10: no {matrix.qemu} here, and its package ")


def test_a_suite_that_dies_is_wrong(matrix):
    matrix.program(matrix.qemu, DIES)
    matrix.kernel("5.10.0-1-cloud", good=True)
    code, lines = matrix("5.10")
    assert (code, lines[-1]) == (1, "FAIL: kernel 5.10.0: 1 WRONG")
    assert any(line.startswith("suite WRONG it did not come to its end, twice: ") for line in lines)


def test_unknown_machine(matrix):
    assert matrix("sparc:5.10")[1][-1].startswith("SKIP: sparc:5.10: no kind of machine 'sparc'; there are ")
