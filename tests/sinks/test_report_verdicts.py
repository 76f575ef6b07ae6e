# SPDX-License-Identifier: BSD-2-Clause
"""Verdicts on the page of sinks/report, in a real Chromium, against those that the sink jsonl has."""
import functools
import json
import re
import sys

import pytest
from harness import collect, merge, wait_for
from test_report import Page, browser, needs_bpf, pytestmark, webdriver, write  # noqa: F401

CONFIG = """
probes: {lifecycle: {}, cpu: {interval: 200ms}, mem: {interval: 200ms}, io: {interval: 200ms}}
verdicts: {after: 1s, leak: {floor: 8MiB}%s}
"""
# Children that it does not wait for, and one that grows.
FAULTS = """
import subprocess, sys
children = [subprocess.Popen(["/bin/true"]) for _ in range(4)]
grows = "import time; kept = []\\nfor i in range(70): kept.append(bytearray(b'x' * 1048576)); time.sleep(0.1)\\nexit(1)"
sys.exit(subprocess.run([sys.executable, "-c", grows]).returncode)
"""


@functools.cache
def faulty(more=""):
    return collect(sys.executable, "-c", FAULTS, config=CONFIG % more, code=1)


def told(run):
    lines = merge(run.path, sink="jsonl:verdicts=true").splitlines()
    return [e for e in map(json.loads, lines) if e["event"] == "verdict"]


@needs_bpf
def test_verdicts_come_before_the_timeline(browser):  # noqa: F811
    expected = told(faulty())
    assert ("zombie", "proven") in [(v["kind"], v["certainty"]) for v in expected]  # on a loaded machine it may not leak fast enough
    page = Page(browser, write(faulty().path))

    entries = page.all("#verdicts li")
    assert [entry.find_element("css selector", ".pill").text for entry in entries] == [v["kind"] for v in expected]
    for entry, verdict in zip(entries, expected):
        assert verdict["evidence"] in entry.text and verdict["next"] in entry.text
        assert f"{verdict['certainty']} · since +" in entry.text
        assert verdict["refute"] not in entry.text
        entry.find_element("css selector", "summary").click()
        wait_for(lambda entry=entry, verdict=verdict: verdict["refute"] in entry.text, "it unfolds")
    assert page.one("#verdicts").rect["y"] < page.one("#time").rect["y"]
    assert page.js("return document.documentElement.scrollWidth <= window.innerWidth")

    entries[0].find_element("css selector", "button.link").click()
    wait_for(lambda: str(expected[0]["pid"]) in page.text("#detail"), "the process is shown")
    assert page.console() == []


@needs_bpf
def test_verdicts_are_marked_when_they_held(browser):  # noqa: F811
    page = Page(browser, write(faulty().path))
    drawn = page.pixels("#overview")
    spans = page.js("return Array.from(report.run.verdicts.kind.keys(), k => verdictSpan(report.run, k))")
    first = min(e["ts"] for e in merge(faulty().path))
    for verdict, (since, until) in zip(told(faulty()), spans):
        assert abs(verdict["since"] - first - since) < 1e6 and until >= since
    at = page.js("const [from, until] = arguments[0]; return report.overview.x((from + until) / 2)", spans[0])
    box = page.one("#overview").rect
    page.js("document.querySelector('#overview').scrollIntoView({block: 'center'})")
    page.settle()
    webdriver.ActionChains(browser).move_to_element_with_offset(
        page.one("#overview"), int(at - box["width"] / 2), int(20 - box["height"] / 2)).perform()
    page.settle()
    assert told(faulty())[0]["kind"] + ": " in page.text("#tip")
    page.js("for (const column of Object.keys(report.run.verdicts)) report.run.verdicts[column] = []; report.view.changed()")
    page.settle()
    bare = page.pixels("#overview")
    assert sum(drawn.get(pixel, 0) != bare.get(pixel, 0) for pixel in drawn) >= 2, "nothing is marked"


@needs_bpf
def test_what_is_muted_is_counted(browser):  # noqa: F811
    run = faulty(", ignore: [{kind: leak}, {kind: zombie}]")
    page = Page(browser, write(run.path))
    muted = re.search(r"[12] muted by verdicts\.ignore", merge(run.path, sink="summary"))[0]
    assert not page.all("#verdicts li") and muted in page.text("#verdicts")
    page = Page(browser, write(collect("true").path))
    assert not page.one("#verdicts").is_displayed()
