"""`rvw`: the commands. Everything heavy is imported inside a command, so that help answers at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from conformance.lastresort import Guarded, whole_streams

if TYPE_CHECKING:
    from conformance.spec.model import Text

Lang = Literal["zh", "en", "both"]

app = typer.Typer(
    name="rvw", cls=Guarded, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False,
    help="Conformance bench for remote virtual window devices. 远程虚拟窗口设备对接一致性测试。",
)  # fmt: skip
spec_app = typer.Typer(no_args_is_help=True, help="Look at and check a specification pack. 规范包。")
app.add_typer(spec_app, name="spec")
lab_app = typer.Typer(no_args_is_help=True, help="A lab's lasting identity. 实验室身份：证书、端口、设备密钥。")
app.add_typer(lab_app, name="lab")

DeviceOption = Annotated[Path, typer.Option("--device", help="Device file (TOML), or a shipped device: reference, web-kiosk.")]
ProfileOption = Annotated[str, typer.Option("--profile", help="Certification profile of the pack.")]
PackOption = Annotated[str, typer.Option("--pack", help="Pack: name, name/version or directory. Default: Shanghai.")]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of order, stimuli and public identifiers.")]
LangOption = Annotated[str, typer.Option("--lang", help="zh, en or both.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Directory of the run. Default: a fresh one below rvw-out.")]
ClauseOption = Annotated[list[str] | None, typer.Option("--clause", help="Only what exercises this clause; repeatable.")]
KeywordOption = Annotated[str, typer.Option("-k", help="Only cases that match this expression (pytest's).")]
UntilOption = Annotated[str, typer.Option("--until", help="Stop after this family: for half-built devices.")]
WaiverOption = Annotated[Path | None, typer.Option("--known-failures", help="Waivers (TOML); refused for certification.")]
LabOption = Annotated[Path | None, typer.Option("--lab", help="Directory of a lab (rvw lab init): lasting CA, ports, keys.")]
PromptsOption = Annotated[bool, typer.Option("--prompts/--no-prompts", help="Whether a person may be asked.")]


def _stop(lines: Sequence[str | Text], code: int, lang: Lang = "both") -> typer.Exit:
    from reports.console import tell
    from reports.words import say

    for line in lines:
        tell(f"rvw: {line if isinstance(line, str) else say(line, lang)}")
    return typer.Exit(code)


def _answer(text: str) -> None:
    from reports.console import answer

    answer(text)


@app.command()
def run(
    device: DeviceOption,
    profile: ProfileOption = "core",
    out: OutOption = None,
    keyword: KeywordOption = "",
    clause: ClauseOption = None,
    until: UntilOption = "",
    seed: SeedOption = None,
    pack: PackOption = "",
    known_failures: WaiverOption = None,
    prompts: PromptsOption = True,
    expect_firmware: Annotated[str, typer.Option("--expect-firmware", help="Stop before the first case on another build.")] = "",
    lab: LabOption = None,
    timer: Annotated[list[str] | None, typer.Option("--timer", help="T-NAME=MS: another limit; repeatable, printed.")] = None,
    campaign: Annotated[Path | None, typer.Option("--campaign", help="Directory of sessions of one device build.")] = None,
    only: Annotated[str, typer.Option("--only", help="With --campaign: not-pass or remaining.")] = "",
    baseline: Annotated[Path | None, typer.Option("--baseline", help="Another run: print what changed; no effect.")] = None,
    lang: LangOption = "both",
) -> None:
    """Run a device through the simulated city and judge it. Exit: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 bench."""
    from conformance.bench.prepare import Options
    from conformance.session import run_once

    options = Options(
        device=device, profile=profile, out=out, pack=pack, seed=seed, clauses=tuple(clause or ()), until=until,
        known_failures=known_failures, prompts=prompts, expect_firmware=expect_firmware, lab=lab, timers=_timers(timer),
    )  # fmt: skip
    raise typer.Exit(run_once(options, keyword=keyword, campaign=campaign, only=only, baseline=baseline, lang=_lang(lang)))


@app.command()
def resume(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a run that was stopped.")],
    device: Annotated[Path | None, typer.Option("--device", help="The run's device file, where it lies elsewhere now.")] = None,
    lab: LabOption = None,
    prompts: PromptsOption = True,
    lang: LangOption = "both",
) -> None:
    """Go on with a run that was stopped (Ctrl-C, power, crash): only what has no end on the record, judged whole."""
    from conformance.session import resume_run

    raise typer.Exit(resume_run(run_directory, device=device, lab=lab, prompts=prompts, lang=_lang(lang)))


@app.command()
def plan(
    device: DeviceOption, profile: ProfileOption = "core", pack: PackOption = "", keyword: KeywordOption = "",
    clause: ClauseOption = None, until: UntilOption = "", seed: SeedOption = 0, prompts: PromptsOption = True,
    lang: LangOption = "both",
) -> None:  # fmt: skip
    """Say what would be run and why, what not and why not, who is needed, and how long it takes. No traffic."""
    from conformance.bench.planview import render
    from conformance.bench.prepare import Options, prepare
    from conformance.plugin import chosen_by

    prepared = prepare(
        Options(device=device, profile=profile, pack=pack, seed=seed, clauses=tuple(clause or ()), until=until, prompts=prompts)
    )
    _answer(render(prepared, _lang(lang), chosen_by(prepared, keyword) if keyword else frozenset()))


@app.command()
def rejudge(
    run_directory: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a recorded run.")],
    pack: Annotated[str, typer.Option("--pack", help="Judge by this pack instead of the one kept in the run.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Where the files go. Default: the run; with --pack below it.")] = None,
    lang: LangOption = "both",
) -> None:
    """Judge a recorded run again: no device, no network, no clock."""
    from conformance.bench.errors import unwritable
    from conformance.bench.outputs import JOURNAL, write_outputs
    from conformance.bench.rejudge import rejudge as judge_again
    from conformance.spec.model import Text
    from reports import summary
    from reports.console import answer, tell
    from reports.details import in_chinese

    again = judge_again(run_directory, pack or None)
    # Another pack's verdicts are no result of this run: its own files stay as they are.
    beside = run_directory / f"rejudged-{again.spec.id}-{again.spec.version}" if pack else run_directory
    target = out or beside
    try:
        target.mkdir(parents=True, exist_ok=True)
        report, paths = write_outputs(again.result, again.transcript, again.spec, target, journal=run_directory / JOURNAL)
    except OSError as error:
        raise unwritable(error, target) from error
    answer(summary.render(report, paths, _lang(lang)).rstrip("\n"))
    for place in again.read.breaks[:10]:
        tell(Text(f"rvw: 日志{in_chinese(str(place))}", f"rvw: journal {place}"), _lang(lang))
    raise typer.Exit(again.result.exit_code)


@app.command()
def doctor(
    device: Annotated[Path | None, typer.Option("--device", help="Also check this device file.")] = None,
    lang: LangOption = "both",
) -> None:
    """Check this machine: Python, ports, clock, fonts, browser, certificates tool, media stack."""
    from conformance.bench.doctor import examine

    rows = examine(device)
    for row in rows:
        _answer(row.line(_lang(lang)))
    raise typer.Exit(0 if all(row.ok or not row.needed for row in rows) else 2)


@app.command()
def defects(
    only: Annotated[str, typer.Option("--only", help="Only defects whose id contains this.")] = "",
    out: Annotated[Path, typer.Option("--out", help="Where the kill matrix goes.")] = Path("rvw-out/defects"),
    sockets: Annotated[bool, typer.Option("--sockets/--no-sockets", help="Also those that need real sockets.")] = True,
    production: Annotated[
        bool, typer.Option("--production-timers", help="In memory, the timers of everyday operation and not those of the lab.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="In memory, so many at once; as many as there are cores.")
    ] = None,
) -> None:
    """Run every defect device and write the kill matrix: which clause catches what."""
    from conformance.bench.killmatrix import run_defects

    timer_set: Literal["production"] | None = "production" if production else None
    raise typer.Exit(run_defects(only=only, out=out, sockets=sockets, say=_answer, timer_set=timer_set, jobs=jobs))


@app.command()
def bench(
    pack: PackOption = "", profile: ProfileOption = "core", lab: LabOption = None,
    device: Annotated[Path | None, typer.Option("--device", help="Device file: its id and its bench table.")] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65534, help="First of the two ports; 0 takes free ones.")] = 0,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "",
    advertise: Annotated[str, typer.Option("--advertise", help="Name or address that the device uses.")] = "",
    lang: LangOption = "both",
) -> None:  # fmt: skip
    """Keep the simulated city up for exploring and print what a vendor must set in the device. Ctrl-C ends it."""
    from conformance.bench.explore import Wanted, explore

    wanted = Wanted(
        pack=pack, profile=profile, lab=lab, device=device, host=host, advertise=advertise, port=port, lang=_lang(lang)
    )
    raise typer.Exit(explore(wanted, say=_answer))


@lab_app.command("init")
def lab_init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="An empty or new directory.")],
    advertise: Annotated[str, typer.Option("--advertise", help="Name or address that devices use.")] = "",
    listen: Annotated[str, typer.Option("--listen", help="Address to bind.")] = "0.0.0.0",  # noqa: S104
    ports: Annotated[tuple[int, int], typer.Option("--ports", help="HTTP and WebSocket port.")] = (8443, 8444),
    trust: Annotated[str, typer.Option("--trust", help="ca, vendor (your own certificate) or pinned.")] = "ca",
    certificate: Annotated[Path | None, typer.Option("--certificate", help="With vendor: PEM chain.")] = None,
    key: Annotated[Path | None, typer.Option("--key", help="With vendor: PEM key.")] = None,
    root: Annotated[Path | None, typer.Option("--root", help="With vendor: PEM root that devices trust.")] = None,
    device: Annotated[list[Path] | None, typer.Option("--device", help="Device file: make its keys now; repeatable.")] = None,
    pack: PackOption = "",
    lang: LangOption = "both",
) -> None:
    """Make a lab: CA, ports and device keys that stay the same, for devices on other machines."""
    from conformance.bench.labcommands import make_lab

    lines = make_lab(
        directory, advertise=advertise, listen=listen, ports=ports, trust=trust, certificate=certificate, key=key,
        root=root, devices=tuple(device or ()), pack=pack, lang=_lang(lang),
    )  # fmt: skip
    for line in lines:
        _answer(line)


@spec_app.command("check")
def spec_check(pack: Annotated[str, typer.Argument(help="Pack: name, name/version or directory.")] = "") -> None:
    """Check a pack; every problem at once, with file and line."""
    from conformance.spec.loader import load

    spec = load(pack) if pack else load()
    obligations = sum(len(clause.obligations) for clause in spec.clauses.values())
    _answer(
        f"{spec.id} {spec.version}: {len(spec.clauses)} clauses, {obligations} obligations, {len(spec.messages)} messages, "
        f"{len(spec.constraints)} invalid examples, {len(spec.timers)} timers; digest {spec.digest[:16]}"
    )


@spec_app.command("show")
def spec_show(
    name: Annotated[str, typer.Argument(help="Clause, message, timer, life cycle ...; empty for the first page.")] = "",
    pack: PackOption = "", lang: LangOption = "both",
) -> None:  # fmt: skip
    """Show one thing of a pack in words."""
    from conformance.spec.loader import load
    from conformance.spec.show import show

    spec = load(pack) if pack else load()
    try:
        _answer(show(spec, name, _lang(lang)))
    except LookupError as error:
        raise _stop([str(error)], 2) from None


@spec_app.command("coverage")
def spec_coverage(pack: PackOption = "") -> None:
    """Clauses by obligations, verification and cases, as a table."""
    from conformance.bench.case import load_cases
    from conformance.bench.generated import generated_cases
    from conformance.bench.planview import coverage
    from conformance.spec.loader import load

    spec = load(pack) if pack else load()
    _answer(coverage(spec, {**load_cases(), **generated_cases(spec)}))


def _timers(given: list[str] | None) -> dict[str, float]:
    """`--timer T-ACK=500` as limits in milliseconds; whether the pack has the timer is looked at with everything else."""
    from conformance.bench.errors import UsageProblem
    from conformance.spec.model import Text

    found: dict[str, float] = {}
    for text in given or ():
        name, _, value = text.partition("=")
        if not value.isdecimal() or int(value) == 0:
            raise UsageProblem([Text(
                f"--timer 的写法是 T-名称=毫秒数，如 T-ACK=500，不能是 {text!r}",
                f"--timer takes T-NAME=MILLISECONDS, such as T-ACK=500, not {text!r}",
            )])  # fmt: skip
        found[name] = float(value)
    return found


def _lang(value: str) -> Lang:
    if value not in ("zh", "en", "both"):
        from conformance.spec.model import Text

        raise _stop([Text(f"--lang 只能是 zh、en 或 both，不能是 {value!r}", f"--lang takes zh, en or both, not {value!r}")], 2)
    return value  # type: ignore[return-value]


def main() -> None:
    """Entry point of the console script."""
    os.environ.setdefault("PYTHONUTF8", "1")
    whole_streams()
    app()


if __name__ == "__main__":
    main()
