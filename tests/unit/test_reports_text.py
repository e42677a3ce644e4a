"""Safe text, the terminal card and the last lines of a run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from reports_sample import RESIDENT, sample, sample_run

from conformance.bench import rejudge
from conformance.verdict import blame, cases, judge
from conformance.verdict.model import Doubt, Verdict
from reports import card, console, safe, summary, words
from reports.build import build
from reports.reasons import in_words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (RESIDENT, "310***********0010"),
        (f'{{"id":"{RESIDENT}"}}', '{"id":"310***********0010"}'),
        (f"a{RESIDENT}b", "a310***********0010b"),
        ("11010519491231002x", "110***********002x"),
        ("310106188001010011", "310106188001010011"),  # wrong check digit: nobody's number
        (f"9{RESIDENT}", f"9{RESIDENT}"),  # nineteen digits: an SDP session id
        ("310106188013010017", "310106188013010017"),  # there is no thirteenth month
        ("１１０１０５１９４９１２３１００２Ｘ", "110***********002X"),
        ("110105-19491231-002X", "110***********002X"),
        ("o=- 4611731400430051336 2 IN IP4", "o=- 4611731400430051336 2 IN IP4"),
    ],
)
def test_resident_numbers_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert safe.clean(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb", "a\\x0ab"),
        ("\u202eabc", "<U+202E>abc"),
        ("\x85", "\\x85"),
        (b"\xff\x00", "\\xff\\x00"),
        ("上海，你好！", "上海，你好！"),
        (None, "None"),
    ],
)
def test_characters_that_act_are_spelled_out(text: object, shown: str) -> None:
    assert safe.clean(text) == shown


def test_cleaning_twice_changes_nothing() -> None:
    once = safe.clean(f"\x1b\u202e{RESIDENT} Bearer abcdefghijkl")
    assert safe.clean(once) == once


def test_a_cap_never_cuts_a_number_open() -> None:
    assert RESIDENT[:17] not in safe.clean("x" * 390 + RESIDENT)


def test_credentials_in_headers_are_hidden() -> None:
    shown = safe.clean_block("authorization: Basic dXNlcjpwYXNz\nhost: a\ncookie: s=1")
    assert shown == "authorization: ***\nhost: a\ncookie: ***"


def test_console_without_chinese_gets_escapes_not_an_error() -> None:
    assert safe.for_console("不通过 ok", "cp1252") == "\\u4e0d\\u901a\\u8fc7 ok"


def test_console_shows_what_acts_instead_of_obeying_it() -> None:
    assert safe.for_console("\x1b[2Jgone\r\n\tnext", "utf-8") == "\\x1b[2Jgone\\x0d\n\tnext"


def test_every_line_of_a_command_is_cleaned(capsys: pytest.CaptureFixture[str]) -> None:
    console.tell("last words: \x1b]0;owned\x07")
    console.answer("method \u202ename")
    assert capsys.readouterr() == ("method <U+202E>name\n", "last words: \\x1b]0;owned\\x07\n")


def test_card_answers_the_questions_of_a_vendor() -> None:
    text = card.render(sample().failures[0], "zh")
    for part in ("CHN-007", "应为", "实际", "常见原因", "下一步", "rvw run --device", "责任方", "设备日志", "连带", "阻塞"):
        assert part in text
    assert "310***********0010" in text


def test_english_card_is_ascii_but_for_what_the_device_said() -> None:
    text = card.render(sample().failures[1], "en")
    assert text.replace("补充说明", "").isascii()  # the note of the clause's source


def test_summary_ends_with_the_verdict_and_names_the_files() -> None:
    text = summary.render(sample(), {"html": Path("run/report.html")}, "both")
    lines = text.splitlines()
    assert lines[-1] == "结论 / verdict: ✗ 不通过 / fail   exit 1"
    assert any("report.html" in line for line in lines)
    assert "未选测 / not selected 1" in text
    assert "T-WIPE 5000 ms (放宽" in text


def test_summary_of_a_pass_with_gaps_says_partial() -> None:
    result, transcript, spec = sample_run()
    kept = tuple(clause for clause in result.clauses if clause.verdict in (Verdict.PASS, Verdict.NOT_SELECTED))
    passed = replace(result, verdict=Verdict.PASS, gate=Verdict.PASS, exit_code=0, clauses=kept, cases=())
    text = summary.render(build(passed, transcript, spec), lang="en")
    assert "Partial scope" in text
    assert text.splitlines()[-1] == "verdict: + pass   exit 0"


def test_gate_is_named_where_it_differs() -> None:
    result, transcript, spec = sample_run()
    report = build(replace(result, gate=Verdict.PASS, exit_code=0), transcript, spec)
    assert summary.render(report, lang="en").splitlines()[-1] == "verdict: x fail (gate: pass)   exit 0"


@pytest.mark.parametrize(
    ("reason", "zh"),
    [
        ("not-exercised", "没有触发过"),
        ("too-few: 1/3", "触发次数不足：1/3"),
        ("per.reader.read: not-exercised: PER-020.a", "没有触发过：per.reader.read PER-020.a"),
        ("rob.lag: lag: TimeoutError", "测试台自身的计时受阻：rob.lag TimeoutError"),
        ("not-observed: call.answer, T-ANSWER", "没有等到设备应有的动作或报文：call.answer, T-ANSWER"),
        ("something else", "something else"),
        ("", ""),
    ],
)
def test_reasons_read_as_sentences(reason: str, zh: str) -> None:
    assert in_words(reason).zh == zh


def _made(*patterns: str) -> set[str]:
    """What the sources of the judge hold in these places."""
    rooms = [Path(judge.__file__).parent, Path(rejudge.__file__)]
    sources = [path for room in rooms for path in (sorted(room.rglob("*.py")) if room.is_dir() else [room])]
    text = "\n".join(path.read_text("utf-8") for path in sources)
    return {found for pattern in patterns for found in re.findall(pattern, text)}


def test_every_end_of_a_case_and_every_doubt_has_words() -> None:
    doubts = _made(r'Doubt\(.+?, "([a-z-]+)"', r'\.doubt\(.+?, "([a-z-]+)"', r'Undecided\("([a-z-]+)"')
    assert {"thin", "trace-ended", "unreadable"} <= doubts
    busy = f"thin-{blame.BUSY}"
    codes = {*cases.ENDS, *doubts, *blame.BLAME_OF_DOUBT, busy, "run-aborted", "audit"}
    for code in codes:
        told = in_words(f"{code}: x")
        assert told.zh != told.en, f"{code} has no words"
        assert not told.zh.isascii()


def test_every_kind_of_note_has_words() -> None:
    kinds = _made(r'"kind": "([a-z-]+)"') - {"declaration"}  # which has a section of its own
    assert {"home", "journal-broken", "usage"} <= kinds
    assert kinds <= set(words.NOTE)


def test_a_busy_machine_is_named_where_it_made_a_measurement_useless() -> None:
    told = in_words(blame.of_doubt(Doubt(3, "thin", "1400 ms against 1200 ms", busy=True))[1])
    assert "测试电脑" in told.zh
    assert "close other programs" in told.en
