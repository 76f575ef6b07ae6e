# SPDX-License-Identifier: BSD-2-Clause
"""collector doctor: what it says is what a run then meets; the next step is named; the table and JSON say the same."""
import json
import re
import subprocess

import pytest
from harness import NOBODY, collect, collector, new_folder, stage
from test_bad_input import REAL, plugins_with

NOTHING = ["env"]  # changes nothing
UNPRIVILEGED = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--"]
TWO_CAPABILITIES = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                    "--inh-caps=-all,+cap_38,+cap_39", "--ambient-caps=+cap_38,+cap_39",
                    "--bounding-set=-all,+cap_38,+cap_39", "--"]
NO_PERFMON = ["setpriv", "--bounding-set=-perfmon", "--"]
EMPTY_BTF = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null /sys/kernel/btf/vmlinux && exec "$@"', "sh"]
NO_BTF = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', "sh"]
SURROUNDINGS = {"root": NOTHING, "nobody": UNPRIVILEGED, "nobody with two capabilities": TWO_CAPABILITIES,
                "root without perfmon": NO_PERFMON, "empty BTF": EMPTY_BTF, "no BTF": NO_BTF}
LINE = re.compile(r"(good|poor|bad) +(\S.*?)  +(\S.*)")


def doctor(around, *options, config=None, plugin_dir=None):
    line = [*around, stage() / "collector", "doctor", "--plugin-dir", plugin_dir or stage()]
    if config is not None:
        file = new_folder() / "pipeline.yaml"
        file.write_text(config)
        line += ["-c", file]
    return subprocess.run([*line, *options], capture_output=True, text=True, check=False)


def findings(around, **options):
    """what -> [(verdict, found, next)], and the exit code."""
    done = doctor(around, "--json", **options)
    found = {}
    for line in json.loads(done.stdout):
        assert set(line) == {"what", "verdict", "found", "next"}
        assert line["verdict"] in ("good", "poor", "bad")
        assert line["found"]
        found.setdefault(line["what"], []).append((line["verdict"], line["found"], line["next"]))
    return found, done.returncode


def verdicts(found, what):
    return [verdict for verdict, _, _ in found[what]]


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_exit_code_is_whether_a_run_would_start(name):
    around = SURROUNDINGS[name]
    found, code = findings(around)
    line, _ = collector("--no-summary", out=new_folder(0o777))
    run = subprocess.run([*around, *line, "--", "true"], capture_output=True, text=True, check=False)
    assert run.returncode in (0, 125), run.stderr
    assert code == (run.returncode != 0), run.stderr
    assert code == any("bad" in verdicts(found, what) for what in found)


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_table_and_json_say_the_same(name):
    around = SURROUNDINGS[name]
    table, objects = doctor(around), doctor(around, "--json")
    assert table.returncode == objects.returncode
    assert "\033" not in table.stdout
    said = []
    for line in table.stdout.splitlines():
        if line.lstrip().startswith("-> "):
            said[-1]["next"] = line.lstrip().removeprefix("-> ")
        else:
            verdict, what, found = LINE.fullmatch(line).groups()
            said.append({"what": what, "verdict": verdict, "found": found, "next": None})
    assert said == json.loads(objects.stdout)


def test_everything_there():
    found, code = findings(NOTHING)
    assert code == 0
    probes = {path.stem for path in (stage() / "probes").glob("*.so")}
    assert {what.removeprefix("probe ") for what in found if what.startswith("probe ")} == probes
    for what in "kernel", "lockdown", "BTF", "capabilities", "locked memory", "cgroups", "scope":
        assert verdicts(found, what) == ["good"], what


def test_without_rights_it_says_how_to_get_them():
    found, code = findings(UNPRIVILEGED)
    assert code == 1
    assert verdicts(found, "BTF") == ["good"]
    verdict, _, step = found["capabilities"][0]
    assert verdict == "bad"
    for words in "cap_bpf", "cap_perfmon", "sudo", "setcap":
        assert words in step


def test_only_what_is_missing_is_named():
    found, code = findings(NO_PERFMON)
    assert code == 1
    step = found["capabilities"][0][2]
    assert "cap_perfmon (" in step and "cap_bpf (" not in step


@pytest.mark.parametrize("around", [EMPTY_BTF, NO_BTF])
def test_without_types_nothing_is_guessed(around):
    """What needs the kernel's types to be tried is not judged without them."""
    found, code = findings(around)
    assert code == 1
    verdict, _, step = found["BTF"][0]
    assert verdict == "bad" and "/sys/kernel/btf/vmlinux" in step
    assert not [what for what in found if what.startswith("probe ") or what in ("scope", "tracepoints", "exit tracepoint")]
    assert verdicts(found, "capabilities") == ["good"]


@pytest.mark.parametrize("required, verdict, code", [("false", "poor", 0), ("true", "bad", 1)])
def test_a_probe_that_fails(required, verdict, code):
    """The rest runs without it, unless it is required."""
    folder = plugins_with("-DREFUSE")
    found, ended = findings(NOTHING, config=f"probes: {{lifecycle: {{}}, bad: {{required: {required}}}}}\n",
                            plugin_dir=folder)
    assert ended == code
    assert verdicts(found, "probe bad") == [verdict]
    assert found["probe bad"][0][2]
    assert verdicts(found, "probe lifecycle")[0] == "good"


def test_a_crash_in_the_start_is_named():
    """Where nothing is rehearsed: the command does not start, and doctor goes on with the others."""
    folder = plugins_with("-DCRASH_LATE", *REAL)
    config = "probes: {bad: {}, lifecycle: {}}\n"
    run = collect("touch", folder / "started", options=["--plugin-dir", folder], config=config, code=125)
    assert run.stderr.startswith("collector: error: the recorder was killed by signal 11 during the start: ")
    assert "`collector doctor` names it" in run.stderr and not (folder / "started").exists()
    found, code = findings(NOTHING, config=config, plugin_dir=folder)
    assert code == 1 and verdicts(found, "probe bad") == ["bad"] and verdicts(found, "probe lifecycle")[0] == "good"
    assert found["probe bad"][0][1].startswith("crashed: signal 11")


def test_what_a_probe_cannot_give_is_said():
    """As the streams' headers have it."""
    found, _ = findings(NOTHING)
    assert any("exec_failed" in text for _, text, _ in found["probe lifecycle"])
    found, _ = findings(NOTHING, config="probes: {lifecycle: {exec_failed: true}}\n")
    assert not any("exec_failed" in text for _, text, _ in found["probe lifecycle"])


def given(found):
    """{kind: [(verdict, found)]} of the verdicts' lines."""
    kinds = {}
    for what, lines in found.items():
        for kind in what.removeprefix("verdict ").split(", ") if what.startswith("verdict ") else []:
            kinds.setdefault(kind, []).extend((verdict, text) for verdict, text, _ in lines)
    return kinds


def test_every_verdict_is_told_and_needs_what_there_is():
    found, code = findings(NOTHING, config="probes: {cpu: {}, io: {}, lifecycle: {exec_failed: true}, mem: {}, output: {}, "
                                           "stall: {}}\n")
    kinds = given(found)
    assert code == 0
    assert set(kinds) == {"deadlock", "hang", "oom", "disk_full", "missing_tool", "hidden_failure", "outlived", "recursion",
                          "fork_storm", "spin", "leak", "thrash", "throttled", "io_bound", "straggler", "zombie"}
    for lines in kinds.values():
        for verdict, text in lines:
            assert "does not record it" not in text and "no probe" not in text
            assert verdict == "good" or re.match(r"(only likely, never proven|cannot be given): \w+\.\w+.*: \S", text)
    assert kinds["missing_tool"] == [("good", kinds["missing_tool"][0][1])]
    assert kinds["outlived"][0][1].endswith("(proven if a signal ended it; likely if it still runs)")


def test_a_verdict_whose_probe_is_missing():
    """It is only likely, or there is none, with the reason; one of two probes can be enough."""
    found, code = findings(NOTHING, config="probes: {lifecycle: {}, cpu: {}, output: {}}\n")
    kinds = given(found)
    assert code == 0
    assert kinds["hidden_failure"][0][0] == kinds["zombie"][0][0] == kinds["disk_full"][0][0] == "good"
    assert kinds["missing_tool"] == [("poor", "only likely, never proven: lifecycle.exec_failed: not recorded "
                                              "(probes.lifecycle.events)")]
    assert kinds["leak"] == [("poor", "cannot be given: no probe mem")]
    assert kinds["deadlock"] == [("poor", "cannot be given: no probe stall")]
    assert ("poor", "cannot be given: no probe io") in kinds["hang"]
    assert kinds["recursion"] == [("poor", "only likely, never proven: no probe mem")]


def test_a_verdict_whose_event_is_not_recorded():
    found, _ = findings(NOTHING, config="probes: {lifecycle: {events: [fork, exec]}, cpu: {events: [sample]}, io: {}}\n")
    kinds = given(found)
    assert kinds["hidden_failure"] == [("poor", "cannot be given: lifecycle.exit: not recorded (probes.lifecycle.events)")]
    assert [verdict for verdict, _ in kinds["throttled"]] == ["poor", "good"]
    assert kinds["recursion"][0][0] == "poor"


def test_what_is_not_installed():
    folder = plugins_with("-DREFUSE")
    (folder / "probes/stall.so").unlink()
    kinds = given(findings(NOTHING, plugin_dir=folder)[0])
    assert kinds["deadlock"] == [("poor", "cannot be given: no probe stall")]
    assert kinds["zombie"][0][0] == "good"
    (folder / "sinks/judge.so").unlink()
    found, _ = findings(NOTHING, plugin_dir=folder)
    assert verdicts(found, "verdicts") == ["poor"] and not given(found)


def test_wrong_configuration_is_refused():
    done = doctor(NOTHING, config="probes: {nope: {}}\n")
    assert done.returncode == 2
    assert "pipeline.yaml:1:10: probes.nope" in done.stderr
    assert not done.stdout
