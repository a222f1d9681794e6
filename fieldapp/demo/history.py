"""Makes the demo's visits, reviews and follow-up steps happen, through the same actions as real ones.

Invariant: everything happens in the order of its instants, and none of them lies after `now`.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from fieldapp.checklists.queries import list_offers_in
from fieldapp.core import clock
from fieldapp.core.bodies import read_body
from fieldapp.core.db import db
from fieldapp.demo.county import METRES_PER_DEGREE, NAMESPACE, RosterHousehold
from fieldapp.demo.stories import (
    Step,
    VisitStory,
    answer_checklist,
    checklist_of,
    list_visits,
    put_photo,
    worker_of,
)
from fieldapp.followups import actions as followups
from fieldapp.followups.incident_actions import acknowledge_incident
from fieldapp.followups.incident_queries import find_of_visit
from fieldapp.followups.models import Followup
from fieldapp.followups.sync import RefuseBody, ReportBody
from fieldapp.people.queries import find_household
from fieldapp.reviews import actions as reviews
from fieldapp.reviews.models import Flag
from fieldapp.revisits import actions as revisits
from fieldapp.sync.rules import body_hash
from fieldapp.users.models import User
from fieldapp.users.queries import find_user_by_name
from fieldapp.visits.actions import Envelope
from fieldapp.visits.sync import VisitBody

SUPERVISOR = "supervisor"
# What the supervisor gives a worker for a task.
TASK_TIME = timedelta(days=5)
# What was done at once about something red.
TIME_TO_ANSWER, ANSWER = timedelta(minutes=12), "已打电话给村干部，今晚先送去急需的东西，明天上门核实。"


@dataclass(frozen=True, slots=True)
class DrawnPhoto:
    """A photo that is in the storage."""

    sha256: str
    size: int
    taken_at: datetime


PhotosByVisit = Mapping[tuple[int, int], DrawnPhoto]
"""By number of the household and days ago of the visit."""


def finished_at(household: RosterHousehold, story: VisitStory, now: datetime) -> datetime:
    """When a visit ended: on its day, between nine and four, never twice at the same minute for one worker."""
    minutes = household.number * 7 % 420
    return moment_of(now, story.days_ago, time(9)) + timedelta(minutes=minutes)


def let_happen(roster: list[RosterHousehold], photos: PhotosByVisit, now: datetime) -> None:
    """Run the visits of all households that have a worker, and what followed from them, in order of time."""
    people = {
        user.username: user for user in map(find_user_by_name, ("worker", "worker2", SUPERVISOR)) if user
    }
    offers = list_offers_in(roster[0].grid_code, clock.local_date(now))
    versions = {key: offer.version for key, offer in offers.items()}
    timeline: list[tuple[datetime, int, Callable[[], object]]] = []
    for household in roster:
        username = worker_of(household)
        if username is None:
            continue
        for story in list_visits(household):
            told = _Telling(household, story, people[username], people, versions, photos, now)
            timeline += [(at, len(timeline) + place, act) for place, (at, act) in enumerate(told.list_acts())]
    for _, _, act in sorted(timeline, key=lambda item: item[:2]):
        act()


@dataclass(frozen=True, slots=True)
class _Telling:
    """One visit and what followed."""

    household: RosterHousehold
    story: VisitStory
    worker: User
    people: Mapping[str, User]
    versions: Mapping[str, str]
    photos: PhotosByVisit
    now: datetime

    def list_acts(self) -> list[tuple[datetime, Callable[[], object]]]:
        acts: list[tuple[datetime, Callable[[], object]]] = [(self.received_at, self.receive)]
        if self.story.decision != "submitted":
            acts.append((self._days_after(1, time(10)), self.decide))
        for step in self.story.steps:
            at = self._days_after(step.days_after, time(14))
            acts.append((at, lambda step=step, at=at: self.take(step, at)))  # type: ignore[misc]
        return acts

    @property
    def visit_uuid(self) -> str:
        return visit_uuid_of(self.household.number, self.story.days_ago)

    @property
    def finished_at(self) -> datetime:
        return finished_at(self.household, self.story, self.now)

    @property
    def received_at(self) -> datetime:
        """In the evening, when the phone has a signal again."""
        return self._days_after(0, time(18, 30))

    def receive(self) -> None:
        body = self._body()
        envelope = wrap_body(f"op {self.visit_uuid}", body)
        reviews.receive_visit(self.worker, read_body(VisitBody, body), envelope, self.received_at)
        if incident := find_of_visit(self.visit_uuid):
            at = min(self.received_at + TIME_TO_ANSWER, self.now)
            acknowledge_incident(self.people[SUPERVISOR], incident.id, text=ANSWER, now=at)

    def decide(self) -> None:
        supervisor, at = self.people[SUPERVISOR], self._days_after(1, time(10))
        if self.story.decision == "approved":
            for flag in db.session.scalars(select(Flag).where(Flag.visit_uuid == self.visit_uuid)):
                if self.story.dismissed and flag.rule != "answer":
                    reviews.dismiss_flag(supervisor, flag.id, reason=self.story.dismissed, now=at)
                else:
                    reviews.confirm_flag(supervisor, flag.id, now=at)
            reviews.approve_visit(supervisor, self.visit_uuid, 1, now=at)
        elif self.story.decision == "returned":
            reviews.return_visit(
                supervisor, self.visit_uuid, 1, reason=self.story.reason, notes=self.story.notes, now=at
            )
        else:
            reviews.void_visit(supervisor, self.visit_uuid, 1, reason=self.story.reason, now=at)

    def take(self, step: Step, at: datetime) -> None:
        for task in db.session.scalars(select(Followup).where(Followup.visit_uuid == self.visit_uuid)):
            self._take_for(task, step, at)

    def _take_for(self, task: Followup, step: Step, at: datetime) -> None:
        op_name = f"{step.name} {task.followup_id}"
        assignee = self.worker
        if step.name == "hand_out":
            followups.hand_out_followup(
                self.people[SUPERVISOR],
                task.followup_id,
                assignee_id=self.people[step.to].id,
                due_at=at + TASK_TIME,
                instructions=step.text,
                now=at,
            )
        elif step.name == "report":
            body = {
                "followup_id": task.followup_id,
                "checklist": self._checklist(task.checklist_key),
                "started_at": clock.iso(at - timedelta(minutes=12)),
                "finished_at": clock.iso(at),
                "answers": step.result,
            }
            revisits.report_followup(assignee, read_body(ReportBody, body), wrap_body(op_name, body), at)
        elif step.name == "refuse":
            body = {"followup_id": task.followup_id, "reason": step.text}
            followups.refuse_followup(assignee, read_body(RefuseBody, body), wrap_body(op_name, body), at)
        else:
            followups.verify_followup(self.people[SUPERVISOR], task.followup_id, now=at)

    def _body(self) -> dict[str, Any]:
        finished, at_home = self.finished_at, self.story.method in {"home", "patrol"}
        reached = self.story.outcome == "reached"
        place = self._place() if at_home and reached and not self.story.place_declined else None
        household = find_household(self.household.household_uuid)
        assert household is not None
        answers = answer_checklist(self.household, self.story, household.address, place, finished)
        photo = self.photos.get((self.household.number, self.story.days_ago))
        if photo:
            put_photo(answers, self.story.photo, photo.sha256)
        return {
            "visit_uuid": self.visit_uuid,
            "household_uuid": self.household.household_uuid,
            "people": [person.person_uuid for person in self.household.people] if reached else [],
            "outcome": self.story.outcome,
            "checklist": self._checklist(checklist_of(self.story)),
            "method": self.story.method,
            "started_at": clock.iso(finished - timedelta(minutes=4 + self.household.number % 9)),
            "finished_at": clock.iso(finished),
            "location": {
                "lat": place[0],
                "lon": place[1],
                "accuracy_m": 12,
                "datum": "WGS84",
                "at": clock.iso(finished - timedelta(minutes=2)),
            }
            if place
            else None,
            "location_declined": self.story.place_declined or None,
            "answers": answers,
            "attachments": [
                {
                    "sha256": photo.sha256,
                    "question": self.story.photo,
                    "taken_at": clock.iso(photo.taken_at),
                    "size": photo.size,
                }
            ]
            if photo
            else [],
        }

    def _place(self) -> tuple[float, float] | None:
        """Where the worker stood: a few steps from the home, or as far as the story says."""
        home = self.household.place
        if home is None:
            return None
        distance_m = self.story.away_m or 3 + self.household.number % 12
        lat, lon = home
        turn = math.radians(self.household.number * 40)
        return (
            round(lat + distance_m * math.cos(turn) / METRES_PER_DEGREE, 6),
            round(lon + distance_m * math.sin(turn) / (METRES_PER_DEGREE * math.cos(math.radians(lat))), 6),
        )

    def _checklist(self, key: str) -> dict[str, str]:
        return {"key": key, "version": self.versions[key]}

    def _days_after(self, days: int, at: time) -> datetime:
        return min(moment_of(self.now, self.story.days_ago - days, at), self.now)


def visit_uuid_of(number: int, days_ago: int) -> str:
    """The key of the visit to a household, by its number, so many days ago."""
    return _uuid(f"visit {number} {days_ago}")


def moment_of(now: datetime, days_ago: int, at: time) -> datetime:
    day: date = clock.local_date(now) - timedelta(days=days_ago)
    return datetime.combine(day, at, clock.LOCAL)


def wrap_body(op_name: str, body: dict[str, Any]) -> Envelope:
    """The body as a phone would have sent it, its clock right."""
    return Envelope(_uuid(op_name), body, body_hash(body), 0)


def _uuid(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name))
