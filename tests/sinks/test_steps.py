# SPDX-License-Identifier: BSD-2-Clause
"""Steps of real pipelines, as sinks/model reports them, and of a made-up one of which all sums are known."""
import functools
import json
import shutil
import subprocess
from collections import Counter

import harness
import pytest
from harness import BUILD, CC, SRC, collect, merge, new_folder, stage

READ_CHARS, WRITE_CHARS = 0, 1  # of io

recorded = pytest.mark.skipif(bool(harness.why_no_bpf()), reason=str(harness.why_no_bpf()))


def needs(*programs):
    missing = [name for name in programs if not shutil.which(name)]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


@functools.cache
def build_sink():
    """Builds the sink that reports all of the model."""
    libs = subprocess.run(["pkg-config", "--libs", "yaml-0.1", "libpcre2-8", "zlib", "msgpack"],
                          capture_output=True, text=True, check=True).stdout.split()
    subprocess.run([*CC, "-std=gnu11", "-D_GNU_SOURCE", "-fPIC", "-shared", "-fvisibility=hidden", f"-I{SRC}",
                    "-Wall", "-Wextra", "-Werror", "-o", stage() / "sinks/model_json.so", SRC / "tests/sinks/model_json.c",
                    *(BUILD / f"sinks/lib{name}.a" for name in ("model", "steps", "program")),
                    BUILD / "core/libconfig.a", BUILD / "core/libstream.a", BUILD / "core/libbase.a", *libs], check=True)


class Model:
    """The model of a run, by the rules of `steps`."""

    def __init__(self, path, steps="auto"):
        build_sink()
        lines = [json.loads(line) for line in merge(path, sink=f"model_json:steps={steps}").splitlines()]
        self.rows = [line for line in lines if "pid" in line]
        self.tasks = [line for line in lines if "number" in line]

    def steps(self):
        """How often each step was executed."""
        return dict(Counter(task["step"] for task in self.tasks))

    def task(self, step):
        found = [task for task in self.tasks if task["step"] == step]
        assert len(found) == 1, self.steps()
        return found[0]

    def check(self):
        """What holds for every run: sums of samples are the row's, sums of rows are the task's."""
        for row in self.rows:
            assert row["sampled_cpu_ns"] == max(row["cpu_ns"], 0), row
            assert row["held_ns"] in (0, max(row["wall_ns"], 0)), row
        for task in self.tasks:
            rows = [row for row in self.rows if row["task"] == task["number"] and not row["around"]]
            assert len(rows) == task["rows"]
            assert len({row["pid"] for row in rows}) >= task["processes"]
            assert sum(max(row["cpu_ns"], 0) for row in rows) == max(task["cpu_ns"], 0)
            assert sum(row["outcome"] in ("failed", "killed", "oom") for row in rows) == task["failed"]
        return self


def record(*command, **options):
    return Model(collect(*command, **options).path).check()


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


# ---- engines ----

SNAKEFILE = """
rule all:
    input: "a.sorted", "b.sorted", "run.txt", "script.txt", "last.gz"
rule sort:
    output: "{s}.sorted"
    shell: "mkdir -p d && sort -u /etc/passwd | head -1 > {output}"
rule in_python:
    output: "run.txt"
    run:
        shell("sha256sum /etc/passwd > {output}")
rule by_script:
    output: "script.txt"
    script: "plot.py"
rule long:
    output: "last.gz"
    shell:
        '''
        # a comment
        cd .
        LEVEL=9 gzip -c /etc/passwd > {output}
        '''
"""


@recorded
@needs("snakemake")
def test_snakemake(tmp_path):
    """Real Snakemake: rules where it tells them, else the tool; its own helpers are no steps."""
    write(tmp_path / "Snakefile", SNAKEFILE)
    write(tmp_path / "plot.py", "import subprocess\n"
          "subprocess.run(['cksum', '/etc/passwd'], stdout=open(snakemake.output[0], 'w'))\n")
    model = record("snakemake", "-c2", "--quiet", "all", cwd=tmp_path)
    assert model.steps() == {"sort": 2, "in_python": 1, "plot.py": 1, "gzip": 1}
    assert model.task("in_python")["id"] == "in_python:"
    # NumPy, which Snakemake imports where it is there, asks for the machine
    assert {row["command"] for row in model.rows if row["task"] == model.task("in_python")["number"]} - {"uname"} == {
        "sh", "python3", "bash", "sha256sum"}
    assert {row["command"] for row in model.rows if row["task"] == model.task("plot.py")["number"]} >= {"cksum"}
    assert {task["rules"] for task in model.tasks} == {"snakemake"}


@recorded
@needs("make")
def test_make(tmp_path):
    write(tmp_path / "Makefile", "all: a b sub\n"
          "a: ; sort /etc/passwd > a\n"
          "b: ; @mkdir -p d; cd d && wc -l /etc/passwd > b\n\tgzip -k -f a\n"
          "b: a\n"
          "sub: ; $(MAKE) -f Sub\n")
    write(tmp_path / "Sub", "all: ; tr a b < /etc/passwd > c\n\tfalse; true\n")
    model = record("make", "-j2", cwd=tmp_path)
    assert model.steps() == {"sort": 1, "wc": 1, "gzip": 1, "tr": 1, "false": 1}
    assert all(task["parent"] == 0 and task["outcome"] == "ok" for task in model.tasks)


@recorded
@needs("parallel")
def test_gnu_parallel(tmp_path):
    """Its jobs, and nothing of how it sounds the host out."""
    model = record("parallel", "-j2", "gzip -c {} | wc -c", ":::", "/etc/passwd", "/etc/group", "/etc/hosts",
                  cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "SHELL": "/bin/bash"})
    assert model.steps() == {"gzip": 3}
    assert all(task["rows"] == 3 for task in model.tasks)


@recorded
def test_shell_script(tmp_path):
    script = write(tmp_path / "x.sh", "#!/bin/bash\n"
                   "sort /etc/passwd | head -1\n"
                   "(gzip -c /etc/passwd; true) | cat > a.gz\n"
                   "timeout 9 bash -c 'cd / && wc -l /etc/passwd'\n"
                   "x=$(env A=b nice tr a b < /etc/passwd)\n"
                   "/bin/false\n", 0o755)
    model = record(script, cwd=tmp_path, code=1)
    assert model.steps() == {"sort": 1, "head": 1, "gzip": 1, "cat": 1, "wc": 1, "tr": 1, "false": 1}
    assert model.task("wc")["rows"] == 3 and model.task("wc")["processes"] == 2  # bash goes on as wc
    assert model.task("tr")["rows"] == 3 and model.task("tr")["processes"] == 1  # env, nice, tr
    assert model.task("false")["outcome"] == "failed" and model.task("false")["exit_code"] == 1


@recorded
def test_a_script_that_runs_a_script():
    """The commands of the one below are the steps, as of the wrapper's own; the loop's ones, each."""
    model = record(SRC / "pipelines/exe_1.sh")
    assert model.steps() == {"dirname": 1, "mktemp": 1, "seq": 1, "awk": 1, "sort": 1, "tee": 1, "wc": 3, "grep": 1,
                            "gzip": 1, "head": 10, "tail": 10, "rm": 1}


@recorded
def test_nextflow_as_imitated():
    """Not the real one: its process tree, and what its wrapper begins with, as it is recorded: the work
    directory is gone. Two tasks at once, one with a bad pipe."""
    tmp_path = new_folder()
    tasks = {"3f/8a7b6c0123456789abcdef01234567": ("### ---\n### name: 'NF:QC:FASTQC (s (1))'\n### ...",
                                                   "sort /etc/passwd | head -1"),
             "a0/00000c0123456789abcdef0123456f": ("# NEXTFLOW TASK: ALIGN", "sh -c 'kill -9 $$' | cat")}
    for path, (name, line) in tasks.items():
        folder = tmp_path / "work" / path
        write(folder / ".command.sh", f"#!/bin/bash -ue\n{line}\n")
        write(folder / ".command.run", f"#!/bin/bash\n#SBATCH -x\n{name}\nset -u\n"
              "/bin/bash -ue .command.sh; echo $? > .exitcode\n")
    main = write(tmp_path / "nextflow.py", "import subprocess, sys\n"
                 "for p in [subprocess.Popen(['/bin/bash', '-ue', '.command.run'], cwd=d) for d in sys.argv[1:]]:\n"
                 "    p.wait()\n")
    path = collect("/usr/bin/python3", main, *[tmp_path / "work" / name for name in tasks], cwd=tmp_path).path
    shutil.rmtree(tmp_path / "work")
    model = Model(path).check()
    assert {(task["step"], task["tag"], task["id"], task["hidden"]) for task in model.tasks} == {
        ("NF:QC:FASTQC", "s (1)", "3f/8a7b6c", 0), ("ALIGN", None, "a0/00000c", 1)}
    assert all(task["outcome"] == "ok" for task in model.tasks)
    assert [row for row in model.rows if row["command"] == "sort"][0]["task"] != 0
    assert [row["command"] for row in model.rows if row["around"]] == ["bash", "bash"]  # their wrappers


@recorded
def test_variables_of_the_environment_make_tasks(tmp_path):
    """Slurm's, by hand: one id is one task, wherever its processes come from."""
    config = "probes: {lifecycle: {env: [SLURM_JOB_ID, SLURM_JOB_NAME]}, cpu: {}, io: {}}\n"
    code = "import os, subprocess\n" \
           "def run(job): return subprocess.Popen(['sleep', '0.3'], env={**os.environ, 'SLURM_JOB_ID': job, " \
           "'SLURM_JOB_NAME': 'align'})\n" \
           "for p in [run('17'), run('18'), run('17')]: p.wait()\n"
    model = record("/usr/bin/python3", "-c", code, config=config, cwd=tmp_path)
    assert sorted((task["step"], task["id"], task["processes"]) for task in model.tasks) == [
        ("align", "17", 2), ("align", "18", 1)]


# ---- I/O ----

@recorded
def test_no_byte_is_counted_twice(tmp_path):
    """Shells that wait for shells: the kernel adds up the same bytes at each level, a process and a task have them once."""
    size = 3_000_000
    script = write(tmp_path / "x.sh", "#!/bin/sh\n"
                   f"sh -c \"sh -c 'head -c {size} /dev/zero > a; :'; sh -c 'head -c {size} /dev/zero > b; :'; :\"\n"
                   f"head -c {size} /dev/zero > c\n", 0o755)
    model = record(script, cwd=tmp_path)
    # by number: a task is over when its last account is closed, which comes in any order
    tasks = sorted(model.tasks, key=lambda task: task["number"])
    assert [task["io"][WRITE_CHARS] for task in tasks] == [2 * size, size]
    written = [(row["command"], row["io"][WRITE_CHARS]) for row in model.rows if row["io"][WRITE_CHARS]]
    assert written == [("head", size)] * 3


@recorded
@pytest.mark.parametrize("command", [
    [SRC / "pipelines/exe_1.sh"],
    ["/bin/sh", "-c", "i=0; while [ $i -lt 3000 ]; do /bin/true; i=$((i + 1)); done"],
], ids=["tree", "many"])
def test_all_bytes_are_the_kernels_own_sum(tmp_path, command):
    """One task of everything: what each did itself adds up to what the kernel says of the root, which waited for
    all that waited for others. Of many, some have an account whose closing was not seen."""
    everything = write(tmp_path / "all.yaml", "steps: [{depth: 0, step: all}]\n")
    run = collect(*command)
    model = Model(run.path, everything).check()
    root = [row for row in model.rows if row["root"]]
    assert len(root) == 1 and model.task("all")["processes"] == len(model.rows) > 30
    account = run.one("io.exit", pid=root[0]["pid"])
    figures = ("read_chars", "write_chars", "read_syscalls", "write_syscalls", "read_bytes", "write_bytes",
               "cancelled_write_bytes")
    assert model.task("all")["io"] == [account[name] + account["children_" + name] for name in figures]
    assert model.task("all")["io"][READ_CHARS] > 500_000


@recorded
def test_children_that_nobody_waits_for_are_counted_too(tmp_path):
    size = 3_000_000
    code = "import signal, subprocess, time, os\n" \
           "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n" \
           f"p = subprocess.Popen(['head', '-c', '{size}', '/dev/zero'], stdout=open('a', 'wb'))\n" \
           "while os.path.exists(f'/proc/{p.pid}'): time.sleep(0.01)\n" \
           "os.write(os.open('b', os.O_CREAT | os.O_WRONLY), bytes(1000000))\n"
    script = write(tmp_path / "x.sh", f"#!/bin/sh\n/usr/bin/python3 -c \"{code}\"; :\n", 0o755)
    model = record(script, cwd=tmp_path)
    assert [task["io"][WRITE_CHARS] for task in model.tasks] == [size + 1_000_000]


# ---- a made-up run ----

@functools.cache
def made(processes):
    """A run of a Snakemake with that many processes, and its totals: the witness."""
    folder = new_folder()
    subprocess.run([*CC, "-O1", "-std=gnu11", "-D_GNU_SOURCE", '-DPACKAGE_VERSION="made"', f"-I{SRC}", "-o",
                    folder / "made_run", SRC / "tests/sinks/made_run.c", BUILD / "core/libstream.a", BUILD / "core/libbase.a",
                    *subprocess.run(["pkg-config", "--libs", "zlib", "msgpack"], capture_output=True, text=True,
                                    check=True).stdout.split(), "-ldl"], check=True)
    done = subprocess.run([folder / "made_run", BUILD, folder / "run", str(processes)], capture_output=True,
                          text=True, check=True)
    return folder / "run", json.loads(done.stdout)


def test_sums_of_a_large_run():
    path, witness = made(20000)
    model = Model(path)
    assert len(model.rows) == witness["processes"]
    assert len(model.tasks) == witness["jobs"]
    assert sum(row["cpu_ns"] for row in model.rows) == witness["cpu_ns"]
    assert sum(row["sampled_cpu_ns"] for row in model.rows) == witness["cpu_ns"]
    outside = sum(row["cpu_ns"] for row in model.rows if not row["task"])
    assert sum(task["cpu_ns"] for task in model.tasks) + outside == witness["cpu_ns"]
    outcomes = Counter(row["outcome"] for row in model.rows)
    assert (outcomes["killed"], outcomes["oom"]) == (witness["killed"], witness["oom"])


def test_rules_can_be_asked_anew(tmp_path):
    """The same run by other rules; none; and wrong ones, refused before anything is read."""
    path, witness = made(20000)
    own = write(tmp_path / "own.yaml", "steps:\n"
                "  - args: '^samtools (?<what>\\w+)'\n    step: samtools ${what}\n"
                "  - {args: '^bcftools', step: bcftools}\n")
    model = Model(path, own)
    assert set(model.steps()) >= {"bcftools"} and all(
        step == "bcftools" or step.startswith("samtools ") for step in model.steps())
    assert {task["rules"] for task in model.tasks} == {str(own)}
    assert Model(path, "none").tasks == []
    bad = write(tmp_path / "bad.yaml", "steps:\n  - args: '('\n    step: x\n")
    build_sink()
    done = subprocess.run([stage() / "collector-merge", "--plugin-dir", stage(), "--sink", f"model_json:steps={bad}", path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1 or done.returncode == 2
    assert f"{bad}:2:11: steps[0].args: is not a valid regular expression: missing closing parenthesis" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("path", sorted((SRC / "conf/steps").glob("*.yaml")), ids=lambda path: path.stem)
def test_ready_made_sets_load_by_name_and_as_files(path):
    run, _ = made(20000)
    by_name, by_file = Model(run, path.stem), Model(run, path)
    assert by_name.steps() == by_file.steps()
