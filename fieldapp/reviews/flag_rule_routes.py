"""Pages of the rules that raise flags: how each works in a county, what became of its flags, and setting it otherwise.

Invariant: every reader sees them; only an officer of the whole county sets one. Nothing is counted per worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Flask, render_template, request, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas.models import Area
from fieldapp.core import clock, scope, wording
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.policies import pages as policies
from fieldapp.policies.queries import list_policies
from fieldapp.reviews import flag_rule_actions as actions, flag_rule_queries as queries
from fieldapp.reviews.flag_rule_forms import RuleForm, make_rule_form
from fieldapp.reviews.flag_rule_queries import Outcome
from fieldapp.reviews.models import FlagRuleSetting
from fieldapp.reviews.queries import select_hidden
from fieldapp.reviews.rules import THRESHOLDS
from fieldapp.users import queries as users

bp = Blueprint("flag_rules", __name__, url_prefix="/flag-rules")

# What became of the flags of so many days.
DAYS = 90
LOOKS_AT: Mapping[str, Any] = {
    "failed_contacts": lazy_gettext(
        "Somebody at high or middle risk, or living alone, could not be reached so many times in a row."
    ),
    "far_from_home": lazy_gettext(
        "The visit was so far from the registered home, how unsure the location is taken off."
    ),
    "poor_accuracy": lazy_gettext("The phone did not know its place better than that."),
    "same_photo": lazy_gettext(
        "A photo is the same file as one of another visit, or in this county looks like one: 0 is exactly alike, 3 finds "
        "also what was made smaller or saved anew."
    ),
    "photo_time": lazy_gettext("A photo was taken so long before or after the visit."),
    "clock_off": lazy_gettext("The clock of the phone was off by so much; times are corrected by it."),
    "out_of_scope": lazy_gettext(
        "The grid was the worker's at the time of the visit, and no longer when it arrived."
    ),
    "duplicate_person": lazy_gettext(
        "Somebody visited could be the same person as another entry of the list. Each pair is told of once, by the first "
        "visit or correction that arrives after it was found; compare the two and merge them, or say that they are two people."
    ),
    "too_quick": lazy_gettext(
        "The questions answered on the visit took less time than that. Answers taken from the list or from last time do "
        "not count, nor do corrections and visits typed at the desk."
    ),
    "same_answers": lazy_gettext(
        "What was answered on the visit is word for word the same as on so many other visits of the same worker. Answers taken "
        "from the list or from last time do not count. Where all is well many visits are alike: set it high. Compared are "
        "visits received since it is switched on."
    ),
}


@bp.get("")
@require(*READERS)
def list_page() -> str:
    """The rules of the county in the address, or of the reader's first one, with what became of their flags."""
    counties, county = policies.choose_county()
    since = _since()
    limits = queries.get_limits(county.code) if county else {}
    outcomes = (
        queries.count_outcomes(_inside(county), select_hidden(current_user), clock.midnight(since))
        if county
        else {}
    )
    return render_template(
        "flag_rules/list.html",
        counties=counties,
        county=county,
        remarks={
            code: ngettext("%(num)s rule set otherwise", "%(num)s rules set otherwise", count)
            for code, count in queries.list_departing([area.code for area in counties]).items()
        },
        rules=[
            {
                "code": rule,
                "looks_at": LOOKS_AT[rule],
                "limits": limits.get(rule, {}),
                "threshold": _say_threshold(rule, limits.get(rule, {})),
                "outcome": outcomes.get(rule, Outcome()),
            }
            for rule in THRESHOLDS
        ],
        answers=outcomes.get("answer", Outcome()),
        since=since,
        days=DAYS,
        area=_area_of(county),
        words=wording.get_words("flag_rule", "severity"),
    )


@bp.get("/rule")
@require(*READERS)
def rule_page() -> str:
    """A rule of the address in a county: how it works, what was said of flags that needed nothing, how it was set before."""
    return _show(policies.get_county(request.args.get("county", "")), _check(request.args.get("rule", "")))


@bp.post("/<county_code>/<rule>")
@require(OFFICER)
def set_rule(county_code: str, rule: str) -> str | tuple[str, int] | Response:
    """Set how the rule works in the county from now on."""
    county = policies.get_county(county_code)
    form = make_rule_form(THRESHOLDS[_check(rule)])()
    form.offer(wording.get_words("severity")["severity"])

    def set_policy(form: RuleForm) -> None:
        actions.set_rule(
            current_user,
            county_code,
            rule,
            based_on=form.based_on.data or 0,
            is_on=form.is_on.data,
            severity=form.severity.data,
            thresholds=form.read_thresholds(),
            reason=form.reason.data or "",
            now=clock.now(),
        )

    return policies.receive(
        county,
        form,
        set_policy,
        lambda form, error: _show(county, rule, form, error),
        said=gettext("It holds from now on. Flags that were raised before stay."),
        back=url_for(".list_page", county=county_code),
    )


def _show(county: Area, rule: str, form: RuleForm | None = None, error: AppError | None = None) -> str:
    words = wording.get_words("flag_rule", "severity")
    limits = queries.get_limits(county.code)[rule]
    history = list_policies(FlagRuleSetting, county.code, rule=rule)
    if form is None and policies.can_set(county):
        thresholds = THRESHOLDS[rule]
        form = make_rule_form(thresholds)(
            formdata=None,
            is_on=limits["enabled"],
            severity=limits["severity"],
            **{threshold.name: limits[threshold.name] for threshold in thresholds},
        )
        form.offer(words["severity"])
    if form is not None:
        form.based_on.data = history[0].number if history else 0
    since = _since()
    dismissed = queries.list_dismissed(
        _inside(county), select_hidden(current_user), rule, clock.midnight(since)
    )
    return render_template(
        "flag_rules/rule.html",
        county=county,
        rule=rule,
        looks_at=LOOKS_AT[rule],
        limits=limits,
        threshold=_say_threshold(rule, limits),
        units=_say_units(),
        settings=history,
        said={setting.number: _say_threshold(rule, setting.thresholds) for setting in history},
        dismissed=dismissed,
        since=since,
        names=policies.name_setters(history),
        deciders=users.get_display_names(
            flag.decided_by_id for flag in dismissed if flag.decided_by_id is not None
        ),
        words=words,
        form=form,
        error=error,
    )


def _say_threshold(rule: str, limits: Mapping[str, Any]) -> str:
    """From when on the rule raises a flag, in words; empty for one that is measured against nothing."""
    if any(threshold.name not in limits for threshold in THRESHOLDS[rule]):
        return ""
    said = [_say_limit(threshold.unit, limits[threshold.name]) for threshold in THRESHOLDS[rule]]
    return " · ".join(said)


def _say_limit(unit: str, value: int) -> str:
    if unit == "bits":
        return gettext("at most %(bits)s of 64 points differ", bits=value)
    if unit == "seconds":
        return ngettext("under %(num)s second a question", "under %(num)s seconds a question", value)
    if unit == "days":
        return ngettext("within %(num)s day", "within %(num)s days", value)
    said = {
        "m": wording.say_distance(value),
        "minutes": ngettext("%(num)s minute", "%(num)s minutes", value),
        "attempts": ngettext("%(num)s time", "%(num)s times", value),
        "visits": ngettext("%(num)s other visit", "%(num)s other visits", value),
    }
    return gettext("from %(threshold)s", threshold=said[unit])


def _say_units() -> dict[str, str]:
    return {
        "m": gettext("metres"),
        "minutes": gettext("minutes"),
        "attempts": gettext("times in a row"),
        "bits": gettext("0 to 3"),
        "seconds": gettext("seconds"),
        "days": gettext("days"),
        "visits": gettext("other visits"),
    }


def _check(rule: str) -> str:
    if rule not in THRESHOLDS:
        raise AppError("not_found")
    return rule


def _area_of(county: Area | None) -> str:
    """The county where the reader sees all of it; empty: the figures are of the reader's own areas in it."""
    return county.code if county and scope.covers(current_user.area_codes(), county.code) else ""


def _inside(county: Area) -> list[str]:
    codes: list[str] = current_user.area_codes()
    return [county.code] if _area_of(county) else [code for code in codes if code.startswith(county.code)]


def _since() -> date:
    return clock.local_date(clock.now()) - timedelta(days=DAYS)


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
