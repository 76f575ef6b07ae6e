# SPDX-License-Identifier: BSD-2-Clause
"""The emulated machines: what is inside one, how it starts, and what it said."""
import dataclasses
import gzip
import itertools
import os
import re
import stat
import subprocess
import time
from pathlib import Path

from archive import Skip, call

BEGIN, END = "== begin ==", "== end =="
START_LIMIT = 60  # seconds until the first process runs; 2 to 14 on an idle machine


@dataclasses.dataclass(frozen=True)
class Machine:
    """What differs between kinds of machines."""
    arch: str  # as Debian says it
    uname: str
    triplet: str
    qemu: str
    package: str
    options: tuple
    console: str
    results: str  # the serial line by which results leave; the kernel writes on the console only
    magic: tuple  # offset and bytes of a kernel's image


MACHINES = {
    "amd64": Machine("amd64", "x86_64", "x86_64-linux-gnu", "qemu-system-x86_64", "qemu-system-x86",
                     ("-machine", "q35", "-cpu", "max,-cx16", "-device", "isa-serial,chardev=results,index=1"),
                     "ttyS0", "/dev/ttyS1", (0x202, b"HdrS")),
    "arm64": Machine("arm64", "aarch64", "aarch64-linux-gnu", "qemu-system-aarch64", "qemu-system-arm",
                     ("-machine", "virt,gic-version=3", "-cpu", "cortex-a76",
                      "-device", "pci-serial,chardev=results"),
                     "ttyAMA0", "/dev/ttyS0", (0x38, b"ARM\x64")),
}

# The first process.
INIT = """#!/bin/sh
export PATH=/bin LC_ALL=C
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
stty -F %(results)s raw -echo 2>/dev/null
echo "%(begin)s" >%(results)s
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs out /out
mkdir -p /dev/shm && mount -t tmpfs shm /dev/shm
mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
mount -t tracefs none /sys/kernel/tracing 2>/dev/null
mount -t securityfs none /sys/kernel/security 2>/dev/null
ip link set lo up
hostname guest
cd /root
sh /suite >/out/result 2>/out/errors </dev/null
echo "code $?" >>/out/result
dmesg >/out/dmesg
{
	cat /out/result
	sed 's/^/# /' /out/errors | tail -n 400
	echo "%(end)s"
} >%(results)s
sync
poweroff -f
"""


# ---- what is inside ----

INODES = itertools.count(1)


def cpio_entry(name, mode, data=b"", rdev=(0, 0)):
    """One entry of a "newc" archive: thirteen numbers in hex, name and data padded to four bytes."""
    raw = name.encode() + b"\0"
    numbers = [next(INODES), mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(raw), 0]
    head = b"070701" + b"".join(b"%08X" % n for n in numbers) + raw
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def initramfs(path, files, links):
    """files: name inside -> (file outside or bytes, mode)."""
    folders = {""}
    for name in [*files, *links, "proc/x", "sys/x", "dev/x", "tmp/x", "out/x", "root/x", "etc/x"]:
        parts = name.split("/")[:-1]
        folders.update("/".join(parts[:i + 1]) for i in range(len(parts)))
    with gzip.open(path, "wb", compresslevel=1) as out:
        for folder in sorted(folders):
            out.write(cpio_entry(folder or ".", stat.S_IFDIR | 0o755))
        out.write(cpio_entry("dev/console", stat.S_IFCHR | 0o600, rdev=(5, 1)))
        for name, (source, mode) in sorted(files.items()):
            data = source if isinstance(source, bytes) else Path(source).read_bytes()
            out.write(cpio_entry(name, stat.S_IFREG | mode, data))
        for name, target in sorted(links.items()):
            out.write(cpio_entry(name, stat.S_IFLNK | 0o777, target.encode()))
        out.write(cpio_entry("TRAILER!!!", 0))


def needed_by(file):
    """Names of the libraries that a program or a library asks for, and of its dynamic linker."""
    text = call("readelf", "-W", "-l", "-d", file)
    return re.findall(r"\(NEEDED\).*\[(.*)\]|interpreter: (.*)\]", text)


def libraries_of(files, root, machine):
    """Name inside -> file, of all that the dynamic linker would load for these; root: where their system lies."""
    places = [Path(root) / f"{place}{machine.triplet}" for place in ("lib/", "usr/lib/")]
    places += [Path(root) / place for place in ("usr/local/lib", "lib", "usr/lib")]
    found, ask = {}, list(files)
    while ask:
        for library, interpreter in needed_by(ask.pop()):
            inside = interpreter.lstrip("/") or f"lib/{library}"
            if inside in found:
                continue
            file = next((f for place in places if (f := place / Path(inside).name).exists()), None)
            if not file:
                raise Skip(f"no {Path(inside).name} for {machine.arch} below {root}")
            found[inside] = file.resolve()
            ask.append(found[inside])
    return found


def build_initramfs(path, machine, inside, root, busybox, suite):
    """inside: name -> file of what is built; with its libraries, the script and a shell; nothing else."""
    files = {name: (file, 0o755) for name, file in inside.items()}
    files["bin/busybox"] = (busybox, 0o755)
    init = INIT % {"results": machine.results, "begin": BEGIN, "end": END}
    files["init"] = (init.encode(), 0o755)
    files["suite"] = (suite.encode(), 0o755)
    for name, file in libraries_of(inside.values(), root, machine).items():
        files[name] = (file, 0o755)
    files["etc/passwd"] = (b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", 0o644)
    initramfs(path, files, {"bin/sh": "busybox"})


# ---- a boot ----

@dataclasses.dataclass(frozen=True)
class Guest:
    """What all boots on one kind of machine share."""
    machine: Machine
    qemu: tuple  # command, environment
    initrd: Path
    work: Path
    append: str
    timeout: int

    def command(self, kernel, log, result):
        program, env = self.qemu
        more = []
        # what its package needs is unpacked beside it, or installed on the machine
        for top in (env["TOOL_ROOT"], "/") if env else ():
            for place in "usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu":
                more += ["-L", os.path.join(top, place)]
        return [program, *more, "-accel", "tcg,thread=single", *self.machine.options, "-smp", "2", "-m", "1024",
                "-nographic", "-nodefaults", "-no-reboot", "-serial", f"file:{log}",
                "-chardev", f"file,id=results,path={result}", "-kernel", str(kernel), "-initrd", str(self.initrd),
                "-drive", f"file={self.disk(kernel)},format=raw,if=none,id=disk", "-device", "nvme,drive=disk,serial=disk",
                "-append", f"console={self.machine.console} quiet panic=-1 {self.append}"]

    def disk(self, kernel):
        """An empty one, to swap to: of all disks, cloud kernels have the driver of this kind built in."""
        disk = self.work / f"{kernel.name}.disk"
        with open(disk, "wb") as file:
            file.truncate(64 << 20)
        return disk

    def boot(self, kernel, log, result):
        """Returns (what it wrote, why it ended early or None)."""
        begin = time.monotonic()
        with subprocess.Popen(self.command(kernel, log, result), env={**os.environ, **self.qemu[1]},
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as qemu:
            why = None
            while not why:
                try:
                    qemu.wait(0.5)
                    break
                except subprocess.TimeoutExpired:
                    limit = self.timeout if BEGIN in read(result) else min(START_LIMIT, self.timeout)
                    if time.monotonic() - begin > limit:
                        qemu.kill()
                        why = f"no end within {limit} s"
            said = qemu.stderr.read().decode(errors="replace").strip().splitlines()[-1:]
        if qemu.returncode and not why:
            why = f"qemu: {said[0] if said else qemu.returncode}"
        return read(result), why

    def run(self, kernel):
        """The lines that the suite wrote inside, and its remarks. Skip if it did not get so far."""
        offset, magic = self.machine.magic
        with open(kernel, "rb") as image:
            if magic not in image.read(offset + len(magic))[offset:]:
                raise Skip(f"{kernel} is no kernel's image: damaged? It is fetched again when it is deleted")
        log, result = self.work / f"{kernel.name}.console", self.work / f"{kernel.name}.result"
        begun = False
        for _ in range(2):  # an emulated machine hangs once in a while
            text, why = self.boot(kernel, log, result)
            if END in text:
                return text[:text.index(END)].partition(BEGIN)[2].splitlines()
            begun = begun or BEGIN in text
        tail = re.sub(r"\x1b(c|\[[?\d;]*[a-zA-Z])|[^ -~\n]", "", read(log)).strip().split("\n")[-3:]
        said = f"{why or 'it stopped'}; {' | '.join(tail)}"
        if begun:
            return [f"suite WRONG it did not come to its end, twice: {said}"]
        raise Skip(f"{kernel} did not start: {said}")


def read(file):
    return file.read_text(encoding="utf-8", errors="replace").replace("\r", "") if file.exists() else ""
