"""Every text of code and templates has its Chinese: none missing, none fuzzy, the same places to fill in.

Invariant: reads the sources as `make translations` does; prints one line per fault and ends with 1 when there is any.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "fieldapp" / "translations"


def extract() -> Catalog:
    """All texts found in fieldapp/ and templates/."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "messages.pot"
        options = [
            "--mapping-file",
            "pyproject.toml",
            "--keywords",
            "lazy_gettext",
            "--output-file",
            str(found),
        ]
        CommandLineInterface().run(["pybabel", "--quiet", "extract", *options, "fieldapp", "templates"])
        with found.open("rb") as file:
            return read_po(file)


def find_faults(texts: Catalog, path: Path) -> list[str]:
    """What is wrong in the .po file at `path`, one line per fault, in the order of the sources."""
    with path.open("rb") as file:
        translated = read_po(file, locale=path.parts[-3])
    faults = []
    for message in texts:
        if not message.id:
            continue  # the header
        found = translated.get(message.id, message.context)
        if found is None:
            faults.append(f"missing, run `make translations`: {message.id!r}")
        elif found.fuzzy:
            faults.append(f"fuzzy: {message.id!r}")
        elif not _is_complete(found):
            faults.append(f"not translated: {message.id!r}")
        else:
            faults += [f"{error}: {message.id!r}" for error in found.check(translated)]
    return faults


def _is_complete(message: Message) -> bool:
    strings = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
    return all(strings)


def main() -> int:
    """Check every language there is; gives the exit status."""
    texts = extract()
    files = sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))
    faults = [f"{path.relative_to(ROOT)}: {fault}" for path in files for fault in find_faults(texts, path)]
    if not files or not len(texts):
        faults.append(f"found {len(files)} languages and {len(texts)} texts: is this the right folder?")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
