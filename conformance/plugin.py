"""The pytest side of a run. `rvw run` starts pytest with this plugin; plain pytest with its options does the same.

    pytest -p conformance.plugin --pyargs conformance.suites --rvw-device devices/reference.toml
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from conformance.bench.case import Case
from conformance.bench.errors import BenchBroken, RunAborted
from conformance.bench.live import LiveRun, Options, Prepared, UsageProblem, prepare
from conformance.bench.lock import DeviceBusy
from conformance.bench.plan import Plan, is_named
from conformance.bench.prompts import terminal_prompts
from conformance.bench.pytestrun import inner_arguments, start
from conformance.iut.process import DeviceAbsent
from conformance.spec.model import Text
from conformance.spec.problems import lines_of
from conformance.verdict import exitcode
from conformance.verdict.model import CaseResult, Verdict
from reports import summary
from reports.console import prompt, tell
from reports.details import in_chinese
from reports.safe import printable
from reports.words import Lang, duration, say

MARKS = {Verdict.PASS: "PASS", Verdict.FAIL: "FAIL", Verdict.INCONCLUSIVE: "INCONCLUSIVE", Verdict.ERROR: "ERROR"}
UNDECIDED = -1  # no exit code yet


class PytestRun:
    """Holds one run for the whole pytest session."""

    def __init__(
        self, prepared: Prepared, *, lang: Lang = "both", progress: bool = True, resume: bool = False
    ) -> None:
        self.prepared = prepared
        self.lang: Lang = lang
        self.live: LiveRun | None = None
        self.code: int = UNDECIDED  # the exit code, once there is one
        self.chosen = False  # pytest has said which cases it takes
        self._progress = progress
        self._resume = resume
        self._aborted = False
        self._done = 0
        self._total = 0

    # Called by the items

    def run_case(self, case: Case) -> None:
        """Run one case and set the item's outcome from its findings."""
        live = self._begun()
        try:
            result = live.execute(case)
        except RunAborted as error:
            self._tell_once(Text(f"rvw: 本次运行到此为止：{in_chinese(str(error))}", f"rvw: the run ends here: {error}"))
            pytest.fail(printable(f"not run: {error}", keep_lines=True), pytrace=False)
        self._done += 1
        self._tell(case, result)
        if result.verdict is not Verdict.PASS:
            pytest.fail(f"{result.verdict}: {result.reason} {' '.join(result.decisive)}".strip(), pytrace=False)

    def judge_family(self, family: str) -> None:
        """Seal the run if need be and set the item's outcome from the family's clauses."""
        result = self._begun().finish()
        of_family = [clause for clause in result.clauses if clause.id.startswith(f"{family}-")]
        bad = [c for c in of_family if c.verdict in (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE) and not c.remark]
        if bad:
            pytest.fail(", ".join(f"{clause.id} {clause.verdict}" for clause in bad), pytrace=False)

    def _begun(self) -> LiveRun:
        assert self.live is not None
        return self.live

    # Called by the hooks

    def begin(self, cases: frozenset[str]) -> None:
        """Start with exactly these cases, with all where none are named."""
        plan, selection = self.prepared.plan(cases)
        self._total = len(plan.cases)
        show = terminal_prompts(prompt, self.lang)
        self.live = LiveRun(
            self.prepared, plan, selection, resume=self._resume, show=show, say=self._say, lang=self.lang,
            waiting=self._tell_wait if self._progress else None,
        )  # fmt: skip
        p = self.prepared
        self._say(Text(
            f"规范 {p.spec.id} {p.spec.version} · 档位 {p.profile.id} · 用例 {self._total} · 随机种子 {p.seed}",
            f"pack {p.spec.id} {p.spec.version} · profile {p.profile.id} · cases {self._total} · seed {p.seed}",
        ))  # fmt: skip
        for remark in p.remarks:
            self._say(remark)
        try:
            self.live.begin()
        except BaseException as error:
            live, self.live = self.live, None
            live.close()
            self.code = self._not_begun(error)
            if self.code == UNDECIDED:
                raise

    def _not_begun(self, error: BaseException) -> int:
        """The exit code of a run that could not begin, UNDECIDED for what nobody foresaw."""
        kinds: tuple[tuple[tuple[type[BaseException], ...], int], ...] = (
            ((UsageProblem, DeviceBusy), exitcode.USAGE), ((DeviceAbsent,), exitcode.INCONCLUSIVE),
            ((KeyboardInterrupt,), exitcode.INCONCLUSIVE), ((BenchBroken,), exitcode.BENCH),
        )  # fmt: skip
        code = next((code for kind, code in kinds if isinstance(error, kind)), UNDECIDED)
        if code != UNDECIDED:
            stopped = Text("第一个用例之前被中断", "interrupted before the first case")
            for line in lines_of(error) or [stopped]:
                told = line if isinstance(line, Text) else Text(in_chinese(line), line)
                self._say(Text(f"rvw: {told.zh}", f"rvw: {told.en}"))
        return code

    def end(self, *, interrupted: bool, broken: bool = False) -> int:
        """Seal, write, print; returns the exit code. `broken`: pytest itself failed."""
        assert self.live is not None
        try:
            result = self.live.finish(interrupted=interrupted)
            assert self.live.report is not None
            self._say(summary.render(self.live.report, self.live.paths, self.lang).rstrip("\n"))
            codes = [result.exit_code]
            if self.live.unwritten is not None:
                why, again = self.live.unwritten, f"rvw rejudge {self.live.out}"
                self._say(Text(f"rvw: 结果文件无法写入：{why}", f"rvw: the outputs cannot be written: {why}"))
                self._say(Text(f"rvw: 腾出空间后运行：{again}", f"rvw: make room, then: {again}"))
                codes.append(exitcode.BENCH)
            if interrupted:
                self._say(self._stopped())
            self.code = exitcode.worst([*codes, exitcode.BENCH] if broken else codes)
            return self.code
        finally:
            self.live.close()

    def stopped(self) -> None:
        """Stopped once more, before the first stop was through: what was recorded stands, and the files can be had later."""
        assert self.live is not None
        self._say(self._stopped())
        self.code = exitcode.INCONCLUSIVE

    def _stopped(self) -> Text:
        assert self.live is not None
        again = f"rvw resume {self.live.out}"
        return Text(f"rvw: 已停止；继续运行：{again}", f"rvw: stopped; go on with: {again}")

    def _tell(self, case: Case, result: CaseResult) -> None:
        if self._progress:
            why = f"  {' '.join(result.decisive)}" if result.decisive else ""
            tried = Text(f"（第 {result.attempts} 次）", f"  (attempt {result.attempts})")
            again = say(tried, self.lang) if result.attempts > 1 else ""
            mark = MARKS.get(result.verdict, str(result.verdict))
            self._say(f"[{self._done:3d}/{self._total}] {mark:<12} {result.seconds:6.2f} s  {case.id}{why}{again}")

    def _tell_wait(self, case: str, what: str, limit_s: float) -> None:
        """What a case waits for, said from the bench's loop while it waits."""
        limit = duration(limit_s)
        waits = Text(f"正在等待：{in_chinese(what)}，最多 {limit.zh}", f"waits for {what}, up to {limit.en}")
        self._say(f"[{self._done + 1:3d}/{self._total}] {case} {say(waits, self.lang)}")

    def _tell_once(self, text: Text) -> None:
        if not self._aborted:
            self._aborted = True
            self._say(text)

    def _say(self, text: str | Text) -> None:
        tell(text, self.lang)


RUN: pytest.StashKey[PytestRun] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a run under plain pytest; `rvw run` has the same with friendlier names."""
    group = parser.getgroup("rvw", "conformance run of a remote virtual window device")
    group.addoption("--rvw-device", type=Path, help="device file (TOML)")
    group.addoption("--rvw-profile", default="core", help="certification profile")
    group.addoption("--rvw-out", type=Path, help="directory of the run")
    group.addoption("--rvw-pack", default="", help="pack: name, name/version or directory")
    group.addoption("--rvw-seed", type=int, help="seed of order, stimuli and public identifiers")
    group.addoption("--rvw-clause", action="append", default=[], help="only what exercises this clause")
    group.addoption("--rvw-known-failures", type=Path, help="waivers (TOML)")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the run, unless `rvw run` has put it there already. A run that cannot start is a usage error."""
    device = config.getoption("--rvw-device")
    if device is None or RUN in config.stash:
        return
    options = Options(
        device=device, profile=config.getoption("--rvw-profile"), out=config.getoption("--rvw-out"),
        pack=config.getoption("--rvw-pack"), seed=config.getoption("--rvw-seed"),
        clauses=tuple(config.getoption("--rvw-clause")), known_failures=config.getoption("--rvw-known-failures"),
        prompts=False,
    )  # fmt: skip
    try:
        config.stash[RUN] = PytestRun(prepare(options))
    except UsageProblem as error:
        raise pytest.UsageError(*map(printable, str(error).splitlines())) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item a case, one a family, with stable ids made from data."""
    run = metafunc.config.stash.get(RUN, None)
    if "rvw_case" in metafunc.fixturenames:
        cases = run.prepared.plan()[0].cases if run is not None else ()
        metafunc.parametrize("rvw_case", cases, ids=[case.id for case in cases])
    if "rvw_family" in metafunc.fixturenames:
        families = run.prepared.profile.families if run is not None else ()
        metafunc.parametrize("rvw_family", families, ids=list(families))


@pytest.fixture(scope="session")
def rvw_run(request: pytest.FixtureRequest) -> PytestRun:
    """The run of this session."""
    run: PytestRun = request.config.stash[RUN]
    return run


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """`-k` and `-m` choose among cases; families are always judged. A wrong expression ends here, before the run begins."""
    run = config.stash.get(RUN, None)
    if run is None:
        yield
        return
    families = [item for item in items if _case_of(item) is None]
    items[:] = [item for item in items if _case_of(item) is not None]
    yield
    items.extend(families)
    run.chosen = True


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """What is left after `-k` and `-m` is the plan; families are always judged."""
    run = session.config.stash.get(RUN, None)
    if run is None or not run.chosen or session.config.option.collectonly:
        return
    chosen = _chosen(session)
    plan = run.prepared.plan()[0]
    if not chosen:
        raise pytest.UsageError(say(_nothing_left(plan, run.prepared.options.clauses), run.lang))
    run.begin(_narrowing(chosen, plan))
    if run.code != UNDECIDED:
        pytest.exit("the run did not begin", returncode=run.code)


def _chosen(session: pytest.Session) -> frozenset[str]:
    return frozenset(case.id for item in session.items if (case := _case_of(item)) is not None)


def _narrowing(chosen: frozenset[str], plan: Plan) -> frozenset[str]:
    """What `-k` narrows the plan to; nothing where it takes all of it: that is no partial run."""
    return frozenset() if chosen == {case.id for case in plan.cases} else chosen


def _nothing_left(plan: Plan, clauses: Sequence[str]) -> Text:
    """Why there is nothing to run: the plan was empty before `-k`, or `-k` matches nothing of it."""
    some = ", ".join(sorted(case.id for case in plan.cases)[:8])
    if some:
        return Text(
            f"-k 没有选中任何用例；计划中有 {some} 等（见 rvw plan）",
            f"-k leaves no case to run; the plan has {some} ... (see rvw plan)",
        )
    out = [left for left in (*plan.not_applicable, *plan.not_selected) if is_named(left.id, clauses)]
    return Text(
        "; ".join(["没有可运行的用例", *(f"{left.id}: {left.zh}" for left in out)]),
        "; ".join(["there is no case to run", *(f"{left.id}: {left.en}" for left in out)]),
    )


def _case_of(item: pytest.Item) -> Case | None:
    case = getattr(getattr(item, "callspec", None), "params", {}).get("rvw_case")
    return case if isinstance(case, Case) else None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The exit code comes from the verdict, by one table for every command."""
    run = session.config.stash.get(RUN, None)
    if run is None or run.live is None:
        return
    interrupted, broken = exitstatus == pytest.ExitCode.INTERRUPTED, exitstatus == pytest.ExitCode.INTERNAL_ERROR
    session.exitstatus = run.end(interrupted=interrupted, broken=broken)


_NOT_COLLECTED: Final[Mapping[int, int]] = {
    pytest.ExitCode.USAGE_ERROR: exitcode.USAGE,
    pytest.ExitCode.NO_TESTS_COLLECTED: exitcode.USAGE,
    pytest.ExitCode.INTERRUPTED: exitcode.INCONCLUSIVE,
}


class _Carrier:
    """Hands a prepared run to the plugin before it looks at its options."""

    def __init__(self, run: PytestRun) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Put the run where the hooks look."""
        config.stash[RUN] = self._run


class _Chooser:
    """Takes down which cases pytest chose."""

    def __init__(self) -> None:
        self.cases: frozenset[str] = frozenset()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """What is left after `-k`."""
        self.cases = _chosen(session)


def chosen_by(prepared: Prepared, keyword: str) -> frozenset[str]:
    """The planned cases that `-k` chooses: pytest itself chooses, as in a run, and runs nothing. Raises UsageProblem."""
    run, chooser = PytestRun(prepared), _Chooser()
    code = start([*inner_arguments(keyword), "--collect-only"], [_Carrier(run), sys.modules[__name__], chooser])
    if code == pytest.ExitCode.USAGE_ERROR:
        raise UsageProblem([_no_expression(keyword)])
    plan = prepared.plan()[0]
    if not chooser.cases:
        raise UsageProblem([_nothing_left(plan, prepared.options.clauses)])
    return _narrowing(chooser.cases, plan)


def _no_expression(keyword: str) -> Text:
    return Text(
        f'-k 的表达式有误：{keyword!r}；写法如 "visit or sig"',
        f"-k takes an expression of pytest's such as \"visit or sig\", not {keyword!r}",
    )


def run_session(prepared: Prepared, *, keyword: str = "", lang: Lang = "both", resume: bool = False) -> PytestRun:
    """A whole run as a pytest session with nothing of the machine's own in it. Returns what ran, with its exit code, its
    directory and (where it began) its result."""
    run = PytestRun(prepared, lang=lang, resume=resume)
    try:
        code = start(inner_arguments(keyword), [_Carrier(run), sys.modules[__name__]])
    except KeyboardInterrupt:  # a second one: pytest itself ends the run at the first
        if run.live is None:
            raise
        run.stopped()
        return run
    if run.code == UNDECIDED:  # pytest never came as far as the run
        run.code = _NOT_COLLECTED.get(code, exitcode.BENCH)
        if keyword and not run.chosen and code == pytest.ExitCode.USAGE_ERROR:
            wrong = _no_expression(keyword)
            tell(Text(f"rvw: {wrong.zh}", f"rvw: {wrong.en}"), lang)
    return run
