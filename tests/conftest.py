# SPDX-License-Identifier: BSD-2-Clause
"""What all python tests share: signals as a shell in the foreground has them, and no test runs for ever."""
import os
import signal

import pytest

LIMIT_S = 150

# Whoever started the tests may ignore or block some (a shell does with SIGINT for a background job): what the tests
# start would inherit that.
signal.pthread_sigmask(signal.SIG_SETMASK, set())
signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD:
    signal.signal(_number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def limit():
    def too_long(*_):
        raise TimeoutError(f"the test took more than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(name="unlimited")
def no_limit():
    signal.alarm(0)


# ---- real peers, by the marker `peer`: what `make check-peers` ends with ----

PEERS = {}  # the outcomes of each one's tests, and the reason of the last that was skipped


def pytest_configure(config):
    config.addinivalue_line("markers", "peer(name): needs this real peer")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    for marker in item.iter_markers("peer"):
        outcomes = PEERS.setdefault(marker.args[0], [set(), ""])
        if report.when == "call" or report.outcome != "passed":
            outcomes[0].add(report.outcome)
        if report.skipped:
            outcomes[1] = report.longrepr[2].removeprefix("Skipped: ")


def pytest_unconfigure():
    if not PEERS or "SLOW_PEERS" not in os.environ:
        return
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for name, (outcomes, reason) in sorted(PEERS.items()):
        outcome = "failed" if "failed" in outcomes else "passed" if "passed" in outcomes else "skipped"
        totals[outcome] += 1
        print({"passed": f"PASS: {name}", "failed": f"FAIL: {name}", "skipped": f"SKIP: {name}: {reason}"}[outcome])
    print(", ".join(f"{count} {outcome}" for outcome, count in totals.items()))
