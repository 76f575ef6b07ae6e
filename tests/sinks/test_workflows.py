# SPDX-License-Identifier: BSD-2-Clause
"""Workflow engines, the real ones: each task is one row under its own name and tag, each failure is at the task that it was
of, and none is listed that is the engine's own. What is compared is what the engine itself wrote: trace, benchmark, job log."""
import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import harness
import pytest
import yaml
from harness import BUILD, Started, collect, merge, new_folder, read_stream, stage, wait_for

LIBRARY = Path("/usr/local/lib/collector-tests")
HEAVY = "x = bytearray(60 << 20); import time; e = time.process_time() + 1\nwhile time.process_time() < e: pass"
PIPED = "awk 'NR == 2 {exit 3} {print}' /etc/passwd | sort > piped.out"
FLAKY = "if [ ! -e {0}/tried ]; then touch {0}/tried; exit 71; fi; gzip -c /etc/passwd > /dev/null"
PROBES = "cpu: {interval: 200ms}, mem: {interval: 200ms}"
CONFIG = f"probes: {{lifecycle: {{}}, {PROBES}}}\n"
NAMED_TASKS = f"probes: {{lifecycle: {{}}, {PROBES}, output: {{}}}}\n"
MISSING_TOOLS = f"probes: {{lifecycle: {{exec_failed: true}}, {PROBES}}}\n"

pytestmark = [pytest.mark.skipif(bool(harness.why_no_bpf()), reason=str(harness.why_no_bpf())),
              pytest.mark.skipif(not (BUILD / "collector-query").exists(), reason="built without DuckDB: tests/setup duckdb")]


def needs(*paths):
    missing = [str(path) for path in paths if not shutil.which(path) and not Path(path).exists()]
    return pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)}: tests/setup workflows")


slow = pytest.mark.skipif(not os.environ.get("SLOW_PEERS"), reason="takes half a minute: make check-peers")


def of_python(name, **more):
    """The environment of an engine that pip has put into a folder of its own."""
    folder = LIBRARY / name
    return {**os.environ, "PYTHONPATH": str(folder), "PATH": f"{folder}/bin:/usr/bin:/bin", **more}


class Told:
    """What collector-query says of a run, by the rules or the engine's log given."""

    def __init__(self, *paths, steps="auto"):
        self.paths, self.steps = paths, steps

    def ask(self, sql):
        done = subprocess.run([stage() / "collector-query", "--plugin-dir", stage(), "-q", "-F", "json", "--steps", self.steps,
                               *self.paths, sql], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def tasks(self):
        """(step, tag, exit code) of each execution, and how often: in order of the name."""
        return Counter((row["step"], row["tag"], row["exit_code"])
                       for row in self.ask("SELECT step, tag, exit_code FROM steps"))

    def failures(self):
        """(step, exit code or signal) of each failure that began with a process, but for the engine's own exit."""
        rows = self.ask("SELECT step, coalesce(exit_code, -signal) AS code FROM images WHERE outcome IN ('failed', 'killed', "
                        "'oom') AND NOT propagated AND depth > 0")
        return Counter((row["step"], row["code"]) for row in rows)

    def one(self, step):
        rows = self.ask(f"SELECT *, epoch_ms(began) AS began_ms FROM steps WHERE step = '{step}'")
        assert len(rows) == 1, rows
        return rows[0]


# ---- make, GNU parallel ----

@pytest.mark.peer("make")
@needs("make")
def test_make():
    folder = new_folder()
    (folder / "Makefile").write_text(
        "SHELL = /bin/bash\nall: heavy piped missing direct ignored\nheavy: ; @/usr/bin/python3 heavy.py\n"
        f"piped: ; @{PIPED}; true\n"
        "missing: ; @no_such_tool > x; true\ndirect: ; @no_such_tool\nignored: ; -@sort no.such\n")
    (folder / "heavy.py").write_text(HEAVY)
    run = collect("make", "-k", "-j2", cwd=folder, config=MISSING_TOOLS, code=2)
    told = Told(run.path)
    assert told.tasks() == {("heavy.py", None, 0): 1, ("awk", None, 0): 1, ("no_such_tool", None, 0): 1,
                            ("no_such_tool", None, 127): 1, ("sort", None, 2): 1}
    assert told.failures() == {("awk", 3): 1, ("no_such_tool", 127): 2, ("sort", 2): 1}
    assert 60 << 20 < told.one("heavy.py")["peak_rss_bytes"] < 90 << 20


@pytest.mark.peer("parallel")
@needs("parallel")
def test_parallel():
    """With a fresh HOME, in which it looks around more. Its job log is the witness, but for the first try."""
    folder = new_folder()
    (folder / "job").write_text("#!/bin/bash\ncase $1 in\n1) sort /etc/passwd;;\n2) exit 3;;\n3) kill -9 $$;;\n"
                                "4) no_such_tool;;\n"
                                f"5) {FLAKY.format(folder)};;\n6) {PIPED}; exit 0;;\nesac\n")
    (folder / "job").chmod(0o755)
    env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "SHELL": "/bin/bash"}
    config = f"probes: {{lifecycle: {{env: [PARALLEL_SEQ]}}, {PROBES}}}\n"
    run = collect("parallel", "-j2", "--joblog", "log", "--retries", "2", "./job {} > {}.out", ":::", *"123456", cwd=folder,
                  config=config, code=None, env=env)
    told = Told(run.path)
    seen = Counter((row["tag"], row["code"]) for row in told.ask(
        "SELECT tag, coalesce(exit_code, 128 + signal) AS code FROM steps"))
    with open(folder / "log", encoding="ascii") as file:
        last = {(line["Seq"], int(line["Exitval"]) or (128 + int(line["Signal"]) if int(line["Signal"]) else 0))
                for line in csv.DictReader(file, delimiter="\t")}
    assert set(seen) == last | {("5", 71)}
    assert seen == {("1", 0): 1, ("2", 3): 2, ("3", 137): 2, ("4", 127): 2, ("5", 71): 1, ("5", 0): 1, ("6", 0): 1}
    assert set(row["step"] for row in told.ask("SELECT step FROM steps")) == {"job"}
    assert told.failures() == {("job", 3): 3, ("job", -9): 2, ("job", 127): 2, ("job", 71): 1}


# ---- Snakemake ----

SNAKEFILE = f"""
S = ["ant", "bee"]
rule all:
    input: expand("srt/{{s}}.txt", s=S), "run.txt", "heavy.txt", "piped.txt", "flaky.txt", "scripted.txt", "apart.txt"
rule make_reads:
    output: "in/{{s}}.txt"
    shell: "seq 1 20000 > {{output}}"
rule sort_reads:
    input: "in/{{s}}.txt"
    output: "srt/{{s}}.txt"
    shell: "mkdir -p srt && sort -r {{input}} > {{output}}"
rule in_python:
    output: "run.txt"
    run:
        shell("sha256sum /etc/passwd > {{output}}")
rule scripted:
    output: "scripted.txt"
    script: "scripted.py"
rule heavy:
    output: "heavy.txt"
    benchmark: "heavy.tsv"
    shell: "/usr/bin/python3 heavy.py && touch {{output}}"
rule apart:
    output: "apart.txt"
    benchmark: "apart.tsv"
    shadow: "shallow"
    shell: "seq 1 400000 | sort -S 20M -r > apart.tmp; sleep 1; mv apart.tmp {{output}}"
rule missing:
    output: "missing.txt"
    shell: "no_such_tool > {{output}}"
rule piped:
    output: "piped.txt"
    shell: "set +o pipefail; awk 'NR == 2 {{{{exit 3}}}} {{{{print}}}}' /etc/passwd | sort > {{output}}"
rule flaky:
    output: "flaky.txt"
    retries: 2
    shell: "if [ ! -e tried ]; then touch tried; exit 71; fi; gzip -c /etc/passwd > {{output}}"
"""


def run_snakemake(program, env):
    folder = new_folder()
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "heavy.py").write_text(HEAVY)
    (folder / "scripted.py").write_text("open(snakemake.output[0], 'w').close()")
    env = {**env, "HOME": str(folder)}
    run = collect(*program, "--cores", "2", "-k", "all", "missing.txt", cwd=folder, config=NAMED_TASKS, code=1, env=env)
    log, = (folder / ".snakemake/log").iterdir()
    return run, folder, log, env


def check_snakemake(program, env):
    run, folder, log, env = run_snakemake(program, env)
    told = Told(run.path)
    assert told.tasks() == {
        **{("make_reads", f"s={s}", 0): 1 for s in ("ant", "bee")}, **{("sort_reads", f"s={s}", 0): 1 for s in ("ant", "bee")},
        ("in_python", None, 0): 1, ("scripted", None, 0): 1, ("apart", None, 0): 1, ("heavy", None, 0): 1,
        ("missing", None, 127): 1, ("piped", None, 0): 1,
        ("flaky", None, 71): 1, ("flaky", None, 0): 1}
    assert told.failures() == {("missing", 127): 1, ("piped", 3): 1, ("flaky", 71): 1}
    # the same by the log itself, which a record without it needs
    assert Told(run.path, steps=log).tasks() == told.tasks() and Told(run.path, steps=log).failures() == told.failures()

    ours = told.one("heavy")
    with open(folder / "heavy.tsv", encoding="ascii") as file:
        theirs, = csv.DictReader(file, delimiter="\t")
    assert 1 <= ours["cpu_ns"] / 1e9 <= ours["wall_ns"] / 1e9 <= float(theirs["s"]) + 0.01
    assert float(theirs["max_rss"]) <= ours["sum_rss_bytes"] / 2**20 + 16  # theirs counts shared pages of two processes twice
    assert 60 << 20 < ours["peak_rss_bytes"] < 90 << 20
    line, = (line for line in csv.DictReader(merge(run.path, sink="trace:format=snakemake").splitlines(),
                                             delimiter="\t") if line["rule_name"] == "heavy")
    assert float(line["cpu_time"]) >= 1 and set(theirs) <= set(line)

    # a process of Snakemake's own runs this one: neither its time nor its memory is the job's
    apart = told.one("apart")
    with open(folder / "apart.tsv", encoding="ascii") as file:
        theirs, = csv.DictReader(file, delimiter="\t")
    assert 1 <= apart["wall_ns"] / 1e9 == pytest.approx(float(theirs["s"]), abs=0.3)
    assert 4 << 20 < apart["peak_rss_bytes"] < 40 << 20 and apart["sum_rss_bytes"] < 50 << 20

    # what advise says is taken, by rule
    text = merge(run.path, sink="advise:format=snakemake")
    assert {item.split("=")[0] for item in yaml.safe_load(text)["set-threads"]} >= {"sort_reads", "heavy", "in_python", "flaky"}
    profile = folder / "profile"
    profile.mkdir()
    (profile / "config.yaml").write_text(text)
    done = subprocess.run([*program, "--cores", "2", "--profile", profile, "--dry-run", "--forceall", "heavy.txt"], cwd=folder,
                          env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    memory = re.search(r"^  - heavy:mem_mb=(\d+)", text, re.M).group(1)
    assert f"mem_mb={memory}" in done.stdout + done.stderr


@pytest.mark.peer("snakemake 7")
@needs("/usr/bin/snakemake")
def test_snakemake_7():
    check_snakemake(["/usr/bin/snakemake"], {**os.environ, "PATH": "/usr/bin:/bin"})


@pytest.mark.peer("snakemake 9")
@needs(LIBRARY / "snakemake")
def test_snakemake_9():
    check_snakemake([sys.executable, LIBRARY / "snakemake/bin/snakemake"], of_python("snakemake"))


# ---- CWL: cwltool, Toil ----

TOOL = "{{class: CommandLineTool, baseCommand: {0}, inputs: {{file: File}}, outputs: []}}"
WORKFLOW = """
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}, InlineJavascriptRequirement: {}}
inputs: {files: "File[]", one: File}
outputs: []
steps:
"""


def write_cwl(folder):
    lines = {"sort_it": ["sh", "-c", "sort /etc/passwd > o.txt; exit 0"], "heavy": ["/usr/bin/python3", "-c", HEAVY],
             "missing": ["no_such_tool"], "piped": ["bash", "-c", PIPED + "; exit 0"]}
    steps = [f"  {name}: {{in: {{file: {'files' if name == 'sort_it' else 'one'}}}, out: [], "
             f"{'scatter: file, ' if name == 'sort_it' else ''}run: {TOOL.format(json.dumps(line))}}}\n"
             for name, line in lines.items()]
    (folder / "wf.cwl").write_text(WORKFLOW + "".join(steps))
    files = [{"class": "File", "path": name} for name in ("a.txt", "b.txt")]
    (folder / "job.json").write_text(json.dumps({"files": files, "one": files[0]}))
    for name in "a.txt", "b.txt":
        (folder / name).write_text("2\n1\n")


def check_cwl(folder, run, log=None):
    by_tool = Told(run.path)
    assert by_tool.tasks() == {("sort", None, 0): 2, ("python3", None, 0): 1, ("awk", None, 0): 1,
                               ("no_such_tool", None, 255): by_tool.tasks()["no_such_tool", None, 255]}
    assert 60 << 20 < by_tool.one("python3")["peak_rss_bytes"] < 90 << 20
    assert by_tool.one("python3")["cpu_ns"] >= 1e9
    if not log:
        return by_tool
    by_log = Told(run.path, steps=log)
    assert by_log.tasks() == {("sort_it", None, 0): 1, ("sort_it", "2", 0): 1, ("heavy", None, 0): 1, ("piped", None, 0): 1,
                              ("no_such_tool", None, 255): 1}
    return by_log


@pytest.mark.peer("cwltool")
@needs(LIBRARY / "cwltool")
def test_cwltool():
    folder = new_folder()
    write_cwl(folder)
    run = collect(sys.executable, LIBRARY / "cwltool/bin/cwltool", "--no-container", "--parallel", "--on-error", "continue",
                  "wf.cwl", "job.json", cwd=folder, config=MISSING_TOOLS, code=1, env=of_python("cwltool", HOME=str(folder)))
    log = folder / "cwltool.log"
    log.write_text(run.stderr)
    told = check_cwl(folder, run, log)
    assert told.failures() == {("piped", 3): 1, ("no_such_tool", 255): 1}


@pytest.mark.peer("toil")
@slow
@needs(LIBRARY / "toil")
def test_toil():
    """The job that fails is tried again by Toil."""
    folder = new_folder()
    write_cwl(folder)
    run = collect(sys.executable, LIBRARY / "toil/bin/toil-cwl-runner", "--no-container", "--jobStore", folder / "jobs",
                  "--retryCount", "1", "--logFile", folder / "log", "wf.cwl", "job.json", cwd=folder, config=MISSING_TOOLS,
                  code=1, env=of_python("toil", HOME=str(folder)))
    told = check_cwl(folder, run)
    assert told.tasks()["no_such_tool", None, 255] == 2
    ids = told.ask("SELECT id FROM steps WHERE step = 'no_such_tool'")
    assert ids[0] == ids[1] and ids[0]["id"].startswith("instance-")
    failures = told.failures()
    assert failures["awk", 3] == 1 and failures["no_such_tool", 255] == 2
    assert {step for step, _ in failures} <= {"awk", "no_such_tool", None}, told.ask(
        "SELECT step, exit_code, signal, command FROM images WHERE outcome <> 'ok'")


# ---- WDL: miniwdl ----

WDL = r"""
version 1.0
workflow w {
  input { Array[String] samples  String dir }
  scatter (s in samples) { call sort_it as align { input: sample = s } }
  call heavy { input: dir = dir }
  call piped
  call flaky { input: dir = dir }
}
task sort_it { input { String sample } command <<< echo ~{sample} | sort > out.txt >>> output { File o = "out.txt" } }
task heavy { input { String dir } command <<< /usr/bin/python3 ~{dir}/heavy.py >>> output { } }
task piped { command <<< PIPED; exit 0 >>> output { } }
task flaky { input { String dir } command <<< FLAKY >>> output { } runtime { maxRetries: 2 } }
"""

# Stands for a container engine: runs the command in the folder that is to be mounted, and there is no container.
SINGULARITY = r"""#!/bin/bash
case $1 in
--version) echo singularity-ce version 3.11.4; exit;;
pull) touch "${@: -2:1}"; exit;;
esac
while [ $# -gt 0 ] && [[ $1 != *.sif ]]; do
    case $2 in
    */work*:*) work=${2%%:*};;
    esac
    shift
done
shift
cd "$work" && exec "$@"
"""


@pytest.mark.peer("miniwdl")
@needs(LIBRARY / "miniwdl")
def test_miniwdl():
    folder = new_folder()
    (folder / "wf.wdl").write_text(WDL.replace("PIPED", PIPED).replace("FLAKY", FLAKY.format("~{dir}")))
    (folder / "heavy.py").write_text(HEAVY)
    (folder / "in.json").write_text(json.dumps({"w.samples": ["ant", "bee"], "w.dir": str(folder)}))
    engine = folder / "bin/singularity"
    engine.parent.mkdir()
    engine.write_text(SINGULARITY)
    engine.chmod(0o755)
    env = of_python("miniwdl", HOME=str(folder), MINIWDL__SCHEDULER__CONTAINER_BACKEND="singularity",
                    MINIWDL__TASK_RUNTIME__DEFAULTS='{"docker": "x"}')
    env["PATH"] = f"{engine.parent}:{env['PATH']}"
    run = collect(sys.executable, LIBRARY / "miniwdl/bin/miniwdl", "run", "-d", folder / "out/.", "-i", "in.json", "wf.wdl",
                  cwd=folder, config=CONFIG, code=0, env=env)
    told = Told(run.path)
    assert told.tasks() == {("align", "0-ant", 0): 1, ("align", "1-bee", 0): 1, ("heavy", None, 0): 1, ("piped", None, 0): 1,
                            ("flaky", None, 71): 1, ("flaky", None, 0): 1}
    assert told.failures() == {("piped", 3): 1, ("flaky", 71): 1}
    assert 60 << 20 < told.one("heavy")["peak_rss_bytes"] < 90 << 20


# ---- Nextflow ----

NEXTFLOW = f"""
nextflow.enable.dsl = 2
process ALIGN {{
  tag "$sample"
  errorStrategy 'retry'
  maxRetries 2
  input: val sample
  output: path 'o.txt'
  script: "if [ $sample = bee ] && [ $task.attempt = 1 ]; then exit 71; fi; sort /etc/passwd > o.txt"
}}
process HEAVY {{ script: "/usr/bin/python3 $projectDir/heavy.py" }}
process IGNORED {{ tag "x (y)"; errorStrategy 'ignore'; script: "exit 9" }}
process MISSING {{ errorStrategy 'ignore'; script: "no_such_tool" }}
process PIPED {{ script: "{PIPED}" }}
workflow {{ ALIGN(Channel.of('ant', 'bee')); HEAVY(); IGNORED(); MISSING(); PIPED() }}
"""
NEXTFLOW_TASKS = {("ALIGN", "ant", 0): 1, ("ALIGN", "bee", 71): 1, ("ALIGN", "bee", 0): 1, ("HEAVY", None, 0): 1,
                  ("IGNORED", "x (y)", 9): 1, ("MISSING", None, 127): 1, ("PIPED", None, 0): 1}


# What fails around the script of a task: before it, as its input is copied, as its output is, and at the limit of its time.
AROUND = """
nextflow.enable.dsl = 2
process BEFORE { tag 'b'; errorStrategy 'ignore'; beforeScript 'sh -c "exit 3"'; output: val 1; script: "true" }
process STAGE { errorStrategy 'ignore'; stageInMode 'copy'; input: path 'in'; output: val 1; script: "true" }
process UNSTAGE {
  scratch true
  errorStrategy 'ignore'
  output: path 'o.txt'
  script: "echo x > o.txt; mkdir \\$(dirname \\$(readlink -f \\$0))/o.txt"
}
process HEALTHY { scratch true; output: path 'o.txt'; script: "set +e; grep -q nothing /etc/passwd; sort /etc/passwd > o.txt" }
process LIMIT { tag 'x'; time '1s'; script: "sleep 60" }
workflow {
  if (params.limit) LIMIT()
  else { BEFORE(); STAGE(file("$projectDir/gone", checkIfExists: false)); UNSTAGE(); HEALTHY() }
}
"""


each_nextflow = pytest.mark.parametrize("version", [pytest.param(v, marks=pytest.mark.peer(f"nextflow {v}"))
                                                    for v in ("25.04.4", "22.10.7")])


def start_nextflow(version, folder, *words):
    if not (LIBRARY / f"nextflow-{version}").exists():
        pytest.skip(f"no Nextflow {version}: tests/setup workflows")
    env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "NXF_HOME": str(folder / "home"), "NXF_OFFLINE": "true",
           "NXF_DISABLE_CHECK_LATEST": "true", "NXF_PLUGINS_DEFAULT": "false", "NXF_ANSI_LOG": "false"}
    line = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", f"{LIBRARY}/nextflow-{version}/lib/*", "nextflow.cli.Launcher"]
    return [*line, *words], env


@each_nextflow
@needs("java")
def test_nextflow(version):
    folder = new_folder()
    (folder / "main.nf").write_text(NEXTFLOW)
    (folder / "heavy.py").write_text(HEAVY)
    fields = "task_id,name,hash,status,exit,attempt,start,complete,realtime,%cpu,peak_rss,rchar,cpus,memory"
    (folder / "nextflow.config").write_text(
        f"trace {{ enabled = true; raw = true; overwrite = true; file = 'trace.txt'; fields = '{fields}' }}\n")
    line, env = start_nextflow(version, folder, "run", "main.nf")
    run = collect(*line, cwd=folder, config=NAMED_TASKS, code=None, env=env, timeout=300)
    trace = folder / "trace.txt"
    with open(trace, encoding="ascii") as file:
        theirs = list(csv.DictReader(file, delimiter="\t"))

    shutil.rmtree(folder / "work")
    for steps in "auto", trace:  # by the head of the wrapper, as recorded, and by the trace file
        told = Told(run.path, steps=steps)
        assert told.tasks() == NEXTFLOW_TASKS
        assert told.failures() == {("ALIGN", 71): 1, ("IGNORED", 9): 1, ("MISSING", 127): 1, ("PIPED", 3): 1}
    assert {(row["id"], row["exit_code"]) for row in told.ask("SELECT id, exit_code FROM steps")} == {
        (row["hash"], int(row["exit"])) for row in theirs}

    # what the engine tried again or ignored is a line each, under its name, and no failure of the run
    assert run.code == 0 and {row["name"] for row in theirs if row["status"] == "FAILED"} == {
        "ALIGN (bee)", "IGNORED (x (y))", "MISSING"}
    page = merge(run.path, sink="summary")
    settled = page.partition("\nRetried, ignored or timed out\n")[2].partition("\n\n")[0].splitlines()
    assert sorted(settled) == ["  ALIGN (bee): exit 71, retried, then 0", "  IGNORED (x (y)): exit 9, ignored",
                               "  MISSING: exit 127, ignored"]
    assert told.ask("SELECT hidden, failed FROM runs") == [{"hidden": 1, "failed": 1}]  # awk of PIPED
    assert {row["step"] for row in told.ask("SELECT DISTINCT step FROM images WHERE ignored AND NOT propagated")} == {
        "IGNORED", "MISSING"}

    ours, heavy = told.one("HEAVY"), next(row for row in theirs if row["name"] == "HEAVY")
    assert 1000 <= ours["cpu_ns"] / 1e6 and ours["wall_ns"] / 1e6 <= int(heavy["realtime"]) + 1
    assert ours["began_ms"] + ours["wall_ns"] / 1e6 <= int(heavy["complete"]) + 1
    assert 60 << 20 < ours["peak_rss_bytes"] < 90 << 20
    if int(heavy["peak_rss"]):
        assert int(heavy["peak_rss"]) <= ours["sum_rss_bytes"] + (16 << 20)
    names = {line["name"] for line in csv.DictReader(merge(run.path, sink=f"trace:join={trace}").splitlines(), delimiter="\t")}
    assert names == {row["name"] for row in theirs}

    # what advise says is a configuration that Nextflow takes
    (folder / "advice.config").write_text(merge(run.path, sink=f"advise:format=nextflow,join={trace}"))
    line, env = start_nextflow(version, folder, "-c", "advice.config", "config")
    done = subprocess.run(line, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    assert re.search(r"withName:'?HEAVY'? \{\s+cpus = 1\s+memory = '0\.\d+ GB'", done.stdout), done.stdout


@each_nextflow
@needs("java")
def test_nextflow_around_the_script(version):
    folder = new_folder()
    (folder / "main.nf").write_text(AROUND)
    (folder / "nextflow.config").write_text("trace { enabled = true; raw = true; overwrite = true; file = 'trace.txt'; "
                                            "fields = 'name,hash,native_id,exit' }\n")
    line, env = start_nextflow(version, folder, "run", "main.nf", "--limit", "false")
    run = collect(*line, cwd=folder, config=NAMED_TASKS, code=0, env=env, timeout=300)
    with open(folder / "trace.txt", encoding="ascii") as file:
        theirs = list(csv.DictReader(file, delimiter="\t"))
    told = Told(run.path)
    steps = told.ask("SELECT step, id, pid, exit_code, failed, hidden, programs FROM steps")
    assert {(row["id"], row["pid"]) for row in steps} == {(row["hash"], int(row["native_id"])) for row in theirs}
    # 22.10 takes no notice of an output that could not be copied
    unstage = (1, 1, 0) if version.startswith("25") else (0, 1, 1)
    assert {row["step"]: (row["exit_code"], row["failed"], row["hidden"]) for row in steps} == {
        "BEFORE": (3, 2, 0), "STAGE": (1, 2, 0), "UNSTAGE": unstage, "HEALTHY": (0, 0, 0)}
    assert {row["step"]: row["programs"] for row in steps}["HEALTHY"] == 3  # its shell, grep, sort
    settled = merge(run.path, sink="summary").partition("\nRetried, ignored or timed out\n")[2].partition("\n\n")[0].splitlines()
    assert sorted(settled)[:2] == ["  BEFORE (b): exit 3, ignored", "  STAGE: exit 1, ignored"]

    line, env = start_nextflow(version, folder, "run", "main.nf", "--limit", "true")
    run = collect(*line, cwd=folder, config=NAMED_TASKS, code=1, env=env, timeout=300)
    cause = merge(run.path, sink="summary").partition("\nCause\n")[2].partition("\n\n")[0]
    assert "in step LIMIT (x)" in cause, cause
    assert Told(run.path).ask("SELECT step, exit_code FROM steps") == [{"step": "LIMIT", "exit_code": 143}]


# ---- Slurm ----

SLURM = """
ClusterName=c
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={daemon_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SlurmdSpoolDir={folder}/spool
StateSaveLocation={folder}/state
SlurmctldPidFile={folder}/ctld.pid
SlurmdPidFile={folder}/d.pid
ReturnToService=2
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=p Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
JOB = f"""#!/bin/bash
#SBATCH --job-name=align
#SBATCH --array=0-1
srun -n1 --job-name=sort sort /etc/passwd > /dev/null
srun -n1 sh -c 'sleep 0; exit 3'
srun -n1 no_such_tool
srun -n1 bash -c "{PIPED.replace('"', '')}; exit 0"
/usr/bin/python3 heavy.py
exit 0
"""


class Cluster:
    """One node, controller and node daemon in a folder."""

    def __init__(self, folder, more=""):
        self.folder, self.host = folder, socket.gethostname().split(".")[0]
        ports = []
        for _ in range(2):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        (folder / "slurm.conf").write_text(SLURM.format(host=self.host, folder=folder, port=ports[0], daemon_port=ports[1]) + more)
        (folder / "munge.key").write_bytes(os.urandom(64))
        (folder / "munge.key").chmod(0o600)
        for name in "spool", "state":
            (folder / name).mkdir()
        self.env = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        self.daemons = []

    def __enter__(self):
        folder, conf = self.folder, self.folder / "slurm.conf"
        self.start("munged", "--foreground", "--force", "--socket", folder / "munge.socket", "--key-file", folder / "munge.key",
                   "--pid-file", folder / "munge.pid", "--log-file", folder / "munge.log", "--seed-file", folder / "seed")
        wait_for((folder / "munge.socket").exists, "munged listens")
        self.start("slurmctld", "-D", "-f", conf)
        self.start("slurmd", "-D", "-N", self.host, "-f", conf)
        wait_for(lambda: "idle" in self.run("sinfo", "-h", "-o", "%T"), "the node is idle")
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()

    def start(self, *words):
        with open(self.folder / f"{words[0]}.log", "wb") as log:
            self.daemons.append(subprocess.Popen(words, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def run(self, *words, **more):
        return subprocess.run(words, env=self.env, capture_output=True, text=True, check=False, timeout=120, **more).stdout


@pytest.mark.peer("slurm")
@slow
@needs("slurmctld", "slurmd", "munged")
def test_slurm():
    """A daemon on the node records each slurmstepd; a batch step and four steps in each of two jobs of an array."""
    folder = new_folder()
    (folder / "job.sh").write_text(JOB)
    (folder / "heavy.py").write_text(HEAVY)
    with Cluster(folder) as cluster, Started(config=SLURM_NODE) as node:
        node.wait_until_watching()
        cluster.run("sbatch", "--wait", "-o", folder / "out.%a", folder / "job.sh", cwd=folder)
        run = node.end()
    runs = [path for path in run.out.iterdir() if path.is_dir() and not path.is_symlink()]
    assert {read_stream(path / "lifecycle.msgpack")[0][b"run"].get(b"job") for path in runs} == {None}, "the daemon is in none"
    done = subprocess.run([stage() / "collector-ls", "--json", run.out], capture_output=True, check=True)
    # of the step whose tool is missing, slurmstepd has executed nothing
    jobs = {"slurm:c:1": 4, "slurm:c:2": 4, None: 2}
    assert Counter(listed["job"] for listed in json.loads(done.stdout)) == jobs
    told = Told(*runs)
    assert Counter(row["job"] for row in told.ask("SELECT job FROM runs")) == jobs
    # srun's missing tool is not a task: slurmstepd could not execute it
    assert told.tasks() == {("align", None, 0): 4, ("sort", None, 0): 2, ("align", None, 3): 2}
    ids = sorted(row["id"] for row in told.ask("SELECT id FROM steps"))
    assert ids == [f"{job}{step}" for job in "12" for step in ("", ".0", ".1", ".3")]
    # in the steps themselves; of srun, whose exit tells of them to the batch script
    assert told.failures() == {("align", 3): 6, ("align", 2): 2, (None, 2): 2}
    heavy, = {row["peak"] for row in told.ask("SELECT max(peak_rss_bytes) AS peak FROM steps WHERE id = '1'")}
    assert 60 << 20 < heavy < 90 << 20


SLURM_NODE = "scope: [{exe: /usr/sbin/slurmstepd}]\n" \
             f"probes: {{lifecycle: {{env: [SLURM_JOB_ID, SLURM_CLUSTER_NAME, SLURM_STEP_ID, SLURM_JOB_NAME]}}, {PROBES}}}\n"
TWO_TASKS = 'srun -n2 sh -c "sleep 0.3; exit \\$((SLURM_PROCID * 4))"'
SLURM_ENDS = {  # options and script; how the batch script and its steps end: result, exit code, signal
    ("--job-name=fails", "sort /no/such; exit 3"): [("failure", 3, None)],
    ("--job-name=handles", "sort /no/such || true"): [("success", 0, None)],
    ("--array=0-1", "exit $SLURM_ARRAY_TASK_ID"): [("success", 0, None), ("failure", 1, None)],
    ("-n2", f"{TWO_TASKS} || exit 0"): [("success", 0, None), ("failure", 4, None)],
    ("-n2", TWO_TASKS): [("failure", 4, None)] * 2,
    ("--job-name=cancelled", "sleep 100"): [("cancellation", None, 15)],
}


def sleeps(folder):
    """Whether a program of the job that is to be cancelled runs in its folder."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes() == b"sleep\x00100\x00" and Path(os.readlink(process / "cwd")) == folder:
                return True
        except OSError:
            pass
    return False


@pytest.mark.peer("slurm")
@slow
@needs("slurmctld", "slurmd", "munged")
def test_a_run_of_slurm_ends_as_its_job():
    """slurmstepd itself always exits 0. What keeps the place of each job's extern step says nothing, though it is killed."""
    folder = new_folder()
    with Cluster(folder, "PrologFlags=Contain\n") as cluster, Started(config=SLURM_NODE) as node:
        node.wait_until_watching()
        for option, script in SLURM_ENDS:
            line = ["sbatch", "--parsable", "-o", "/dev/null", option, "--wrap", script]
            if "sleep 100" not in script:
                cluster.run(*line, "--wait", cwd=folder)
                continue
            job = cluster.run(*line, cwd=folder).strip()
            wait_for(lambda: sleeps(folder), "the job's script runs")
            cluster.run("scancel", job)
            wait_for(lambda: not cluster.run("squeue", "-h"), "the job is cancelled")
        run = node.end()
    runs = [path for path in run.out.iterdir() if path.is_dir() and not path.is_symlink()]
    done = subprocess.run([stage() / "collector-ls", "--json", run.out], capture_output=True, check=True)
    listed = Counter((each["result"], each["exit_code"], each["signal"]) for each in json.loads(done.stdout) if each["job"])
    wanted = Counter(end for ends in SLURM_ENDS.values() for end in ends)
    assert listed == wanted
    told = Told(*runs)
    assert Counter((row["result"], row["exit_code"]) for row in told.ask("SELECT result, exit_code FROM runs WHERE job IS NOT NULL")) \
        == sum((Counter({end[:2]: count}) for end, count in wanted.items()), Counter())
    assert {(row["result"], row["failed"]) for row in told.ask("SELECT result, failed FROM runs WHERE job IS NULL")} == {("success", 0)}
    assert {(row["exit_code"], row["hidden"]) for row in told.ask("SELECT exit_code, hidden FROM steps WHERE id LIKE '%.0'")} == {(4, 0)}
