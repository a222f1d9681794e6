"""The columns of a roster: what they can hold, and by which names they are known.

Invariant: no two columns of a file hold the same field.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from flask_babel import lazy_gettext

# What a column may hold, as it is called on the page, in the order it is offered.
FIELDS = {
    "name": lazy_gettext("Full name"),
    "id_number": lazy_gettext("ID number"),
    "id_reason": lazy_gettext("Why the ID number stands as it is"),
    "relation": lazy_gettext("Relation to the head"),
    "head": lazy_gettext("Head of the household"),
    "household_number": lazy_gettext("Household number"),
    "township": lazy_gettext("Township"),
    "village": lazy_gettext("Village or community"),
    "grid": lazy_gettext("Grid or unit (name or code)"),
    "address": lazy_gettext("Address"),
    "phone": lazy_gettext("Phone"),
    "household_phone": lazy_gettext("Phone of the household"),
    "sex": lazy_gettext("Sex"),
    "birth_on": lazy_gettext("Birthday"),
    "main_class": lazy_gettext("Class"),
    "risk": lazy_gettext("Risk"),
    "tags": lazy_gettext("Tags"),
    "disability_type": lazy_gettext("Kind of disability"),
    "disability_level": lazy_gettext("Degree of disability"),
    "causes": lazy_gettext("Causes of hardship"),
    "bank_name": lazy_gettext("Bank"),
    "bank_account": lazy_gettext("Bank account"),
    "died_on": lazy_gettext("Day of death"),
    "note": lazy_gettext("Note"),
}
# Other names of the same, as rosters of counties have them; compared without blanks, signs and what stands in brackets.
_NAMES = {
    "name": "姓名 人员姓名 成员姓名 家庭成员姓名 对象姓名 救助对象姓名 残疾人姓名 老人姓名 儿童姓名 name",
    "id_number": "身份证号 身份证号码 身份证 公民身份号码 公民身份证号码 证件号码 证件号 居民身份证号 居民身份证号码"
    " 本人身份证号 成员身份证号 idnumber idno",
    "id_reason": "身份证号说明 身份证说明 证件说明 号码说明 idreason",
    "relation": "与户主关系 与户主的关系 户主关系 家庭关系 关系 与申请人关系 relation relationtohead",
    "head": "户主 户主姓名 申请人 申请人姓名 家庭户主 head headofhousehold householder",
    "household_number": "户号 户编号 家庭编号 户序号 户籍编号 低保证号 救助证号 householdnumber householdno",
    "township": "乡镇 所属乡镇 乡镇街道 街道 所属街道 镇 乡 镇街 街镇 township",
    "village": "村 所属村 行政村 村社区 社区 所属社区 村居 村委会 居委会 所在村 所属村社区 village community",
    "grid": "网格 所属网格 网格名称 网格编码 网格编号 网格代码 所属村网格 grid gridcode",
    "address": "地址 家庭住址 家庭地址 住址 居住地址 现住址 现住地址 详细地址 居住地 实际居住地 address",
    "phone": "电话 联系电话 手机 手机号 手机号码 本人电话 联系方式 电话号码 phone mobile telephone",
    "household_phone": "家庭电话 户主电话 户主联系电话 householdphone",
    "sex": "性别 sex gender",
    "birth_on": "出生日期 出生年月日 出生年月 生日 出生 birthday birthdate dateofbirth",
    "main_class": "救助类别 救助类型 人员类别 对象类别 类别 保障类别 困难类型 困难类别 低收入类别 class category",
    "risk": "风险等级 风险 风险级别 等级 risk risklevel",
    "tags": "标签 人员标签 特殊标签 特殊类型 特殊困难类型 tags tag",
    "disability_type": "残疾类别 残疾类型 残疾种类 disabilitytype disability",
    "disability_level": "残疾等级 残疾级别 残疾程度 disabilitylevel disabilitydegree",
    "causes": "致困原因 致贫原因 困难原因 主要致贫原因 主要致困原因 causes cause",
    "bank_name": "开户行 开户银行 银行 银行名称 开户行名称 bank bankname",
    "bank_account": "银行账号 银行帐号 银行卡号 账号 帐号 卡号 一卡通账号 一卡通卡号 一卡通号 社保卡号 bankaccount accountnumber",
    "died_on": "死亡日期 去世日期 死亡时间 去世时间 dayofdeath dateofdeath",
    "note": "备注 说明 备注说明 note notes remark remarks",
}
_BRACKETS = re.compile(r"[(\[【（].*?[)\]】）]")
# Marks that the columns of our own table of refused rows begin with: they are not read again.
REASON_MARK = "⚠"


def normal(header: str) -> str:
    """A column's name as names are compared: without blanks, signs and what stands in brackets, small."""
    plain = _BRACKETS.sub("", unicodedata.normalize("NFKC", header))
    return "".join(sign for sign in plain.lower() if sign.isalnum())


def in_brackets(header: str) -> str:
    """What stands in brackets in a column's name."""
    return "".join(_BRACKETS.findall(unicodedata.normalize("NFKC", header)))


def fields_by_name(names: Mapping[str, str]) -> dict[str, str]:
    """Of each name (as `normal` has it) which field it means; `names`: by field, the names a column of it may have."""
    return {normal(name): field for field, said in names.items() for name in said.split()}


KNOWN = fields_by_name(_NAMES)


def count_known(cells: Sequence[str], known: Mapping[str, str] = KNOWN) -> int:
    """How many of the cells are names of columns, which are `known` by name."""
    return len({known[normal(cell)] for cell in cells if normal(cell) in known})


def recognise(
    header: Sequence[str], remembered: Mapping[str, str], known: Mapping[str, str] = KNOWN
) -> list[str]:
    """Of each column its field, or "" for one that is not read: as `remembered` by name, else by the names that are `known`."""
    fields: list[str] = []
    for name in header:
        field = "" if name.startswith(REASON_MARK) else remembered.get(name, known.get(normal(name), ""))
        fields.append("" if field in fields else field)
    return fields
