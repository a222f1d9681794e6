"""What the sheets alone show to be wrong, all of it at once: pyxform stops at its first fault.

Invariant: each fault is noted by row and then mended in the rows, so that the compiler goes on and finds the others.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _

from fieldapp.checklists.compiler.attached import AttachedList
from fieldapp.checklists.compiler.question_types import SELECTS, Written, unsupported
from fieldapp.checklists.compiler.spelling import EXTERNAL, MEDIA, REFERENCE, YES, Source, base
from fieldapp.checklists.compiler.workbook import Row
from fieldapp.checklists.rules import UNASKED

NAME = re.compile(r"[^\W\d][\w.\-]*")
_FILE_OR_LIST = re.compile(r"\b(pulldata|instance)\s*\(\s*['\"‘’“”]([^'\"‘’“”]{1,200})['\"‘’“”]")
_PARAMETERS = {
    "range": {"start", "end", "step", "tick_interval", "placeholder", "tick_labelset"},
    "select_one": {"randomize", "seed", "value", "label"},
    "select_multiple": {"randomize", "seed", "value", "label"},
    "rank": {"randomize", "seed"},
    "text": {"rows"},
    "image": {"max-pixels", "app"},
    "audio": {"quality"},
    "geopoint": {"capture-accuracy", "warning-accuracy", "allow-mock-accuracy"},
}
_RANGE = {"start": "1", "end": "10", "step": "1"}
# Parameters of the others that change what the phone does.
_KEPT = {"max-pixels", "rows", "value", "label", "capture-accuracy", "warning-accuracy"}
_REFUSED_APPEARANCES = {
    "annotate", "bearing", "image-map", "placement-map", "ethiopian", "coptic", "islamic", "bikram-sambat",
    "myanmar", "persian", "buddhist",
}  # fmt: skip
_REFUSED_CALLS = ("search(", "ex:", "printer:")


def check_sheets(source: Source, attached: dict[str, AttachedList]) -> None:
    """Note and mend what is wrong in the rows of survey and choices."""
    _Choices(source).check()
    _Survey(source, attached).check()


class _Choices:
    def __init__(self, source: Source) -> None:
        self.source = source
        # In the answer to these, a space stands between two choices.
        self.spaced = {
            said.list_name for said in source.types.values() if said.type in SELECTS - {"select_one"}
        }

    def refuse(self, row: int, column: str, reason: str, instead: str = "") -> None:
        self.source.refuse("choices", row, column, reason, instead)

    def check(self) -> None:
        allowed = self.source.settings.get("allow_choice_duplicates", "").lower() in YES
        seen: dict[tuple[str, ...], list[int]] = {}
        for number, row in list(self.source.choices.items()):
            if not self.named(number, row):
                del self.source.choices[number]
                continue
            key: tuple[str, ...] = (row["list_name"], row["name"])
            if number > EXTERNAL:
                # Every question with such a list has a filter: counties of two states may have one name.
                key += tuple(sorted(f"{column}={row[column]}" for column in row if base(column) != "label"))
            rows = seen.setdefault(key, [])
            rows.append(number)
            if len(rows) > 1 and not allowed:
                del self.source.choices[number]
        for (list_name, name, *_filters), rows in seen.items():
            if len(rows) > 1 and not allowed:
                for number in rows[1:]:
                    others = ", ".join(str(other % EXTERNAL) for other in rows if other != number)
                    self.refuse(
                        number,
                        "name",
                        _("the list %(list)s has the name %(name)s also in row %(rows)s",
                          list=list_name, name=name, rows=others),
                        _("give each choice a name of its own, or write allow_choice_duplicates yes in settings"),
                    )  # fmt: skip

    def named(self, number: int, row: Row) -> bool:
        has_label = any(base(column) == "label" for column in row)
        if not row.keys() & {"list_name", "name"}:
            return False
        if "list_name" not in row:
            if has_label:
                self.refuse(number, "list_name", _("the choice belongs to no list"), _("fill in list_name"))
            return False
        if "name" not in row:
            if has_label:
                self.refuse(number, "name", _("the choice has no name"), _("a short word without spaces"))
            return False
        if re.search(r"\s", row["name"]) and row["list_name"] in self.spaced:
            joined = "_".join(row["name"].split())
            self.refuse(
                number,
                "name",
                _("the name of a choice has a space in it: %(name)s", name=row["name"][:60]),
                joined[:60],
            )
            row["name"] = joined
        return True


class _Survey:
    def __init__(self, source: Source, attached: dict[str, AttachedList]) -> None:
        self.source = source
        self.attached = attached
        self.lists = {row["list_name"] for row in source.choices.values()}
        self.paths: dict[str, list[str]] = {}

    def refuse(self, row: int, column: str, reason: str, instead: str = "") -> None:
        self.source.refuse("survey", row, column, reason, instead)

    def check(self) -> None:
        self.sections()
        for number, row in list(self.source.survey.items()):
            said = self.source.types[number]
            if said.ends:
                continue
            self.type(number, row)
            said = self.source.types[number]
            self.appearance(number, row)
            if not said.begins:
                self.parameters(number, row, said)
                self.question(number, row, said)
            row["type"] = _spelt(said)
        self.references()

    # groups and names

    def sections(self) -> None:
        """Groups closed in order, and every name fit and its own in its group."""
        open_rows: list[int] = []
        names: list[dict[str, int]] = [{}]
        repeats: dict[str, int] = {}
        for number, row in list(self.source.survey.items()):
            said = self.source.types[number]
            if said.ends:
                row["type"] = said.type
                if not open_rows or self.source.types[open_rows[-1]].begins != said.ends:
                    expected = f"end_{self.source.types[open_rows[-1]].begins}" if open_rows else ""
                    self.refuse(
                        number,
                        "type",
                        _("nothing that was begun ends here: %(type)s", type=said.type),
                        _("%(type)s, for the row %(row)s", type=expected, row=open_rows[-1])
                        if expected
                        else _("delete the row"),
                    )
                    if not open_rows:
                        del self.source.survey[number]
                        continue
                    row["type"] = expected
                open_rows.pop()
                names.pop()
                continue
            self.name(number, row, said, names[-1], open_rows)
            if said.begins == "repeat":
                other = repeats.setdefault(row["name"], number)
                if other != number:
                    self.refuse(
                        number,
                        "name",
                        _(
                            "another repeat is called %(name)s too, in row %(row)s",
                            name=row["name"],
                            row=other,
                        ),
                        f"{row['name']}_2",
                    )
                    row["name"] = f"{row['name']}_{number}"
            if said.begins:
                open_rows.append(number)
                names.append({})
        last = max(self.source.survey, default=1)
        for place, number in enumerate(reversed(open_rows), start=1):
            kind = self.source.types[number].begins
            self.refuse(
                number,
                "type",
                _("what begins here does not end: %(name)s", name=self.source.survey[number]["name"]),
                f"end_{kind}",
            )
            self.source.survey[last + place] = {"type": f"end_{kind}"}
            self.source.types[last + place] = Written(f"end_{kind}")

    def name(self, number: int, row: Row, said: Written, siblings: dict[str, int], around: list[int]) -> None:
        name = row.get("name", "")
        if not name:
            if said.type != "note":
                self.refuse(number, "name", _("the row has no name"), _("a short word without spaces"))
            row["name"] = name = f"row_{number}"
        if not NAME.fullmatch(name):
            fit = "_".join(re.findall(r"[\w.\-]+", name)) or f"row_{number}"
            fit = fit if NAME.match(fit) else f"q_{fit}"
            self.refuse(
                number,
                "name",
                _("%(name)s is no name: only letters, digits, _ - . and no digit first", name=name[:60]),
                fit[:60],
            )
            row["name"] = name = fit
        if name == "meta":
            self.refuse(number, "name", _("the name meta is kept for the form itself"), "about")
            row["name"] = name = f"meta_{number}"
        if said.or_other:
            added = siblings.setdefault(f"{name}_other", -number)
            if added != -number:
                self.asks_for_other(number, f"{name}_other", abs(added))
                self.source.types[number] = Written(said.type, said.list_name)
        other = siblings.setdefault(name, number)
        if other < 0:
            self.asks_for_other(number, name, number)
            row["name"] = f"{name}_{number}"
            return
        if other != number:
            self.refuse(
                number,
                "name",
                _("the row %(row)s of the same group is called %(name)s too", row=other, name=name),
                f"{name}_2",
            )
            row["name"] = f"{name}_{number}"
            return
        path = "/".join(["/data", *(self.source.survey[place]["name"] for place in around), name])
        self.paths.setdefault(name, []).append(path)

    def asks_for_other(self, number: int, name: str, row: int) -> None:
        self.refuse(
            number,
            "name" if row == number else "type",
            _("or_other asks a question %(name)s of its own", name=name),
            _("rename or delete the row %(row)s", row=row),
        )

    # types

    def type(self, number: int, row: Row) -> None:
        said = self.source.types[number]
        if not said.supported:
            self.source.problems.add(unsupported(number, row["type"]))
            self.source.types[number] = Written("text")
            for column in ("parameters", "choice_filter", "appearance"):
                row.pop(column, None)
            if not self.says(row):
                row["label"] = "-"
        elif said.from_file:
            self.from_file(number, row, said)
        elif said.type in SELECTS and said.list_name not in self.lists:
            self.no_list(number, row, said)
        if said.or_other and row.get("choice_filter"):
            self.refuse(
                number,
                "choice_filter",
                _("or_other and choice_filter do not go together"),
                _("write the other answer into the choices"),
            )
            del row["choice_filter"]

    def from_file(self, number: int, row: Row, said: Written) -> None:
        stem, _dot, ending = said.list_name.rpartition(".")
        if ending.lower() != "csv":
            self.refuse(
                number,
                "type",
                _("choices from the file %(name)s are not supported", name=said.list_name),
                f"{stem}.csv",
            )
        elif stem not in self.attached:
            self.missing_file(number, "type", f"{stem}.csv")
        elif stem in self.lists:
            self.refuse(
                number,
                "type",
                _("the choices sheet has a list %(name)s too", name=stem),
                _("rename the file or the list"),
            )
        elif said.or_other:
            self.refuse(
                number, "type", _("or_other does not go with a file"), _("write the answer into the file")
            )
        else:
            self.source.types[number] = Written(said.type, f"{stem}.csv")
            return
        self.stand_in(number, row, said)

    def missing_file(self, number: int, column: str, name: str) -> None:
        self.refuse(
            number, column, _("the file %(name)s is missing", name=name), _("hand it in with the workbook")
        )

    def no_list(self, number: int, row: Row, said: Written) -> None:
        if "${" in said.list_name:
            reason, instead = _("choices from answers given before are not supported"), "select_one …"
        elif not said.list_name:
            reason, instead = _("the type names no list of choices"), f"{said.type} …"
        else:
            folded = said.list_name.lower()
            close = next((name for name in sorted(self.lists) if name.lower() == folded), "")
            reason = _("the choices sheet has no list %(name)s", name=said.list_name)
            if not self.lists:
                reason = _("there is no sheet choices, or nothing in it")
            instead = f"{said.type} {close}" if close else _("add its choices, with this list_name")
        self.refuse(number, "type", reason, instead)
        self.stand_in(number, row, said)

    def stand_in(self, number: int, row: Row, said: Written) -> None:
        """A list for a question whose own cannot be had, so that the rest of it is read."""
        name = f"missing_{number}"
        self.source.choices[-number] = {"list_name": name, "name": "a", "label": "a"}
        self.source.types[number] = Written(said.type, name)
        for column in ("choice_filter", "parameters", "default"):
            row.pop(column, None)

    def appearance(self, number: int, row: Row) -> None:
        words = row.get("appearance", "").split()
        wrong = next(
            (word for word in words if word in _REFUSED_APPEARANCES or word.startswith(_REFUSED_CALLS)), ""
        )
        if not wrong:
            return
        instead = _("leave it empty")
        if wrong.startswith("search("):
            instead = _("select_one_from_file and the file as CSV")
        elif wrong == "annotate":
            instead = "draw"
        self.refuse(number, "appearance", _("the appearance %(name)s is not supported", name=wrong), instead)
        del row["appearance"]

    # questions

    def question(self, number: int, row: Row, said: Written) -> None:
        if said.type == "calculate" and not row.keys() & {"calculation", "default", "trigger"}:
            self.refuse(
                number, "calculation", _("the calculation is missing"), _("an expression: ${a} + ${b}")
            )
            row["calculation"] = "''"
        if any(base(column) in MEDIA for column in row):
            self.source.notice("survey", number, "", _("pictures and sounds beside a question are not shown"))
            for column in [column for column in row if base(column) in MEDIA]:
                del row[column]
            row.setdefault("label", "-") if not self.says(row) else None
        if any(base(column) == "guidance_hint" for column in row):
            self.source.notice("survey", number, "guidance_hint", _("the column is not used here"))
            for column in [column for column in row if base(column) == "guidance_hint"]:
                del row[column]
        asked = said.type not in UNASKED | {"start-geopoint", "csv-external"} or said.type == "note"
        # The head of a table has its words from its choices.
        if "label" in row.get("appearance", "").split() and not self.says(row):
            row["label"] = "-"
        if asked and "calculation" not in row and not self.says(row):
            self.refuse(
                number, "label", _("the question has no label"), _("the words of the question; - for none")
            )
            row["label"] = "-"
        if said.type == "note" and "constraint" in row:
            self.refuse(
                number,
                "constraint",
                _("a note is not answered, so its constraint never applies"),
                _("put it on a question"),
            )
            del row["constraint"]
        if said.type == "note" and "required" in row:
            if row["required"].lower() in YES:
                self.source.notice("survey", number, "required", _("a note cannot be required; ignored"))
            del row["required"]

    @staticmethod
    def says(row: Row) -> bool:
        return any(base(column) in {"label", "hint"} for column in row)

    def parameters(self, number: int, row: Row, said: Written) -> None:
        written = " ".join(row.pop("parameters", "").replace(",", " ").replace(";", " ").split())
        if written and said.type not in _PARAMETERS:
            self.source.notice(
                "survey", number, "parameters", _("%(type)s takes no parameters; ignored", type=said.type)
            )
            return
        parts = written.replace(" =", "=").replace("= ", "=").split()
        given = {key.lower(): value for key, _sign, value in (part.partition("=") for part in parts)}
        if not all(given.values()):
            self.refuse(
                number,
                "parameters",
                _("%(text)s is no parameter", text=written[:60]),
                "start=0 end=10 step=1",
            )
            given = {}
        accepted = _PARAMETERS.get(said.type, set())
        unknown = sorted(set(given) - accepted)
        if unknown:
            self.refuse(
                number,
                "parameters",
                _("%(type)s has no parameter %(names)s", type=said.type, names=", ".join(unknown)),
                ", ".join(sorted(accepted)) or _("leave it empty"),
            )
        given = {key: value for key, value in given.items() if key in accepted}
        if given.pop("randomize", "").lower() in YES:
            self.source.notice("survey", number, "parameters", _("choices are not shuffled"))
        given.pop("seed", None)
        for key in ("rows", "max-pixels"):
            if key in given and not (
                given[key].isascii() and given[key].isdigit() and int(given[key][:9]) > 0
            ):
                self.refuse(
                    number, "parameters", _("%(name)s is no whole number", name=f"{key}={given[key]}"), "1024"
                )
                del given[key]
        if said.type == "range":
            given = self.range(number, _RANGE | given)
        if said.type in SELECTS and not said.from_file:
            given = {}
        # In what pyxform reads only: what it refuses of the others has no meaning here.
        kept = {key for key in given if key in {*_RANGE, *_KEPT}}
        if kept:
            row["parameters"] = " ".join(f"{key}={given[key]}" for key in given if key in kept)

    def range(self, number: int, given: Row) -> Row:
        """The range as far as it makes sense."""
        try:
            start, end, step = (Decimal(given[key]) for key in _RANGE)
            finite = start.is_finite() and end.is_finite() and step.is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            reason = _("start, end and step of a range are numbers")
        elif start >= end:
            reason = _("the range starts at %(start)s and ends at %(end)s", start=start, end=end)
        elif step <= 0 or step > end - start:
            reason = _("the step %(step)s of the range does not fit", step=step)
        else:
            return given
        self.refuse(number, "parameters", reason, "start=0 end=10 step=1")
        return dict(_RANGE)

    # names that other cells use

    def references(self) -> None:
        kinds = {
            row["name"]: self.source.types[number]
            for number, row in self.source.survey.items()
            if "name" in row
        }
        for sheet, rows in (("survey", self.source.survey), ("choices", self.source.choices)):
            for number, row in rows.items():
                for column in list(row):
                    if column in {"type", "name", "trigger", "list_name"} or (
                        sheet == "choices" and base(column) not in {"label", "flag_text"}
                    ):
                        continue
                    self.cell(sheet, number, row, column)
        for number, row in self.source.survey.items():
            if "trigger" in row:
                self.trigger(number, row, kinds)

    def cell(self, sheet: str, number: int, row: Row, column: str) -> None:
        text = row[column]
        wrong = False
        if "${" in text:
            for name in dict.fromkeys(REFERENCE.findall(text)):
                wrong |= self.reference(sheet, number, column, name)
            rest = REFERENCE.sub("", text)
            if "${" in rest:
                self.source.refuse(
                    sheet,
                    number,
                    column,
                    _("a reference does not end: %(text)s", text=rest[rest.index("${") :][:40]),
                    "${name}",
                )
                wrong = True
        if base(column) in {"label", "hint", "required_message", "constraint_message", "flag_text"}:
            if wrong:
                row[column] = REFERENCE.sub("…", text).replace("${", "…")
            return
        for function, name in _FILE_OR_LIST.findall(text):
            stem = name.removesuffix(".csv")
            if function == "pulldata" and stem not in self.attached:
                self.missing_file(number, column, f"{stem}.csv")
                wrong = True
        if wrong:
            del row[column]
            if column == "calculation":
                row[column] = "''"

    def reference(self, sheet: str, number: int, column: str, name: str) -> bool:
        places = self.paths.get(name, [])
        if len(places) == 1:
            return False
        if places:
            self.source.refuse(
                sheet,
                number,
                column,
                _("%(count)s questions are called %(name)s, a name that ${ } can name must be unique",
                  count=len(places), name=name),
                _("its path, such as %(paths)s", paths=", ".join(places[:3])),
            )  # fmt: skip
            return True
        if name.startswith("last-saved#"):
            reason, instead = (
                _("answers of the last form are not known to expressions"),
                _("the column carry"),
            )
        else:
            folded = name.lower().replace("-", "_")
            close = next((known for known in self.paths if known.lower().replace("-", "_") == folded), "")
            reason, instead = (
                _("there is no question %(name)s", name=name[:60]),
                f"${{{close}}}" if close else "",
            )
        self.source.refuse(sheet, number, column, reason, instead)
        return True

    def trigger(self, number: int, row: Row, kinds: dict[str, Written]) -> None:
        names = REFERENCE.findall(row["trigger"])
        if not names or REFERENCE.sub("", row["trigger"]).strip(" ,"):
            self.refuse(number, "trigger", _("a trigger names questions and nothing else"), "${name}")
            names = []
        for name in names:
            if self.reference("survey", number, "trigger", name):
                names = []
            elif kinds[name].begins or kinds[name].type in {"note", "csv-external"}:
                self.refuse(
                    number, "trigger", _("%(name)s is never answered", name=name), _("name a question")
                )
                names = []
        if not names:
            del row["trigger"]


def _spelt(said: Written) -> str:
    if said.type not in SELECTS:
        return said.type
    command = (
        {"select_one": "select_one_from_file", "select_multiple": "select_multiple_from_file"}.get(
            said.type, said.type
        )
        if said.from_file
        else said.type
    )
    return f"{command} {said.list_name}" + (" or_other" if said.or_other else "")
