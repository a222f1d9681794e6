"""A workbook becomes an immutable version, which an officer publishes to areas; what phones had stays known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from fieldapp.areas.actions import load_areas
from fieldapp.checklists import actions, queries
from fieldapp.checklists.compiler.problems import ChecklistRefused
from fieldapp.checklists.models import ChecklistVersion, Publication, Registration
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import rev_of
from fieldapp.users.models import User
from tests.checklists.vectors import workbook_of
from tests.factories import GRID, OTHER_GRID, TOWNSHIP, VILLAGE, Phone

NOW = clock.now()
TODAY = clock.local_date(NOW)
COUNTY = "230183"


def greeting(label: str = "Hello", **settings: str) -> bytes:
    survey = [{"type": "text", "name": "a", "label": label}]
    return workbook_of({"survey": survey, "settings": {"form_id": "greeting", **settings}})


def upload(
    content: bytes, area_code: str = COUNTY, username: str = "officer"
) -> tuple[ChecklistVersion, bool]:
    compiled = actions.compile_upload(content, {})
    with transaction():
        return actions.store_version(actor(username), area_code, "greeting.xlsx", content, {}, compiled, NOW)


def actor(username: str = "officer") -> User:
    return db.session.scalars(select(User).where(User.username == username)).one()


def register(key: str = "greeting", area_code: str = COUNTY, valid_until: date | None = None) -> None:
    with transaction():
        actions.register_checklist(
            actor(), key, area_code, owner="县民政局", purpose="冬季保暖", valid_until=valid_until, now=NOW
        )


def publish(
    version: str = "1", *area_codes: str, from_on: date = TODAY, until_on: date | None = None
) -> list[int]:
    with transaction():
        made = actions.publish_version(
            actor(), "greeting", version, area_codes or (COUNTY,), from_on=from_on, until_on=until_on, now=NOW
        )
        return [publication.id for publication in made]


def offered(phone: Phone, key: str = "greeting") -> list[str]:
    """The versions of a checklist the phone holds offers for."""
    records = phone.pull()
    return sorted(
        record["version"]
        for (kind, _), record in records.items()
        if kind == "checklist" and record["offer"] and record["key"] == key
    )


def test_a_new_installation_offers_the_library_to_the_province(app):
    with app.app_context():
        assert {"routine", "followup_result"} <= set(queries.list_offers_in(GRID, TODAY))
        assert {offer.area_code for offer in queries.list_offers_in(GRID, TODAY).values()} == {"23"}


def test_each_workbook_is_a_new_version_and_the_old_one_stays(app, county):
    with app.app_context():
        assert upload(greeting(version="7"))[0].version == "1"
        assert upload(greeting("Good day"))[0].version == "2"
        old = queries.find_version("greeting", "1")
        assert old.document["nodes"][0]["label"] == {"default": "Hello"}
        assert old.document["version"] == "1"
        assert "<h:html" in old.xform
        assert old.workbook.startswith(b"PK")


def test_the_same_file_twice_is_one_version(app, county):
    content = greeting()
    with app.app_context():
        assert upload(content)[1]
        version, is_new = upload(content)
        assert (version.version, is_new) == ("1", False)


def test_an_upload_alone_gives_phones_nothing(app, county, phone):
    with app.app_context():
        upload(greeting())
    assert offered(phone) == []


def test_a_refused_workbook_leaves_nothing_behind(app, county):
    content = workbook_of({"survey": [{"type": "text", "name": "a", "label": "x", "relevant": "("}]})
    with app.app_context():
        with pytest.raises(ChecklistRefused):
            upload(content)
        assert queries.find_version("test", "1") is None


def test_publishing_needs_somebody_who_answers_for_it_and_why(app, county):
    with app.app_context():
        upload(greeting())
        with pytest.raises(AppError, match="registry_needed"):
            publish()
        register()
        assert len(publish()) == 1


def test_a_version_published_to_a_township_reaches_its_phones_and_no_others(app, county, phone):
    other = Phone(app, county, "worker2")
    with app.app_context():
        upload(greeting())
        register()
        publish("1", VILLAGE)
    assert offered(phone) == ["1"]
    assert offered(other) == []


def test_one_that_begins_tomorrow_is_on_the_phone_today_with_its_day(app, county, phone):
    with app.app_context():
        upload(greeting())
        register()
        [id_] = publish(from_on=TODAY + timedelta(days=1))
        assert "greeting" not in queries.list_offers_in(GRID, TODAY)
        assert "greeting" in queries.list_offers_in(GRID, TODAY + timedelta(days=1))
    record = phone.pull()["checklist", str(id_)]
    assert record["offer"]["from_on"] == (TODAY + timedelta(days=1)).isoformat()
    assert record["document"]["nodes"][0]["name"] == "a"


def test_one_that_ended_is_not_sent_any_more(app, county):
    with app.app_context():
        upload(greeting())
        register()
        publish(from_on=TODAY - timedelta(days=9), until_on=TODAY - timedelta(days=1))
    assert offered(Phone(app, county)) == []


def test_a_retired_one_leaves_the_phones_and_what_it_collected_is_still_accepted(app, county, phone):
    with app.app_context():
        upload(greeting())
        register()
        [id_] = publish()
    assert offered(phone) == ["1"]
    with app.app_context(), transaction():
        actions.retire_publication(actor(), id_, NOW)
    assert offered(phone) == []
    body = phone.visit({"a": "你好"}, checklist={"key": "greeting", "version": "1"})
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"


def test_a_version_never_published_is_not_taken_from_a_phone(app, county, phone):
    with app.app_context():
        upload(greeting())
    body = phone.visit({"a": "你好"}, checklist={"key": "greeting", "version": "1"})
    receipt = phone.push(phone.op("visit.submit", body))[0]
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "checklist_version_unknown")


def test_an_expired_checklist_is_not_offered_and_comes_back_when_prolonged(app, county, phone):
    with app.app_context():
        upload(greeting())
        register()
        publish()
    assert offered(phone) == ["1"]
    with app.app_context():
        register(valid_until=TODAY - timedelta(days=1))
        assert "greeting" not in queries.list_offers_in(GRID, TODAY)
    assert offered(phone) == []
    with app.app_context():
        register(valid_until=TODAY + timedelta(days=1))
    assert offered(phone) == ["1"]


def test_a_county_with_its_own_household_visit_changes_nothing_for_others(app, county):
    with app.app_context():
        upload(greeting(form_id="routine"))
        register("routine")
        with transaction():
            actions.publish_version(actor(), "routine", "2", [COUNTY], from_on=TODAY, until_on=None, now=NOW)
        assert queries.list_offers_in(GRID, TODAY)["routine"].version == "2"
        assert queries.list_offers_in("230123100001001", TODAY)["routine"].version == "1"
        assert db.session.get_one(Registration, ("routine", "23")).owner != "县民政局"


def test_an_officer_changes_only_what_is_within_their_area(app, county):
    with app.app_context():
        upload(greeting())
        register()
        with pytest.raises(AppError, match="not_found"):
            upload(greeting("x"), "230123")
        for area_code in ("23", "230123", "2301"):
            with pytest.raises(AppError, match="outside_own_area"):
                publish("1", area_code)
        with pytest.raises(AppError, match="outside_own_area"):
            register("routine", "23")
        with transaction():
            load_areas(["230123"])
        library = db.session.scalars(select(Publication.id).where(Publication.key == "routine")).one()
        with pytest.raises(AppError, match="outside_own_area"), transaction():
            actions.retire_publication(actor(), library, NOW)
        with pytest.raises(AppError, match="outside_own_area"), transaction():
            actions.delete_version(actor(), "routine", "1", NOW)


def test_the_only_county_of_an_installation_may_retire_what_came_with_the_program(app, county, phone):
    with app.app_context():
        library = db.session.scalars(select(Publication.id).where(Publication.key == "revisit")).one()
        with pytest.raises(AppError, match="outside_own_area"), transaction():
            actions.retire_publication(actor("stranger_officer"), library, NOW)
        assert offered(phone, "revisit") == ["1"]
        with transaction():
            actions.retire_publication(actor(), library, NOW)
    assert offered(phone, "revisit") == []


def test_what_somebody_retired_comes_back_with_no_update_of_the_program(app, county, tmp_path, monkeypatch):
    monkeypatch.setattr(actions, "LIBRARY", tmp_path)
    with app.app_context():
        library = db.session.scalars(select(Publication.id).where(Publication.key == "revisit")).one()
        with transaction():
            actions.retire_publication(actor(), library, NOW)
        for label in ("New", "New", "Newer"):
            (tmp_path / "revisit.xlsx").write_bytes(greeting(label, form_id="revisit"))
            with transaction():
                actions.publish_library(NOW)
        assert queries.find_version("revisit", "3") is not None
        assert "revisit" not in queries.list_offers_in(GRID, TODAY)


def test_a_county_that_retires_its_own_choice_of_the_library_still_gets_updates(
    app, county, tmp_path, monkeypatch
):
    monkeypatch.setattr(actions, "LIBRARY", tmp_path)
    (tmp_path / "greeting.xlsx").write_bytes(greeting(owner="省民政厅", purpose="冬季保暖"))
    with app.app_context():
        with transaction():
            actions.publish_library(NOW)
        [own] = publish("1", TOWNSHIP)
        with transaction():
            actions.retire_publication(actor(), own, NOW)
        (tmp_path / "greeting.xlsx").write_bytes(greeting("New"))
        with transaction():
            actions.publish_library(NOW)
        assert queries.list_offers_in(GRID, TODAY)["greeting"].version == "2"


@pytest.mark.parametrize("area_code", [f"{COUNTY}999", f"{COUNTY}x", f"{COUNTY}<script>alert(1)</script>"])
def test_nothing_is_published_to_an_area_that_is_not_there(app, county, area_code):
    with app.app_context():
        upload(greeting())
        register()
        with pytest.raises(AppError, match="outside_own_area"):
            publish("1", area_code)


def test_an_upload_does_not_end_what_is_in_force(app, county, phone):
    with app.app_context():
        upload(greeting())
        register()
        publish()
        upload(greeting("Good day", valid_until=(TODAY - timedelta(days=1)).isoformat()))
    assert offered(phone) == ["1"]


def test_publishing_and_deleting_at_once_is_the_one_or_the_other(app, county):
    def publish_one(version: str) -> str:
        with app.app_context():
            try:
                publish(version)
            except AppError as error:
                return error.code
            return "done"

    def delete_one(version: str) -> str:
        with app.app_context():
            try:
                with transaction():
                    actions.delete_version(actor(), "greeting", version, NOW)
            except AppError as error:
                return error.code
            return "done"

    with app.app_context():
        for number in range(6):
            upload(greeting(f"Hello {number}"))
        register()
    with ThreadPoolExecutor(4) as pool:
        names = [str(number) for number in range(1, 7)]
        pairs = [(pool.submit(delete_one, name), pool.submit(publish_one, name)) for name in names]
        ends = {(deleted.result(), published.result()) for deleted, published in pairs}
    assert ends <= {("done", "not_found"), ("version_was_published", "done")}


def test_only_a_version_nobody_was_given_can_be_deleted(app, county):
    with app.app_context():
        upload(greeting())
        upload(greeting("Good day"))
        register()
        [id_] = publish("1")
        with transaction():
            actions.retire_publication(actor(), id_, NOW)
        with pytest.raises(AppError, match="version_was_published"), transaction():
            actions.delete_version(actor(), "greeting", "1", NOW)
        with transaction():
            actions.delete_version(actor(), "greeting", "2", NOW)
        assert queries.find_version("greeting", "2") is None
        assert db.session.get(Registration, ("greeting", COUNTY)) is not None


def test_publishing_the_same_again_makes_no_second_publication(app, county):
    with app.app_context():
        upload(greeting())
        register()
        assert len(publish()) == 1
        assert publish() == []


def test_two_officers_at_once_do_not_make_the_same_version(app, county):
    def one(number: int) -> str:
        with app.app_context():
            content = greeting(f"Hello {number}")
            return upload(content, (COUNTY, TOWNSHIP)[number % 2])[0].version

    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(one, range(4)))
    assert sorted(versions) == ["1", "2", "3", "4"]


def test_a_worker_who_gains_a_grid_gets_its_checklists_and_loses_them_with_it(app, county, phone):
    from fieldapp.users.models import UserScope

    with app.app_context():
        upload(greeting())
        register()
        publish("1", OTHER_GRID[:12])
    assert offered(phone) == []
    with app.app_context(), transaction():
        scope = UserScope(user_id=phone.user_id, area_code=OTHER_GRID, starts_at=NOW - timedelta(days=1))
        db.session.add(scope)
        db.session.flush()
        scope_id = scope.id
    assert offered(phone) == ["1"]
    with app.app_context(), transaction():
        db.session.get_one(UserScope, scope_id).ends_at = clock.now()
    answer = phone.client.get("/api/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    assert OTHER_GRID[:12] in answer.json["left"]


def test_a_returned_visit_comes_with_its_version_though_it_is_retired(app, county, phone):
    from fieldapp.reviews.actions import return_visit

    with app.app_context():
        upload(greeting())
        register()
        [id_] = publish()
    body = phone.visit({"a": "你好"}, checklist={"key": "greeting", "version": "1"})
    phone.push(phone.op("visit.submit", body))
    with app.app_context(), transaction():
        actions.retire_publication(actor(), id_, NOW)
        return_visit(actor("supervisor"), body["visit_uuid"], 1, reason="请再问", notes={}, now=clock.now())
    new_phone = Phone(app, county)
    record = new_phone.pull()["checklist", "greeting/1"]
    assert record["offer"] is None
    assert record["document"]["key"] == "greeting"


def test_the_library_is_brought_up_to_date_and_a_countys_own_stays(app, county, tmp_path, monkeypatch):
    with app.app_context():
        upload(greeting(form_id="routine"))
    (tmp_path / "routine.xlsx").write_bytes(greeting("New", form_id="routine"))
    monkeypatch.setattr(actions, "LIBRARY", tmp_path)
    with app.app_context():
        for _ in range(2):
            with transaction():
                actions.publish_library(NOW)
        assert queries.list_offers_in(GRID, TODAY)["routine"].version == "3"
        assert "followup_result" not in queries.list_offers_in(GRID, TODAY)
        assert queries.find_version("routine", "2").area_code == COUNTY


def test_what_the_province_made_of_the_library_stays(app, county, tmp_path, monkeypatch):
    with app.app_context(), transaction():
        own = actions.compile_upload(greeting(form_id="routine"), {})
        version, _ = actions.store_version(
            None, "23", "routine.xlsx", greeting(form_id="routine"), {}, own, NOW
        )
        version.created_by_id = actor().id
    (tmp_path / "routine.xlsx").write_bytes(greeting("New", form_id="routine"))
    monkeypatch.setattr(actions, "LIBRARY", tmp_path)
    with app.app_context():
        with transaction():
            actions.publish_library(NOW)
        assert queries.find_version("routine", "3") is None


def test_every_step_is_in_the_audit_trail(app, county):
    with app.app_context():
        upload(greeting())
        register()
        [id_] = publish()
        with transaction():
            actions.retire_publication(actor(), id_, NOW)
            actions.record_download(actor(), queries.get_version("greeting", "1"), "greeting.xlsx", NOW)
        steps = db.session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.subject_kind == "checklist", AuditEntry.subject_id == "greeting")
            .order_by(AuditEntry.id)
        ).all()
    assert steps == [
        "checklist.upload",
        "checklist.register",
        "checklist.publish",
        "checklist.retire",
        "checklist.download",
    ]


def test_phones_are_told_of_each_publication(app, county):
    with app.app_context():
        upload(greeting())
        register()
        [id_] = publish()
        first = rev_of(COUNTY, "checklist", str(id_))
        with transaction():
            actions.retire_publication(actor(), id_, NOW)
        assert first is not None
        assert rev_of(COUNTY, "checklist", str(id_)) > first


def test_checking_files_says_ok_or_where_and_why(app, tmp_path):
    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    good.write_bytes(greeting())
    bad.write_bytes(
        workbook_of({"survey": [{"type": "text", "name": "a", "label": "x", "relevant": "${a} == 1"}]})
    )
    lines, all_ok = actions.check_files([good, bad])
    assert not all_ok
    assert lines == [
        "ok good.xlsx: 1 questions, languages default",
        "refused bad.xlsx",
        "  survey, row 2, relevant: == is not an operator here; instead: write =",
    ]
    assert actions.check_files([good])[1]
