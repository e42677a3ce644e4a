#!/bin/sh
# Makes the virtual environment and installs the bench into it. Called by make; PYTHON and VENV come from there.
set -eu

PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv}
LOG=$VENV/set-up.log

sh scripts/packages.sh "$PYTHON"

"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "set-up: $PYTHON is missing or older than Python 3.11; name another one: make PYTHON=python3.11 ..." >&2
    exit 1
}

"$PYTHON" -m venv "$VENV" || {
    echo "set-up: no virtual environment could be made (Debian: apt-get install python3-venv)" >&2
    exit 1
}

install() {
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt "$@" >"$LOG" 2>&1
}

echo "set-up: installing into $VENV (once; takes a minute or two)"
install -e '.[dev]' || {
    tail -n 20 "$LOG" >&2
    echo "set-up: pip could not install the bench; the whole log is in $LOG" >&2
    exit 1
}

second=$("$VENV/bin/python" -c 'import sys
print("yes" if sys.platform == "linux" and sys.version_info[:2] == (3, 11) and sys.implementation.name == "cpython" else "no")')
if [ "$second" = no ]; then
    echo "set-up: no second WebRTC stack (wheels exist for CPython 3.11 on Linux only): the reference device uses the clerk's own stack"
elif ! install -e '.[dev,libwebrtc]'; then
    echo "set-up: the second WebRTC stack could not be installed: the reference device uses the clerk's own stack"
fi
