#!/bin/sh
# Brings the texts of fieldapp/ and templates/ into the .po files; new ones stand there empty, to be translated.
set -eu
cd "$(dirname "$0")/.."

found=$(mktemp)
trap 'rm -f "$found"' EXIT
pybabel --quiet extract --mapping-file pyproject.toml --keywords lazy_gettext --add-location file \
    --project fieldapp --omit-header --output-file "$found" fieldapp templates
for language in zh; do
    po=fieldapp/translations/$language/LC_MESSAGES/messages.po
    if [ -e "$po" ]; then
        # A guessed translation reads worse than none: new texts stay empty until someone writes them.
        pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 110 \
            --locale "$language" --input-file "$found" --output-file "$po"
    else
        pybabel --quiet init --width 110 --locale "$language" --input-file "$found" --output-file "$po"
    fi
    pybabel compile --statistics --locale "$language" --input-file "$po" --output-file "${po%.po}.mo"
done
