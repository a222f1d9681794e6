"""Forms of relief at the desk.

Invariant: nothing keeps a case from being opened; what is missing is completed later.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import UUID, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.aid.forms import DayForm, MoneyField
from fieldapp.aid.rules import read_amount
from fieldapp.core.forms import Form, clean, reason_area, text_area
from fieldapp.people.rules import normal_number
from fieldapp.policies.pages import PolicyForm
from fieldapp.relief import rules
from fieldapp.relief.actions import Details
from fieldapp.relief.words import CHANNELS

MOST_PEOPLE = 100


def _line(label: Any, most: int = 80, **more: Any) -> StringField:
    return StringField(
        label,
        [Length(max=most, message=lazy_gettext("At most %(max)d characters."))],
        filters=[clean],
        render_kw={"maxlength": most, **more},
    )


class CaseForm(Form):
    """What is known of a case."""

    case_id = HiddenField(validators=[UUID()])
    what_happened = text_area(lazy_gettext("What happened"), rows=3)
    asked_for = text_area(lazy_gettext("What is asked for"))
    asked = MoneyField(lazy_gettext("How much is asked for, yuan (optional)"), most_cents=rules.MOST_CENTS)
    is_urgent = BooleanField(lazy_gettext("Urgent: aid first, papers later (先行救助)"))
    cause = SelectField(lazy_gettext("Cause"))
    channel = SelectField(lazy_gettext("How it came"))
    agent_name = _line(lazy_gettext("Agent: who asks in their place"))
    agent_authority = _line(
        lazy_gettext("On whose word"),
        200,
        placeholder=lazy_gettext("For example: asked by phone by the applicant."),
    )
    area = SelectField(lazy_gettext("Where the emergency is"))
    place = _line(lazy_gettext("The place in words"), 200)
    applicant_name = _line(lazy_gettext("Who asks"))
    id_number = _line(lazy_gettext("ID number (optional)"), 30, autocomplete="off", spellcheck="false")
    phone = _line(lazy_gettext("Number to call back (optional)"), 40, inputmode="tel")
    home = _line(lazy_gettext("Where they live"), 200)
    is_local = SelectField(lazy_gettext("Registered (户籍) in this county?"))
    people = SelectMultipleField(
        lazy_gettext("Who is helped"), option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False)
    )
    people_count = IntegerField(
        lazy_gettext("How many people are helped"),
        [
            Optional(),
            NumberRange(1, MOST_PEOPLE, lazy_gettext("Between 1 and %(most)s.", most=MOST_PEOPLE)),
        ],
        render_kw={"inputmode": "numeric", "min": 1, "max": MOST_PEOPLE},
    )

    def offer(
        self, causes: Mapping[str, str], places: list[tuple[str, str]], people: list[tuple[str, str]]
    ) -> None:
        """Set what may be chosen."""
        self.cause.choices = [("", lazy_gettext("not known yet")), *causes.items()]
        self.channel.choices = list(CHANNELS.items())
        self.area.choices = places
        self.is_local.choices = [("yes", lazy_gettext("Yes")), ("no", lazy_gettext("No"))]
        self.people.choices = people

    def read(self, kept_id_number: str | None = None) -> Details:
        """What was typed; an ID number that was left empty stays as it was."""
        chosen = self.people.data or []
        return Details(
            area_code=self.area.data,
            channel=self.channel.data,
            applicant_name=self.applicant_name.data or "",
            id_number=normal_number(self.id_number.data) if self.id_number.data else kept_id_number,
            phone=self.phone.data or None,
            home=self.home.data or "",
            is_local=self.is_local.data == "yes",
            place=self.place.data or "",
            person_uuids=chosen,
            people_count=len(chosen) or self.people_count.data or len(self.people.choices) or 1,
            agent_name=self.agent_name.data or "",
            agent_authority=self.agent_authority.data or "",
            cause=self.cause.data or "",
            what_happened=self.what_happened.data or "",
            asked_for=self.asked_for.data or "",
            asked_cents=self.asked.cents,
            is_urgent=self.is_urgent.data,
        )


class AmountForm(Form):
    """How much, and who pays: proposed, or approved."""

    amount = MoneyField(
        lazy_gettext("Amount, yuan"),
        required=lazy_gettext("Write how much, in yuan."),
        most_cents=rules.MOST_CENTS,
    )
    funded_by = SelectField(lazy_gettext("Who pays"))
    text = text_area(lazy_gettext("Remark (optional)"))

    def offer(self, sources: Mapping[str, str]) -> None:
        """Set who may pay."""
        self.funded_by.choices = [(code, sources[code]) for code in rules.SOURCES if code in sources]


class PaymentForm(DayForm):
    """A payment: how much, when, to whom."""

    aid_uuid = HiddenField(validators=[UUID()])
    amount = MoneyField(
        lazy_gettext("Amount, yuan"),
        required=lazy_gettext("Write how much, in yuan."),
        most_cents=rules.MOST_CENTS,
    )


class TextForm(Form):
    """Words that may be left out."""

    text = text_area(lazy_gettext("Remark (optional)"))


class FindingsForm(Form):
    """What looking into a case found."""

    text = text_area(lazy_gettext("Findings"), required=lazy_gettext("Write down what was found."), rows=4)


class ReasonForm(Form):
    """Why a case is refused, sent back, withdrawn, or a payment taken back."""

    reason = reason_area(lazy_gettext("Reason"))


class TakeBackForm(ReasonForm):
    """Which payment, and why."""

    aid_uuid = HiddenField(validators=[UUID()])


class TopUpForm(Form):
    """Money that came into a fund."""

    amount = MoneyField(
        lazy_gettext("Amount, yuan"), required=lazy_gettext("Write how much, in yuan."), most_cents=10**12
    )
    reason = reason_area(
        lazy_gettext("Where it comes from"), lazy_gettext("For example: county finance, quarter 4 of 2026.")
    )


def _days(label: Any, most: int = 90) -> IntegerField:
    wrong = lazy_gettext("Between 1 and %(most)s.", most=most)
    return IntegerField(
        label,
        [InputRequired(wrong), NumberRange(1, most, wrong)],
        render_kw={"inputmode": "numeric", "min": 1, "max": most},
    )


class TermsForm(PolicyForm):
    """What a county's relief goes by."""

    measure = SelectField(lazy_gettext("Limits are"))
    standard = MoneyField(
        lazy_gettext("Local monthly standard of one person, yuan"),
        required=lazy_gettext("Write how much, in yuan."),
    )
    township_limit = _line(lazy_gettext("Up to this the township decides"), 20, inputmode="decimal")
    year_ceiling = _line(lazy_gettext("Above this in a year a warning is shown"), 20, inputmode="decimal")
    accept_days = _days(lazy_gettext("Working days until it is taken up"))
    propose_days = _days(lazy_gettext("Working days until it is looked into and proposed"))
    decide_days = _days(lazy_gettext("Working days until it is decided"))
    pay_days = _days(lazy_gettext("Working days until it is paid"))
    papers_days = _days(lazy_gettext("Working days until the papers of urgent aid are complete"))
    urgent_hours = _days(lazy_gettext("Hours until urgent aid is paid"), 240)
    repeat_months = _days(lazy_gettext("Months in which the same cause is warned of"), 60)
    reason = reason_area(
        lazy_gettext("Why is it changed?"), lazy_gettext("For example: the standard of dibao was raised.")
    )

    def offer(self) -> None:
        """Set what may be chosen."""
        self.measure.choices = [
            (rules.YUAN, lazy_gettext("Fixed sums, in yuan")),
            (rules.STANDARD, lazy_gettext("Times the monthly standard, for each person helped")),
        ]

    def validate_township_limit(self, field: StringField) -> None:
        """A limit that can be read."""
        _check_limit(field)

    def validate_year_ceiling(self, field: StringField) -> None:
        """A limit that can be read."""
        _check_limit(field)

    def terms(self) -> dict[str, Any]:
        """What was typed; both a sum and a multiple have two digits after the point."""
        days = ("accept_days", "propose_days", "decide_days", "pay_days", "papers_days")
        return {
            "measure": self.measure.data,
            "standard_cents": self.standard.cents,
            "township_limit": _read_limit(self.township_limit),
            "year_ceiling": _read_limit(self.year_ceiling),
            **{name: self[name].data for name in (*days, "urgent_hours", "repeat_months")},
        }


def _read_limit(field: StringField) -> int | None:
    parts = read_amount(field.data or "", 2)
    return parts if parts is not None and parts <= rules.MOST_CENTS else None


def _check_limit(field: StringField) -> None:
    if _read_limit(field) is None:
        raise ValidationError(gettext("Write a number, like 2 or 2.5."))
