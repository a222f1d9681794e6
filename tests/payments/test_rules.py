"""What a row of a payment list says and is: nothing is guessed, nothing is paid twice."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from fieldapp.imports.columns import recognise
from fieldapp.imports.rules import Fault
from fieldapp.payments import rules
from fieldapp.payments.columns import KNOWN, recognise_payments
from fieldapp.payments.rules import Above, Entry, Payment, Who, Whole
from tests.imports.rosters import make_id

TODAY = date(2026, 11, 30)
WORDS = rules.Words({"低保金": "dibao", "临时救助": "temporary_relief"}, {"财政资金": "public"})
WHOLE = Whole("dibao", "public", "2026-11", date(2026, 11, 10))
FROM_COLUMNS = Whole(None, None, None, None)
GOOD_ID = make_id(1)


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("500", 500_00),
        ("1,250.50", 1_250_50),
        ("￥1，250.5元", 1_250_50),
        ("１２０", 120_00),
        ("512.4000000000001", 512_40),
        ("0.01", 1),
        (".5", 50),
        ("500元整", 500_00),
        ("1000000", 1_000_000_00),
    ],
)
def test_an_amount_is_read_as_lists_write_it(text, cents):
    assert rules.read_amount(text) == (cents, "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "amount_missing"),
        ("-", "amount_missing"),
        ("五百", "amount_odd"),
        ("1,25", "amount_odd"),
        ("5 00.1.2", "amount_odd"),
        ("1e3", "amount_odd"),
        ("NaN", "amount_odd"),
        ("500/月", "amount_odd"),
        ("0.005", "amount_parts"),
        ("0", "amount_zero"),
        ("-500", "amount_negative"),
        ("1000000.01", "amount_large"),
        ("9" * 27, "amount_large"),
        ("-" + "9" * 40, "amount_negative"),
    ],
)
def test_an_amount_that_is_none_says_why(text, fault):
    assert rules.read_amount(text) == (None, fault)


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-11", "2026-11"),
        ("2026年11月", "2026-11"),
        ("2026年3月份", "2026-03"),
        ("2026.01", "2026-01"),
        ("2026.2", "2026-02"),
        ("2026.9", "2026-09"),
        ("2026.10", "2026-10"),
        # Excel's 2026.10, where it is a number: January, or October?
        ("2026.1", None),
        ("202611", "2026-11"),
        ("2026-11-01", "2026-11"),
        ("20261101", "2026-11"),
        ("46327", "2026-11"),
        ("2026-13", None),
        ("11月", None),
        ("2026年10-12月", None),
        ("1026-11", None),
        ("", None),
    ],
)
def test_a_month_is_read_or_not_at_all(text, month):
    assert rules.read_month(text) == month


def read(whole=WHOLE, **said) -> Payment:
    return rules.read_row(list(said.values()), list(said), whole, WORDS, TODAY)


def codes(payment) -> list[str]:
    return [fault.code for fault in payment.faults]


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({"name": "王桂兰", "id_number": GOOD_ID, "amount": "500"}, []),
        ({"name": "王桂兰", "id_number": GOOD_ID.lower(), "amount": "500"}, []),
        ({"name": "王桂兰", "id_number": "2301**********0028", "amount": "500"}, []),
        ({"name": "王桂兰", "id_tail": "28", "amount": "500"}, []),
        ({"name": "王桂兰", "account": "6228****1234", "amount": "500"}, []),
        ({"id_number": GOOD_ID, "amount": "500"}, []),
        ({"name": "王桂兰", "amount": "500"}, ["number_missing"]),
        ({"id_tail": "0028", "amount": "500"}, ["who_missing"]),
        ({"name": "王桂兰", "id_number": "230123", "amount": "500"}, ["id_length"]),
        ({"name": "王桂兰", "id_number": "2.30123E+17", "amount": "500"}, ["rounded"]),
        ({"name": "王桂兰", "id_number": GOOD_ID, "amount": "#REF!"}, ["cell_error"]),
        ({"name": "王桂兰", "id_number": GOOD_ID, "amount": ""}, ["amount_missing"]),
        ({"name": "王桂兰", "id_tail": "12", "id_number": "", "amount": "很多"}, ["amount_odd"]),
        ({"name": "王桂兰", "id_number": GOOD_ID, "amount": "5", "paid_on": "2026-12-01"}, ["day_ahead"]),
        ({"name": "王桂兰", "id_number": GOOD_ID, "amount": "5", "paid_on": "月底"}, ["day_impossible"]),
    ],
)
def test_what_is_wrong_with_a_row_is_said(said, faults):
    assert codes(read(**said)) == faults


def test_programme_source_month_and_day_come_from_the_row_where_the_list_says_none():
    said = {"name": "王桂兰", "id_number": GOOD_ID, "amount": "5"}
    row = read(
        FROM_COLUMNS, **said, programme="低保金", source="财政资金", period="2026年10月", paid_on="2026-10-09"
    )
    assert (row.programme, row.source, row.period, row.paid_on, row.faults) == (
        *("dibao", "public", "2026-10"),
        date(2026, 10, 9),
        [],
    )
    missing = ["programme_missing", "source_missing", "day_missing", "period_missing"]
    assert codes(read(FROM_COLUMNS, **said)) == missing
    odd = read(FROM_COLUMNS, **said, programme="彩票", source="天上", period="明年", paid_on="2026-10-09")
    assert codes(odd) == ["programme_unknown", "source_unknown", "period_odd"]
    assert codes(
        read(
            FROM_COLUMNS, **said, programme="低保金", source="财政资金", period="2027-02", paid_on="2026-11-1"
        )
    )
    # The whole list goes before a column.
    assert read(**said, programme="临时救助").programme == "dibao"


@pytest.mark.parametrize(
    ("cells", "is_total", "is_subtotal"),
    [
        (["", "合计", "", "1000"], True, False),
        (["合 计：2人", "", "", "1000"], True, False),
        (["总计", "", "", "1000"], True, False),
        (["Total", "", "", "1000"], True, False),
        (["小计", "", "", "1000"], True, True),
        (["本页合计", "", "", "1000"], True, True),
        (["3", "和计生", GOOD_ID, "1000"], False, False),
        (["合计", "", GOOD_ID, "1000"], False, False),
    ],
)
def test_the_sum_of_a_list_is_no_payment(cells, is_total, is_subtotal):
    row = rules.read_row(cells, ["", "name", "id_number", "amount"], WHOLE, WORDS, TODAY)
    assert (row.is_total, row.is_subtotal) == (is_total, is_subtotal)
    assert row.amount_cents == 1000_00


def test_columns_are_known_by_their_chinese_and_english_heads():
    chinese = [
        "序号",
        "姓名",
        "身份证号码",
        "发放金额（元）",
        "项目名称",
        "发放月份",
        "发放日期",
        "账户尾号",
        "乡镇",
    ]
    fields = ["", "name", "id_number", "amount", "programme", "period", "paid_on", "account", "township"]
    assert recognise(chinese, {}, KNOWN) == fields
    english = [
        "No.",
        "Full name",
        "ID number",
        "Amount (yuan)",
        "Programme",
        "Period",
        "Date",
        "Account",
        "Township",
    ]
    assert recognise(english, {}, KNOWN) == fields


def test_of_several_amounts_what_was_paid_out_is_meant():
    header = ["姓名", "应发金额", "扣款", "实发金额"]
    assert recognise_payments(header) == ["name", "", "", "amount"]
    assert recognise_payments(["姓名", "应发金额（元）"]) == ["name", "amount"]
    assert recognise_payments(["实发", "发放金额"]) == ["amount", ""]


@pytest.mark.parametrize("unit", ["万元", "单位：千元", "百元", "角", "分"])
def test_an_amount_in_another_unit_than_yuan_is_not_taken_for_one(unit):
    assert recognise_payments(["姓名", f"金额({unit})"]) == ["name", ""]
    assert recognise_payments([f"实发金额（{unit}）", "应发金额"]) == ["", ""]


# --- what it is ------------------------------------------------------------------------------------------------------

WANG = Who("wang", "home", "王桂兰", by_id=True, places=("依兰镇", "幸福村"))
LI = Who("li", "other home", "王桂兰", by_id=False)
DAY = date(2026, 11, 10)


def payment(**more) -> Payment:
    said = {"name": "王桂兰", "id_number": GOOD_ID, "id_tail": GOOD_ID[-4:], "amount_cents": 500_00}
    terms = {"programme": "dibao", "source": "public", "period": "2026-11", "paid_on": DAY}
    return Payment(**{**said, **terms, **more})


def due(key, cents=500_00, person="wang", on=DAY, **more) -> Entry:
    return Entry(key, person, cents, **{"source": "public", **more}, on=on, is_given=False)


def given(key, cents=500_00, person="wang", on=DAY, **more) -> Entry:
    return Entry(key, person, cents, **{"source": "public", **more}, on=on, is_given=True)


CASES = {
    # name: (payment, who fits, entries, rows above, kind, settles, cancels, what is said)
    "nothing in the books": (payment(), [WANG], [], [], "new", [], [], []),
    "due to the person": (payment(), [WANG], [due("a")], [], "due", ["a"], [], []),
    "due to the household": (payment(), [WANG], [due("a", person=None)], [], "due", ["a"], [], []),
    "due to the person before the household": (
        *(payment(), [WANG], [due("a", person=None), due("b")], [], "due", ["b"], [], []),
    ),
    "due from another payer": (
        *(payment(), [WANG], [due("a", source="charity")], [], "doubtful", ["a"], [], ["source_differs"]),
    ),
    "due from two payers": (
        *(payment(), [WANG], [due("a", source="charity"), due("b")], [], "due", ["b"], [], []),
    ),
    "due to somebody else there": (payment(), [WANG], [due("a", person="xin")], [], "new", [], [], []),
    "two parts that come to it": (
        *(payment(), [WANG], [due("a", 300_00), due("b", 200_00)], [], "due", ["a", "b"], [], []),
    ),
    "the one of several that fits": (
        *(payment(), [WANG], [due("a", 300_00), due("b", 500_00)], [], "due", ["b"], [], []),
    ),
    "another amount is due": (
        *(payment(), [WANG], [due("a", 450_00)], [], "differs", [], ["a"], ["amount_differs"]),
    ),
    "entered already": (payment(), [WANG], [given("a")], [], "entered", [], [], ["entered"]),
    "entered already with another amount": (
        *(payment(), [WANG], [given("a", 450_00)], [], "entered", [], [], ["entered"]),
    ),
    "entered already and still due": (
        *(payment(), [WANG], [given("a"), due("b")], [], "entered", [], [], ["entered"]),
    ),
    "entered for the household": (
        *(payment(), [WANG], [given("a", person=None)], [], "entered", [], [], ["entered"]),
    ),
    "entered for somebody else there": (payment(), [WANG], [given("a", person="xin")], [], "new", [], [], []),
    "given shortly before, without a month": (
        *(payment(), [WANG], [given("a", is_near=True)], [], "doubtful", [], [], ["near_given"]),
    ),
    "due shortly after, without a month": (
        *(payment(), [WANG], [due("a", is_near=True)], [], "doubtful", [], [], ["near_due"]),
    ),
    "another amount near it": (payment(), [WANG], [given("a", 30_00, is_near=True)], [], "new", [], [], []),
    "twice in the list": (
        *(payment(), [WANG], [], [Above(3, "wang", (), False)], "twice", [], [], ["twice"]),
    ),
    "twice in the list, of what is due once": (
        *(payment(), [WANG], [due("a")], [Above(3, "wang", ("a",), False)], "twice", [], [], ["twice"]),
    ),
    "twice in the list, and due twice": (
        *(payment(), [WANG], [due("a"), due("b")], [Above(3, "wang", ("a",), False)], "due", ["b"], [], []),
    ),
    "the household's was paid to another of it": (
        *(payment(), [WANG], [due("a", person=None)], [Above(3, "xin", ("a",), True)]),
        *("twice", [], [], ["twice"]),
    ),
    "another of the household was paid": (
        *(payment(), [WANG], [], [Above(3, "xin", (), False)], "new", [], [], []),
    ),
    "nobody": (payment(), [], [], [], "unknown", [], [], ["unknown"]),
    "two people": (payment(), [WANG, LI], [due("a")], [], "several", [], [], ["several"]),
    "a relative": (
        *(payment(), [Who("wang", "home", "王桂兰", by_id=True, is_relative=True)], [due("a")], []),
        *("relative", [], [], ["relative"]),
    ),
    "died before": (
        *(payment(), [Who("wang", "home", "王桂兰", by_id=True, gone_on=date(2026, 9, 1))], [due("a")], []),
        *("gone", ["a"], [], ["gone"]),
    ),
    "died in that month, of another amount": (
        *(payment(), [Who("wang", "home", "王桂兰", by_id=True, gone_on=date(2026, 11, 30))]),
        *([due("a", 1)], [], "gone", [], ["a"], ["gone", "amount_differs"]),
    ),
    "died afterwards": (
        *(payment(), [Who("wang", "home", "王桂兰", by_id=True, gone_on=date(2026, 12, 1))], [due("a")], []),
        *("due", ["a"], [], []),
    ),
    "died, and entered already": (
        *(payment(), [Who("wang", "home", "王桂兰", by_id=True, gone_on=date(2026, 9, 1))], [given("a")], []),
        *("entered", [], [], ["entered"]),
    ),
    "another name": (
        *(payment(name="王桂芝"), [WANG], [due("a")], [], "doubtful", ["a"], [], ["name_differs"]),
    ),
    "a name with blanks": (payment(name="王 桂兰"), [WANG], [], [], "new", [], [], []),
    "no name": (payment(name=""), [WANG], [], [], "new", [], [], []),
    "another whole number": (payment(), [LI], [], [], "doubtful", [], [], ["id_differs"]),
    "last four and name": (payment(id_number=None), [LI], [], [], "new", [], [], []),
    "last four and name, elsewhere": (
        *(
            payment(id_number=None, township="道台桥镇"),
            [Who("li", "h", "王桂兰", by_id=False, places=("依兰镇", ""))],
        ),
        *([], [], "doubtful", [], [], ["place_differs"]),
    ),
    "last four and name, written short": (
        *(
            payment(id_number=None, township="依兰"),
            [Who("li", "h", "王桂兰", by_id=False, places=("依兰镇", ""))],
        ),
        *([], [], "new", [], [], []),
    ),
    "a wrong check digit": (
        *(payment(doubts=[Fault("id_number", "id_check_digit")]), [LI], [], []),
        *("doubtful", [], [], ["id_check_digit"]),
    ),
    "a wrong check digit that stands in the registry": (
        *(payment(doubts=[Fault("id_number", "id_check_digit")]), [WANG], [], [], "new", [], [], []),
    ),
    "something wrong": (
        *(payment(faults=[Fault("amount", "amount_odd")]), [WANG], [due("a")], []),
        *("faulty", [], [], ["amount_odd"]),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_row_is_of_one_kind(name):
    row, who, entries, above, kind, settles, cancels, said = CASES[name]
    verdict = rules.judge(row, who, None, entries, above)
    found = verdict.kind, list(verdict.settles), list(verdict.cancels), [note.code for note in verdict.notes]
    assert found == (kind, settles, cancels, said)
    assert kind in rules.KINDS


def test_a_payment_of_relief_waits_where_approved_relief_is_not_paid():
    waiting = dataclasses.replace(WANG, waits_for_relief=True)
    relief = payment(programme="temporary_relief")
    verdict = rules.judge(relief, [waiting], None, [], [], is_relief=True)
    assert (verdict.kind, [note.code for note in verdict.notes]) == ("doubtful", ["relief_waits"])
    assert rules.judge(payment(), [waiting], None, [], []).kind == "new"
    assert rules.judge(relief, [WANG], None, [], [], is_relief=True).kind == "new"


def test_whom_somebody_chose_of_several_is_judged_like_anybody():
    both = [WANG, LI]
    chosen = rules.judge(payment(id_number=None), both, "wang", [due("a")], [])
    assert (chosen.kind, chosen.who, chosen.settles) == ("several", WANG, ("a",))
    assert rules.judge(payment(id_number=None), both, "wang", [given("a")], []).kind == "entered"
    assert rules.judge(payment(id_number=None), both, "nobody", [], []).who is None


def test_of_several_those_who_live_where_the_row_says_are_meant():
    here, there = (Who(name, name, "王桂兰", by_id=False, places=(name, "")) for name in ("依兰镇", "迎兰乡"))
    assert rules.narrow(payment(township="依兰镇"), [here, there]) == [here]
    assert rules.narrow(payment(), [here, there]) == [here, there]
    assert rules.narrow(payment(township="三道岗镇"), [here, there]) == [here, there]
