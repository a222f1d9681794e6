"""What else happened at the demo's desk: visits looked at again, what grid workers wrote, a channel that did not get through.

Invariant: as `history`: through the same actions as real ones, in the order of their instants, none after `now`.
"""

from __future__ import annotations

import uuid
from datetime import datetime, time, timedelta
from typing import Any

from fieldapp.checklists.queries import list_offers_in
from fieldapp.core import clock
from fieldapp.core.bodies import read_body
from fieldapp.core.db import db
from fieldapp.demo import county
from fieldapp.demo.history import moment_of, visit_uuid_of, wrap_body
from fieldapp.feedback.actions import answer_feedback, send_feedback
from fieldapp.feedback.sync import FeedbackBody
from fieldapp.followups.queries import get_followup
from fieldapp.followups.sync import ReportBody
from fieldapp.notices import channel_actions, rules as notice_rules
from fieldapp.reviews import actions as reviews
from fieldapp.revisits import actions as revisits
from fieldapp.users.models import User
from fieldapp.users.queries import find_user_by_name, get_user

SAME: dict[str, Any] = {
    "reached": "self",
    "last": {
        "came": "yes",
        "match": "yes",
        "helped": "none",
        "received": "yes",
        "favour": "no",
        "satisfied": "yes",
    },
    "home": {"food_days": "three_nine", "medicine": "enough", "urgent": "none"},
    "today": {"need": "none"},
}
# Somebody says that the visit was a phone call, and that there was less to eat.
OTHERWISE: dict[str, Any] = {
    "reached": "self",
    "last": {
        "came": "call",
        "match": "partly",
        "match_note": "那天是打电话问的，没到家里来。",
        "helped": "none",
        "received": "yes",
        "favour": "no",
        "satisfied": "fair",
    },
    "today": {"need": "none"},
}


def let_happen(now: datetime) -> None:
    """Everything of this module, in order of time."""
    people = {name: _get(name) for name in ("worker", "worker2", "supervisor", "officer", "admin")}
    _look_again(people["officer"], 27, 13, "抽中核实：独居老人，连续两次都说一切正常。", SAME, now)
    _look_again(people["officer"], 13, 12, "抽中核实：打电话和入户的次数对不上。", OTHERWISE, now)
    _write_feedback(people, now)
    _set_up_channel(people["admin"], now)


def _get(username: str) -> User:
    user = find_user_by_name(username)
    assert user is not None
    return user


def _look_again(
    officer: User, number: int, days_ago: int, reason: str, answers: dict[str, Any], now: datetime
) -> None:
    """The officer has a visit looked at again; whoever it fell to reports, and what agrees is closed."""
    asked_at = moment_of(now, days_ago - 3, time(9, 30))
    revisit = reviews.ask_for_revisit(officer, visit_uuid_of(number, days_ago), reason=reason, now=asked_at)
    task = get_followup(revisit.followup_id, officer, asked_at)
    assert task.assignee_id is not None
    assert task.checklist_key is not None
    told_at = moment_of(now, days_ago - 7, time(15))
    offer = list_offers_in(task.area_code, clock.local_date(now))[task.checklist_key]
    heating = {"heating": "ok"} if clock.local_date(told_at).month in (10, 11, 12, 1, 2, 3, 4) else {}
    told = answers | ({"home": answers["home"] | heating} if "home" in answers else {})
    body = {
        "followup_id": task.followup_id,
        "checklist": {"key": task.checklist_key, "version": offer.version},
        "started_at": clock.iso(told_at - timedelta(minutes=9)),
        "finished_at": clock.iso(told_at),
        "answers": told,
    }
    envelope = wrap_body(f"revisit {number}", body)
    revisits.report_followup(get_user(task.assignee_id), read_body(ReportBody, body), envelope, told_at)
    if answers is SAME:
        at = moment_of(now, days_ago - 8, time(9))
        revisits.close_revisit(
            officer, task.followup_id, decision="fine", words="和走访时记的一样。", now=min(at, now)
        )


def _write_feedback(people: dict[str, User], now: datetime) -> None:
    """One that was answered, and one that waits."""
    written_at, answered_at = moment_of(now, 9, time(17, 40)), moment_of(now, 8, time(10, 15))
    text = "拍照后要等好几秒才能接着填，老人坐在对面等着，不太好意思。"
    feedback = send_feedback(people["worker2"], _feedback("slow", "app", text), written_at, written_at)
    answer = "照片现在先存在手机里、有信号时再传，不用等上传完就能接着填。旧手机上压缩要一两秒，我们再看看能不能更快。"
    answer_feedback(people["supervisor"], feedback.feedback_uuid, answer, answered_at)
    written_at = moment_of(now, 2, time(19, 5))
    text = "“粮油够吃几天”老人常答不上来，能不能加一个“看了米缸”的选项？"
    send_feedback(people["worker"], _feedback("food", "checklist", text), written_at, written_at)


def _feedback(name: str, topic: str, text: str) -> FeedbackBody:
    feedback_uuid = str(uuid.uuid5(county.NAMESPACE, f"feedback {name}"))
    return read_body(FeedbackBody, {"feedback_uuid": feedback_uuid, "topic": topic, "text": text})


def _set_up_channel(admin: User, now: datetime) -> None:
    """A channel that somebody tried and then left off: its address is of this very machine, and nobody answers there."""
    tried_at = moment_of(now, 4, time(14, 20))
    values = {
        "name": "达连河镇值班群（演示，未启用）",
        "url": "json://127.0.0.1:9/",
        "area_code": county.TOWNSHIP,
        "roles": ["supervisor", "leader"],
        "severities": ["red", "orange"],
        "quiet_from": time(21),
        "quiet_to": time(7),
        "is_on": False,
    }
    channel = channel_actions.add_channel(admin, values, tried_at)
    delivery = channel_actions.make_delivery(
        channel, tried_at, cause=channel_actions.TEST, subject="channel", subject_id=str(channel.id)
    )
    delivery.state, delivery.attempts, delivery.error = notice_rules.FAILED, 1, "no_connection"
    delivery.next_at = None
    db.session.add(delivery)
