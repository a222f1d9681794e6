"""The weekly report's three sheets: which columns stand on them, under which heads, in which units.

Invariant: the page, the workbook and the record behind a number all read this list; a column stands here once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from flask_babel import LazyString, lazy_gettext

from fieldapp.rollups import columns

COUNT, YUAN, PIECES = "count", "yuan", "pieces"


@dataclass(frozen=True)
class Column:
    """A column: what is counted (of rollups.columns, or worked out by `rules.complete`), its head and its unit."""

    name: str
    head: LazyString
    unit: LazyString | str = ""
    kind: str = COUNT
    # Of which the running figure alone is printed: a stock is no sum of weeks.
    is_stock: bool = False


@dataclass(frozen=True)
class Group:
    """Columns under one head."""

    head: LazyString
    columns: tuple[Column, ...]
    # What the columns come to, when they do: a column of the same sheet.
    sums_to: str = ""


@dataclass(frozen=True)
class Sheet:
    """One sheet of the workbook, one part of the page."""

    key: str
    title: LazyString
    groups: tuple[Group, ...] = field(default_factory=tuple)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All its columns, from left to right."""
        return tuple(column for group in self.groups for column in group.columns)


PERSONS, CONTACTS = lazy_gettext("persons"), lazy_gettext("contacts")
HOMES, CASES = lazy_gettext("households"), lazy_gettext("cases")
PIECE = lazy_gettext("items")

_CLASS_HEADS = {
    "destitute_scattered": lazy_gettext("Destitute, at home"),
    "destitute_institutional": lazy_gettext("Destitute, in institutions"),
    "dibao_urban": lazy_gettext("Dibao, urban"),
    "dibao_rural": lazy_gettext("Dibao, rural"),
    "dibao_margin": lazy_gettext("Dibao-margin"),
    "rigid_expense": lazy_gettext("Rigid expense"),
    "anti_relapse": lazy_gettext("Anti-relapse"),
    "other_hardship": lazy_gettext("Other hardship"),
    "none": lazy_gettext("Not low-income or not assessed"),
}
_TAG_HEADS = {
    "lonely": lazy_gettext("Lonely elders"),
    "left_behind_elder": lazy_gettext("Left-behind elders"),
    "left_behind_child": lazy_gettext("Left-behind children"),
    "left_behind_woman": lazy_gettext("Left-behind women"),
    "child_in_need": lazy_gettext("Children in need"),
    "disabled": lazy_gettext("Disabled"),
    "serious_illness": lazy_gettext("Seriously ill"),
    "mental_disorder": lazy_gettext("Mental disorder"),
    "vagrant": lazy_gettext("Vagrants"),
    "infected_household": lazy_gettext("Infected households"),
    "released_household": lazy_gettext("Released from isolation"),
    "care_missing_elder": lazy_gettext("Without carer: elders"),
    "care_missing_minor": lazy_gettext("Without carer: minors"),
    "care_missing_disabled": lazy_gettext("Without carer: disabled"),
    "closed_facility_family": lazy_gettext("Families of closed facilities"),
}
_METHOD_HEADS = {
    "home": lazy_gettext("At home"),
    "phone": lazy_gettext("Phone"),
    "wechat": lazy_gettext("WeChat"),
    "video": lazy_gettext("Video"),
    "patrol": lazy_gettext("Patrol"),
}

VISITS = Sheet(
    "visits",
    lazy_gettext("Visits"),
    (
        Group(
            lazy_gettext("Visited"),
            (
                Column("households", lazy_gettext("Households"), HOMES),
                Column("persons", lazy_gettext("Persons"), PERSONS),
                Column("contacts", lazy_gettext("Contacts"), CONTACTS),
                Column("staff", lazy_gettext("Staff"), PERSONS),
            ),
        ),
        Group(
            lazy_gettext("By method"),
            tuple(Column(f"by_{name}", _METHOD_HEADS[name], CONTACTS) for name in columns.METHODS),
            "contacts",
        ),
        Group(lazy_gettext("Data screening"), (Column("screened", lazy_gettext("Screened"), PERSONS),)),
        Group(
            lazy_gettext("By main class"),
            tuple(Column(f"class_{name}", _CLASS_HEADS[name], PERSONS) for name in columns.CLASSES),
            "persons",
        ),
        Group(
            lazy_gettext("Of these, by tag (overlapping)"),
            tuple(Column(f"tag_{name}", _TAG_HEADS[name], PERSONS) for name in columns.TAGS),
        ),
    ),
)
MEASURES = Sheet(
    "measures",
    lazy_gettext("Measures"),
    (
        Group(
            lazy_gettext("Problems"),
            (
                Column("found", lazy_gettext("Problems found"), PIECE),
                Column("solved", lazy_gettext("Solved"), PIECE),
                Column("unfounded", lazy_gettext("Unfounded or not accepted"), PIECE),
                Column("open", lazy_gettext("Open at the end"), PIECE, is_stock=True),
            ),
        ),
        Group(
            lazy_gettext("Newly admitted to dibao"),
            (
                Column("admitted_dibao_households", lazy_gettext("Households"), HOMES),
                Column("admitted_dibao_persons", lazy_gettext("Persons"), PERSONS),
            ),
        ),
        Group(
            lazy_gettext("Newly admitted as destitute"),
            (
                Column("admitted_destitute_households", lazy_gettext("Households"), HOMES),
                Column("admitted_destitute_persons", lazy_gettext("Persons"), PERSONS),
            ),
        ),
        Group(
            lazy_gettext("Temporary relief"),
            (
                Column("relief_cases", lazy_gettext("Cases"), CASES),
                Column("relief_persons", lazy_gettext("Persons helped"), CONTACTS),
                Column("relief_urgent", lazy_gettext("of which aid first"), CASES),
                Column("relief_reserve", lazy_gettext("of which from reserve funds"), CASES),
                Column("relief_nonlocal", lazy_gettext("of which registered elsewhere"), CASES),
            ),
        ),
        Group(
            lazy_gettext("Other help"),
            (
                Column("temporary_care", lazy_gettext("Temporary care"), CONTACTS),
                Column("referrals", lazy_gettext("Referrals"), CONTACTS),
                Column("charity", lazy_gettext("Charity"), CONTACTS),
                Column("services", lazy_gettext("Services"), CONTACTS),
                Column("vagrants_helped", lazy_gettext("Vagrants helped"), CONTACTS),
            ),
        ),
        Group(
            lazy_gettext("Ways of applying"),
            (
                Column("by_agent", lazy_gettext("Through an agent"), PIECE),
                Column("by_appointment", lazy_gettext("By appointment"), PIECE),
                Column("remotely", lazy_gettext("Remotely"), PIECE),
            ),
        ),
        Group(
            lazy_gettext("Hotline"),
            (
                Column("hotline", lazy_gettext("Calls"), PIECE),
                Column("hotline_closed", lazy_gettext("Closed"), PIECE),
            ),
        ),
    ),
)
MONEY = Sheet(
    "money",
    lazy_gettext("Money and goods"),
    (
        Group(
            lazy_gettext("Money paid"),
            (
                Column("money", lazy_gettext("Money in all"), lazy_gettext("yuan"), YUAN),
                Column("money_relief", lazy_gettext("Temporary relief"), lazy_gettext("yuan"), YUAN),
                Column(
                    "money_relief_reserve",
                    lazy_gettext("of which from reserve funds"),
                    lazy_gettext("yuan"),
                    YUAN,
                ),
                Column("money_relief_urgent", lazy_gettext("of which aid first"), lazy_gettext("yuan"), YUAN),
                Column("money_charity", lazy_gettext("Charity"), lazy_gettext("yuan"), YUAN),
                Column("money_other", lazy_gettext("Other aid"), lazy_gettext("yuan"), YUAN),
            ),
        ),
        Group(
            lazy_gettext("Goods handed over"),
            (
                Column("goods_food", lazy_gettext("Rice, flour, oil"), lazy_gettext("portions"), PIECES),
                Column("goods_clothing", lazy_gettext("Clothes and bedding"), lazy_gettext("pieces"), PIECES),
                Column("goods_heating", lazy_gettext("Heating"), lazy_gettext("portions"), PIECES),
                Column(
                    "goods_medicine", lazy_gettext("Medicine and protection"), lazy_gettext("pieces"), PIECES
                ),
                Column("goods_other", lazy_gettext("Other goods"), lazy_gettext("as counted"), PIECES),
                Column("goods_worth", lazy_gettext("Worth"), lazy_gettext("yuan"), YUAN),
            ),
        ),
    ),
)
SHEETS = (VISITS, MEASURES, MONEY)
COLUMNS = {column.name: column for sheet in SHEETS for column in sheet.columns}
