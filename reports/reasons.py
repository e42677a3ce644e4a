"""Reasons in words. The judge gives a code, a colon and what it is about; people get a sentence in both languages."""

from __future__ import annotations

from typing import Final

from conformance.spec.model import Text
from reports.details import in_chinese

WORDS: Final = {
    "trace-ended": Text("日志在时限到达前结束", "the trace ended before the limit"),
    "thin": Text(
        "实测值与时限过于接近，差别小于测量误差，无法判定是否超时",
        "too close to the limit: the difference is smaller than what can be measured here",
    ),
    "thin-busy": Text(
        "测试电脑当时过于繁忙，测量误差变大，无法判定是否超时；请关闭其他程序后重测",
        "this machine was too busy to measure well enough; close other programs and test again",
    ),
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
    "in-part": Text(
        "本次没有运行可触发它的全部用例，触发次数不足", "too few occasions: this run left out some of the cases that provoke it"
    ),
    "blocked": Text("前提未满足，被阻塞", "blocked: its prerequisite failed"),
    "waited-in-vain": Text("等待落空", "waited in vain for"),
    "claims-only": Text("只有设备自述，认证需要更强的证据", "only the device's own word; stronger evidence is asked"),
    "device-absent": Text("没有见到设备", "no device was seen"),
    "device-refuses-certificate": Text("设备不接受本次运行的证书", "the device refuses the certificate of the run"),
    "unanswered-prompt": Text("测试员没有回答提示", "the operator did not answer a prompt"),
    "stimulus-failed": Text("无法让设备做出动作", "the device could not be made to act"),
    "stimulus-unanswered": Text("动作没有得到回应", "the stimulus was not answered"),
    # How a procedure ended that did not go through.
    "not-observed": Text("没有等到设备应有的动作或报文", "what the device had to do or to send did not come"),
    "not-home": Text("设备没有回到空闲状态，用例无法开始；此前的用例是", "the device did not come back to its idle state after"),
    "no-stimulus": Text("没有办法让设备做这个动作", "nobody could make the device do it"),
    "device-unreachable": Text("设备的测试接口没有应答", "the device's test interface did not answer"),
    "bench-error": Text("测试台自身的步骤出错，与设备无关", "a step of the bench itself failed; the device has no part in it"),
    # Trouble of the bench: where it happened.
    "run-aborted": Text("测试台自身出错，本次运行提前结束", "the bench broke the run off for a reason of its own"),
    "audit": Text("测试台核对自身记录时发现自己有错", "the bench found itself wrong when it checked its own record"),
    "self-check": Text("测试台启动时自检不通过", "the bench's check of itself at the start failed"),
    "faults": Text("测试台没有撤除注入的故障", "the bench did not end an injected fault"),
    "clerk": Text("模拟坐席出错", "the simulated clerk failed"),
    "case end": Text("测试台未能正常结束用例", "the bench could not close the case"),
    "lag": Text("测试台自身的计时受阻", "the bench's own clock was held up"),
    "http": Text("模拟受理系统处理 HTTP 请求时出错", "the simulated acceptance system failed at an HTTP request"),
    "ws": Text("模拟受理系统处理 WebSocket 报文时出错", "the simulated acceptance system failed at a WebSocket message"),
    "acceptance": Text("模拟受理系统自身的数据出现矛盾", "the simulated acceptance system contradicts itself"),
    "outgoing": Text("测试台发出的报文不符合规范包", "the bench sent a message that the pack refuses"),
    "recorder": Text("测试台未能如实记录", "the bench did not record faithfully"),
    # Notes.
    "home-power-cycle": Text("重新上电后才恢复，此前的用例是", "it took a power cycle to come home after"),
    "home-none": Text("无法恢复到空闲状态，此前的用例是", "nothing brought it home after"),
    "loosened-refused": Text("认证测试不接受放宽的时限", "a loosened limit is refused for certification"),
}


def code_of(reason: str) -> str:
    """The known code at the start of a reason, or after the case that it quotes; "" where there is none."""
    for part in reason.split(": ")[:2]:
        if part in WORDS:
            return part
    return ""


def in_words(reason: str) -> Text:
    """The reason as a sentence, with what it is about; what neither `WORDS` nor `details` knows stays as it is."""
    code = code_of(reason)
    if not code:
        return Text(in_chinese(reason), reason)
    parts = reason.split(": ")
    place = parts.index(code)
    quoted, about = parts[:place], ": ".join(parts[place + 1 :])
    zh, en = (" ".join(part for part in (*quoted, told) if part) for told in (in_chinese(about), about))
    known = WORDS[code]
    return Text(f"{known.zh}：{zh}", f"{known.en}: {en}") if en else known
