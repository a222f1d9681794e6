#!/bin/sh
# Writes requirements*.txt and package-lock.json anew: what *.in and package.json ask for, exact, with hashes.
# Versions that still fit stay; `tools/lock.sh --upgrade` takes the newest ones instead.
set -eu
cd "$(dirname "$0")/.."

# The machine's own pip and npm settings (mirrors, folders) must not get into the lock files.
export PIP_CONFIG_FILE=/dev/null
unset PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS
# What the files say they were written by.
export CUSTOM_COMPILE_COMMAND='make lock'

for part in requirements requirements-dev requirements-node; do
    echo "$part.txt"
    pip-compile --quiet "$@" --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
        --no-emit-find-links --no-emit-trusted-host --output-file "$part.txt" "$part.in"
done
# What the benchmarks compare with stays the versions named there, until someone names others.
for folder in . benchmarks; do
    echo "$folder/package-lock.json"
    case "${1:-}$folder" in
        --upgrade.) npm update --save --ignore-scripts --no-audit --no-fund ;;
        *) npm install --prefix "$folder" --package-lock-only --ignore-scripts --no-audit --no-fund ;;
    esac
done
