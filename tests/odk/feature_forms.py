"""Forms that between them use every type and every function that ODK's engine shares with ours.

Each is `{survey: rows, choices: rows, settings: row, files: {name: text}}`, made into a workbook by
tests/checklists/vectors.py. Invariant: two languages throughout, so that every text is compared in both.
"""

from __future__ import annotations

from typing import Any

ZH, EN = "label::中文 (zh)", "label::English (en)"
Row = dict[str, Any]


def ask(kind: str, name: str, **columns: Any) -> Row:
    """A row of the survey sheet with labels in both languages."""
    return {"type": kind, "name": name, ZH: f"问{name}", EN: f"Ask {name}", **columns}


def find(name: str, expression: str) -> Row:
    """A calculation."""
    return {"type": "calculate", "name": name, "calculation": expression}


def find_all(prefix: str, expressions: list[str]) -> list[Row]:
    """A calculation for each expression."""
    return [find(f"{prefix}{n}", expression) for n, expression in enumerate(expressions)]


def end(kind: str) -> Row:
    """The end of a group or repeat."""
    return {"type": f"end_{kind}"}


def choice(list_name: str, name: str, **columns: Any) -> Row:
    """A row of the choices sheet."""
    return {"list_name": list_name, "name": name, ZH: f"选{name}", EN: f"Choose {name}", **columns}


YES_NO = [choice("yn", "yes"), choice("yn", "no")]
COLOURS = [choice("colour", name) for name in ("red", "green", "blue", "grey")]
PLACES = [
    choice("county", "north"),
    choice("county", "south"),
    *(
        choice("town", name, county=county, size=size)
        for name, county, size in [
            ("hrb", "north", 9), ("jms", "north", 3), ("qqhr", "south", 5), ("dq", "south", 4),
        ]
    ),
    *(choice("village", f"{town}_{n}", town=town) for town in ("hrb", "jms", "qqhr", "dq") for n in (1, 2)),
]  # fmt: skip
SETTINGS = {"default_language": "中文 (zh)", "form_title": "test"}

TYPES: list[Row] = [
    ask("text", "t", required="yes", hint__zh="提示", hint__en="Hint"),
    ask("text", "many", appearance="multiline", default="several words"),
    ask("text", "digits", appearance="numbers", constraint="regex(., '^[0-9]{3,11}$')"),
    ask("integer", "i", constraint=". >= 0 and . <= 120", required="${t} != ''"),
    ask("decimal", "x", constraint=". < 100", default="2.5"),
    ask("date", "d", constraint=". <= today()"),
    ask("time", "at"),
    ask("dateTime", "when"),
    ask("range", "how", parameters="start=0 end=20 step=5"),
    ask("range", "fine", parameters="start=0.5 end=2 step=0.5"),
    ask("select_one yn", "one", required="yes", default="no"),
    ask("select_one yn or_other", "other"),
    ask("select_multiple colour", "several", constraint="count-selected(.) <= 2"),
    ask("rank colour", "order"),
    ask("image", "photo", required="${one} = 'yes'"),
    ask("audio", "sound"),
    ask("file", "paper"),
    ask("geopoint", "place"),
    ask("barcode", "code", constraint="string-length(.) < 4"),
    ask("acknowledge", "ok", required="${i} > 18"),
    ask("trigger", "seen"),
    ask("note", "said", relevant="${ok} = 'OK'"),
    ask("text", "fixed", readonly="yes", default="cannot change"),
    ask("text", "sometimes", readonly="${one} = 'yes'"),
    {"type": "hidden", "name": "kept", "default": "k"},
    {"type": "start", "name": "begun"},
    {"type": "today", "name": "day"},
    {"type": "username", "name": "who"},
    {"type": "deviceid", "name": "device"},
    *find_all(
        "v",
        [
            "concat(${t}, '|', ${many}, '|', ${digits}, '|', ${fixed}, '|', ${kept})",
            "${i} + ${x}",
            "concat(${d}, ' ', ${at}, ' ', ${when})",
            "${how} * ${fine}",
            "concat(${one}, ${several}, ${order})",
            "${ok}",
            "concat(${seen}, ${code})",
            "concat(${begun}, ' ', ${day}, ' ', ${who}, ' ', ${device})",
            "if(${photo} = '', 'none', 'some')",
            "${other}",
            "if(${place} != '', 'there', 'nowhere')",
        ],
    ),
]

NUMBERS: list[Row] = [
    ask("integer", "a"),
    ask("integer", "b", default="7"),
    ask("decimal", "x"),
    ask("text", "t"),
    ask("integer", "gone", relevant="${a} > 3"),
    *find_all(
        "n",
        [
            "${a} + ${b}", "${a} - ${b}", "${a} * ${b}", "${a} div ${b}", "${a} mod ${b}", "-${a}", "- (${a} + ${x}) * 2",
            "${a} = ${b}", "${a} != ${b}", "${a} < ${b}", "${a} <= ${b}", "${a} > ${x}", "${a} >= ${x}",
            "${a} = ''", "${a} != ''", "${a} = 5", "${a} > 5 and ${b} > 5", "${a} > 5 or ${b} > 50",
            "not(${a} > ${b})", "boolean(${a})", "boolean(${a} - ${b})", "true()", "false()", "${a} = true()",
            "number(${t})", "number(${a}) + 1", "string(${x})", "string(${a} > 1)", "int(${x})", "int(- ${x})",
            "round(${x})", "round(${x}, 1)", "round(${x}, 2)", "floor(${x})", "ceiling(${x})", "abs(${a})", "pow(${a}, 2)",
            "pow(2, ${x})", "min(${a}, ${b})", "max(${a}, ${b}, 3)", "min(3, 2)", "${gone} + 1", "coalesce(${gone}, ${a})",
            "coalesce(${gone}, ${t})", "if(${a} > 3, 'more', 'less')", "if(${a}, 'there', 'blank')",
            "if(${gone} = '', ${a}, ${gone})", "${a} = ${t}", "${t} > 3", "${t} + 0 = ${a}", "${t} = '1'",
            "1 div 0", "0 div 0", "-1 div 0", "5 mod -2", "-5 mod 2", "1.5 mod 0.5", "${x} * 100 mod 7", "1000000 * 1000000",
            "0.1 + 0.2", "1 div 3", "100000000000000000000 + 1", "0.0000001 * 1", "number(true())", "true() + 1",
            "sum(${a})", "count(${a})",
        ],
    ),
]  # fmt: skip

STRINGS: list[Row] = [
    ask("text", "s"),
    ask("text", "t"),
    ask("integer", "n"),
    find("u", "concat(${s}, ' ', ${t})"),
    *find_all(
        "w",
        [
            "concat(${s}, ${t}, ${n})", "string-length(${s})", "string-length(${u})", "substr(${s}, 1)", "substr(${u}, 0, 3)",
            "substr(${u}, ${n})", "substr(${u}, -2)", "substring-before(${u}, ' ')", "substring-after(${u}, ' ')",
            "substring-before(${s}, 'a')", "substring-after(${s}, '')", "contains(${u}, 'a')", "contains(${s}, ${t})",
            "starts-with(${s}, 'a')", "starts-with(${s}, ${t})", "ends-with(${u}, 'b')", "ends-with(${s}, '')",
            "normalize-space(concat('  ', ${s}, '  ', ${t}, ' '))", "translate(${s}, 'abc', 'AB')",
            "translate(${u}, '0123456789', '零一二三四五六七八九')", "regex(${s}, '^[a-z]+$')", "regex(${s}, '[0-9]')",
            "regex(${s}, '^(yes|no)$')", "join('-', ${s}, ${t}, ${n})", "join(' ', ${s})", "string(${n})", "coalesce(${s}, ${t})",
            "${s} = ${t}", "${s} != ${t}", "${s} = ''", "${s} < ${t}", "selected(${u}, 'a')", "selected(${s}, 'yes')",
            "count-selected(${u})", "selected-at(${u}, 0)", "selected-at(${u}, 1)", "selected-at(${u}, ${n})",
            "concat('“', ${s}, '”')", "string-length('困难群众')", "substr('困难群众', 1, 3)", "if(${s} = 'a' or ${t} = 'b', 'A', 'B')",
            "concat()", "concat('a')", "boolean(${s})", "boolean('')", "not(${s})", "not('')", "string(true())",
        ],
    ),
]  # fmt: skip

DATES: list[Row] = [
    ask("date", "d"),
    ask("date", "e"),
    ask("dateTime", "w"),
    ask("time", "h"),
    ask("text", "t"),
    ask("integer", "n"),
    *find_all(
        "d",
        [
            "${d} - ${e}", "${d} < ${e}", "${d} = ${e}", "${d} <= today()", "today()", "date(${t})", "date(${n})", "date(${d} + 1)",
            "date(${d} - 30)", "format-date(${d}, '%Y-%m-%d')", "format-date(${d}, '%e/%n/%y')", "format-date(${d}, '%d %b %Y')",
            "format-date(${t}, '%Y年%m月%d日')", "format-date(today(), '%Y')",
            "format-date-time(${w}, '%Y-%m-%d %H:%M:%S')", "format-date-time(${w}, '%h:%M')", "format-date-time(now(), '%H:%M')",
            "decimal-date-time(${d})", "decimal-date-time(${d}) - decimal-date-time(${e})", "decimal-date-time(${w})",
            "decimal-time(${h})", "int((today() - ${d}) div 365.25)", "floor((${e} - ${d}) div 7)", "today() - ${d}",
            "number(${d})", "${d} + 0", "string(${d})", "${d} > '2026-01-01'", "${d} = '2026-11-23'", "${d} != ''",
            "if(${d} > today(), 'later', 'before')", "date('2026-11-23')", "date('2026-11-23') - 1", "date-time(${d})",
            "date-time('2026-11-23')", "min(${d}, ${e})", "max(${d}, ${e})", "round(${d} - ${e})", "${w} > ${d}", "${w} - ${d}",
            "format-date(date(${d} + 7), '%Y-%m-%d')", "date(today() + ${n})", "now()", "now() > ${w}", "format-date(now(), '%Y-%m-%d')",
            "concat(${d}, '')", "coalesce(${d}, today())", "decimal-date-time(today())", "decimal-date-time(now())",
        ],
    ),
]  # fmt: skip

CHOOSING: list[Row] = [
    ask("select_one county", "county", required="yes"),
    ask("select_one town", "town", choice_filter="county = ${county}"),
    ask("select_one village", "village", choice_filter="town=${town}"),
    ask("select_multiple town", "seen", choice_filter="county = ${county} or size > ${least}"),
    ask("integer", "least"),
    ask("select_multiple colour", "c"),
    ask("select_one colour or_other", "best"),
    ask("select_multiple colour or_other", "worst"),
    ask("rank colour", "order"),
    ask("select_one_from_file shops.csv", "shop", choice_filter="kind = ${best}"),
    ask("select_multiple_from_file shops.csv", "shops"),
    ask("select_one_from_file people.csv", "person", parameters="value=id label=full"),
    *find_all(
        "c",
        [
            "selected(${c}, 'red')", "selected(${c}, 'red') and not(selected(${c}, 'blue'))", "count-selected(${c})",
            "selected-at(${c}, 0)", "selected-at(${c}, 1)", "selected-at(${c}, 9)", "${c} = 'red'", "${c}",
            "jr:choice-name(${county}, '${county}')", "jr:choice-name(${town}, '${town}')",
            "jr:choice-name(selected-at(${c}, 0), '${c}')", "jr:choice-name(${best}, '${best}')",
            "instance('town')/root/item[name = ${town}]/size", 
            "count(instance('town')/root/item[county = ${county}])", "sum(instance('town')/root/item[county = ${county}]/size)",
            "instance('town')/root/item[size > 3 and county = ${county}][1]/name", "instance('town')/root/item[2]/name",
            "max(instance('town')/root/item/size)", "join(' ', instance('town')/root/item[county = ${county}]/name)",
            "pulldata('shops', 'price', 'name', ${shop})", "pulldata('people', 'age', 'id', ${person})",
            "instance('shops')/root/item[name = ${shop}]/price", "concat(${county}, '/', ${town}, '/', ${village})",
            "${village} = ''", "${best_other}", "selected(${worst}, 'other')", "selected-at(${order}, 0)", "${person}", "${shops}",
        ],
    ),
    {
        "type": "note",
        "name": "told",
        ZH: "${town} 的 ${village}，颜色 ${c}",
        EN: "${village} in ${town}, colours ${c}",
    },
]  # fmt: skip
SHOPS = "name,label,kind,price\nbaker,Baker,red,3\nbutcher,Butcher,red,12\nsmith,Smith,blue,7.5\n"
PEOPLE_FILE = "id,full,age\n1,Ann A,70\n2,\"Bob, B\",31\n"

REPEATS: list[Row] = [
    ask("integer", "want", constraint=". < 5"),
    ask("integer", "pick"),
    {"type": "begin_repeat", "name": "member", ZH: "成员", EN: "Member"},
    find("place", "position(..)"),
    ask("text", "who", default="someone"),
    ask("integer", "age", constraint=". >= 0 and . < 130", required="${who} != ''"),
    ask("select_one yn", "ill", relevant="${age} > 10"),
    ask("text", "what", relevant="${ill} = 'yes'", required="yes"),
    {"type": "begin_group", "name": "more", ZH: "更多", EN: "More", "relevant": "../age > 60"},
    ask("text", "note"),
    ask("decimal", "worth"),
    find("again", "concat(${who}, ${age}, ../../who)"),
    end("group"),
    {"type": "begin_repeat", "name": "visit", ZH: "探访", EN: "Visit"},
    ask("date", "day"),
    ask("integer", "minutes"),
    find("nth", "concat(position(../..), '.', position(..))"),
    find("share", "${minutes} div sum(${minutes})"),
    end("repeat"),
    find("total", "sum(${minutes})"),
    find("times", "count(${visit})"),
    find("most", "max(${minutes})"),
    end("repeat"),
    {"type": "begin_repeat", "name": "room", ZH: "房间", EN: "Room", "repeat_count": "${want} mod 5"},
    ask("text", "room_name", default="room"),
    ask("integer", "size"),
    find("double", "${size} * 2"),
    end("repeat"),
    {"type": "begin_repeat", "name": "twice", ZH: "两次", EN: "Twice", "repeat_count": "2"},
    ask("integer", "score"),
    find("so_far", "sum(${score})"),
    end("repeat"),
    {"type": "begin_repeat", "name": "more_rooms", ZH: "更多", EN: "More", "repeat_count": "count(${member}) + 1"},
    ask("integer", "level"),
    end("repeat"),
    *find_all(
        "r",
        [
            "count(${member})", "sum(${age})", "min(${age})", "max(${age})", "sum(${minutes})", "count(${visit})",
            "count-non-empty(${age})", "join(', ', ${who})", "join('', ${place})", "concat(${who})", "sum(${size})",
            "sum(${double})", "sum(${score})", "indexed-repeat(${who}, ${member}, 1)", "indexed-repeat(${age}, ${member}, ${pick})",
            "indexed-repeat(${minutes}, ${member}, 1, ${visit}, ${pick})", "${member}[1]/who", "${member}[position() = 2]/who",
            "/data/member[1]/age", "count(/data/member[age > 10])", "sum(/data/member[age > 10]/age)",
            "join(' ', /data/member[ill = 'yes']/who)", "count(${room})", "join('', ${room_name})", "count(${more_rooms})",
            "${age} > 50", "${age} = 7", "${who} = 'a'", "not(${age} > 50)", "count(/data/member/visit[minutes > 5])",
            "count(${member}[age < 18])", "sum(${member}[position() <= ${pick}]/age)", "sum(${worth})", "join('|', ${again})",
            "max(/data/member/visit/minutes)", "if(count(${member}) > 2, 'many', 'few')", "string(${who})", "count(/data/member)",
        ],
    ),
]  # fmt: skip

DECIDING: list[Row] = [
    ask("select_one yn", "has", required="yes", required_message__zh="请选择", required_message__en="Please choose"),
    {"type": "begin_group", "name": "g", ZH: "家里${n}口", EN: "Home of ${n}", "relevant": "${has} = 'yes'"},
    ask("integer", "n", required="yes", constraint=". > 0 and . <= 20", constraint_message__zh="${n} 口人不对",
        constraint_message__en="${n} people cannot be"),
    {"type": "begin_group", "name": "h", ZH: "里面", EN: "Inside", "relevant": "${n} > 1"},
    ask("text", "names", required="${n} > 2", hint__zh="${n} 人的名字", hint__en="Names of ${n}"),
    ask("select_multiple colour", "c", constraint="not(selected(., 'grey') and count-selected(.) > 1)",
        constraint_message__zh="灰色不能与别的同选", constraint_message__en="Grey stands alone"),
    {"type": "note", "name": "so", ZH: "**${names}** 有 ${twice}", EN: "*${names}* has ${twice}", "relevant": "selected(${c}, 'red')"},
    end("group"),
    find("twice", "${n} * 2"),
    end("group"),
    ask("text", "why", relevant="${has} = 'no' or ${n} > 10", required="true()"),
    ask("integer", "low"),
    ask("integer", "high", constraint=". >= ${low}", constraint_message__zh="不能小于 ${low}", constraint_message__en="At least ${low}"),
    ask("text", "curly", relevant="${has} = ‘yes’ and ${low} > 1"),
    ask("text", "lines", relevant="${has}\n = 'yes'\n or ${why} != ''"),
    ask("text", "chain", relevant="${lines} != ''"),
    ask("text", "chain2", relevant="${chain} != ''"),
    {"type": "begin_group", "name": "other", ZH: "别的", EN: "Other"},
    ask("integer", "same"),
    find("up", "../same + /data/low + ../../high"),
    end("group"),
    {"type": "begin_group", "name": "another", ZH: "另外", EN: "Another"},
    ask("integer", "same", constraint=". > ../../other/same"),
    end("group"),
    find("level", "if(${twice} > 10, 'red', if(${twice} > 4, 'orange', ''))"),
    ask("text", "shown", relevant="${level} = 'red'"),
    find("seen", "concat(${names}, ${why}, ${chain2}, ${shown})"),
    find("asked", "if(${why} = '', 0, 1) + if(${names} = '', 0, 1)"),
    ask("text", "late", relevant="${has} = 'yes' and (${n} > 3 or selected(${c}, 'blue')) and not(${why} = 'a')"),
    ask("decimal", "part", constraint=". < 1 and . > -1", required="${late} != ''"),
]  # fmt: skip

STARTING: list[Row] = [
    ask("date", "day", default="today()"),
    ask("text", "code", default="concat('a', 1 + 2)"),
    ask("integer", "n", default="5"),
    ask("text", "copy", default="${n}"),
    ask("text", "first", calculation="concat('n', ${n})", trigger="${n}"),
    {"type": "calculate", "name": "changed", "calculation": "concat(${code}, '!', ${n})", "trigger": "${code}"},
    find("kept", "once(concat('x', ${n}))"),
    find("moment", "now()"),
    find("chance", "random() >= 0"),
    find("length", "string-length(uuid())"),
    find("asked_once", "once(round(random() * 0 + 3))"),
    {"type": "begin_repeat", "name": "r", ZH: "重复", EN: "Repeat"},
    ask("date", "start", default="today()"),
    ask("integer", "base", default="${n} + 1"),
    ask("text", "label", default="new"),
    ask("text", "follow", calculation="concat(${label}, ${base})", trigger="${base}"),
    find("once_here", "once(${n})"),
    end("repeat"),
    find("all", "join(' ', ${base})"),
    find("followed", "join(' ', ${follow})"),
]

SAYING: list[Row] = [
    ask("text", "name"),
    ask("integer", "n"),
    ask("select_one person", "which"),
    ask("select_multiple person", "those", choice_filter="n < ${n}"),
    {"type": "note", "name": "hello", ZH: "你好 **${name}**！", EN: "Hello **${name}**!", "hint::中文 (zh)": "共${n}个", "hint::English (en)": "${n} in all"},
    {"type": "note", "name": "plain", ZH: "# 标题\n第二行 [链接](https://example.org/)", EN: "# Title\nsecond line"},
    {"type": "note", "name": "odd", ZH: "1 < 2 & 3 > 2 \"x\" 'y'", EN: "5 * 3 * 2 _a_ <b>b</b>"},
    {"type": "begin_group", "name": "g", ZH: "组 ${name}", EN: "Group ${name}"},
    ask("text", "inside", hint__zh="看 ${name}", hint__en="See ${name}"),
    end("group"),
    {"type": "begin_repeat", "name": "r", ZH: "第几个", EN: "Which"},
    ask("text", "own"),
    {"type": "note", "name": "say", ZH: "${own} 和 ${name}", EN: "${own} and ${name}"},
    ask("select_one person", "picked"),
    end("repeat"),
    find("chosen", "jr:choice-name(${which}, '${which}')"),
    {"type": "note", "name": "last", ZH: "选了${chosen}", EN: "Chose ${chosen}"},
]  # fmt: skip
NAMED = [
    {"list_name": "person", "name": "one", ZH: "${name}本人", EN: "${name} in person", "n": 1},
    {"list_name": "person", "name": "two", ZH: "第二", EN: "Second", "n": 2},
    {"list_name": "person", "name": "three", ZH: "共 ${n}", EN: "All ${n}", "n": 3},
]



def _in_words(row: Row) -> Row:
    """Spell out the columns that a keyword cannot hold: hint__zh is hint::中文 (zh)."""
    names = {"__zh": "::中文 (zh)", "__en": "::English (en)"}
    return {
        next((key.replace(short, long) for short, long in names.items() if key.endswith(short)), key): value
        for key, value in row.items()
    }


def _form(survey: list[Row], choices: list[Row] | None = None, files: dict[str, str] | None = None) -> dict[str, Any]:
    rows = [_in_words(row) for row in survey]
    return {"survey": rows, "choices": choices or [], "settings": {**SETTINGS, "form_id": "data"}, "files": files or {}}


FORMS: dict[str, dict[str, Any]] = {
    "types": _form(TYPES, YES_NO + COLOURS),
    "numbers": _form(NUMBERS),
    "strings": _form(STRINGS),
    "dates": _form(DATES),
    "choosing": _form(CHOOSING, COLOURS + PLACES, {"shops.csv": SHOPS, "people.csv": PEOPLE_FILE}),
    "repeats": _form(REPEATS, YES_NO),
    "deciding": _form(DECIDING, YES_NO + COLOURS),
    "starting": _form(STARTING),
    "saying": _form(SAYING, NAMED),
}
