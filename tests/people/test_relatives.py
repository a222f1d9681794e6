"""Near relatives that staff declare: by whom, for whom, and who sees it."""

from __future__ import annotations

import re

from sqlalchemy import select

from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db
from fieldapp.people.relatives import has_relative_in, is_declared_relative
from tests.factories import Desk
from tests.people.pages import words_of


def test_near_relative_is_declared_by_oneself_or_for_a_worker_and_seen_by_officers(app, county):
    leader, desk = Desk(app, "leader"), Desk(app)
    path = f"/people/{county.person_uuids[0]}/relatives"
    own, worker = county.users["leader"], county.users["worker"]
    assert leader.post(path, user=own, relation=" ").status_code == 422
    assert leader.post(path, user=own, relation="姨母").status_code == 303
    assert leader.post(path, user=worker, relation="母亲").status_code == 422
    assert desk.post(path, user=worker, relation="母亲").status_code == 303
    assert desk.post(path, user=county.users["stranger"], relation="母亲").status_code == 422
    page = words_of(Desk(app, "officer").get(f"/households/{county.household_uuid}"))
    assert re.search("测试leader[、，]测试worker", page)
    assert "姨母" in words_of(leader.get("/people/my-relatives"))
    with app.app_context():
        [first, second] = county.person_uuids
        assert is_declared_relative(worker, first)
        assert not is_declared_relative(worker, second)
        assert has_relative_in(own, county.household_uuid)
        assert not has_relative_in(own, county.other_household_uuid)
    assert leader.post(f"{path}/{worker}/withdraw", reason="登错").status_code == 404
    assert leader.post(f"{path}/{own}/withdraw", reason=" ").status_code == 422
    assert leader.post(f"{path}/{own}/withdraw", reason="登错").status_code == 303
    with app.app_context():
        assert not is_declared_relative(own, county.person_uuids[0])
        of_relatives = select(AuditEntry.action).where(AuditEntry.action.like("relative.%"))
        trail = db.session.scalars(of_relatives.order_by(AuditEntry.id))
        assert list(trail) == ["relative.declare", "relative.declare", "relative.withdraw"]
