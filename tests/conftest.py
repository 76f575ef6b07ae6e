# SPDX-License-Identifier: BSD-2-Clause
"""What all python tests share: no test runs for ever."""
import signal

import pytest

LIMIT_S = 150


@pytest.fixture(autouse=True)
def limit():
    def too_long(*_):
        raise TimeoutError(f"the test took more than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
