"""The columns that are counted: one list, from which the tables, the report and its checks are made.

Invariant: a column of SUMS adds up over records, one of DISTINCT counts everybody once in an area and a time.
"""

from __future__ import annotations

METHODS = ("home", "phone", "wechat", "video", "patrol")
CLASSES = (
    "destitute_scattered",
    "destitute_institutional",
    "dibao_urban",
    "dibao_rural",
    "dibao_margin",
    "rigid_expense",
    "anti_relapse",
    "other_hardship",
    "none",
)
TAGS = (
    "lonely",
    "left_behind_elder",
    "left_behind_child",
    "left_behind_woman",
    "child_in_need",
    "disabled",
    "serious_illness",
    "mental_disorder",
    "vagrant",
    "infected_household",
    "released_household",
    "care_missing_elder",
    "care_missing_minor",
    "care_missing_disabled",
    "closed_facility_family",
)

CLASS_COLUMNS = tuple(f"class_{name}" for name in CLASSES)
TAG_COLUMNS = tuple(f"tag_{name}" for name in TAGS)
METHOD_COLUMNS = tuple(f"by_{name}" for name in METHODS)

DISTINCT = ("households", "persons", "staff", "screened", *CLASS_COLUMNS, *TAG_COLUMNS)

VISITS = ("contacts", *METHOD_COLUMNS, "attempts", "refusals")
PROBLEMS = ("found", "solved", "unfounded")
# Of what is solved and still is: how many, and the hours from finding to help. No column of the report.
HELP = ("helped", "help_hours")
MEASURES = (
    "admitted_dibao_households",
    "admitted_dibao_persons",
    "admitted_destitute_households",
    "admitted_destitute_persons",
    "relief_cases",
    "relief_persons",
    "relief_urgent",
    "relief_reserve",
    "relief_nonlocal",
    "temporary_care",
    "referrals",
    "charity",
    "services",
    "by_agent",
    "by_appointment",
    "remotely",
    "hotline",
    "hotline_closed",
    "vagrants_helped",
)
# Counted once for a case of relief, however often it is paid.
OF_CASES = ("relief_cases", "relief_persons", "relief_urgent", "relief_reserve", "relief_nonlocal")
# Cents.
MONEY = ("money_relief", "money_relief_reserve", "money_relief_urgent", "money_charity", "money_other")
# Thousandths of the unit of the column.
GOODS = ("goods_food", "goods_clothing", "goods_heating", "goods_medicine", "goods_other")
# Cents: what goods are worth stands outside the money.
WORTH = ("goods_worth",)

SUMS = (*VISITS, *PROBLEMS, *HELP, *MEASURES, *MONEY, *GOODS, *WORTH)
COLUMNS = (*DISTINCT, *SUMS)
