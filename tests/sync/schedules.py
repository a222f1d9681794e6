"""A schedule: what workers, phones, the network, the desk and the server do, in any order; then all settles.

Invariant: nothing here knows what is right; `World.check` compares in the end.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fieldapp.core.errors import AppError
from tests.sync.network import IN_PROCESS, KILLS, ON_THE_WAY, Mishap, TabKilled
from tests.sync.servers import Mortal
from tests.sync.village import PAUSE, PHONES, STEP, WORKERS, Wrong
from tests.sync.world import World


class Deed(Enum):
    """What the desk does."""

    RETURN = "a visit is given back"
    APPROVE = "a visit is accepted"
    VOID = "a visit is declared not to count"
    TAKE_IN = "what could not be applied is taken in, corrected where the office can"
    REFUSE = "what could not be applied is refused"
    OWE = "aid is entered that is still to be given"
    SETTLE_AID = "aid that is due is given or cancelled, or aid that was given is taken back"
    MOVE = "a household moves to another grid"
    GRANT = "a worker is given a grid"
    WITHDRAW = "a worker's grid is taken away"
    PUBLISH = "the next version of the checklist is put in force"
    RESTORED = "the server says that it was restored, and has lost nothing: it is offered everything again"
    REVOKE = "a phone is replaced"
    END = "a worker's account ends"

    def __repr__(self) -> str:
        return f"Deed.{self.name}"


phones = st.sampled_from(sorted(PHONES))
places = st.integers(0, 5)
photos = st.lists(places, max_size=2, unique=True)
# As often as they are worth trying.
deeds = st.sampled_from(
    [Deed.RETURN] * 3 + [Deed.TAKE_IN, Deed.MOVE, Deed.GRANT, Deed.WITHDRAW, Deed.OWE] * 2 + list(Deed)
)
wrongs = st.sampled_from([Wrong.NOTHING] * 8 + list(Wrong))
visits_of_a_day = st.lists(st.tuples(places, places, photos, wrongs), min_size=1, max_size=3)
mishaps = st.lists(st.sampled_from(ON_THE_WAY), max_size=4)


class Schedule(RuleBasedStateMachine):
    """One world, and what happens in it."""

    @staticmethod
    def make_world() -> World:
        """A world of its own."""
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.world = self.make_world()
        for name in ("A1", "B1"):
            assert self.world.phones[name].sync() is None

    def sync_under(self, phone: str, mishaps: list[Mishap]) -> None:
        """A phone syncs; its first requests meet these."""
        self.world.advance(STEP)
        self.world.phones[phone].link.meet(mishaps)
        with suppress(TabKilled):
            self.world.phones[phone].sync()

    @rule(phone=phones, visits=visits_of_a_day, mishaps=mishaps)
    def work(
        self, phone: str, visits: list[tuple[int, int, list[int], Wrong]], mishaps: list[Mishap]
    ) -> None:
        """A worker corrects what came back, finishes visits, and the phone syncs."""
        self.world.correct_returned(phone, 0, 1)
        self.finish(phone, visits)
        self.sync_under(phone, mishaps)

    @rule(place=places)
    def give_back(self, place: int) -> None:
        """A supervisor gives a visit back."""
        self.office(Deed.RETURN, place, 0)

    @rule(place=places, is_taken_in=st.booleans())
    def settle_upload(self, place: int, is_taken_in: bool) -> None:
        """A supervisor takes in what could not be applied, or refuses it."""
        self.office(Deed.TAKE_IN if is_taken_in else Deed.REFUSE, place, 0)

    @rule(phone=phones, visits=visits_of_a_day)
    def finish(self, phone: str, visits: list[tuple[int, int, list[int], Wrong]]) -> None:
        """A worker finishes visits: to which household, with which answers and photos, and what is wrong with it."""
        for household, content, taken, wrong in visits:
            self.world.advance(STEP)
            self.world.finish_visit(phone, household, content, taken, wrong)

    @rule(phone=phones, content=places, is_visited=st.booleans(), mishaps=mishaps)
    def register(self, phone: str, content: int, is_visited: bool, mishaps: list[Mishap]) -> None:
        """A worker registers somebody who is not on the list, visits them at once, and the phone syncs."""
        self.world.advance(STEP)
        self.world.register(phone, content, is_visited)
        self.sync_under(phone, mishaps)

    @rule(phone=phones, person=places, content=places)
    def correct_person(self, phone: str, person: int, content: int) -> None:
        """A worker corrects what the phone shows of somebody."""
        self.world.advance(STEP)
        self.world.correct_person(phone, person, content)

    @rule(phone=phones, household=places, content=places, taken=photos, wrong=wrongs, mishaps=mishaps)
    def record_aid(
        self, phone: str, household: int, content: int, taken: list[int], wrong: Wrong, mishaps: list[Mishap]
    ) -> None:
        """A worker records what they gave or promised, and the phone syncs."""
        self.world.advance(STEP)
        self.world.record_aid(phone, household, content, taken, wrong)
        self.sync_under(phone, mishaps)

    @rule(phone=phones, entry=places, taken=photos, is_twice=st.booleans())
    def give_due(self, phone: str, entry: int, taken: list[int], is_twice: bool) -> None:
        """A worker hands over what is due, perhaps by two taps."""
        for _ in range(1 + is_twice):
            self.world.advance(STEP)
            self.world.give_due(phone, entry, taken)

    @rule(phone=phones, entry=places)
    def take_back_aid(self, phone: str, entry: int) -> None:
        """A worker takes back what they recorded."""
        self.world.advance(STEP)
        self.world.take_back_aid(phone, entry)

    @rule(phone=phones, household=places)
    def begin(self, phone: str, household: int) -> None:
        """A worker begins a visit, to finish it later."""
        self.world.begin_visit(phone, household)

    @rule(phone=phones, content=places, taken=photos)
    def finish_begun(self, phone: str, content: int, taken: list[int]) -> None:
        """A worker finishes a visit begun earlier, with the checklist as it was then."""
        self.world.advance(STEP)
        self.world.finish_draft(phone, content, taken)

    @rule(phone=phones, mishaps=mishaps, place=places, content=places)
    def correct(self, phone: str, mishaps: list[Mishap], place: int, content: int) -> None:
        """A worker's phone syncs; they correct a visit that came back, and one that the server did not accept."""
        self.sync_under(phone, mishaps)
        self.world.correct_returned(phone, place, content)
        self.world.correct_rejected(phone, place)

    @rule(place=places, same_op=st.booleans(), same_content=st.booleans())
    def copy(self, place: int, same_op: bool, same_content: bool) -> None:
        """A visit or aid turns up on the worker's other phone too (a copied profile), perhaps with another content."""
        self.world.advance(STEP)
        self.world.copy_to_other_phone(place, same_op, same_content)

    @rule(phone=phones, mishaps=mishaps)
    def sync(self, phone: str, mishaps: list[Mishap]) -> None:
        """A phone syncs; its first requests meet these."""
        self.sync_under(phone, mishaps)

    @rule(mishap=st.sampled_from(ON_THE_WAY))
    def sync_all(self, mishap: Mishap) -> None:
        """Every phone syncs; its first requests meet this, all of them."""
        for phone in PHONES:
            self.sync_under(phone, [mishap] * 6)

    @rule(phone=phones)
    def bring_in(self, phone: str) -> None:
        """The desk brings in a phone's file."""
        self.world.advance(STEP)
        self.world.bring_in(phone)

    @precondition(lambda self: self.world.network.late)
    @rule(place=places)
    def deliver(self, place: int) -> None:
        """A request that was under way arrives."""
        self.world.advance(STEP)
        self.world.network.deliver(place)

    @rule(deed=deeds, what=places, grid=places)
    def office(self, deed: Deed, what: int, grid: int) -> None:
        """Something is done at the desk."""
        world, worker, phone = self.world, sorted(WORKERS)[what % 2], sorted(PHONES)[what % 3]
        # Clocks of phones are known to a second or so: nothing is decided within the same minute.
        world.pause(PAUSE)
        with suppress(AppError):
            match deed:
                case Deed.RETURN | Deed.APPROVE | Deed.VOID:
                    world.review(what, deed.name.lower())
                case Deed.TAKE_IN | Deed.REFUSE:
                    world.settle_upload(what, is_taken_in=deed == Deed.TAKE_IN)
                case Deed.OWE:
                    world.owe(what)
                case Deed.SETTLE_AID:
                    world.settle_aid(what, grid)
                case Deed.MOVE:
                    world.move(what, grid)
                case Deed.GRANT:
                    world.grant(worker, grid)
                case Deed.WITHDRAW:
                    world.withdraw(worker, grid)
                case Deed.PUBLISH:
                    world.publish()
                case Deed.RESTORED:
                    world.change_epoch()
                case Deed.REVOKE:
                    world.revoke_device(phone)
                case Deed.END:
                    world.end_account(worker)

    @rule(phone=phones, share=st.integers(0, 1000))
    def lose_part_of_cache(self, phone: str, share: int) -> None:
        """The browser loses a row of the cache."""
        self.world.damaged[phone] += self.world.phones[phone].lose_part_of_cache(share)

    @rule(is_month=st.booleans())
    def pause(self, is_month: bool) -> None:
        """Hours pass, or a month, and the feeds are compacted."""
        self.world.pause(timedelta(days=31) if is_month else timedelta(hours=3))
        if is_month:
            self.world.compact()

    def teardown(self) -> None:
        self.world.settle()
        self.world.check()


class InProcessSchedule(Schedule):
    """With faults inside of the server."""

    @rule(phone=phones, mishaps=st.lists(st.sampled_from([*IN_PROCESS, Mishap.NONE]), min_size=1, max_size=4))
    def sync_with_failing_server(self, phone: str, mishaps: list[Mishap]) -> None:
        """A phone syncs with a server that fails."""
        self.sync_under(phone, mishaps)


class RestoredSchedule(Schedule):
    """With a server that is lost, and restored from a backup."""

    def __init__(self) -> None:
        super().__init__()
        self.backups = self.choose_folder()
        self.snapshots: list[str] = []

    def choose_folder(self) -> Path:
        """A folder for this world's backups."""
        raise NotImplementedError

    @rule()
    def back_up(self) -> None:
        """A backup is made; phones may forget what is in it."""
        self.world.pause(PAUSE)
        self.snapshots.append(self.world.back_up(self.backups))

    @precondition(lambda self: self.snapshots)
    @rule()
    def restore(self) -> None:
        """The last backup takes the place of the server."""
        self.world.pause(PAUSE)
        self.world.restore(self.backups, self.snapshots[-1])

    def teardown(self) -> None:
        if not self.snapshots:
            self.back_up()
        self.finish("A1", [(0, 1, [1], Wrong.NOTHING)])
        self.sync_under("A1", [])
        self.restore()
        super().teardown()


class KilledSchedule(Schedule):
    """With a server that is killed, once at least."""

    server: ClassVar[Mortal]

    @initialize(last=st.sampled_from(KILLS))
    def choose(self, last: Mishap) -> None:
        """How the server is killed in the end."""
        self.last = last
        self.deaths = self.server.deaths

    @rule(phone=phones, kill=st.sampled_from(KILLS))
    def sync_and_kill(self, phone: str, kill: Mishap) -> None:
        """A phone syncs; the server is killed over the first request that comes so far, and all promises are compared."""
        self.sync_under(phone, [kill] * 10)
        self.world.check_claims(self.world.claims)

    def teardown(self) -> None:
        self.world.finish_visit("A1", 0, 0, [0])
        self.sync_and_kill(phone="A1", kill=self.last)
        if self.server.deaths == self.deaths:
            # Nothing was left to be sent.
            self.server.kill()
        super().teardown()
