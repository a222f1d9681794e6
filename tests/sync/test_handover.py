"""A phone's file at the desk: what is whole in it is stored once, as from the phone; the rest is told in words."""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import re
import uuid

import pytest
from sqlalchemy import select

from fieldapp.core import clock, storage
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.sync import actions, handover
from fieldapp.sync.models import Operation
from fieldapp.users import actions as users
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import Desk, draw_photo
from tests.handover_file import item, make_file, make_file_on_phone, op_item, photo_item, sealed_by

PHOTO = draw_photo(1)


def bring(desk, file):
    return desk.post("/handover", file=(io.BytesIO(file), "work.fieldapp"))


def words_of(answer):
    """The words of the page, without its tags."""
    text = re.sub(r"<[^>]+>", " ", answer.text[answer.text.index("<main") :])
    return re.sub(r"\s+", " ", text)


def visit_op(phone, photo=None, **more):
    named = (
        [{"sha256": hashlib.sha256(photo).hexdigest(), "question": "photo", "size": len(photo)}]
        if photo
        else []
    )
    return phone.op("visit.submit", phone.visit(attachments=named, **more))


def visits_in(app):
    with app.app_context():
        return set(db.session.scalars(select(Visit.visit_uuid)))


def photo_is_here(app, photo):
    with app.app_context():
        return db.session.get(storage.Attachment, hashlib.sha256(photo).hexdigest()) is not None


def test_what_waits_on_a_phone_is_stored_as_if_it_had_sent_it(app, phone):
    first, second = visit_op(phone, PHOTO), visit_op(phone)
    answer = bring(
        Desk(app), make_file(phone, [op_item(first), op_item(second, "赵桂英"), photo_item(PHOTO)])
    )
    assert answer.status_code == 200
    words = words_of(answer)
    assert words.count("已收到") == 2
    assert "刘玉珍" in words
    assert "赵桂英" in words
    assert "收到 1 / 1" in words
    assert visits_in(app) == {first["body"]["visit_uuid"], second["body"]["visit_uuid"]}
    with app.app_context():
        for visit in db.session.scalars(select(Visit)):
            assert visit.worker_id == phone.user_id
        supervisor = db.session.scalar(select(User.id).where(User.username == "supervisor"))
        for operation in db.session.scalars(select(Operation)):
            assert (operation.brought_by, operation.clock_offset_s) == (supervisor, 0)
            assert operation.device_uuid == phone.device_uuid
        [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "handover.bring_in"))
        assert (entry.actor_name, entry.subject_id) == ("supervisor", str(phone.user_id))
        assert entry.values["outcomes"] == {"accepted": 2}
    sha256 = hashlib.sha256(PHOTO).hexdigest()
    assert phone.client.get(f"/api/attachments/{sha256}").data == PHOTO


def test_the_file_that_the_phones_own_code_makes_is_read(app, phone, tmp_path):
    photos = [PHOTO, draw_photo(2)]
    ops = [visit_op(phone, PHOTO), visit_op(phone, photos[1])]
    file = make_file_on_phone(phone, ops, photos, tmp_path)
    words = words_of(bring(Desk(app), file))
    assert words.count("已收到") == 2
    assert "收到 2 / 2" in words
    assert visits_in(app) == {op["body"]["visit_uuid"] for op in ops}


def test_it_may_be_brought_in_again_and_the_phone_may_send_the_same_later(app, phone):
    op = visit_op(phone, PHOTO)
    file = make_file(phone, [op_item(op), photo_item(PHOTO)])
    desk = Desk(app)
    assert "已收到" in words_of(bring(desk, file))
    words = words_of(bring(desk, file))
    assert "早已收到" in words
    assert "收到 1 / 1" in words
    assert phone.push(op)[0]["outcome"] == "duplicate"
    assert phone.put_photo(PHOTO).status_code == 200
    assert visits_in(app) == {op["body"]["visit_uuid"]}


def test_what_the_phone_had_sent_before_is_here_already(app, phone):
    op = visit_op(phone)
    phone.push(op)
    assert "早已收到" in words_of(bring(Desk(app), make_file(phone, [op_item(op)])))
    with app.app_context():
        assert db.session.scalars(select(Operation.brought_by)).all() == [None]


def test_operations_are_applied_in_the_order_of_the_phone_not_of_the_file(app, phone):
    submitted = visit_op(phone)
    revised = phone.op("visit.revise", {**submitted["body"], "answers": {"reached": "reached"}}, base=1)
    words = words_of(bring(Desk(app), make_file(phone, [op_item(revised), op_item(submitted)])))
    assert words.index("走访") < words.index("更正")
    with app.app_context():
        states = dict(db.session.execute(select(Operation.kind, Operation.code)).all())
    assert states["visit.submit"] is None
    assert states["visit.revise"] != "prerequisite_waiting"


def test_more_operations_than_one_push_takes(app, phone):
    ops = [visit_op(phone) for _ in range(103)]
    random.Random(7).shuffle(ops)
    assert words_of(bring(Desk(app), make_file(phone, map(op_item, ops)))).count("已收到") == 103
    assert len(visits_in(app)) == 103


def test_what_cannot_be_applied_waits_at_the_office_and_says_why(app, phone):
    op = visit_op(phone, household_uuid=str(uuid.uuid4()))
    words = words_of(bring(Desk(app), make_file(phone, [op_item(op)])))
    assert "在民政部门等待处理" in words
    with app.app_context():
        [operation] = db.session.scalars(select(Operation))
        assert operation.state == "rejected"
        assert operation.quarantine == op
        assert operation.brought_by is not None


@pytest.mark.parametrize(
    ("outcome", "code", "words"),
    [("rejected", "refused_by_office", "民政部门没有采用"), ("retry", "server_busy", "请把文件再导入一次")],
)
def test_what_the_office_had_refused_and_what_the_server_could_not_take_are_told(
    app, phone, monkeypatch, outcome, code, words
):
    op = visit_op(phone)
    receipt = {"op_uuid": op["op_uuid"], "outcome": outcome, "code": code, "message": "…"}
    monkeypatch.setattr(actions, "push", lambda *_, **__: [receipt])
    assert words in words_of(bring(Desk(app), make_file(phone, [op_item(op)])))


# --- files that are not as they should be ---


@pytest.fixture
def whole(app, phone):
    """(operation, file) with a photo, so that the file has all kinds of lines."""
    op = visit_op(phone, PHOTO)
    return op, make_file(phone, [op_item(op), photo_item(PHOTO)])


def test_of_a_file_that_breaks_off_what_is_whole_is_taken_in(app, phone, whole):
    op, file = whole
    answer = bring(Desk(app), file[: -len(file) // 10])
    assert "中间断了" in words_of(answer)
    assert "已收到" in words_of(answer)
    assert visits_in(app) == {op["body"]["visit_uuid"]}
    assert not photo_is_here(app, PHOTO)
    assert "中间断了" not in words_of(bring(Desk(app), file))
    assert photo_is_here(app, PHOTO)


def read_all(app, file):
    """(how it ended, operations, photos) of a file's bytes, without a desk."""
    with app.app_context():
        found = handover.Handover(io.BytesIO(file))
        cipher = found.open_key()
        ops = sum(opens(one, cipher) for one in found.items(handover.OpHead, 10**6))
        photos = sum(opens(one, cipher) for one in found.items(handover.PhotoHead, 10**6))
        return found.ending, ops, photos


def opens(one, cipher):
    try:
        one.open(cipher)
    except handover.Unreadable:
        return False
    return True


def test_wherever_a_file_is_cut_nothing_else_goes_wrong(app, whole):
    _, file = whole
    head = file.index(b"\n", 25) + 1
    last = (0, 0)
    for length in range(head, len(file)):
        ending, ops, photos = read_all(app, file[:length])
        assert ending == handover.CUT_OFF
        assert (ops, photos) >= last
        last = (ops, photos)
    assert last == (1, 1)
    assert read_all(app, file) == (handover.WHOLE, 1, 1)
    for length in range(head - 1):
        with pytest.raises(AppError):
            read_all(app, file[:length])


def test_whatever_is_changed_in_a_file_it_is_read_or_refused_with_words(app, whole):
    _, file = whole
    chance = random.Random(4)
    for _ in range(300):
        changed = bytearray(file)
        for _ in range(chance.choice([1, 1, 1, 20])):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        with contextlib.suppress(AppError):
            ending, ops, photos = read_all(app, bytes(changed))
            assert ending in {handover.WHOLE, handover.CUT_OFF, handover.DAMAGED}
            assert ops + photos <= 2


def test_a_damaged_item_is_left_out_and_spoils_no_other(app, phone):
    first, second = visit_op(phone, PHOTO), visit_op(phone)
    wrong_op, wrong_photo = bytearray(op_item(first)), bytearray(photo_item(PHOTO))
    wrong_op[-5] ^= 1
    wrong_photo[-5] ^= 1
    other = draw_photo(2)
    file = make_file(phone, [bytes(wrong_op), op_item(second), bytes(wrong_photo), photo_item(other)])
    words = words_of(bring(Desk(app), file))
    assert "1 条记录在文件中已损坏" in words
    assert "收到 1 / 2" in words
    assert "1 × 在文件中已损坏" in words
    assert visits_in(app) == {second["body"]["visit_uuid"]}
    assert photo_is_here(app, other)


def test_a_photo_that_is_no_good_is_told_with_the_reason(app, phone):
    broken = draw_photo(size=(640, 480))[:900]
    words = words_of(bring(Desk(app), make_file(phone, [photo_item(broken)])))
    assert "收到 0 / 1" in words
    assert "1 × 照片已损坏" in words


@pytest.mark.parametrize(
    ("store", "key", "plain"),
    [
        ("outbox", "0b7cbb4e-6a39-4a4c-8a52-0e3f5f6a8d10", b"no json"),
        ("outbox", "0b7cbb4e-6a39-4a4c-8a52-0e3f5f6a8d10", b"[]"),
        ("outbox", "0b7cbb4e-6a39-4a4c-8a52-0e3f5f6a8d10", b'{"kind": "visit.submit"}'),
        (
            "outbox",
            "0b7cbb4e-6a39-4a4c-8a52-0e3f5f6a8d10",
            b'{"kind":1,"base":1,"title":1,"body":' + b"[" * 9999,
        ),
    ],
)
def test_an_operation_that_makes_no_sense_is_left_out(app, phone, store, key, plain):
    row = {"seq": 1, "at": "yesterday", "replaces": None}
    answer = bring(Desk(app), make_file(phone, [item(store, key, plain, row)]))
    assert (answer.status_code, "1 条记录在文件中已损坏" in words_of(answer)) == (200, True)


@pytest.mark.parametrize(
    "code", ["handover_unknown", "handover_version", "handover_damaged", "handover_elsewhere"]
)
def test_a_file_that_cannot_be_read_is_refused_with_words(app, phone, whole, code):
    op, file = whole
    wrong = {
        "handover_unknown": b"PK\x03\x04 a picture of a cat",
        "handover_version": file.replace(b"handover 1\n", b"handover 2\n", 1),
        "handover_damaged": file.replace(b'"user_id"', b'"used_id"', 1),
        "handover_elsewhere": make_file(phone, [op_item(op)], user_id=phone.user_id + 1),
    }[code]
    answer = bring(Desk(app), wrong)
    with app.test_request_context(headers={"X-Language": "zh"}):
        assert AppError(code).message in answer.text
    assert answer.status_code == 422
    assert visits_in(app) == set()


def test_a_file_of_another_installation_is_refused(app, phone):
    sealed = "AAAA" + sealed_by(phone, phone.user_id)[4:-8] + "AAAAAA=="
    answer = bring(Desk(app), make_file(phone, [op_item(visit_op(phone))], sealed=sealed))
    assert answer.status_code == 422
    assert "别的服务器" in words_of(answer)


def test_nothing_chosen_and_too_much_chosen_are_said_in_words(app, phone, whole):
    desk = Desk(app)
    answer = desk.post("/handover")
    assert (answer.status_code, "请选择" in words_of(answer)) == (422, True)
    answer = desk.post("/handover", file=(io.BytesIO(b""), "empty.fieldapp"))
    assert answer.status_code == 422
    object.__setattr__(app.config["FIELDAPP"], "import_max_bytes", 1000)
    answer = bring(desk, whole[1])
    assert (answer.status_code, "0 MB" in words_of(answer)) == (413, True)


# --- whose files who may bring in ---


def test_a_worker_of_other_areas_is_not_found(app, phone, whole):
    answer = bring(Desk(app, "stranger"), whole[1])
    assert answer.status_code == 404
    assert "不在您的辖区内" in words_of(answer)
    assert visits_in(app) == set()


def test_a_worker_who_has_left_the_area_or_whose_account_ended_is_still_taken(app, phone, whole):
    op, file = whole
    now = clock.now()
    with app.app_context(), transaction():
        admin = db.session.scalars(select(User).where(User.username == "admin")).one()
        worker = db.session.get_one(User, phone.user_id)
        users.withdraw_area(admin, worker.id, worker.scopes[0].area_code, now)
        users.grant_area(admin, worker.id, "230183101", now)
    words = words_of(bring(Desk(app), file))
    assert "已收到" in words
    # The other township's households are none of this reader's business.
    assert "刘玉珍" not in words
    with app.app_context(), transaction():
        admin = db.session.scalars(select(User).where(User.username == "admin")).one()
        users.end_account(admin, phone.user_id, clock.now())
    assert "早已收到" in words_of(bring(Desk(app), file))
    assert visits_in(app) == {op["body"]["visit_uuid"]}


def test_the_account_named_in_a_file_must_be_a_workers(app, county, phone):
    op = visit_op(phone)
    leader = county.users["leader"]
    file = make_file(phone, [op_item(op)], user_id=leader, sealed=sealed_by(phone, leader))
    assert bring(Desk(app), file).status_code == 404
