#!/bin/sh
# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs the named targets of the Makefile one after the other, stops at the first that fails, and closes with a table
# and one line of counts.

set -u

passed=0
failed=0
table=""

for stage in "$@"; do
    printf '\n=== %s ===\n' "$stage"
    started=$(date +%s)
    if "${MAKE:-make}" --no-print-directory "$stage"; then
        passed=$((passed + 1))
        outcome=passed
    else
        failed=$((failed + 1))
        outcome=FAILED
    fi
    table="$table$(printf '%-12s %-7s %4d s' "$stage" "$outcome" "$(($(date +%s) - started))")
"
    [ "$failed" -eq 0 ] || break
done

printf '\n=== result ===\n%s\n%d passed, %d failed\n' "$table" "$passed" "$failed"
[ "$failed" -eq 0 ]
