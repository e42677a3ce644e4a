"""What stands behind the colon of a reason is Chinese, too: every sentence of our own code, and nothing that it quotes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from verdict_helpers import Tape

from conformance.spec.loader import load
from conformance.verdict.judge import judge_run
from conformance.verdict.model import Blame, Verdict
from reports.build import build
from reports.card import render_open
from reports.details import in_chinese
from reports.html_writer import render
from reports.reasons import WORDS, in_words

ROOT = Path(__file__).resolve().parents[2]
ANY = "7"  # stands in a sentence for what a run puts there
# Where our code words what a reason is about: the call, and which argument is the sentence.
CALLS = {
    "NotAvailable": 0, "NotObserved": 0, "DeviceAbsent": 0, "ClerkError": 0, "InvariantBrokenError": 0, "Undecided": 1,
    "Break": 1, "_bench_error": 1, "bench_error": 1, "doubt": 2, "thin": 1, "running": 1, "_fail": 0,
}  # fmt: skip
SAID = {  # functions whose yields and returns are sentences themselves
    ("selfcheck.py", "_signatures"), ("selfcheck.py", "_digests"), ("selfcheck.py", "_challenges"),
    ("selfcheck.py", "_examples"), ("waivers.py", "_unusable"),
}  # fmt: skip
ROOMS = ("conformance/verdict", "conformance/bench", "conformance/iut", "conformance/suites", "conformance/trace", "mocks")


Local = Sequence[tuple[str, ast.expr]]  # what the function sets, in order


def _sentence(node: ast.expr | None, local: Local) -> str:
    """What a literal says, with something in its holes; what a variable holds is looked up where it was set."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_sentence(part, local) for part in parts)
        case ast.FormattedValue(value=ast.Name() as name):
            return _sentence(name, local) or ANY
        case ast.FormattedValue(value=ast.IfExp()):
            return ""
        case ast.FormattedValue():
            return ANY
        case ast.Name(id=name, lineno=line):
            known = [value for set_name, value in local if set_name == name and value.lineno < line]
            return _sentence(known[-1], local) if known else ""
        case ast.BoolOp(values=[*_, last]):
            return _sentence(last, local)
        case ast.Call(args=[*_, last]):
            return _sentence(last, local) if isinstance(last, ast.JoinedStr) else ""
    return ""


def _told(function: ast.AST, file: Path) -> Iterator[str]:
    local = [
        (target.id, node.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    local.sort(key=lambda pair: pair[1].lineno)
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            at = CALLS.get(name)
            if at is not None and len(node.args) > at:
                yield _sentence(node.args[at], local)
            for keyword in node.keywords:
                if keyword.arg == "what" and name in ("wait", "wait_s"):
                    yield _sentence(keyword.value, local)
        elif isinstance(node, ast.Yield) and file.name == "audit.py" and isinstance(node.value, ast.Tuple):
            yield _sentence(node.value.elts[1], local)
        elif isinstance(node, ast.Yield | ast.Return) and (file.name, getattr(function, "name", "")) in SAID:
            yield _sentence(node.value, local)


def _all_told() -> set[str]:
    """Every sentence that our sources put behind a reason: those with at least two words of English."""
    found: set[str] = set()
    for file in (file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))):
        if "devices" in file.parts:  # what a device says is its own
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found |= {text for text in _told(node, file) if re.search(r"[a-z]+ [a-z]+", text)}
    return found


def test_every_sentence_that_our_code_puts_behind_a_reason_has_chinese() -> None:
    told = _all_told()
    assert len(told) > 70
    for known in ("stamps go backwards", "the device's connection", "nobody answered the prompt within 7 s", "no reply yet"):
        assert known in told
    english = sorted(text for text in told if in_chinese(text).isascii())
    assert not english, f"no Chinese in reports/details.py for: {english}"


@pytest.mark.parametrize(
    ("reason", "zh"),
    [
        ("claims-only: wire asked", "只有设备自述，认证需要更强的证据：要求的证据等级是“线路报文”"),
        (
            "not-observed: the device's connection, T-RECONNECT",
            "没有等到设备应有的动作或报文：设备的连接，T-RECONNECT",
        ),
        ("not-observed: call.answer request {'call_id': 'c1'}, T-RING",
         "没有等到设备应有的动作或报文：call.answer 请求 {'call_id': 'c1'}，T-RING"),
        ("audit: the bench was slow to answer", "测试台核对自身记录时发现自己有错：测试台应答过慢"),
        ("per.x: audit: stamps go backwards", "测试台核对自身记录时发现自己有错：per.x 时间戳倒退"),
        ("trace-ended: watched 300 ms of 500 ms: CHN-007.a",
         "日志在时限到达前结束：时限 500 毫秒，只观察了 300 毫秒；涉及 CHN-007.a"),
        ("trace-ended: 1.. of call.bye:request from iut", "日志在时限到达前结束：设备发出的 call.bye 请求，应出现 1.. 次"),
        ("stimulus-failed: card nobody answered the prompt within 600 s",
         "无法让设备做出动作：card：测试员在 600 秒内没有回应提示"),
        ("clerk: ClerkError: no offer result within 20 s", "模拟坐席出错：ClerkError：坐席的音视频进程在 20 秒内没有完成 offer"),
        ("not-home: start", "设备没有回到空闲状态，用例无法开始；此前的用例是：无（运行刚刚开始）"),
        ("step:12: TypeError: no", "测试台自身的步骤出错（step:12）：TypeError: no"),
        ("2: line 9: does not follow from the line before", "2 处；第 9 行：与上一行不衔接"),
        ("waiver for clause CHN-007 expired on 2026-01-02", "条款 CHN-007 的豁免已于 2026-01-02 到期"),
    ],
)  # fmt: skip
def test_details_read_as_chinese(reason: str, zh: str) -> None:
    assert in_words(reason).zh == zh


def test_the_english_side_keeps_the_words_of_the_judge() -> None:
    assert in_words("audit: stamps go backwards").en == f"{WORDS['audit'].en}: stamps go backwards"


@pytest.mark.parametrize(
    "said",
    [
        "stimulus-failed: card E42 paper jam",
        "device-refuses-certificate: [SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca",
        "case end: OSError: [Errno 28] No space left on device",
    ],
)
def test_what_a_device_or_the_system_says_stays_as_it_is(said: str) -> None:
    told = in_words(said)
    assert told.zh.endswith(said.partition(": ")[2])
    assert told.en.endswith(said.partition(": ")[2])


def test_quotation_marks_of_a_device_do_not_make_a_sentence_of_ours_endless() -> None:
    nested = "upper tester at x: " * 40 + "no reply yet"
    assert in_chinese(nested).endswith("no reply yet")


def test_an_error_of_the_bench_is_read_in_chinese_in_report_and_summary() -> None:
    spec = load()
    tape = Tape(spec)
    tape.start("hbt.beats")
    tape.observe("bench.error", where="clerk", what="not done 10 s after the end of the case", scope="run")
    tape.end()
    report = build(judge_run(tape.transcript, spec), tape.transcript, spec)
    assert report.cases[0].verdict is Verdict.ERROR
    assert report.cases[0].blame is Blame.BENCH
    assert report.cases[0].reason_text.zh == "模拟坐席出错：用例结束 10 秒后仍未完成"
    assert "用例结束 10 秒后仍未完成" in render(report)
    assert "用例结束 10 秒后仍未完成" in render_open(report.open_points, "zh")
    assert "not done" not in render_open(report.open_points, "zh")
