"""Messages outside: none is lost, none is sent by two, none names anybody; what went wrong is shown."""

from __future__ import annotations

import re
from datetime import time, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from fieldapp import create_app
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Incident
from fieldapp.notices import channel_actions as actions, sending
from fieldapp.notices.jobs import FILE, Jobs
from fieldapp.notices.models import Notice, NoticeDelivery
from fieldapp.notices.routes import PAGES
from fieldapp.people.models import Household
from fieldapp.settings import Settings
from fieldapp.upkeep.doctor import examine
from fieldapp.users.models import User
from tests.factories import TOWNSHIP, Desk
from tests.followups.test_actions import make_task
from tests.followups.test_pages import words_of
from tests.live import Live
from tests.notices.conftest import add_channel
from tests.notices.test_inbox import send_red_visit, user_of


def delivery(cause="incident.raised") -> NoticeDelivery:
    db.session.rollback()
    return db.session.scalars(select(NoticeDelivery).where(NoticeDelivery.cause == cause)).one()


def number_in(text: str) -> str:
    found = re.search(r"编号 ([0-9a-f]{8})", text)
    assert found, text
    return found[1]


def send(app, cause="incident.raised") -> None:
    """What a worker of the queue does with the message of that cause, if it is due."""
    with app.app_context():
        sending.deliver(delivery(cause).delivery_id)


def let_pause_end(app, cause="incident.raised") -> None:
    """The pause after an attempt is over."""
    with app.app_context(), transaction():
        one = db.session.scalars(select(NoticeDelivery).where(NoticeDelivery.cause == cause)).one()
        one.next_at = one.claimed_at = clock.now() - timedelta(minutes=1)


def test_robot_that_refuses_gets_it_again_under_the_same_number_when_it_takes_it(
    app, phone, channel, receiver
):
    channel(severities=["red"], area_code=TOWNSHIP[:6])
    receiver.behave = "refuse"
    send_red_visit(phone)
    send(app)
    with app.app_context():
        failed = delivery()
        assert (failed.state, failed.error, failed.attempts) == ("failed", "answered_500", 1)
        assert failed.next_at
        assert timedelta() < failed.next_at - clock.now() < timedelta(minutes=1)
    # Not before its time.
    send(app)
    receiver.behave = "take"
    let_pause_end(app)
    send(app)
    with app.app_context():
        assert (delivery().state, delivery().attempts) == ("sent", 2)
    send(app)
    first, second = receiver.take_all()
    assert number_in(first) == number_in(second)


def test_robot_that_falls_silent_leaves_it_uncertain_and_it_is_tried_again_under_the_same_number(
    app, phone, channel, receiver
):
    channel(severities=["red"])
    receiver.behave = "hang"
    send_red_visit(phone)
    send(app)
    with app.app_context():
        assert (delivery().state, delivery().error) == ("uncertain", "timeout")
    security = Desk(app, "security")
    page = words_of(security.get("/channels"))
    assert "不确定：可能已送到" in page
    # Refused the next time, it may still have arrived the first time.
    receiver.behave = "refuse"
    let_pause_end(app)
    send(app)
    with app.app_context():
        assert (delivery().state, delivery().error) == ("uncertain", "timeout")
        delivery_id = delivery().delivery_id
    receiver.behave = "take"
    let_pause_end(app)
    assert security.post(f"/channels/deliveries/{delivery_id}/retry").status_code == 303
    send(app)
    with app.app_context():
        assert delivery().state == "sent"
    assert len({number_in(text) for text in receiver.take_all()}) == 1
    assert "不确定" not in words_of(security.get("/channels"))


def test_robot_that_is_away_gets_it_when_it_is_back(app, county, phone, receiver):
    with app.app_context():
        channel_id = add_channel("json://127.0.0.1:9/robot")
    send_red_visit(phone)
    send(app)
    with app.app_context():
        lost = delivery()
        assert (lost.state, lost.error) == ("failed", "no_connection")
        with transaction():
            actions.change_channel(user_of(county, "admin"), channel_id, {"url": receiver.url}, clock.now())
    let_pause_end(app)
    send(app)
    assert "有红色情况等待回应" in receiver.next()


def test_queue_sends_what_is_due_by_itself_and_holds_nothing_readable(
    app, phone, channel, receiver, settings
):
    # The county's own: the task that the answer makes is the township's.
    channel(severities=["red"], area_code=TOWNSHIP[:6])
    send_red_visit(phone)
    jobs = Jobs(app)
    try:
        with app.app_context():
            delivery_id = delivery().delivery_id
            jobs.sweep(clock.now())
        kept = b"".join(path.read_bytes() for path in settings.data_dir.glob(FILE + "*"))
        assert b"fieldapp" in kept
        assert delivery_id.encode() not in kept
        jobs.start()
        assert number_in(receiver.next()) == delivery_id[:8]
    finally:
        # After what is being sent.
        jobs.stop()
    with app.app_context():
        assert delivery().state == "sent"


def test_two_servers_send_it_once(app, phone, channel, receiver):
    channel(severities=["red"])
    send_red_visit(phone)
    with app.app_context():
        delivery_id = delivery().delivery_id
    both = Barrier(2)

    def work() -> None:
        with app.app_context():
            both.wait()
            sending.deliver(delivery_id)

    servers = [Thread(target=work) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert len(receiver.take_all()) == 1
    with app.app_context():
        assert (delivery().state, delivery().attempts) == ("sent", 1)


@pytest.mark.parametrize(("severity", "is_held"), [("red", False), ("orange", True)])
def test_quiet_hours_hold_all_but_red(app, county, channel, severity, is_held):
    now = clock.now().astimezone(clock.LOCAL)
    hours = ((now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time())
    channel(quiet_from=hours[0], quiet_to=hours[1])
    with app.app_context():
        with transaction():
            make_task(county, severity=severity, assignee_id=county.users["leader"])
        held = delivery("followup.given")
        assert held.next_at
        assert (held.next_at > clock.now() + timedelta(minutes=59)) is is_held


@pytest.mark.parametrize(
    ("options", "is_told"),
    [
        ({}, True),
        ({"area_code": TOWNSHIP[:6]}, False),
        ({"area_code": TOWNSHIP}, True),
        ({"area_code": TOWNSHIP[:4]}, False),
        ({"roles": ["officer"]}, False),
        ({"severities": ["red"]}, False),
        ({"is_on": False}, False),
    ],
)
def test_channel_carries_what_is_told_to_its_office_for_its_roles_and_severities(
    app, county, channel, options, is_told
):
    channel(**options)
    with app.app_context():
        with transaction():
            make_task(county, assignee_id=county.users["leader"])
        found = db.session.scalars(select(NoticeDelivery.cause)).all()
    assert found == (["followup.given"] if is_told else [])


def test_red_goes_to_every_office_that_is_told_whatever_the_roles(app, phone, channel):
    expected = {channel(area_code=code, roles=["admin"]) for code in (TOWNSHIP, TOWNSHIP[:6])}
    channel(area_code=TOWNSHIP[:4])
    send_red_visit(phone)
    with app.app_context():
        raised = select(NoticeDelivery.channel_id).where(NoticeDelivery.cause == "incident.raised")
        assert set(db.session.scalars(raised)) == expected


def test_given_up_after_a_day_it_stands_in_the_inbox_of_whoever_keeps_the_channels(
    app, county, channel, receiver
):
    channel()
    receiver.behave = "refuse"
    with app.app_context(), transaction():
        make_task(county, assignee_id=county.users["leader"])
        made = select(NoticeDelivery).where(NoticeDelivery.cause == "followup.given")
        db.session.scalars(made).one().created_at = clock.now() - timedelta(days=1)
    send(app, "followup.given")
    with app.app_context():
        given_up = delivery("followup.given")
        assert (given_up.state, given_up.next_at) == ("failed", None)
        told = select(Notice.user_id).where(Notice.cause == "channel.failing").order_by(Notice.user_id)
        assert db.session.scalars(told).all() == sorted(county.users[name] for name in ("admin", "security"))
        assert [one.words for one in examine(clock.now()) if "given up" in one.words] == [
            "0 messages are still being tried, 1 were given up this week: see Channels at the desk"
        ]
    page = words_of(Desk(app, "admin").get("/channels"))
    assert "不再重试" in page
    assert "对方拒收（500）" in page


def test_suspected_abuse_is_told_outside_without_its_kind_and_place(app, county, channel):
    channel()
    with app.app_context():
        with transaction():
            make_task(county, severity="red", type="child_protection", assignee_id=county.users["officer"])
        for one in db.session.scalars(select(NoticeDelivery)):
            title, body = sending.write(one)
            assert one.area_code == TOWNSHIP[:6]
            assert "未成年人" not in title + body


def test_test_notice_is_sent_at_any_hour_and_its_result_is_on_the_page(app, channel, receiver):
    channel_id = channel(quiet_from=time(0), quiet_to=time(23, 59), is_on=False)
    admin = Desk(app, "admin")
    assert admin.post(f"/channels/{channel_id}/test").status_code == 303
    assert 'hx-trigger="load delay:2s"' in admin.get(f"/channels/{channel_id}").text
    send(app, "channel.test")
    assert "测试" in receiver.next()
    page = admin.get(f"/channels/{channel_id}")
    assert "已发送" in words_of(page)
    assert "hx-trigger" not in page.text
    assert receiver.url not in page.text


@pytest.mark.parametrize("url", ["", "nonsense", "http:/", "ftp://example.org"])
def test_channel_needs_an_address_that_can_be_sent_to(app, county, url):
    fields = {"name": "群", "url": url, "area": "", "quiet_from": "21:00", "quiet_to": "07:00"}
    assert Desk(app, "admin").post("/channels", **fields).status_code == 422


# --- a server that dies ---------------------------------------------------------------------------------------------

DIES = """
import os, signal, sys
from datetime import timedelta
from fieldapp import cli
from fieldapp.notices import channel_actions, jobs, sending

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

{fault}
sys.argv = ["fieldapp", "serve"]
cli.main()
"""
SOON = DIES.format(fault="channel_actions.LONGEST_ATTEMPT = timedelta(0)")
KILLED = -9


@pytest.mark.parametrize(
    ("fault", "arrivals"),
    [
        ("jobs.deliver = die", 1),
        ("sending._send = die", 1),
        # It had arrived: nobody can know, and it says so under the same number.
        ("channel_actions.settle = die", 2),
    ],
    ids=["before it is taken", "before it is sent", "before it is noted"],
)
def test_server_killed_between_commit_and_sending_loses_nothing(live: Live, receiver, fault, arrivals):
    from tests.browser.test_incidents import send_red_visit as send_red_visit_to

    app = create_app(Settings(data_dir=live.data_dir))
    with app.app_context():
        add_channel(receiver.url, severities=["red"], area_code="230123")
    live.stop()
    live.start(DIES.format(fault=fault))
    send_red_visit_to(live)
    assert live.wait_for_end() == KILLED
    with app.app_context():
        before = delivery()
        assert before.state == ("waiting" if before.attempts == 0 else "sending")
        delivery_id = before.delivery_id
        db.session.remove()
    live.start(SOON)
    texts = [receiver.next() for _ in range(arrivals)]
    assert {number_in(text) for text in texts} == {delivery_id[:8]}
    live.stop()
    with app.app_context():
        assert delivery().state == "sent"
        db.session.remove()
        db.engine.dispose()
    assert receiver.take_all() == []


def test_whatever_a_notice_is_about_has_an_address_outside():
    assert sending.PATHS.keys() == PAGES.keys()


def test_no_message_of_a_full_county_names_anybody(demo_county):
    folder, _ = demo_county
    app = create_app(Settings(data_dir=folder))
    with app.app_context():
        secrets = set()
        for household in db.session.scalars(select(Household)):
            secrets |= {household.name, household.address, household.phone}
            for person in household.people:
                secrets |= {person.name, person.id_number, person.phone}
        secrets |= set(db.session.scalars(select(User.display_name)))
        secrets -= {None, ""}
        notices = db.session.scalars(select(Notice)).all()
        texts = [
            "\n".join(
                sending.write(
                    NoticeDelivery(
                        delivery_id="0" * 36,
                        cause=one.cause,
                        severity=one.severity,
                        subject=one.subject,
                        subject_id=one.subject_id,
                        area_code=one.area_code[:9] if one.area_code else None,
                        params=one.params,
                    )
                )
            )
            for one in notices
        ]
        assert len(texts) > 5
        assert db.session.scalars(select(Incident)).first()
        found = {secret for secret in secrets for text in texts if secret in text}
        assert not found
        db.session.remove()
        db.engine.dispose()
