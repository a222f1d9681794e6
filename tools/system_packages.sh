#!/bin/sh
# Sees to it that this machine has what Python and npm cannot bring: browser, driver, font, postgres, venv.
# As root on Debian or Ubuntu what is missing is installed; otherwise the command to type is printed, and this fails.
# usage: tools/system_packages.sh browser driver font postgres venv
set -eu

has_command() { command -v "$1" >/dev/null 2>&1; }

is_there() {
    case $1 in
        browser) has_command chromium || has_command chromium-browser || has_command google-chrome ;;
        # Playwright comes with a Node of its own, which needs this library.
        driver) ls /usr/lib/*/libatomic.so.1 /usr/lib*/libatomic.so.1 2>/dev/null | grep -q . ;;
        # Screens are drawn without a web font, so Chinese needs one from the system.
        font) has_command fc-list && [ -n "$(fc-list :lang=zh family | head -n 1)" ] ;;
        postgres) [ -n "${FIELDAPP_TEST_POSTGRES_URL:-}" ] || has_command initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ;;
        venv) "${PYTHON:-python3}" -c 'import ensurepip, venv' >/dev/null 2>&1 ;;
        *) echo "unknown: $1" >&2; exit 2 ;;
    esac
}

package_for() {
    case $1 in
        browser) echo chromium ;;
        driver) echo libatomic1 ;;
        font) echo fontconfig fonts-noto-cjk ;;
        postgres) echo postgresql ;;
        venv) echo "python$("${PYTHON:-python3}" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" ;;
    esac
}

packages=''
for thing in "$@"; do
    is_there "$thing" || packages="$packages $(package_for "$thing")"
done
[ -n "$packages" ] || exit 0

if [ "$(id -u)" = 0 ] && has_command apt-get; then
    echo "Installing from the system's packages:$packages"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of names
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
    for thing in "$@"; do
        is_there "$thing" || { echo "Still missing after installing: $thing" >&2; exit 1; }
    done
else
    echo "This machine lacks:$packages. Install it, then run the same command again:" >&2
    echo "    sudo apt-get install --no-install-recommends$packages" >&2
    echo "(or the packages of the same purpose on another system)" >&2
    exit 1
fi
