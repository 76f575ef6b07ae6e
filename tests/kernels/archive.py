# SPDX-License-Identifier: BSD-2-Clause
"""Fetches packages, of this machine's kind or another, by a private apt; keeps below one folder what it fetched."""
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path

# Debian's suites beyond the machine's own that carry kernels; (suite, whether in the security archive).
KERNEL_SUITES = [("bullseye", False), ("bullseye-security", True), ("bookworm", False), ("bookworm-security", True),
                 ("bookworm-backports", False), ("trixie", False), ("trixie-security", True),
                 ("trixie-backports", False)]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
HOST = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)


class Skip(Exception):
    """Something that this machine does not have, in a sentence."""


def call(*command, **options):
    """Runs a program; its standard output. What it wrote goes into the error."""
    options.setdefault("timeout", 600)
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    except FileNotFoundError:
        raise Skip(f"no {command[0]} here") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Skip(f"{Path(str(command[0])).name}: {last[0] if last else f'exit code {done.returncode}'}")
    return done.stdout


class Archive:
    """A private apt: its lists, its cache, its sources; only the addresses and the keys are the machine's."""

    def __init__(self, folder, arch, suites=None):
        """suites: instead of those that the machine has."""
        self.folder, self.arch, self.suites, self.fresh = folder, arch, suites, False
        self.env = {**os.environ, "APT_CONFIG": str(folder / "apt.conf"), "LC_ALL": "C"}

    def apt(self, *words, **options):
        self.prepare()
        return call(*words, env=self.env, **options)

    def prepare(self):
        if self.fresh:
            return
        if not shutil.which("apt-get"):
            raise Skip("no apt-get: packages come from Debian's archive")
        for name in "lists/partial", "cache/archives/partial", "conf.d", "preferences.d", "debs":
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        lines = self.machine_sources() if self.suites is None else self.suite_sources()
        (self.folder / "sources.list").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (self.folder / "none-installed").touch()
        (self.folder / "apt.conf").write_text(self.conf(), encoding="utf-8")
        self.fresh = True
        # Old lists do: a machine without a network still finds what is cached.
        subprocess.run(["apt-get", "-qq", "update"], env=self.env, capture_output=True, check=False, timeout=300)

    def conf(self):
        f = self.folder
        status = "/var/lib/dpkg/status" if self.arch == HOST else f"{f}/none-installed"
        return (f'APT::Architecture "{self.arch}";\nAPT::Architectures "{self.arch}";\n'
                f'Dir::State "{f}";\nDir::State::lists "{f}/lists";\nDir::State::status "{status}";\n'
                f'Dir::Cache "{f}/cache";\nDir::Etc::sourcelist "{f}/sources.list";\nDir::Etc::sourceparts "-";\n'
                f'Dir::Etc::parts "{f}/conf.d";\nDir::Etc::preferencesparts "{f}/preferences.d";\n'
                'Acquire::Languages "none";\nAPT::Sandbox::User "root";\n')

    @staticmethod
    def machine_targets():
        """(address, suite, key) of the machine's sources that are Debian's."""
        text = call("apt-get", "indextargets", "--format",
                    "$(REPO_URI) $(RELEASE) $(ORIGIN)", "Created-By: Packages")
        key = KEYRING if os.path.exists(KEYRING) else ""
        words = (line.split() for line in sorted(set(text.splitlines())))
        found = [(w[0].rstrip("/"), w[1], key) for w in words if w[2:3] == ["Debian"]]
        if not found:
            raise Skip("apt is configured with no archive of Debian's, or its lists are empty (apt-get update)")
        return found

    @staticmethod
    def line(address, suite, key):
        return f"deb {f'[signed-by={key}] ' if key else ''}{address} {suite} main"

    def machine_sources(self):
        return [self.line(*target) for target in self.machine_targets()]

    def suite_sources(self):
        targets = self.machine_targets()
        plain = next((t for t in targets if "security" not in t[1]), targets[0])
        security = next((t for t in targets if "security" in t[1]), None)
        lines = []
        for suite, is_security in self.suites:
            base = security if is_security else plain
            if base:
                lines.append(self.line(base[0], suite, base[2]))
        return lines

    def names(self, pattern):
        return [line.split()[0] for line in self.apt("apt-cache", "search", "--names-only", pattern).splitlines()]

    def download(self, *packages):
        """The packages' files; whoever asks removes them."""
        self.prepare()
        folder = self.folder / "debs"
        for old in folder.glob("*.deb"):
            old.unlink()
        self.apt("apt-get", "-qq", "download", *packages, cwd=folder)
        found = sorted(folder.glob("*.deb"))
        if len(found) < len(packages):
            raise Skip(f"{packages[0]}: apt-get did not download it")
        return found

    def unpack_with_needs(self, packages, into, without="^$"):
        """Packages and whatever of their dependencies is not installed here. Asks only, so needs no lock."""
        plan = self.apt("apt-get", "-s", "--no-install-recommends", "install", *packages)
        needed = {*packages, *re.findall(r"^Inst (\S+)", plan, re.M)}
        into.mkdir(parents=True, exist_ok=True)
        for deb in self.download(*sorted(name for name in needed if not re.match(without, name))):
            call("dpkg-deb", "-x", deb, into)
            deb.unlink()


class Cache:
    """Everything that is fetched, below one folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.archives, self.known = {}, {}

    @contextlib.contextmanager
    def alone(self):
        """While something is fetched, nobody else fetches into this folder."""
        with open(self.folder / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def archive(self, arch, suites=None):
        name = f"apt-{'kernels-' if suites else ''}{arch}"
        if name not in self.archives:
            self.archives[name] = Archive(self.folder / name, arch, suites)
        return self.archives[name]

    # ---- kernels ----

    def kernels(self, arch):
        folder = self.folder / f"kernels-{arch}"
        folder.mkdir(exist_ok=True)
        return folder

    def cached(self, arch):
        return [path.name for path in self.kernels(arch).iterdir() if path.suffix != ".part"]

    def packages(self, arch):
        """release -> package, of all the archive has; a signed image before an unsigned one."""
        if arch not in self.known:
            known = self.known[arch] = {}
            archive = self.archive(arch, KERNEL_SUITES)
            for name in archive.names(f"^linux-(image|binary)-[0-9].*-((cloud|rt)-{arch}|{arch}-16k)$"):
                match = re.match(rf"linux-(?:image|binary)-(\d+\.\d+[^ ]*?)-(cloud|rt|{arch}-16k)(-{arch})?$", name)
                if match and match[1].count(".") > 1:  # not a package that only names the newest
                    release = f"{match[1]}-{match[2].removeprefix(arch + '-')}"
                    # From 6.19 on linux-image is empty and needs linux-binary, which has the kernel.
                    if release not in known or name.startswith("linux-binary"):
                        known[release] = name
        return self.known[arch]

    def releases(self, arch, say):
        try:
            there = list(self.packages(arch))
        except Skip as why:
            say(f"# packages: {why}")
            there = []
        return sorted({*there, *self.cached(arch)}, key=version_key)

    def newest(self, arch, releases):
        """(release, its image) of the last that can be had: an archive lists some that it has removed."""
        why = Skip("the archive has no such kernel, and none is cached")
        cached = self.cached(arch)
        newest_first = releases[::-1]
        # what is at hand comes before what is old
        for release in sorted(newest_first[:12], key=lambda r: r != newest_first[0] and r not in cached):
            try:
                return release, self.kernel(arch, release)
            except Skip as each:
                why = each
        raise why

    def kernel(self, arch, release):
        path = self.kernels(arch) / release
        if path.exists():
            return path
        package = self.packages(arch).get(release)
        if not package:
            raise Skip(f"no package of {release}")
        deb = self.archive(arch, KERNEL_SUITES).download(package)[0]
        part = path.with_suffix(path.suffix + ".part")
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as tar:
            listed = subprocess.run(["tar", "-xO", "--wildcards", "--no-anchored", "vmlinuz*"], stdin=tar.stdout,
                                    capture_output=True, check=False)
        if len(listed.stdout) < 1 << 20:
            raise Skip(f"{deb.name} holds no kernel")
        part.write_bytes(listed.stdout)
        part.rename(path)
        deb.unlink()
        return path

    # ---- programs ----

    def unpacked(self, arch, package):
        """The folder below which a package and its needs are unpacked."""
        root = self.folder / "tools" / f"{package}-{arch}"
        if not (root / ".complete").exists():
            self.archive(arch).unpack_with_needs([package], root)
            (root / ".complete").touch()
        return root

    def tool(self, name, package):
        """A program: the machine's, or its package's unpacked here. Returns (command, environment)."""
        found = shutil.which(name)
        if found:
            return found, {}
        try:
            root = self.unpacked(HOST, package)
        except Skip as why:
            raise Skip(f"no {name} here, and its package {package} cannot be had: {why}") from None
        program = root / "usr/bin" / name
        if not program.exists():
            raise Skip(f"no {name}: package {package} does not have it")
        libraries = [str(p) for pattern in ("lib", "usr/lib") for p in root.glob(pattern + "/*-linux-gnu*")]
        # the machine's own, if its package is installed and so was not unpacked
        modules = [str(p) for top in (root, Path("/")) for p in top.glob("usr/lib/*-linux-gnu*/qemu")]
        return str(program), {"LD_LIBRARY_PATH": ":".join(libraries), "QEMU_MODULE_DIR": modules[0] if modules else "",
                              "TOOL_ROOT": str(root)}

    def busybox(self, arch):
        """A static one, to be put inside."""
        return self.unpacked(arch, "busybox-static") / "bin/busybox"


def version_key(release):
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", release) if part]
