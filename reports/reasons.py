"""Reasons in words. The judge gives a code, a colon and what it is about; people get a sentence in both languages."""

from __future__ import annotations

from typing import Final

from conformance.spec.model import Text

WORDS: Final = {
    "trace-ended": Text("日志在时限到达前结束", "the trace ended before the limit"),
    "thin": Text("实测值落在时限的不确定度之内", "the measured value lies within the uncertainty of the limit"),
    "suspended": Text("当时处于注入故障期间，暂停判断", "suspended during an injected fault"),
    "unreadable": Text("报文无法读取", "the message could not be read"),
    "rule-error": Text("测试台的规则出错", "a rule of the bench failed"),
    "undeclared": Text("厂商没有申报所需内容", "the vendor has not declared what is needed"),
    "unanswered": Text("没有得到回答", "no answer was given"),
    "not-exercised": Text("没有触发过", "never exercised"),
    "not-planned": Text("本次计划没有触发它的用例", "no case of this plan provokes it"),
    "not-run": Text("用例没有运行", "the case did not run"),
    "never-ended": Text("用例没有正常结束", "the case never ended"),
    "too-few": Text("触发次数不足", "too few occasions"),
    "narrowed": Text("本次只运行部分用例，触发次数不足", "too few occasions in a narrowed run"),
    "blocked": Text("前提未满足，被阻塞", "blocked: its prerequisite failed"),
    "waited-in-vain": Text("等待落空", "waited in vain for"),
    "claims-only": Text("只有设备自述，认证需要更强的证据", "only the device's own word; stronger evidence is asked"),
    "device-absent": Text("没有见到设备", "no device was seen"),
    "device-refuses-certificate": Text("设备不接受本次运行的证书", "the device refuses the certificate of the run"),
    "unanswered-prompt": Text("测试员没有回答提示", "the operator did not answer a prompt"),
    "stimulus-failed": Text("无法让设备做出动作", "the device could not be made to act"),
    "stimulus-unanswered": Text("动作没有得到回应", "the stimulus was not answered"),
}


def code_of(reason: str) -> str:
    """The known code at the start of a reason, or after the case that it quotes; "" where there is none."""
    for part in reason.split(": ")[:2]:
        if part in WORDS:
            return part
    return ""


def in_words(reason: str) -> Text:
    """The reason as a sentence, with what it is about; a reason without a known code stays as it is."""
    code = code_of(reason)
    if not code:
        return Text(reason, reason)
    before, _, after = reason.partition(code)
    about = before.rstrip(": ") + (" " if before and after else "") + after.lstrip(": ")
    known = WORDS[code]
    return Text(f"{known.zh}：{about}", f"{known.en}: {about}") if about else known
