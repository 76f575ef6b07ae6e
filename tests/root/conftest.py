# SPDX-License-Identifier: BSD-2-Clause
"""Everything in this folder runs the real collector: without root and BPF it is skipped, with the reason."""
import harness
import pytest

WHY_NOT = harness.why_no_bpf()


@pytest.fixture(autouse=True, scope="session")
def needs_bpf():
    if WHY_NOT:
        pytest.skip(WHY_NOT)
