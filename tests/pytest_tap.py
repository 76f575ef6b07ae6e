# SPDX-License-Identifier: BSD-2-Clause
"""Runs one file of pytest's tests and prints TAP for automake: pytest_tap.py FILE [PYTEST-OPTION]..."""
import os
import sys

sys.dont_write_bytecode = True  # the source folder may be read-only
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"

import pytest  # noqa: E402

TESTS = os.path.dirname(os.path.abspath(__file__))


class Tap:
    """Turns pytest's reports into lines of TAP, on the stdout we were started with."""

    def __init__(self):
        self.out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # pytest's own report goes nowhere
        self.number = 0
        self.bad = set()

    def line(self, text, detail=""):
        print(text, file=self.out)
        for line in detail.splitlines():
            print("#", line, file=self.out)

    def pytest_collectreport(self, report):
        if report.failed:
            self.line("Bail out! cannot collect " + report.nodeid, str(report.longrepr))
            os._exit(0)
        if report.skipped:
            self.line("1..0 # SKIP " + report.longrepr[2])

    def pytest_collection_finish(self, session):
        if session.items:
            self.line(f"1..{len(session.items)}")

    def pytest_runtest_logreport(self, report):
        """A test has three reports: setup, call (only if setup was right), teardown."""
        name = report.nodeid.partition("::")[2].replace("#", "_")
        if report.failed and name not in self.bad:
            self.bad.add(name)
            detail = "\n".join([report.longreprtext] + [f"--- {k}\n{v}" for k, v in report.sections])
            self.number += report.when != "teardown"
            # automake counts a second line of the same number as a failure: so is a teardown that fails
            self.line(f"not ok {self.number} - {name} ({report.when})", detail)
        elif report.skipped:
            self.number += 1
            self.line(f"ok {self.number} - {name} # SKIP {report.longrepr[2].removeprefix('Skipped: ')}")
        elif report.passed and report.when == "call":
            self.number += 1
            self.line(f"ok {self.number} - {name} ({report.duration:.1f} s)")


def main():
    options = ["-c", os.devnull, "--rootdir", TESTS, "--confcutdir", TESTS]
    options += ["-p", "no:cacheprovider", "--tb=short"]
    pytest.main([*options, *sys.argv[1:]], plugins=[Tap()])


if __name__ == "__main__":
    main()
