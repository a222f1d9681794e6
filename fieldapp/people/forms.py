"""Forms of households and people at the desk.

Invariant: a number that is kept is never filled in; an empty field keeps it, and only a tick takes it away.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from cryptography.exceptions import InvalidTag
from flask_babel import gettext, lazy_gettext
from wtforms import (
    BooleanField,
    DateField,
    FieldList,
    Form as Rows,
    FormField,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError
from wtforms.widgets import HiddenInput

from fieldapp.core import clock, wording
from fieldapp.core.crypto import KeyMissing, keyring
from fieldapp.core.forms import TEXT_LIMIT, Form, clean, reason_area, text_area
from fieldapp.people import rules
from fieldapp.people.models import Carer, Household, Person

# Beyond these no place of ours lies; the two numbers typed the wrong way round do.
LATITUDES, LONGITUDES = (18.0, 54.0), (73.0, 136.0)
DATUMS = {"WGS84": "WGS-84", "GCJ02": lazy_gettext("GCJ-02 (Amap, Tencent)")}
SEXES = {"": lazy_gettext("not known"), "m": lazy_gettext("male"), "f": lazy_gettext("female")}
MOST_CARERS = 20
TOO_LONG = lazy_gettext("At most %(max)d characters.")


def line(label: Any, limit: int, *more: Any, **options: Any) -> StringField:
    """A line of text."""
    checks = [*more, Length(max=limit, message=TOO_LONG)]
    return StringField(label, checks, filters=[clean], render_kw={"maxlength": limit, **options})


def number_line(label: Any, **options: Any) -> StringField:
    """A number as people write it: with blanks, dashes, full-width digits."""
    return StringField(
        label,
        [Length(max=60, message=TOO_LONG)],
        filters=[clean],
        render_kw={"maxlength": 60, "autocomplete": "off", **options},
    )


def past_day(label: Any, *checks: Any) -> DateField:
    """A day up to today."""
    return DateField(label, [*checks, _not_later], render_kw={"max": "9999-12-31", "autocomplete": "off"})


def _not_later(_form: Any, field: DateField) -> None:
    if field.data is not None and field.data > clock.local_date(clock.now()):
        raise ValidationError(gettext("This day is still to come. Check the year."))
    if field.data is not None and field.data < rules.EARLIEST_BIRTH:
        raise ValidationError(gettext("This day is too long ago. Check the year."))


def check_phone(_form: Any, field: StringField) -> None:
    """A validator: a phone number, if anything."""
    if field.data and not rules.is_phone(rules.normal_number(field.data)):
        raise ValidationError(
            gettext(
                "A phone number has 7 to 15 digits; write one number, with its area code if it is a landline."
            )
        )


class EditForm(Form):
    """What edits have in common: up to where the editor has seen the history, and why."""

    seen = IntegerField(widget=HiddenInput())
    reason = text_area(lazy_gettext("Why it is changed (optional; stands in the history)"))


class HouseholdForm(EditForm):
    """A household."""

    name = line(
        lazy_gettext("Name of the household"),
        80,
        DataRequired(lazy_gettext("Write the name people call it by.")),
    )
    address = line(
        lazy_gettext("Address"),
        200,
        DataRequired(lazy_gettext("Write where it is, as people say it there.")),
    )
    phone = number_line(lazy_gettext("Phone of the household"), inputmode="tel")
    phone_gone = BooleanField(lazy_gettext("No longer has one"))
    note = text_area(
        lazy_gettext("For whoever visits"),
        placeholder=lazy_gettext("Dog in the yard, third floor, hard of hearing …"),
    )
    lat = line(lazy_gettext("Latitude"), 20, inputmode="decimal", autocomplete="off")
    lon = line(lazy_gettext("Longitude"), 20, inputmode="decimal", autocomplete="off")
    datum = SelectField(
        lazy_gettext("From which map"), choices=[SelectChoice(code, word) for code, word in DATUMS.items()]
    )

    validate_phone = staticmethod(check_phone)

    @classmethod
    def of(cls, household: Household, seen: int) -> HouseholdForm:
        """The form filled in with what is kept; not with the phone."""
        return cls(
            formdata=None,
            seen=seen,
            name=household.name,
            address=household.address,
            note=household.note,
            lat=_degrees(household.lat),
            lon=_degrees(household.lon),
            datum=household.datum or "WGS84",
        )

    def validate_lat(self, lat: StringField) -> None:
        """Both numbers or none, and somewhere in the country."""
        if not (lat.data or self.lon.data):
            return
        place = [_as_degrees(lat.data), _as_degrees(self.lon.data)]
        if None in place:
            raise ValidationError(
                gettext("A place takes both: two numbers in degrees, such as 45.2143 and 127.9621.")
            )
        if not (LATITUDES[0] <= place[0] <= LATITUDES[1] and LONGITUDES[0] <= place[1] <= LONGITUDES[1]):  # type: ignore[operator]
            raise ValidationError(
                gettext("This place lies outside the country. Are the two numbers the wrong way round?")
            )

    def wanted(self) -> dict[str, Any]:
        """The fields as `people.actions` takes them; a phone that is to stay as it is, is not among them."""
        lat, lon = _as_degrees(self.lat.data), _as_degrees(self.lon.data)
        return {
            "name": self.name.data,
            "address": self.address.data,
            "note": self.note.data or "",
            "lat": lat,
            "lon": lon,
            "datum": self.datum.data if lat is not None else None,
            **_number("phone", self.phone.data, self.phone_gone.data),
        }


class NewHouseholdForm(HouseholdForm):
    """A household that is to be on the list."""

    grid = SelectField(lazy_gettext("Grid"), [InputRequired(lazy_gettext("Choose the grid it is in."))])


class TagRow(Rows):  # type: ignore[misc]
    """A tag somebody may hold, for a time."""

    code = HiddenField()
    held = BooleanField()
    from_on = DateField(lazy_gettext("from"), [Optional()])
    to_on = DateField(lazy_gettext("until"), [Optional()])

    def validate_to_on(self, to_on: DateField) -> None:
        """Not before it begins."""
        if self.held.data and to_on.data and self.from_on.data and to_on.data < self.from_on.data:
            raise ValidationError(gettext("It ends before it begins."))


class CarerRow(Rows):  # type: ignore[misc]
    """Somebody who answers for a person; `kept` is their phone as it was, sealed."""

    role = SelectField(lazy_gettext("As what"))
    name = line(lazy_gettext("Name of the person"), 80)
    relation = line(lazy_gettext("Relation, or unit and post"), 20)
    phone = number_line(lazy_gettext("Phone"), inputmode="tel")
    kept = HiddenField()
    masked = ""

    validate_phone = staticmethod(check_phone)

    def validate_name(self, name: StringField) -> None:
        """Who is written down has a name."""
        if not name.data and (self.relation.data or self.phone.data):
            raise ValidationError(gettext("Write the name, or clear the line."))


class PersonForm(EditForm):
    """A person on the list."""

    name = line(lazy_gettext("Name of the person"), 80)
    relation = line(lazy_gettext("Relation to the head"), 20)
    sex = SelectField(
        lazy_gettext("Sex"),
        choices=[SelectChoice(code, word) for code, word in SEXES.items()],
    )
    birth_on = past_day(lazy_gettext("Birthday"), Optional())
    id_number = number_line(lazy_gettext("ID number"), inputmode="text")
    id_number_gone = BooleanField(lazy_gettext("Has no ID number"))
    id_reason = text_area(lazy_gettext("Why the number stands as it is"))
    phone = number_line(lazy_gettext("Phone"), inputmode="tel")
    phone_gone = BooleanField(lazy_gettext("No longer has one"))
    bank_name = line(lazy_gettext("Bank"), 80)
    bank_account = number_line(lazy_gettext("Account number"), inputmode="numeric")
    bank_account_gone = BooleanField(lazy_gettext("No longer has one"))
    main_class = SelectField(lazy_gettext("Main class"))
    overrides_pause = BooleanField(
        lazy_gettext("Change it though exits are paused; why is written below and audited")
    )
    risk = SelectField(lazy_gettext("Risk"))
    causes = SelectMultipleField(lazy_gettext("What made them poor"))
    tags = FieldList(FormField(TagRow))
    carers = FieldList(FormField(CarerRow), max_entries=MOST_CARERS)

    validate_phone = staticmethod(check_phone)

    # The ID number that is kept, the one that is to be, and where it and the rest disagree.
    kept_id: str | None = None
    number: str | None = None
    doubts: tuple[str, ...] = ()

    @classmethod
    def of(cls, person: Person, seen: int, tags: Iterable[str]) -> PersonForm:
        """The form filled in with what is kept; not with the numbers."""
        held = {tag.tag: tag for tag in person.tags}
        return cls(
            formdata=None,
            seen=seen,
            **{
                name: getattr(person, name)
                for name in (
                    "name",
                    "relation",
                    "sex",
                    "birth_on",
                    "id_reason",
                    "bank_name",
                    "main_class",
                    "risk",
                    "causes",
                )
            },
            tags=[
                {
                    "code": code,
                    "held": code in held,
                    "from_on": held[code].from_on if code in held else None,
                    "to_on": held[code].to_on if code in held else None,
                }
                for code in tags
            ],
            carers=[
                {
                    "role": carer.role,
                    "name": carer.name,
                    "relation": carer.relation,
                    "kept": seal_phone(carer, person.person_uuid),
                }
                for carer in person.carers
            ],
        )

    def offer(self, words: Mapping[str, Mapping[str, str]], person_uuid: str) -> None:
        """Set what may be chosen, from the words of the code tables, and have a line free for one more carer."""
        self.main_class.choices = list(words["class"].items())
        self.risk.choices = list(words["risk"].items())
        self.causes.choices = list(words["cause"].items())
        rows = self.carers.entries
        if not rows or (_is_filled(rows[-1].form) and len(rows) < MOST_CARERS):
            self.carers.append_entry()
        for row in self.carers.entries:
            row.form.role.choices = list(words["carer_role"].items())
            row.form.role.data = row.form.role.data or next(iter(words["carer_role"]), "")
            row.form.masked = rules.mask_phone(open_phone(row.form.kept.data, person_uuid)) or ""

    def validate_id_number(self, id_number: StringField) -> None:
        """A number of GB 11643; birthday and sex come from it where they are empty, and doubts need a reason."""
        typed = rules.normal_number(id_number.data or "")
        if typed:
            fault = rules.find_id_fault(typed, clock.local_date(clock.now()))
            if fault is not None and fault != "id_check_digit":
                raise ValidationError(say_id_fault(fault, typed))
        number = None if self.id_number_gone.data and not typed else typed or self.kept_id
        if not number:
            return
        self.number = number
        self.doubts = tuple(rules.find_id_doubts(number, self.birth_on.data, self.sex.data or ""))
        if self.doubts and not self.id_reason.data:
            raise ValidationError(
                " ".join(
                    [
                        *(say_id_doubt(doubt, number) for doubt in self.doubts),
                        gettext("Correct it; or if it is really so, write why below."),
                    ]
                )
            )

    def validate_bank_account(self, account: StringField) -> None:
        """Digits only."""
        if account.data and not rules.is_account(rules.normal_number(account.data)):
            raise ValidationError(gettext("An account number has 8 to 30 digits and nothing else."))

    def wanted(
        self, person_uuid: str, kept_tags: Iterable[tuple[str, date | None, date | None]] = ()
    ) -> dict[str, Any]:
        """The fields as `people.actions` takes them; numbers that are to stay as they are, are not among them.

        `kept_tags` are those the editor is not told of.
        """
        return {
            **{name: self[name].data or "" for name in ("name", "relation", "bank_name")},
            "sex": self.sex.data or (rules.sex_in(self.number) if self.number else ""),
            "birth_on": self.birth_on.data or (rules.born_on(self.number) if self.number else None),
            **_number("id_number", self.id_number.data, self.id_number_gone.data),
            "id_reason": (self.id_reason.data or None) if self.doubts else None,
            **_number("phone", self.phone.data, self.phone_gone.data),
            **_number("bank_account", self.bank_account.data, self.bank_account_gone.data),
            "main_class": self.main_class.data,
            "causes": self.causes.data,
            "risk": self.risk.data,
            "tags": [
                *(
                    (row.form.code.data, row.form.from_on.data, row.form.to_on.data)
                    for row in self.tags
                    if row.form.held.data
                ),
                *kept_tags,
            ],
            "carers": [
                {
                    "role": row.form.role.data,
                    "name": row.form.name.data,
                    "relation": row.form.relation.data or "",
                    "phone": rules.normal_number(row.form.phone.data or "")
                    or open_phone(row.form.kept.data, person_uuid),
                }
                for row in self.carers
                if row.form.name.data
            ],
        }


class DeathForm(Form):
    """A death."""

    died_on = past_day(
        lazy_gettext("Day of death"), InputRequired(lazy_gettext("Say which day, as far as known."))
    )
    reason = text_area(lazy_gettext("Known from whom (optional)"))


class MovingForm(Form):
    """Moving to where no grid of ours is."""

    moved_away_on = past_day(
        lazy_gettext("Since when"), InputRequired(lazy_gettext("Say since which day, as far as known."))
    )
    moved_away_to = line(lazy_gettext("Where to, as far as known"), 200)


class UndoForm(Form):
    """Why a death or a moving away was a mistake."""

    reason = reason_area(
        lazy_gettext("Why it is taken back"), lazy_gettext("Wrong person of the same name; has come back …")
    )


class RelativeForm(Form):
    """A near relative who is declared."""

    user = SelectField(lazy_gettext("Whose relative"))
    relation = line(
        lazy_gettext("What the person is to them"),
        20,
        DataRequired(lazy_gettext("Write what the person is to them: mother, brother-in-law …")),
    )


class WithdrawForm(Form):
    """Why a declaration is taken back."""

    reason = reason_area(lazy_gettext("Why it is taken back"))


class RevealReasonForm(Form):
    """Why numbers are shown in full."""

    reason = TextAreaField(
        lazy_gettext("What do you need it for?"),
        [
            DataRequired(lazy_gettext("Write what you need it for. It stays in the audit trail.")),
            Length(max=TEXT_LIMIT, message=TOO_LONG),
        ],
        filters=[clean],
        render_kw={"rows": 2, "maxlength": TEXT_LIMIT},
    )


class RevealForm(RevealReasonForm):
    """Which number is shown in full, and why."""

    number = SelectField(lazy_gettext("Which number"), [InputRequired(lazy_gettext("Choose a number."))])


def say_id_fault(fault: str, number: str) -> str:
    """Why that is no ID number."""
    return {
        "id_length": gettext("An ID number has 18 characters; this one has %(count)d.", count=len(number)),
        "id_digits": gettext("An ID number has 17 digits, then a digit or X. Check for mistyped letters."),
        "id_birthday": gettext("The birthday in it (digits 7 to 14: %(day)s) cannot be.", day=number[6:14]),
    }[fault]


def say_id_doubt(doubt: str, number: str) -> str:
    """What does not agree with an ID number."""
    if doubt == "id_check_digit":
        return gettext(
            "The last digit does not fit the others: it would be %(digit)s.",
            digit=rules.id_check_digit(number[:17]),
        )
    if doubt == "id_sex_differs":
        sex = gettext("male") if rules.sex_in(number) == "m" else gettext("female")
        return gettext("By the ID number the sex is %(sex)s.", sex=sex)
    born_on = rules.born_on(number)
    assert born_on is not None
    return gettext("By the ID number the birthday is %(day)s.", day=wording.say_date(born_on))


def seal_phone(carer: Carer, person_uuid: str) -> str:
    """The phone of somebody's carer for a form that brings it back without showing it."""
    if not carer.phone:
        return ""
    return base64.b64encode(keyring().seal(carer.phone.encode(), _place(person_uuid))).decode()


def open_phone(sealed: str | None, person_uuid: str) -> str | None:
    """What `seal_phone` sealed; None for anything else."""
    try:
        return (
            keyring().open(base64.b64decode(sealed or "", validate=True), _place(person_uuid)).decode()
            or None
        )
    except (ValueError, InvalidTag, KeyMissing):
        return None


def _place(person_uuid: str) -> str:
    return f"carer of {person_uuid}"


def _is_filled(row: Any) -> bool:
    return bool(row.name.data or row.relation.data or row.phone.data)


def _number(name: str, typed: str | None, is_gone: bool) -> dict[str, str | None]:
    if number := rules.normal_number(typed or ""):
        return {name: number}
    return {name: None} if is_gone else {}


def _degrees(value: float | None) -> str:
    return "" if value is None else str(value)


def _as_degrees(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
