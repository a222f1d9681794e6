"""The columns of a list of payments: what they can hold, and by which names they are known."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext

from fieldapp.imports.columns import fields_by_name, in_brackets, normal, recognise

# What a column may hold, as it is called on the page, in the order it is offered.
FIELDS = {
    "name": lazy_gettext("Full name"),
    "id_number": lazy_gettext("ID number"),
    "id_tail": lazy_gettext("Last four of the ID number"),
    "amount": lazy_gettext("Amount (yuan)"),
    "programme": lazy_gettext("Programme"),
    "source": lazy_gettext("Who pays"),
    "period": lazy_gettext("Month it is for"),
    "paid_on": lazy_gettext("Day it was paid"),
    "account": lazy_gettext("Account, or its last four"),
    "township": lazy_gettext("Township"),
    "village": lazy_gettext("Village or community"),
}
# Other names of the same, as lists of finance bureaus and banks have them.
_NAMES = {
    "name": "姓名 户名 收款人 收款人姓名 收款人名称 领款人 领款人姓名 人员姓名 对象姓名 救助对象姓名 补贴对象 补贴对象姓名 账户名"
    " 账户名称 name payee recipient fullname",
    "id_number": "身份证号 身份证号码 身份证 公民身份号码 公民身份证号码 证件号码 证件号 居民身份证号 居民身份证号码"
    " 领款人身份证号 收款人身份证号 收款人证件号码 idnumber idno",
    "id_tail": "身份证后四位 身份证号后四位 身份证尾号 身份证号尾号 证件尾号 证件后四位 idlastfour",
    "amount": "金额 发放金额 实发金额 补贴金额 救助金额 保障金额 发放资金 应发金额 补助金额 支付金额 实发 合计金额"
    " 打卡金额 amount amountyuan sum",
    "programme": "项目 项目名称 发放项目 补贴项目 资金项目 资金名称 救助项目 补贴名称 补贴类型 programme program",
    "source": "资金来源 来源 source",
    "period": "月份 发放月份 所属月份 补贴月份 所属期 发放期间 所属期间 期间 年月 发放年月 month period",
    "paid_on": "日期 发放日期 支付日期 打款日期 到账日期 发放时间 支付时间 交易日期 记账日期 date paidon paymentdate",
    "account": "账户尾号 账号尾号 卡号尾号 银行卡尾号 账号后四位 卡号后四位 账号 帐号"
    " 银行账号 银行帐号 银行卡号 卡号 收款账号 收款人账号 一卡通账号 一卡通卡号 一卡通号 社保卡号 account accountnumber",
    "township": "乡镇 所属乡镇 乡镇街道 街道 所属街道 镇 乡 镇街 街镇 township",
    "village": "村 所属村 行政村 村社区 社区 所属社区 村居 所在村 village community",
}
KNOWN = fields_by_name(_NAMES)
# What was paid out, where another column says what was to be paid.
_PAID_OUT = "实发"
# Amounts in other units than yuan.
_UNITS = frozenset("万千百角分")


def recognise_payments(header: Sequence[str]) -> list[str]:
    """Of each column its field, or "" for one that is not read; the amount is what was paid out, in yuan."""
    has_paid_out = any(normal(name).startswith(_PAID_OUT) for name in header)
    return recognise([name if _may_be(name, has_paid_out) else "" for name in header], {}, KNOWN)


def _may_be(header: str, has_paid_out: bool) -> bool:
    name = normal(header)
    if KNOWN.get(name) != "amount":
        return True
    return not _UNITS & set(in_brackets(header)) and (not has_paid_out or name.startswith(_PAID_OUT))
