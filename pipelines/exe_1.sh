#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Wrapper around pipeline_1.sh, called and not exec'ed, so that the tree has one more level.
# What to see: exe_1.sh as the root, pipeline_1.sh as its child, the commands below; every status 0.
set -euo pipefail

"$(dirname "$0")/pipeline_1.sh" "$@"
