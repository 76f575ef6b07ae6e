# SPDX-License-Identifier: BSD-2-Clause
"""sinks/report: pages of real and made-up runs, opened from disk in a real Chromium."""
import base64
import functools
import hashlib
import os
import pty
import re
import shutil
import subprocess
import time

import pytest
from harness import SRC, collect, made_run, merge, new_folder, stage, why_no_bpf

webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium: tests/setup sinks-test")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

pytestmark = pytest.mark.skipif(not shutil.which("chromedriver"), reason="no chromedriver: tests/setup sinks-test")
needs_bpf = pytest.mark.skipif(bool(why_no_bpf()), reason=str(why_no_bpf()))

HOSTILE = [b"</script><img src=x onerror=window.hacked=1>", b"<svg/onload=window.hacked=1>", b"a\xe2\x80\xa8b\xe2\x80\xaec",
           b"\xff\xfe\xc0\xaf", b"it's \"quoted\" \\ $(touch hacked) `x` !", b"new\nline\ttab\x1b[2J", b"", b"javascript:window.hacked=1",
           "naïve 名".encode(), b"-->]]>{{data}}"]


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1600",
                     f"--user-data-dir={new_folder(0o700)}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_page_load_timeout(90)
    yield driver
    driver.quit()


class Page:
    """A report in the browser."""

    def __init__(self, browser, path):
        self.browser, self.path = browser, path
        self.said = []
        begin = time.monotonic()
        browser.get(path.as_uri())
        while not self.js("return document.documentElement.dataset.ready"):
            assert time.monotonic() < begin + 60, self.console() or self.text("body")
            time.sleep(0.01)
        self.seconds = time.monotonic() - begin

    def js(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.one(selector).text

    def console(self):
        """What it said, but for what reading its pixels makes the browser say."""
        self.said += [entry["message"] for entry in self.browser.get_log("browser") if "getImageData" not in entry["message"]]
        return self.said

    def settle(self):
        """Until what was asked for is drawn."""
        self.browser.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))")

    def view(self):
        return self.js("return [report.view.from, report.view.to]")

    def pixels(self, selector):
        """How many pixels of a canvas have each colour."""
        return dict(self.js("""
            const canvas = document.querySelector(arguments[0]), counts = new Map();
            const data = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
            for (const pixel of data)
                counts.set(pixel, (counts.get(pixel) || 0) + 1);
            return [...counts].map(([pixel, count]) => [String(pixel), count]);""", selector))

    def open_tab(self, name):
        next(tab for tab in self.all("#tabs button") if tab.text.startswith(name)).click()

    def column(self, k):
        return [cell.text for cell in self.all(f"#panel tbody tr:not(.spacer) > :nth-child({k})")]

    def wheel(self, selector, delta, modifiers):
        box = self.one(selector).rect
        top = self.js("return scrollY")
        self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", {
            "type": "mouseWheel", "x": box["x"] + box["width"] * 0.6, "y": box["y"] - top + 20,
            "deltaX": 0, "deltaY": delta, "modifiers": modifiers})
        self.settle()


def write(*runs, options=""):
    path = new_folder() / "run.html"
    merge(*runs, options=["-o", path], sink=f"report{options}")
    return path


@functools.cache
def recorded():
    """A run of every kind of end, and what the events say of it."""
    script = """
        sleep 0.3 & (exit 3) || true
        /bin/false | cat
        sh -c 'kill -9 $$' || true
        "$@" || true
        wait"""
    return collect("sh", "-c", script, "sh", "/bin/echo", *(os.fsdecode(argument) for argument in HOSTILE))


@functools.cache
def recorded_page():
    return write(recorded().path)


@functools.cache
def made_page(processes, options=""):
    return write(made_run(processes)[0], options=options)


# ---- the file ----


@needs_bpf
def test_it_needs_nothing_but_itself_and_may_run_nothing_else():
    page = recorded_page().read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page).group(1)
    allowed = set(re.findall(r"'(sha256-[^']*)'", policy))
    own = [text for head, text in re.findall(r"<(script[^>]*|style)>(.*?)</(?:script|style)>", page, re.S) if "type=" not in head]

    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    assert len(own) >= 7
    for text in own:
        assert "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in allowed
    outside = re.sub(r"<(script|style).*?</\1>|<!--.*?-->", "", page, flags=re.S)
    assert re.findall(r'(?:src|href)="?([^"]*)', outside) == ["#tables"]


@needs_bpf
def test_it_opens_from_disk_without_a_word(browser):
    page = Page(browser, write(collect("sh", "-c", "sleep 0.1; true & wait", options=["-n", "three"]).path))

    assert page.text("h1") == "three" and "three" in browser.title
    assert "exit 0" in page.text("#head") and "3" in page.text("#head")
    assert page.js("return performance.getEntriesByType('resource').length") == 0
    assert page.console() == []
    assert len(page.pixels("#bars")) > 4, "nothing is drawn"


@needs_bpf
def test_strings_of_strangers_stay_text(browser):
    page = Page(browser, recorded_page())

    page.one("#search").send_keys("onerror")
    page.settle()
    assert page.text("#matches") == "3 matches"  # the shell that was given them, its subshell, echo
    page.one("#matches").click()
    row = next(row for row in page.all("#panel tbody tr[tabindex]") if row.text.startswith("echo"))
    assert "<img src=x onerror" in row.text
    row.click()
    command = page.js("return document.querySelector('#detail pre').textContent")
    assert not re.search("[\x00-\x1f\x7f\u2028\u202e\ufffd]", command), "invisible characters"
    assert r"\u202e" in command and r"\xff\xfe" in command

    again = subprocess.run(["bash", "-c", "printf '%s\\0' " + command], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert again.stdout.split(b"\0")[1:-1] == HOSTILE
    for name in ("Processes", "Failed"):
        page.open_tab(name)
    assert page.js("return window.hacked === undefined")
    assert not page.all("img") and not page.all("svg")
    assert page.console() == []


@needs_bpf
def test_a_script_that_got_in_would_not_run(browser):
    page = Page(browser, recorded_page())
    page.js("const s = document.createElement('script'); s.textContent = 'window.hacked = 1'; document.body.append(s);"
            "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 1\">')")
    page.settle()
    assert page.js("return window.hacked === undefined")
    assert any("Content Security Policy" in line for line in page.console())


# ---- what it shows ----


@needs_bpf
def test_failures_come_first_with_who_hides_them(browser):
    run = collect(SRC / "pipelines/faulty/pipe_hides_failure.sh", "kill")
    page = Page(browser, write(run.path))
    order = page.js("return [...document.querySelectorAll('main > section:not([hidden])')].map(s => s.id)")

    assert order[0] == "failures"
    assert "but 1 failure is hidden" in page.text("#head")
    entry = page.text("#failures li")
    assert "SIGKILL" in entry and "awk" in entry and "pipe_hides_failure.sh kill ended 0" in entry
    victim = next(end for end in run.of("lifecycle.exit") if end["signal"] == 9)
    page.one("#failures li button").click()
    assert str(victim["pid"]) in page.text("#detail dl") and "SIGKILL" in page.text("#detail")
    assert "ended 0 all the same" in page.text("#detail .alert")
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not page.one("#detail").is_displayed()
    page.open_tab("Steps")
    hidden = dict(zip(page.column(1), page.column(4)))
    assert hidden["awk"] == "1" and hidden["seq"] == "0"  # though the script that hides it is of another
    page.open_tab("Hidden failures")
    assert len(page.column(1)) == 1 and "pipe_hides_failure" in page.column(2)[0]


@needs_bpf
def test_the_figures_are_those_of_the_events(browser):
    page, run = Page(browser, recorded_page()), recorded()
    cpu = {(end["pid"], end["start"]): end["cpu_ns"] for end in run.events if end["stream"] == "cpu" and end["event"] == "exit"}
    shown = page.js("const {pid, cpu, exit_code, signal, flags} = report.run.rows; return Array.from(pid, (p, i) => [p, cpu[i], exit_code[i], signal[i], flags[i]])")

    by_pid = {}
    for pid, used, *_ in shown:
        by_pid[pid] = by_pid.get(pid, 0) + max(0, used)
    assert by_pid == {pid: used for (pid, _), used in cpu.items()}
    ends = {end["pid"]: (end["exit_code"], end["signal"]) for end in run.of("lifecycle.exit")}
    for pid, _, code, signal, flags in shown:
        if flags & 2:  # the last program of its process
            assert (None if code < 0 else code, None if signal < 0 else signal) == ends[pid]


@needs_bpf
def test_what_is_missing_is_said_with_the_reason(browser):
    config = "probes:\n  lifecycle: {}\n  cpu: {}\n"
    page = Page(browser, write(collect("sleep", "0.1", config=config).path))

    page.open_tab("Processes")
    page.one("#panel tbody tr[tabindex]").click()
    assert "not known: its probe was switched off" in page.text("#detail dl")
    assert "peak memory is not known for 1 of 1: its probe was switched off" in page.text("#foot")


@needs_bpf
def test_losses_are_shown(browser):
    broken = new_folder() / "run"
    shutil.copytree(recorded().path, broken)
    with open(broken / "lifecycle.msgpack", "r+b") as file:
        file.truncate(os.path.getsize(broken / "lifecycle.msgpack") - 40)
    page = Page(browser, write(broken))

    assert "The record is not complete" in page.text("#losses")
    assert "lifecycle" in page.text("#losses li")


# ---- using it: 100,000 processes ----

MANY = 100000


@pytest.fixture(scope="module")
def many(browser):
    page = Page(browser, made_page(MANY))
    page.js("window.scrollTo(0, document.querySelector('#time').offsetTop)")
    return page


def test_a_hundred_thousand_open_and_draw_soon(many):
    many.js("report.view.set(0, report.view.until)")
    many.settle()
    all_ms = many.js("return report.timeline.drawMs")
    many.js("report.view.set(report.view.until * 0.4, report.view.until * 0.5)")
    many.settle()
    zoomed_ms = many.js("return report.timeline.drawMs")
    assert many.console() == []
    print(f"open {many.seconds:.2f} s, all drawn in {all_ms:.0f} ms, a tenth in {zoomed_ms:.0f} ms, {many.path.stat().st_size / 1e6:.1f} MB")

    assert many.seconds < 20 and zoomed_ms < 500  # a machine that others share; the benchmark has the figures
    assert many.path.stat().st_size < 10e6
    many.js("report.view.set(0, report.view.until)")
    many.settle()
    drawn = many.pixels("#bars")
    assert len(drawn) > 8 and sum(drawn.values()) - max(drawn.values()) > 0.2 * sum(drawn.values()), "a blank timeline"


def test_totals_are_those_of_the_run(many):
    totals = made_run(MANY)[1]

    assert f"{totals['processes']:,}" in many.text("#head")
    assert many.js("return report.run.runs.cpu_value[0]") == totals["cpu_ns"]
    assert sum(many.js("return Array.from(report.run.commands.cpu)")) == totals["cpu_ns"]


def test_wheel_keys_and_drag_zoom_and_move(many):
    many.js("report.view.set(0, report.view.until)")
    many.settle()
    all_of_it, before = many.view(), many.pixels("#bars")

    many.wheel("#lanes", -300, modifiers=2)
    near = many.view()
    assert near[1] - near[0] < 0.6 * (all_of_it[1] - all_of_it[0])
    assert many.pixels("#bars") != before
    for scale in many.js("return report.curves.plots.map(p => [p.scales.x.min, p.scales.x.max])"):
        assert scale == pytest.approx(near), "the curves show another time"

    lanes = many.one("#lanes")
    many.js("arguments[0].focus()", lanes)
    lanes.send_keys(Keys.ARROW_RIGHT)
    many.settle()
    assert many.view()[0] > near[0]
    lanes.send_keys("+")
    many.settle()
    assert many.view()[1] - many.view()[0] < near[1] - near[0]
    before = many.view()
    actions = webdriver.ActionChains(many.browser)
    actions.move_to_element_with_offset(many.one("#bars"), 200, 0).click_and_hold().move_by_offset(-150, 0).release().perform()
    many.settle()
    assert many.view()[0] > before[0]
    lanes.send_keys("0")
    many.settle()
    assert many.view() == all_of_it


def test_search_finds_and_marks(many):
    events = merge(made_run(MANY)[0], options=["-e", "exec"])
    wanted = sum("samtools index" in " ".join(event["args"]) for event in events)
    found = many.js("return getComputedStyle(document.documentElement).getPropertyValue('--found')").strip().lstrip("#")
    colour = str(int("ff" + "".join(reversed(re.findall("..", found))), 16))

    assert colour not in many.pixels("#bars")
    many.one("#search").send_keys("samtools index")
    deadline = time.monotonic() + 30
    while many.text("#matches") != f"{wanted:,} matches":
        assert time.monotonic() < deadline, many.text("#matches")
        time.sleep(0.05)
    assert many.pixels("#bars")[colour] > 1000
    many.one("#matches").click()
    assert all("samtools index" in text for text in many.column(1))
    many.one("#search").clear()


def test_tables_sort_and_filter(many):
    began, lengths = {}, []
    for event in merge(made_run(MANY)[0], options=["-e", "lifecycle.exec", "-e", "lifecycle.exit"]):
        process = event["pid"], event["start"]
        if event["event"] == "exec":
            began[process] = event["start"]
        else:
            lengths.append(event["ts"] - began[process])
    lengths.sort(reverse=True)

    many.open_tab("Processes")
    many.one("#filter").clear()
    many.one("#filter").send_keys(Keys.SPACE, Keys.BACKSPACE)
    rows = many.js("const table = report.tabs.table; return [table.rows.length, Array.from(table.rows.slice(0, 5), i => report.run.rows.wall[i])]")
    assert rows[0] == len(lengths)
    assert rows[1] == lengths[:5]
    head = next(head for head in many.all("#panel thead th") if head.text.startswith("wall"))
    assert head.get_attribute("aria-sort") == "descending"
    head.find_element(By.TAG_NAME, "button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert many.js("return report.run.rows.wall[report.tabs.table.rows[0]]") == lengths[-1]
    assert len(many.all("#panel tbody tr")) < 80, "not only the rows in sight are there"

    many.one("#filter").send_keys("oom")
    assert many.text("#shown") == f"{made_run(MANY)[1]['oom']} of {len(lengths):,}"
    assert set(many.column(2)) <= {"OOM", "OOM◤"}
    many.js("arguments[0].focus()", many.one("#panel tbody tr[tabindex='0']"))
    many.browser.switch_to.active_element.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    assert "out of memory" in many.text("#detail")
    many.js("report.detail.close()")
    many.one("#filter").clear()


def test_a_click_on_a_bar_shows_its_process(many):
    many.js("report.view.set(0, report.view.until); report.timeline.stretch(14, 0); report.timeline.box.scrollTop = 0")
    many.settle()
    x, y, row = many.js("""
        const t = report.timeline, {began} = report.run.rows;
        for (let i = 0; i < report.run.count; i++) {
            const lane = t.layout.laneOf[i], y = t.laneY(t.groupOf(lane), lane) + 5, x = (t.x(began[i]) + t.x(report.run.ends[i])) / 2;
            if (t.x(report.run.ends[i]) - t.x(began[i]) > 6 && y > 0 && y < 200 && x < t.width && i)
                return [x, y, i];
        }""")
    box = many.one("#bars").rect
    actions = webdriver.ActionChains(many.browser)
    actions.move_to_element_with_offset(many.one("#bars"), int(x - box["width"] / 2), int(y - box["height"] / 2)).perform()
    many.settle()
    assert many.one("#tip").is_displayed()
    actions.click().perform()
    assert many.js("return report.timeline.selected") == row
    assert str(many.js("return report.run.rows.pid[arguments[0]]", row)) in many.text("#detail dl")
    many.js("report.detail.close()")


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(many, scheme):
    many.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    many.settle()
    page = luminance(many.js("return getComputedStyle(document.body).backgroundColor"))

    assert (page < 0.1) == (scheme == "dark")
    for selector in ("h1", ".note", ".pill.killed", ".bad", "#tabs button", "thead button"):
        text = luminance(many.js("return getComputedStyle(document.querySelector(arguments[0])).color", selector))
        assert (max(page, text) + 0.05) / (min(page, text) + 0.05) >= 4.5, selector
    assert len(many.pixels("#bars")) > 8
    many.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_prints(many):
    pdf = base64.b64decode(many.browser.execute_cdp_cmd("Page.printToPDF", {})["data"])

    assert pdf.startswith(b"%PDF") and len(pdf) > 50000
    many.js("window.dispatchEvent(new Event('beforeprint'))")
    assert "Commands" in many.js("return document.querySelector('#printed').textContent")
    many.js("window.dispatchEvent(new Event('afterprint'))")


def test_the_curves_hold_all_the_cpu_time(many):
    """Not more and not less, but for what rounding to 4,095 levels takes."""
    total = made_run(MANY)[1]["cpu_ns"]

    for kind in ("step", "command"):
        shown = many.js("""
            report.curves.regroup(arguments[0]);
            const {levels, unit, slice} = report.curves;
            return levels.cpu.reduce((sum, level) => sum + level, 0) * unit.cpu * slice;""", kind)
        assert shown == pytest.approx(total, rel=0.01)


# ---- limits ----


def test_what_is_left_out_is_counted_and_said(browser):
    page = Page(browser, made_page(20000, ":processes=1000"))
    totals = made_run(20000)[1]

    assert page.js("return report.run.count") == 1000
    assert f"{totals['processes'] - 1000:,} programs that took at most" in page.text("#table-note")
    assert sum(page.js("return Array.from(report.run.commands.rows)")) == totals["processes"]
    assert sum(page.js("return Array.from(report.run.commands.cpu)")) == totals["cpu_ns"]
    bad = totals["failed"] + totals["killed"] + totals["oom"]
    assert page.js("return Array.from(report.run.rows.outcome).filter(o => o >= 2 && o <= 4).length") >= bad


def test_memory_is_bounded(tmp_path):
    peaks = []
    for processes in (20000, MANY):
        line = [stage() / "collector-merge", "-q", "--plugin-dir", stage(), "-s", "report:processes=1000", "-o", tmp_path / "run.html",
                made_run(processes)[0]]
        child = subprocess.Popen(line)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0
        peaks.append(usage.ru_maxrss)
    assert peaks[1] < peaks[0] + 10240, f"{peaks} KiB"


def test_without_uplot_it_says_so(browser):
    whole = made_page(20000, ":processes=1000")
    bare = new_folder() / "bare.html"
    bare.write_text(re.sub(r"<script>[^<]{0,90}uPlot.*?</script>", "", whole.read_text(), count=1, flags=re.S))
    page = Page(browser, bare)

    assert "built without uPlot" in page.text("#curve-note")
    assert page.console() == []
    assert len(page.pixels("#bars")) > 8


def test_a_terminal_is_told_what_to_do():
    ours, theirs = pty.openpty()
    done = subprocess.run([stage() / "collector-merge", "-q", "--plugin-dir", stage(), "-s", "report", made_run(20000)[0]],
                          stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"add -o run.html" in done.stderr
