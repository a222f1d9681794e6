"""Pages of the channels outside: setting them up, trying them, and what did not get through.

Invariant: nothing is sent in a request; a page asks for a message and shows what became of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.guard import ADMIN, SECURITY, require
from fieldapp.notices import channel_actions as actions, queries, rules
from fieldapp.notices.channel_forms import ChannelForm
from fieldapp.notices.models import NoticeChannel, NoticeDelivery
from fieldapp.notices.words import DELIVERY_STATES, OUTSIDE, say_error

bp = Blueprint("channels", __name__, url_prefix="/channels")

KEEPERS = (ADMIN, SECURITY)
# Which areas have an office with a channel of its own.
OFFICES = ("province", "city", "proper", "county", "township")
# Night, for whoever has no other.
QUIET = time(21), time(7)
LAST_ROWS = 10


@bp.get("")
@require(*KEEPERS)
def list_page() -> str:
    """What did not get through, the channels, and a form for one more."""
    form = ChannelForm(
        formdata=None,
        roles=list(rules.CHANNEL_ROLES[:3]),
        severities=[rules.RED, "orange"],
        quiet_from=QUIET[0],
        quiet_to=QUIET[1],
        is_on=True,
    )
    return _show_list(form)


@bp.post("")
@require(*KEEPERS)
def add() -> str | tuple[str, int] | Response:
    """Set up a channel."""
    form = ChannelForm()
    _offer(form)
    if not form.validate_on_submit():
        return _show_list(form), 422
    with transaction():
        channel = actions.add_channel(current_user, form.values, clock.now())
    flash(gettext("Set up. Send a test notice, and look whether it arrives."))
    return redirect(url_for(".channel_page", channel_id=channel.id), 303)


@bp.get("/<int:channel_id>")
@require(*KEEPERS)
def channel_page(channel_id: int) -> str:
    """One channel, its last messages, and a test."""
    channel = queries.get_channel(channel_id)
    form = ChannelForm(formdata=None, obj=channel)
    form.url.data, form.area.data = "", channel.area_code or ""
    return _show_channel(channel, form)


@bp.post("/<int:channel_id>")
@require(*KEEPERS)
def change(channel_id: int) -> str | tuple[str, int] | Response:
    """Change a channel."""
    channel = queries.get_channel(channel_id)
    form = ChannelForm()
    form.has_url = True
    _offer(form)
    if not form.validate_on_submit():
        return _show_channel(channel, form), 422
    with transaction():
        actions.change_channel(current_user, channel_id, form.values, clock.now())
    flash(gettext("Changed."))
    return redirect(url_for(".channel_page", channel_id=channel_id), 303)


@bp.post("/<int:channel_id>/test")
@require(*KEEPERS)
def test(channel_id: int) -> Response:
    """Send a test notice."""
    with transaction():
        actions.try_channel(current_user, channel_id, clock.now())
    return redirect(url_for(".channel_page", channel_id=channel_id), 303)


@bp.post("/deliveries/<uuid:delivery_id>/retry")
@require(*KEEPERS)
def retry(delivery_id: UUID) -> Response:
    """Try a message again at once."""
    with transaction():
        actions.retry_delivery(current_user, str(delivery_id), clock.now())
    flash(gettext("It is tried again now, under the same number."))
    return redirect(url_for(".list_page"), 303)


def _offer(form: ChannelForm) -> None:
    offices = [area for area in areas.list_of_levels(OFFICES) if len(area.code) <= rules.TOWNSHIP_DIGITS]
    form.offer([(area.code, area.name) for area in offices], wording.get_words("severity")["severity"])


def _show_list(form: ChannelForm) -> str:
    _offer(form)
    channels = queries.list_channels()
    names = areas.get_names(channel.area_code for channel in channels if channel.area_code)
    return render_template(
        "notices/channels.html",
        channels=[{"channel": one, "area": names.get(one.area_code or "", "")} for one in channels],
        stuck=_prepare(queries.list_stuck(clock.now())),
        form=form,
        words=wording.get_words("severity"),
        roles=wording.ROLES,
    )


def _show_channel(channel: NoticeChannel, form: ChannelForm) -> str:
    _offer(form)
    last = queries.list_last(channel.id, LAST_ROWS)
    return render_template(
        "notices/channel.html",
        channel=channel,
        form=form,
        last=_prepare(last),
        is_busy=any(
            one.state in (rules.WAITING, rules.SENDING) and one.cause == actions.TEST for one in last
        ),
        words=wording.get_words("severity"),
    )


def _prepare(deliveries: Sequence[NoticeDelivery]) -> list[dict[str, Any]]:
    names = areas.get_names(one.area_code for one in deliveries if one.area_code)
    return [
        {
            "delivery": one,
            "words": OUTSIDE[one.cause],
            "state": DELIVERY_STATES[one.state],
            "error": say_error(one.error) if one.state != rules.SENT else "",
            "area": names.get(one.area_code or "", ""),
            "is_given_up": one.next_at is None and one.state in rules.UNSENT,
            "can_retry": one.state in (rules.FAILED, rules.UNCERTAIN),
        }
        for one in deliveries
    ]
