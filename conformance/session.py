"""The commands that run cases: one run, one session of a campaign, the rest of a stopped run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conformance.bench.baseline import changes, compared, load_baseline
from conformance.bench.campaign import Campaign, Only
from conformance.bench.errors import UsageProblem, told_of, unwritable
from conformance.bench.outputs import JOURNAL, write_outputs
from conformance.bench.prepare import Options, prepare
from conformance.bench.rejudge import NoRun, rejudge
from conformance.bench.resume import prepare_rest, stopped_run
from conformance.plugin import PytestRun, run_session
from conformance.spec.model import Text
from conformance.spec.problems import PackError, lines_of
from conformance.trace.transcript import Transcript
from conformance.verdict import exitcode
from conformance.verdict.model import RunResult
from reports import summary
from reports.console import tell
from reports.words import Lang


def run_once(
    options: Options, *, keyword: str = "", campaign: Path | None = None, only: str = "", baseline: Path | None = None,
    lang: Lang = "both",
) -> int:  # fmt: skip
    """One run, or one session of a campaign; returns the exit code. Raises UsageProblem."""
    wanted = _only(only, campaign)
    if campaign is not None and options.out is not None:
        raise UsageProblem([Text(
            "--out 与 --campaign 不能同时使用：测试活动的每次运行都放在活动目录里",
            "--out and --campaign exclude each other: a session has its place in the campaign's directory",
        )])  # fmt: skip
    before = load_baseline(baseline) if baseline is not None else None
    prepared = prepare(options)
    if campaign is None:
        run = run_session(prepared, keyword=keyword, lang=lang)
        code = run.code
    else:
        book = Campaign.open(campaign, prepared)
        _catch_up(book, lang)
        chosen = book.choose(wanted, prepared)
        if chosen is None:
            tell(Text(f"--only {only}：没有剩下要运行的用例", f"nothing is left to run with --only {only}"), lang)
            tell(book.summary(lang))
            return book.exit_code
        try:
            out = book.begin(prepared)
        except OSError as error:
            raise unwritable(error, campaign, "--campaign") from error
        session = replace(prepared, options=replace(options, out=out, only_cases=chosen))
        run = run_session(session, keyword=keyword, lang=lang)
        code = _entered(book, run, wanted, lang)
    if before is not None and run.live is not None and run.live.result is not None:
        for line in compared(baseline, changes(before, run.live.result, lang), lang):
            tell(line)
    return code


def _only(only: str, campaign: Path | None) -> Only:
    if only not in ("", "not-pass", "remaining"):
        raise UsageProblem([Text(
            f"--only 只能是 not-pass 或 remaining，不能是 {only!r}", f"--only takes not-pass or remaining, not {only!r}"
        )])  # fmt: skip
    if only and campaign is None:
        raise UsageProblem([Text(
            "--only 须与 --campaign DIR 一起使用：它从以前运行过的用例中选择",
            "--only needs --campaign DIR: it chooses from what was run before",
        )])  # fmt: skip
    return only  # type: ignore[return-value]


def resume_run(
    run: Path, *, device: Path | None = None, lab: Path | None = None, prompts: bool = True, lang: Lang = "both"
) -> int:
    """Go on with a stopped run; returns the exit code, that of the campaign where it is a session of one.

    Raises UsageProblem, NoRun.
    """
    book = Campaign.of_session(run)
    stopped = stopped_run(run)
    if stopped.planned and not stopped.left:
        tell(Text("本次运行的用例都已结束，重新判定", "every case of this run has come to its end; it is judged again"), lang)
        again = rejudge(run)
        report, paths = write_outputs(again.result, again.transcript, again.spec, run)
        tell(summary.render(report, paths, lang).rstrip("\n"))
        return again.result.exit_code if book is None else _account(book, run, again.result, again.transcript, lang)
    rest: PytestRun = run_session(prepare_rest(run, device, lab, prompts=prompts), lang=lang, resume=True)
    return rest.code if book is None else _entered(book, rest, "", lang)


def _catch_up(book: Campaign, lang: Lang) -> None:
    """A session that came to no entry (kill -9, a power cut, a full disk) counts as far as its journal goes.

    Raises UsageProblem where it has a journal that cannot be judged: what was found in it must not get lost.
    """
    for run in book.unlisted():
        journal = run / JOURNAL
        if not journal.is_file() or b"\n" not in journal.read_bytes():
            continue  # it was stopped before it had a head: nothing was run
        try:
            again = rejudge(run)
        except (NoRun, PackError) as error:
            raise UsageProblem([*lines_of(error), Text(
                f"{run} 无法计入测试活动：请把它移出活动目录", f"{run} cannot be counted: move it out of the campaign"
            )]) from error  # fmt: skip
        book.add(run, again.result, again.transcript)
        tell(Text(
            f"{run} 未记入测试活动；按已运行的部分计入，继续运行：rvw resume {run}",
            f"{run} had no entry in the campaign; it counts as far as it went, and goes on with: rvw resume {run}",
        ), lang)  # fmt: skip


def _entered(book: Campaign, run: PytestRun, only: Only, lang: Lang) -> int:
    """List what a session of a campaign has run; returns the campaign's exit code, the run's where it came to no result."""
    live = run.live
    if live is None or live.result is None or live.transcript is None:
        return run.code
    code = _account(book, live.out, live.result, live.transcript, lang, only)
    return code if live.unwritten is None else exitcode.worst([code, exitcode.BENCH])


def _account(book: Campaign, run: Path, result: RunResult, transcript: Transcript, lang: Lang, only: Only = "") -> int:
    codes = []
    try:
        book.add(run, result, transcript, only)
    except OSError as error:
        why = told_of(error, book.directory)
        tell(Text(f"rvw: 测试活动的记录无法写入：{why}", f"rvw: the campaign's account cannot be written: {why}"), lang)
        tell(Text(f"rvw: 腾出空间后运行：rvw resume {run}", f"rvw: make room, then: rvw resume {run}"), lang)
        codes.append(exitcode.BENCH)
    tell(book.summary(lang))
    return exitcode.worst([*codes, book.exit_code])
