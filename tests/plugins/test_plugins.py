# SPDX-License-Identifier: BSD-2-Clause
"""Every plugin that was built, found by listing; the SDK; and the house rules that every source keeps."""
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from harness import BUILD, CC, MADE, SRC, collect, installed, new_folder, stage, why_no_bpf

PLUGINS = sorted(BUILD.glob("probes/*.so")) + sorted(BUILD.glob("sinks/*.so"))
PROBE_SYMBOL = "collector_probe"
SYMBOL = {"probes": PROBE_SYMBOL, "sinks": "collector_sink"}

# Names that SQL, scripts and dashboards are written against, in their order; a probe may have more
CONTRACT = {
    "lifecycle": {
        "fork": "ppid parent_start comm",
        "exec": "ppid parent_start comm exe args cwd uid gid cgroup env",
        "alive": "ppid parent_start comm exe args cwd uid gid cgroup env",
        "exec_failed": "exe error args",
        "exit": "ppid parent_start comm exit_code signal signal_name core_dumped duration_ns threads_peak signal_code sender "
                "sender_pid sender_start sender_comm",
    },
    "cpu": {
        "sample": "comm cpu_ns user_ns system_ns threads state voluntary_switches involuntary_switches",
        "exit": "comm cpu_ns user_ns system_ns threads voluntary_switches involuntary_switches final",
        "image": "cpu_ns user_ns system_ns voluntary_switches involuntary_switches",
    },
    "mem": {
        "sample": "comm rss_bytes anon_bytes file_bytes shmem_bytes swap_bytes vm_bytes stack_bytes minor_faults "
                  "major_faults",
        "exit": "peak_rss_bytes rusage_maxrss_bytes rss_bytes anon_bytes file_bytes shmem_bytes swap_bytes vm_bytes "
                "stack_bytes minor_faults major_faults",
        "image": "peak_rss_bytes inherited_rss_bytes rss_bytes anon_bytes file_bytes shmem_bytes swap_bytes vm_bytes "
                 "stack_bytes minor_faults major_faults",
        "oom_kill": "comm rss_bytes limit",
    },
    "io": {
        "sample": "read_chars write_chars read_syscalls write_syscalls read_bytes write_bytes cancelled_write_bytes",
        "exit": "read_chars write_chars read_syscalls write_syscalls read_bytes write_bytes cancelled_write_bytes final",
        "image": "read_chars write_chars read_syscalls write_syscalls read_bytes write_bytes cancelled_write_bytes",
    },
}


def out(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def listed():
    """What --list prints: {"probe cpu": {"options": [lines], "hooks": [lines], "event exit": [lines]}}."""
    plugins, section = {}, None
    for line in out(stage() / "collector", "--plugin-dir", stage(), "--list").splitlines():
        if re.match(r"(probe|sink) ", line):
            plugin = plugins[line.partition(":")[0]] = {"help": line.partition(": ")[2]}
        elif re.match(r"  \S", line):
            section = plugin[line.strip().partition(":")[0]] = []
        elif line:
            section.append(line.strip())
    return plugins


@pytest.fixture(scope="module", name="plugins")
def listed_once():
    return listed()


def key(path):
    return f"{path.parent.name[:-1]} {path.stem}"


def test_all_were_built():
    optional = set(re.search(r"^OPTIONAL =(.*)$", (BUILD / "Makefile").read_text(), re.M).group(1).split())
    here = set()
    for folder in (path for kind in SYMBOL for path in (SRC / kind).iterdir() if path.is_dir()):
        needs = folder / "needs"
        library = folder.parent.name == "sinks" and not any(re.search(r"^SINK\(", c.read_text(), re.M) for c in folder.glob("*.c"))
        if not library and set(needs.read_text().split() if needs.exists() else []) <= optional:
            here.add(f"{folder.parent.name}/{folder.name}")
    assert {f"{path.parent.name}/{path.stem}" for path in PLUGINS} == here


@pytest.mark.parametrize("path", PLUGINS, ids=key)
class TestPlugin:
    """What holds for each of them."""

    def test_exports_one_symbol(self, path):
        symbols = [line.split()[-1] for line in out("nm", "-D", "--defined-only", path).splitlines()]
        assert symbols == [SYMBOL[path.parent.name]]

    def test_needs_no_other_plugin(self, path):
        needed = re.findall(r"NEEDED.*\[(.*)\]", out("readelf", "-dW", path))
        assert all(re.match(r"(lib|ld-linux)[\w.+-]+\.so", name) for name in needed), needed
        assert not {name.removesuffix(".so") for name in needed} & {other.stem for other in PLUGINS}
        assert constructors(path) <= 1, "runs code when it is loaded"

    def test_is_listed_with_all_it_has(self, path, plugins):
        plugin = plugins[key(path)]
        assert len(plugin["help"]) > 10
        needs = SRC / path.parent.name / path.stem / "needs"
        assert [name for name in plugin if name.startswith("needs ")] == (
            [f"needs lib{needs.read_text().strip()}"] if needs.exists() else [])
        if path.parent.name == "probes":
            assert plugin["hooks"] and "options" in plugin
            assert any(section.startswith("event ") for section in plugin)

    def test_fields_have_units_and_help(self, path, plugins):
        for section, lines in plugins[key(path)].items():
            if not section.startswith("event "):
                continue
            names = [line.split()[0] for line in lines]
            assert len(names) == len(set(names))
            for line in lines:
                name, kind, text = line.split(None, 2)
                unit = re.search(r"\[(\w+)\]$", text)
                assert re.fullmatch(r"[a-z][a-z0-9_]*", name) and len(text) > 3
                for suffix in "ns", "bytes":
                    # the contract's own names: a start and since are times, rchar and wchar are the kernel's words
                    if name == suffix or name.endswith("_" + suffix):
                        assert unit and unit.group(1) == suffix, line
                    elif unit and unit.group(1) == suffix:
                        assert name.endswith(("start", "since", "_chars")), line
                assert kind in ("bool", "u32", "i32", "u64", "string", "list", "map"), line

    def test_defaults_load(self, path):
        config = new_folder() / "c.yaml"
        config.write_text(f"{path.parent.name}: {{{path.stem}: {{}}}}\n")
        assert "good" in out(stage() / "collector", "--plugin-dir", stage(), "-c", config, "--check")


def constructors(path):
    """How many there are: the C runtime's own frame_dummy is one."""
    sizes = re.findall(r"\.init_array\s+INIT_ARRAY\s+\S+\s+\S+\s+(\S+)", out("readelf", "-SW", path))
    return sum(int(size, 16) for size in sizes) // 8


@pytest.mark.parametrize("probe", CONTRACT)
def test_names_of_the_contract(probe, plugins):
    for event, names in CONTRACT[probe].items():
        fields = [line.split()[0] for line in plugins[f"probe {probe}"][f"event {event}"]]
        assert [name for name in fields if name in names.split()] == names.split() or event == "exec_failed", event
        assert set(names.split()) <= set(fields), event


def sources(*folders):
    return [path for folder in folders for path in sorted((SRC / folder).rglob("*.[ch]"))
            if not path.name.endswith(MADE)]


# ---- style ----

def test_first_lines():
    """The licence, then what the file is for."""
    for path in sources("core", "probes", "sinks", "tests"):
        lines = path.read_text().splitlines()
        assert "SPDX-License-Identifier: " in lines[0], path
        assert re.match(r"/\* .{15,}", lines[1]), f"{path}: {lines[1]}"


def test_sizes():
    """Of functions, files and folders."""
    assert not {path: lines for path in sources("core", "probes", "sinks") if (lines := path.read_text().count("\n")) > 500}
    for folder in {path.parent for path in sources("core", "probes", "sinks")}:
        assert sum(path.suffix in (".c", ".h", ".js", ".css", ".html", ".png", ".sql") for path in folder.iterdir()) <= 40, folder


def test_no_function_over_60_lines():
    for path in sources("core", "probes", "sinks"):
        start = None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line == "{":
                start = number
            elif line == "}" and start:
                assert number - start <= 60, f"{path}:{start}: {number - start} lines"
                start = None


def test_no_line_over_130_columns():
    files = [path for folder in ("core", "probes", "sinks") for pattern in ("*.[ch]", "*.js", "*.css", "*.html")
             for path in sorted((SRC / folder).rglob(pattern)) if not path.name.endswith(MADE)]
    long = [f"{path}:{number}" for path in files
            for number, line in enumerate(path.read_text().splitlines(), 1) if len(line) > 130]
    assert not long


def test_one_hand():
    """Every C file is as .clang-format has it: `make format` writes it so. Other versions break lines elsewhere."""
    tool = shutil.which("clang-format") or shutil.which("clang-format-14")
    if not tool or " 14." not in out(tool, "--version"):
        pytest.skip("clang-format 14 is not installed")
    files = sources("core", "probes", "sinks", "tests")
    done = subprocess.run([tool, "--dry-run", f"--style=file:{SRC}/.clang-format", *files], capture_output=True, text=True,
                          check=True)
    assert not done.stderr, done.stderr[:2000]


def test_names_of_files_are_unique():
    names = [path.name for path in sources("core", "probes", "sinks")]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)


# ---- no plugin's name in the core ----

# Strings that look like a plugin's or event's name and are none: file, string, why
NOT_NAMES = {
    ("query_print.c", "parquet"): "a format of collector-query",
    ("query_print.c", "jsonl"): "a format of collector-query",
    ("main.c", "top"): "a program",
    ("top_main.c", "text"): "a format of collector-top",
    ("doctor.c", "null"): "JSON",
    ("lake_sql.c", "exec"): "a column",
    ("ls_main.c", "null"): "JSON",
    ("status_print.c", "null"): "JSON",
    ("cgroup.c", "cpu"): "a controller of cgroups",
    ("tree.c", "null"): "YAML",
    ("diff_limit.c", "cpu"): "what a limit of collector-diff is on",
    ("sink_rows.c", "cpu"): "a key of every record",
    ("stream_header.c", "cpu"): "a key of every record",
    ("stream_header.h", "exit"): "a role of events",
    ("run_list.c", "failure"): "a result of a run",
    ("verdict.h", "zombie"): "a kind of verdicts",
}


def strings(path):
    """The names that its string literals may be: NAME, NAME:OPTION, NAME.EVENT."""
    code = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
    found = re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)
    return {name for text in found for name in re.findall(r"^(\w+)(?:$|:|\.\w+$)", text)}


def test_the_core_knows_no_plugin_by_name(plugins):
    """PAGE_SINK and the other names of Makefile.am are those that it runs by itself."""
    names = {"sinks": {name.split()[1] for name in plugins if name.startswith("sink ")},
             "probes": {name.split()[1] for name in plugins if name.startswith("probe ")},
             "events": {section.split()[1] for plugin in plugins.values() for section in plugin
                        if section.startswith("event ")}}
    assert "summary" in names["sinks"] and "cpu" in names["probes"] and "exec" in names["events"]
    found = {}
    for path in sources("core"):
        for text in strings(path) & set().union(*names.values()) - {"output"}:  # an option of every program
            found[(path.name, text)] = path.parent.name
    assert found.keys() == NOT_NAMES.keys(), found


def test_the_core_knows_no_hook_of_a_probe(plugins):
    """But the scope has hooks of its own, and the SDK's macros make programs for two."""
    hooks = {re.split(r"[/ ]", hook)[1] for plugin in plugins.values() for hook in plugin.get("hooks", [])} - {"task", "bpf_map"}
    assert {"sched_process_exec", "taskstats_exit", "mark_victim"} <= hooks
    own = {"scope.bpf.c", "scope_map.c", "probe.bpf.h", "kernel.bpf.h"}
    found = {(path.name, hook) for path in sources("core") if path.name not in own
             for hook in hooks if hook in re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)}
    assert not found


# ---- the SDK ----

@pytest.fixture(scope="module", name="sdk")
def installed_sdk():
    """`make install` somewhere else: (its folder, what pkg-config says there)."""
    top = installed()
    pc = next(top.rglob("collector.pc"))
    env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent), "PKG_CONFIG_SYSROOT_DIR": str(top)}
    return top, lambda *options: out("pkg-config", *options, "collector", env=env).split()


def headers(sdk, pattern):
    top = Path(sdk[1]("--cflags")[0].removeprefix("-I"))
    found = sorted(path.relative_to(top) for path in top.rglob(pattern))
    assert len(found) >= 4
    return found


@pytest.mark.parametrize("std", ["gnu11", "c11", "c17"])
def test_public_headers_compile_alone(sdk, std):
    """Each, twice in one file, with the installed folder and the flags of pkg-config alone."""
    bad = {}
    for header in headers(sdk, "*.h"):
        if header.name.endswith(".bpf.h"):
            continue
        flags = [*sdk[1]("--cflags"), f"-std={std}", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c"]
        done = subprocess.run([*CC, *flags, "-"], input=f'#include "{header}"\n' * 2, cwd=new_folder(), capture_output=True,
                              text=True, check=False)
        if done.returncode:
            bad[str(header)] = done.stderr
    assert not bad


def copy_tree(source, to, *left_out):
    """A copy that can be written to, also of a release that cannot."""
    shutil.copytree(source, to, ignore=shutil.ignore_patterns(*left_out))
    for folder in [to, *(path for path in to.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)


def bpf_flags(sdk):
    arch = {"x86_64": "x86", "aarch64": "arm64"}[platform.machine()]
    return ["clang", "-g", "-O2", "-target", "bpf", f"-D__TARGET_ARCH_{arch}", "-Wall", "-Werror", *sdk[1]("--cflags")]


def test_public_bpf_headers_compile_alone(sdk):
    if not shutil.which("clang"):
        pytest.skip("clang is not installed")
    bad = {}
    for header in headers(sdk, "*.bpf.h"):
        done = subprocess.run([*bpf_flags(sdk), "-ferror-limit=1", "-x", "c", "-c", "-o", os.devnull, "-"],
                              input=f'#include "{header}"\n', capture_output=True, text=True, check=False)
        if done.returncode:
            bad[str(header)] = done.stderr
    assert not bad


@pytest.fixture(scope="module", name="hello")
def built_out_of_tree(sdk):
    """A plugin folder with a probe of three files, built from what is installed and nothing else."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    tools = {name: shutil.which(name, path=path) for name in ("clang", "llvm-strip", "bpftool")}
    for name, tool in tools.items():
        if not tool:
            pytest.skip(f"{name} is not installed")
    folder, work = new_folder(), new_folder()
    copy_tree(SRC / "tests/plugins/hello", work / "probes/hello")
    files = {end: f"probes/hello/hello.{end}" for end in ("bpf.c", "bpf.o", "skel.h", "c")}
    subprocess.run([*bpf_flags(sdk), "-I.", "-c", files["bpf.c"], "-o", files["bpf.o"]], cwd=work, check=True)
    subprocess.run([tools["llvm-strip"], "-g", files["bpf.o"]], cwd=work, check=True)
    skeleton = out(tools["bpftool"], "gen", "skeleton", files["bpf.o"], "name", "hello_bpf", cwd=work)
    (work / files["skel.h"]).write_text(skeleton)
    for kind in "probes", "sinks":
        shutil.copytree(stage() / kind, folder / kind)
    libbpf = out("pkg-config", "--cflags", "--libs", "libbpf").split()
    flags = ["-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", "-I."]
    subprocess.run([*CC, *flags, *sdk[1]("--cflags"), files["c"], *libbpf, "-o", folder / "probes/hello.so"],
                   cwd=work, check=True)
    return folder


def test_the_readme_has_that_probe():
    """Its code, without the licence's lines and with blanks as in a page."""
    readme = (SRC / "README.md").read_text()
    for file in "hello.h", "hello.bpf.c", "hello.c":
        lines = (SRC / "tests/plugins/hello" / file).read_text().splitlines()[1:]
        text = "".join(f"    {line}\n" if line else "\n" for line in lines).replace("\t", "    ")
        assert text in readme, file


def test_a_probe_of_three_files_builds_in_the_tree():
    """In a copy of the sources, by nothing but its folder."""
    top, built = new_folder() / "tree", new_folder()
    left_out = ".git *.o *.a *.so *.log *.trs *.test *.skel.h config.status Makefile autom4te.cache".split()
    copy_tree(SRC, top, *left_out)
    if not (top / "configure").exists():
        pytest.skip("the sources have no configure")
    copy_tree(SRC / "tests/plugins/hello", top / "probes/hello")
    env = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "srcdir")}
    subprocess.run([top / "configure", "--quiet"], cwd=built, env=env, check=True, capture_output=True)
    subprocess.run(["make", "probes/hello.so"], cwd=built, env=env, check=True, capture_output=True)
    assert PROBE_SYMBOL in out("nm", "-D", built / "probes/hello.so")


def test_a_probe_of_three_files_builds_out_of_tree(hello):
    text = out(stage() / "collector", "--plugin-dir", hello, "--list")
    assert "probe hello: greets every program" in text and "uptime_ns" in text


def test_and_its_events_appear_by_name(hello):
    if why_no_bpf():
        pytest.skip(why_no_bpf())
    run = collect("sh", "-c", "/bin/true; /bin/true; :", options=["--plugin-dir", hello])
    greetings = run.of("hello.greeting")
    assert [e["comm"] for e in greetings] == ["sh", "true", "true"]
    assert {e["answer"] for e in greetings} == {42}
    for greeting, execed in zip(greetings, run.of("lifecycle.exec")):
        assert greeting["pid"] == execed["pid"]
        assert 0 < greeting["uptime_ns"] <= run.one("lifecycle.exit", pid=execed["pid"])["duration_ns"]


def plugin_so(sdk, folder, kind, source, *flags):
    """A plugin of one file, as README says, in a folder with the built ones."""
    for built in SYMBOL:
        shutil.copytree(stage() / built, folder / built, dirs_exist_ok=True)
    flags = ["-std=gnu11", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror", *flags]
    target = folder / kind / f"{source.stem}.so"
    subprocess.run([*CC, *flags, source, *sdk("--libs"), "-o", target], cwd=new_folder(), check=True)
    return target


@pytest.fixture(scope="module", name="hello_sink")
def sink_built_out_of_tree(sdk):
    folder = new_folder()
    plugin_so(sdk[1], folder, "sinks", SRC / "tests/plugins/hello_sink/hello_sink.c", *sdk[1]("--cflags"))
    return folder


def test_a_sink_of_one_file_builds_out_of_tree(hello_sink):
    assert "sink hello_sink: says how many" in out(stage() / "collector-merge", "--plugin-dir", hello_sink, "--list")


def test_and_it_gets_a_run(hello_sink):
    if why_no_bpf():
        pytest.skip(why_no_bpf())
    run = collect("sh", "-c", "/bin/true; /bin/false; sh -c 'kill -9 $$'; :")
    said = out(stage() / "collector-merge", "--plugin-dir", hello_sink, "-s", "hello_sink", run.path)
    assert said == "2 of 4 processes failed\n"


def test_readme_shows_the_sink():
    """Word for word, but for the licence."""
    source = (SRC / "tests/plugins/hello_sink/hello_sink.c").read_text().partition("\n")[2]
    shown = [line for line in (SRC / "README.md").read_text().partition("## Write a sink")[2].splitlines()
             if line.startswith("    ") or not line]
    assert source.expandtabs(4).split() == " ".join(shown).split()


# ---- plugins of version 1 of both ABIs, built from what was installed then ----

OLD = SRC / "tests/plugins/abi1"


def check_refused(done, plugin, kind, speaks):
    sentence = (f"{plugin} was built for version 1 of the {kind} ABI, this collector needs {speaks}: "
                "rebuild it against this version's headers")
    assert sentence in done.stderr, done.stderr
    assert done.returncode in (1, 2), done


@pytest.mark.parametrize("kind", ["probe", "sink"])
def test_abi_1_is_refused(kind, sdk):
    speaks = int(re.search(rf"#define {kind.upper()}_ABI (\d+)", (SRC / f"core/{kind}.h").read_text()).group(1))
    if speaks == 1:
        pytest.skip("the ABI has version 1")
    folder = new_folder()
    plugin = plugin_so(sdk[1], folder, f"{kind}s", OLD / f"old_{kind}.c", f"-I{OLD}")
    config = folder / "c.yaml"
    config.write_text(f"{kind}s: {{old_{kind}: {{}}}}\n")
    commands = [["collector", "--list"], ["collector", "-c", config, "--check"]]
    if kind == "sink":
        commands += [["collector-merge", "--list"], ["collector-merge", "-s", "old_sink", folder]]
    for name, *args in commands:
        done = subprocess.run([stage() / name, "--plugin-dir", folder, *args], capture_output=True, text=True, check=False)
        check_refused(done, plugin, kind, speaks)
