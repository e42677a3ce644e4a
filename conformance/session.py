"""The commands that run cases: one run, one session of a campaign, the rest of a stopped run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from conformance.bench.baseline import changes, load_baseline
from conformance.bench.campaign import Campaign, Only
from conformance.bench.outputs import write_outputs
from conformance.bench.prepare import Options, UsageProblem, prepare
from conformance.bench.rejudge import rejudge
from conformance.bench.resume import prepare_rest, stopped_run
from conformance.plugin import PytestRun, run_session
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
        raise UsageProblem(["--out and --campaign exclude each other: a session has its place in the campaign's directory"])
    before = load_baseline(baseline) if baseline is not None else None
    prepared = prepare(options)
    if campaign is None:
        run = run_session(prepared, keyword=keyword, lang=lang)
        code = run.code
    else:
        book = Campaign.open(campaign, prepared)
        chosen = book.choose(wanted, prepared)
        if chosen is None:
            tell(f"nothing is left to run with --only {only}\n" + book.summary(prepared, lang))
            return book.exit_code
        session = replace(prepared, options=replace(options, out=book.next_session(), only_cases=chosen))
        run = run_session(session, keyword=keyword, lang=lang)
        code = run.code
        if run.live is not None and run.live.result is not None:
            book.add(run.live.out, session, run.live.result, wanted)
            tell(book.summary(prepared, lang))
            code = book.exit_code
    if before is not None and run.live is not None and run.live.result is not None:
        rows = changes(before, run.live.result)
        tell(f"\nagainst {baseline}: {len(rows) or 'no'} clauses changed\n" + "".join(f"  {row}\n" for row in rows))
    return code


def _only(only: str, campaign: Path | None) -> Only:
    if only not in ("", "not-pass", "remaining"):
        raise UsageProblem([f"--only takes not-pass or remaining, not {only!r}"])
    if only and campaign is None:
        raise UsageProblem(["--only needs --campaign DIR: it chooses from what was run before"])
    return only  # type: ignore[return-value]


def resume_run(
    run: Path, *, device: Path | None = None, lab: Path | None = None, prompts: bool = True, lang: Lang = "both"
) -> int:
    """Go on with a stopped run; returns the exit code. Raises UsageProblem, NoRun."""
    stopped = stopped_run(run)
    if stopped.planned and not stopped.left:
        tell("every case of this run has come to its end; it is judged again\n")
        again = rejudge(run)
        report, paths = write_outputs(again.result, again.transcript, again.spec, run)
        tell(summary.render(report, paths, lang))
        return again.result.exit_code
    rest: PytestRun = run_session(prepare_rest(run, device, lab, prompts=prompts), lang=lang, resume=True)
    return rest.code
