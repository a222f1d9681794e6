#!/bin/sh
# Makes the virtual environment .venv with Python 3.11 or newer. One that exists and works is left alone.
set -eu
cd "$(dirname "$0")/.."

if .venv/bin/python -m pip --version >/dev/null 2>&1; then exit 0; fi

good='import sys; sys.exit(sys.version_info < (3, 11))'
for python in "${PYTHON:-}" python3 python3.11 python3.12 python3.13 python3.14; do
    if [ -n "$python" ] && command -v "$python" >/dev/null 2>&1 && "$python" -c "$good" 2>/dev/null; then
        PYTHON=$python tools/system_packages.sh venv
        rm -rf .venv
        exec "$python" -m venv .venv
    fi
done
echo "Python 3.11 or newer is needed. On Debian: sudo apt-get install python3 python3-venv" >&2
echo "If it is installed under another name: make PYTHON=/path/to/python3 …" >&2
exit 1
