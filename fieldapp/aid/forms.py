"""Forms of aid at the desk.

Invariant: amounts are typed as people write them, in yuan and in the unit, and leave the form as whole parts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, HiddenField, MonthField, SelectField, StringField
from wtforms.validators import UUID, InputRequired, Length, Optional, ValidationError

from fieldapp.aid import rules
from fieldapp.aid.actions import Given
from fieldapp.core.forms import Form, clean, reason_area, text_area
from fieldapp.policies.pages import PolicyForm

CENTS, MILLI = 2, 3
# When a county wants a receipt.
NEVER, FROM, ALWAYS = "never", "from", "always"


def _number(label: Any, *, required: Any = None) -> StringField:
    return StringField(
        label,
        [InputRequired(required) if required else Optional(), Length(max=20)],
        filters=[clean],
        render_kw={"inputmode": "decimal", "maxlength": 20, "autocomplete": "off"},
    )


class MoneyField(StringField):  # type: ignore[misc]
    """An amount typed in yuan, read as whole cents."""

    def __init__(
        self, label: Any, *, required: Any = None, most_cents: int = rules.MOST_CENTS, **given: Any
    ) -> None:
        """`required` is what is said when it is missing; `most_cents`: more is a slip of the finger."""
        super().__init__(
            label,
            [InputRequired(required) if required else Optional(), Length(max=20)],
            filters=[clean],
            render_kw={"inputmode": "decimal", "maxlength": 20, "autocomplete": "off"},
            **given,
        )
        self.most_cents = most_cents

    @property
    def cents(self) -> int | None:
        """What was typed, or None when there is nothing, or nothing that can be read."""
        return _read(self, CENTS, self.most_cents)

    def pre_validate(self, form: Any) -> None:
        """An amount that can be read."""
        if self.data and self.cents is None:
            raise ValidationError(
                gettext(
                    "Write an amount in yuan, up to %(most)s.",
                    most=rules.write_amount(self.most_cents, CENTS),
                )
            )


class DayForm(Form):
    """On which day it was given, and who took it."""

    on = DateField(lazy_gettext("Day"), [InputRequired(lazy_gettext("Choose the day."))])
    received_by = StringField(
        lazy_gettext("Who took it, if somebody else (name, relation)"),
        [Length(max=80)],
        filters=[clean],
        render_kw={"maxlength": 80},
    )

    def validate_on(self, field: DateField) -> None:
        """No slip of the finger: a year that is not about now."""
        _check_year(field.data)


class AidForm(DayForm):
    """What all kinds of aid share."""

    aid_uuid = HiddenField(validators=[UUID()])
    programme = SelectField(lazy_gettext("Programme"), [InputRequired(lazy_gettext("Choose the programme."))])
    source = SelectField(lazy_gettext("Who pays"), [InputRequired(lazy_gettext("Choose who pays."))])
    person = SelectField(lazy_gettext("Who it is for"))
    is_given = SelectField(lazy_gettext("Is it given already?"))
    note = text_area(lazy_gettext("Remark (optional)"))

    def offer(
        self,
        programmes: Mapping[str, str],
        sources: Mapping[str, str],
        people: list[tuple[str, str]],
    ) -> None:
        """Set what may be chosen."""
        self.programme.choices = [("", lazy_gettext("Choose…")), *programmes.items()]
        self.source.choices = list(sources.items())
        self.is_given.choices = [("yes", lazy_gettext("Given")), ("no", lazy_gettext("Still to be given"))]
        self.person.choices = [("", lazy_gettext("The whole household")), *people]

    @property
    def day(self) -> date:
        """The chosen day."""
        day: date = self.on.data
        return day

    @property
    def given(self) -> Given:
        """What was typed."""
        return Given(
            kind=self.kind,
            programme=self.programme.data,
            source=self.source.data,
            note=self.note.data or None,
            **self.amounts(),
        )

    kind = ""

    def amounts(self) -> dict[str, Any]:
        """How much of what."""
        raise NotImplementedError


def _check_year(day: date | None) -> None:
    if day is not None and not 2000 <= day.year <= 2100:
        raise ValidationError(gettext("Check the year."))


def _read(field: StringField, digits: int, most: int) -> int | None:
    return _within(rules.read_amount(field.data, digits), most) if field.data else None


def _within(parts: int | None, most: int) -> int | None:
    return parts if parts is not None and parts <= most else None


class CashForm(AidForm):
    """Money."""

    kind = "cash"
    amount = MoneyField(lazy_gettext("Amount, yuan"), required=lazy_gettext("Write how much, in yuan."))
    period = MonthField(
        lazy_gettext("Month it is for (optional)"), [Optional()], render_kw={"placeholder": "2026-11"}
    )

    def validate_period(self, field: MonthField) -> None:
        """No slip of the finger: a year that is not about now."""
        _check_year(field.data)

    def amounts(self) -> dict[str, Any]:
        """The money, and the month it is for."""
        month = self.period.data
        return {"amount_cents": self.amount.cents, "period": f"{month:%Y-%m}" if month else None}


class GoodsForm(AidForm):
    """Goods, so many of a unit."""

    kind = "goods"
    item = SelectField(lazy_gettext("What"), [InputRequired(lazy_gettext("Choose what it is."))])
    quantity = _number(lazy_gettext("How much"), required=lazy_gettext("Write how much."))
    unit = SelectField(lazy_gettext("Unit"))
    worth = MoneyField(lazy_gettext("Worth, yuan (optional)"))

    def offer_goods(
        self, items: Mapping[str, str], units: Mapping[str, str], units_of: Mapping[str, Collection[str]]
    ) -> None:
        """Set which goods and units may be chosen, and which units which goods are counted in."""
        self.item.choices = [("", lazy_gettext("Choose…")), *items.items()]
        self.unit.choices = list(units.items())
        self._units, self._units_of = units, units_of

    def validate_unit(self, field: SelectField) -> None:
        """A unit of those goods: the report has to know how many portions they are."""
        counted_in = self._units_of.get(self.item.data, ())
        if counted_in and field.data not in counted_in:
            words = gettext(", ").join(str(self._units[unit]) for unit in counted_in if unit in self._units)
            raise ValidationError(gettext("This is counted in: %(units)s.", units=words))

    def validate_quantity(self, field: StringField) -> None:
        """A quantity that can be read."""
        if field.data and _read(field, MILLI, rules.MOST_MILLI) is None:
            raise ValidationError(gettext("Write a number, like 2 or 2.5."))

    def amounts(self) -> dict[str, Any]:
        """The goods."""
        return {
            "item": self.item.data,
            "quantity_milli": _read(self.quantity, MILLI, rules.MOST_MILLI),
            "unit": self.unit.data,
            "amount_cents": self.worth.cents,
        }


class ServiceForm(AidForm):
    """Service, so many times."""

    kind = "service"
    item = SelectField(lazy_gettext("What"), [InputRequired(lazy_gettext("Choose what it is."))])
    times = _number(lazy_gettext("Times"), required=lazy_gettext("Write how many times."))

    def offer_services(self, items: Mapping[str, str]) -> None:
        """Set which services may be chosen."""
        self.item.choices = [("", lazy_gettext("Choose…")), *items.items()]

    def validate_times(self, field: StringField) -> None:
        """A whole number."""
        if field.data and (not field.data.isdecimal() or not 0 < int(field.data) <= 1000):
            raise ValidationError(gettext("Write a whole number, like 1."))

    def amounts(self) -> dict[str, Any]:
        """The service."""
        return {"item": self.item.data, "quantity_milli": int(self.times.data) * 1000}


FORMS: dict[str, type[AidForm]] = {form.kind: form for form in (CashForm, GoodsForm, ServiceForm)}


class WhyForm(Form):
    """Why an entry is cancelled or reversed."""

    reason = reason_area(lazy_gettext("Why?"))


class ReceiptForm(PolicyForm):
    """From which amount a county wants a receipt."""

    cash = SelectField(lazy_gettext("Of money"))
    cash_from = MoneyField(lazy_gettext("From this sum on, yuan"))
    goods = SelectField(lazy_gettext("Of goods"))
    goods_from = MoneyField(lazy_gettext("Worth this or more, yuan"))
    reason = reason_area(
        lazy_gettext("Why is it changed?"), lazy_gettext("For example: the county's rules of cash.")
    )

    @classmethod
    def showing(cls, terms: Mapping[str, int | None]) -> ReceiptForm:
        """The form filled in with what holds now."""
        filled: dict[str, Any] = {}
        for name in ("cash", "goods"):
            cents = terms[f"{name}_from_cents"]
            filled[name] = NEVER if cents is None else FROM if cents else ALWAYS
            filled[f"{name}_from"] = rules.write_amount(cents, CENTS) if cents else ""
        return cls(formdata=None, **filled)

    def offer(self) -> None:
        """Set what may be chosen."""
        for field in (self.cash, self.goods):
            field.choices = [
                (NEVER, lazy_gettext("Never")),
                (FROM, lazy_gettext("From an amount on")),
                (ALWAYS, lazy_gettext("Always")),
            ]

    def validate_cash(self, field: SelectField) -> None:
        """An amount where one is to be named."""
        _check_from(field, self.cash_from)

    def validate_goods(self, field: SelectField) -> None:
        """An amount where one is to be named."""
        _check_from(field, self.goods_from)

    def terms(self) -> dict[str, Any]:
        """What was chosen."""
        return {
            f"{name}_from_cents": {NEVER: None, ALWAYS: 0}.get(self[name].data, self[f"{name}_from"].cents)
            for name in ("cash", "goods")
        }


def _check_from(choice: SelectField, amount: MoneyField) -> None:
    if choice.data == FROM and not amount.data:
        raise ValidationError(gettext("Write from which amount on, in yuan."))
