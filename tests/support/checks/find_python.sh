#!/bin/sh
# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints the path of a Python that can run the project's tools: 3.11 or later, able to make virtual environments.
# Of a virtual environment, that is the Python it was made with: the environment itself may be about to be made anew.
# PYTHON=... is taken first, then what PATH has, then what pyenv has and PATH does not show.

set -u

check='
import sys
import ensurepip, ssl, venv
if sys.version_info < (3, 11):
    raise SystemExit(1)
print(sys._base_executable)
'

pyenv_candidates() {
    root=$(pyenv root 2>/dev/null) || return 0
    for version in 13 12 11; do
        for python in "$root"/versions/3."$version".*/bin/python3; do
            [ -x "$python" ] && printf '%s\n' "$python"
        done
    done
}

candidates="${PYTHON:-}
python3
python3.13
python3.12
python3.11
python3.14
python3.15
$(pyenv_candidates)"

printf '%s\n' "$candidates" | while IFS= read -r candidate; do
    [ -n "$candidate" ] || continue
    if found=$("$candidate" -c "$check" 2>/dev/null </dev/null); then
        printf '%s\n' "$found"
        break
    fi
done | grep . && exit 0

echo "No Python 3.11 or later with the venv and ensurepip modules was found; set PYTHON to the path of one." >&2
exit 1
