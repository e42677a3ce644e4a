"""The fixed words of a report, in both languages. Findings and messages come from the run; words come from here."""

from __future__ import annotations

from typing import Final, Literal

from conformance.spec.model import Text
from conformance.verdict.model import Blame, Verdict

Lang = Literal["zh", "en", "both"]

TITLE: Final = Text("对接一致性测试报告", "Docking Conformance Test Report")
SUBTITLE: Final = Text("远程虚拟窗口设备 × 远程受理系统", "Remote virtual window device × remote acceptance system")

DISCLAIMER: Final = (
    Text(
        "本报告依据一份参考规范出具。该参考规范由公开资料和开放标准重新整理而成；市级《远程受理系统对接规范》原文未公开。",
        "This report is made against a reference specification, reconstructed from public sources and open standards. "
        "The municipal docking specification itself is not published.",
    ),
    Text(
        "本测试用于准备、而不能替代由市运管中心协调项目公司进行的对接调试。",
        "It prepares for, and does not replace, the docking tests that the municipal ops center coordinates with the "
        "project company (项目公司).",
    ),
    Text(
        "本报告不是对接入申请的决定，也不构成任何资质、许可或排名。",
        "It is no decision on the access application, and it confers no qualification, permission or ranking.",
    ),
)

VERDICT: Final = {
    Verdict.PASS: Text("通过", "pass"),
    Verdict.FAIL: Text("不通过", "fail"),
    Verdict.INCONCLUSIVE: Text("未能判定", "inconclusive"),
    Verdict.ERROR: Text("测试台出错", "bench error"),
    Verdict.NOT_APPLICABLE: Text("不适用", "not applicable"),
    Verdict.NOT_SELECTED: Text("未选测", "not selected"),
}
VERDICT_MEANING: Final = {
    Verdict.PASS: Text(
        "每项义务都被实际触发足够次数，且从未违反。",
        "Every obligation was exercised often enough, none was broken.",
    ),
    Verdict.FAIL: Text(
        "至少一项义务被违反，且不能归因于测试台。",
        "At least one obligation was broken, and not because of the bench.",
    ),
    Verdict.INCONCLUSIVE: Text(
        "触发次数不足或无法判断。不等于通过，需要补测。", "Too few occasions, or undecidable. Not a pass: test again."
    ),
    Verdict.ERROR: Text(
        "测试台或环境出错，结果不可用。不等于通过，需要重测。",
        "The bench or its surroundings failed. Not a pass: test again.",
    ),
    Verdict.NOT_APPLICABLE: Text(
        "依据厂商申报（PICS），本条款不适用于该设备。",
        "By the vendor's declaration (PICS) it does not concern this device.",
    ),
    Verdict.NOT_SELECTED: Text(
        "不在本次测试范围内，没有测过。不等于通过。",
        "Outside the scope of this run, so not tested. Not a pass.",
    ),
}
# A shape beside each colour: the report is read in black and white and by colour-blind readers too.
GLYPH: Final = {
    Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?", Verdict.ERROR: "!",
    Verdict.NOT_APPLICABLE: "–", Verdict.NOT_SELECTED: "○",
}  # fmt: skip
REMARK: Final = Text("建议项未满足", "remark")
REMARK_GLYPH: Final = "△"
ASCII_GLYPH: Final = {
    Verdict.PASS: "+", Verdict.FAIL: "x", Verdict.INCONCLUSIVE: "?", Verdict.ERROR: "!",
    Verdict.NOT_APPLICABLE: "-", Verdict.NOT_SELECTED: "o",
}  # fmt: skip

BLAME: Final = {
    Blame.DEVICE: Text("设备", "device"),
    Blame.CONFIGURATION: Text("配置", "configuration"),
    Blame.ENVIRONMENT: Text("环境", "environment"),
    Blame.OPERATOR: Text("测试员操作", "operator"),
    Blame.BENCH: Text("测试台", "bench"),
}
BLAME_UNKNOWN: Final = Text("未归因", "not attributed")

TIMER_STATUS: Final = {
    "production": Text("生产值", "production value"),
    "accelerated": Text("加速", "accelerated"),
    "tightened": Text("收紧", "tightened"),
    "loosened": Text("放宽（对设备有利）", "loosened in the device's favour"),
}
GRADE: Final = {
    "wire": Text("线路报文", "on the wire"),
    "sensor": Text("测试台传感器", "the bench's own sensor"),
    "person": Text("人工观察", "a person"),
    "declaration": Text("书面声明", "a signed declaration"),
    "claim": Text("设备自述", "the device's own claim"),
}
FALLBACK_CAUSE: Final = Text(
    "规范未给出常见原因。请对照所示报文与应有行为。",
    "The pack names no likely cause. Compare the messages shown with what is expected.",
)
FALLBACK_REMEDY: Final = Text(
    "修正设备后，用所给命令只重跑本条款。",
    "Correct the device, then run this clause alone again with the command given.",
)
PARTIAL: Final = Text(
    "范围不完整：本次只运行了所选的一部分，不能用于申请。",
    "Partial scope: only a selection was run; not for an application.",
)
NOT_FOR_CERTIFICATION: Final = Text(
    "本档位（profile）仅供开发自查，不用于申请。",
    "This profile is for development; an application cannot rest on it.",
)


NOTE: Final = {  # one for every kind of note that the judge makes
    "usage": Text("使用问题", "usage"),
    "bench-error": Text("测试台出错", "bench error"),
    "loosened": Text("放宽的时限", "loosened limit"),
    "home": Text("用例之后没有自行复原", "not home by itself after a case"),
    "journal-broken": Text("日志不完整，结论不可采信", "broken journal: nothing follows from it"),
    "aborted": Text("运行提前结束", "the run ended early"),
    "unfinished": Text("运行没有到达终点，判定到记录为止", "the run did not reach its end and is judged up to there"),
    "segment": Text("中断后续跑", "stopped and gone on with"),
    "waiver": Text("豁免", "waiver"),
}


def say(text: Text, lang: Lang) -> str:
    """The text in the language asked, or both with a slash."""
    if lang == "zh":
        return text.zh
    if lang == "en":
        return text.en
    return text.zh if text.zh == text.en else f"{text.zh} / {text.en}"


def duration(seconds: float) -> Text:
    """A length of time in words, from two minutes on in minutes."""
    if seconds < 120:
        return Text(f"{seconds:.0f} 秒", f"{seconds:.0f} s")
    return Text(f"{seconds / 60:.0f} 分钟", f"{seconds / 60:.0f} min")


def blame_text(blame: Blame | None) -> Text:
    """Words for whose fault it is."""
    return BLAME[blame] if blame is not None else BLAME_UNKNOWN
