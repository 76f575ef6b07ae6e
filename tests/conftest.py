# SPDX-License-Identifier: BSD-2-Clause
"""What all python tests share: signals as a shell in the foreground has them, and no test runs for ever."""
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
