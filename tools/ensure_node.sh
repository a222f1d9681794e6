#!/bin/sh
# Sees to it that node and npm exist: those of the system when new enough, else Node from PyPI in the virtual environment.
set -eu
cd "$(dirname "$0")/.."

new_enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
if command -v npm >/dev/null 2>&1 && node -e "$new_enough" 2>/dev/null; then exit 0; fi
echo "No Node 20.19 or newer here: installing it from PyPI into .venv"
exec .venv/bin/python -m pip install --quiet --require-hashes -r requirements-node.txt
