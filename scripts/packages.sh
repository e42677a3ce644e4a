#!/bin/sh
# As root on Debian: installs what is missing of the programs that some cases need. Anywhere else it only says what is missing.
# Never fails: a run without them is smaller, not wrong.
set -u

PYTHON=${1:-python3}
missing=
waiting=

need() { # package, what waits for it
    missing="$missing $1"
    waiting="$waiting
  $1: $2"
}

command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 ||
    need chromium "the web kiosk (devices/web-kiosk.toml) and the tests marked 'browser'"
command -v certutil >/dev/null 2>&1 || need libnss3-tools "the web kiosk: its browser is told to trust the CA of the run"
command -v ip >/dev/null 2>&1 || need iproute2 "the tests marked 'netns' (device and bench on two networks)"
command -v fc-list >/dev/null 2>&1 && [ -n "$(fc-list :lang=zh family 2>/dev/null)" ] ||
    need fonts-noto-cjk "pictures of Chinese pages from a browser"
"$PYTHON" -c 'import ensurepip' >/dev/null 2>&1 || need python3-venv "the virtual environment"

[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "set-up: installing Debian packages:$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086  # the list is split on purpose
    if { apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing; } \
        >"$log" 2>&1 </dev/null; then
        rm -f "$log"
        exit 0
    fi
    echo "set-up: apt-get could not install them: $(tail -n 1 "$log")"
    rm -f "$log"
fi
echo "set-up: going on without these packages; what waits for them:$waiting"
exit 0
