"""Words of the verdict: occasions, findings, clause verdicts (decisions 1 to 9). Plain data; nothing looks at a trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """Verdict of a clause, a case or a run. `NOT_SELECTED` is printed and is never green."""

    PASS = "pass"  # noqa: S105  not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"
    NOT_SELECTED = "not_selected"


class Blame(StrEnum):
    """Whose fault a non-pass is."""

    DEVICE = "device"
    CONFIGURATION = "configuration"
    ENVIRONMENT = "environment"
    OPERATOR = "operator"
    BENCH = "bench"


@dataclass(frozen=True, slots=True)
class Violation:
    """One occasion on which an obligation was broken. `expected` and `seen` are language-free short strings."""

    n: int  # the observation that broke it
    expected: str
    seen: str
    around: tuple[int, ...] = ()  # other observations that explain it


@dataclass(frozen=True, slots=True)
class Doubt:
    """One occasion that could not be decided, and why (`trace-ended`, `thin`, `suspended`, `unreadable`)."""

    n: int
    reason: str
    note: str = ""
    busy: bool = False  # the machine kept processes of the run waiting meanwhile, which made the uncertainty what it was
    until: float = 0.0  # of a limit that still runs at the end of the slice: the second at which it surely is over


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule says about one slice of the trace (decision 1: a rule that never triggered proves nothing)."""

    held: tuple[int, ...] = ()
    violated: tuple[Violation, ...] = ()
    undecidable: tuple[Doubt, ...] = ()

    @property
    def triggered(self) -> bool:
        """Whether the rule met any occasion at all."""
        return bool(self.held or self.violated or self.undecidable)


@dataclass(frozen=True, slots=True)
class Finding:
    """(obligation, case or run session, rule, occasions, blame). The one currency between rules, judge and report."""

    obligation: str
    clause: str
    case: str  # "" for the run session
    rule: str
    outcome: Outcome
    blame: Blame | None = None  # set when violated or tainted
    tainted: bool = False
    taint_reason: str = ""


@dataclass(frozen=True, slots=True)
class ObligationResult:
    """Roll-up of one obligation over the run."""

    id: str
    verdict: Verdict
    held: int
    violated: int
    undecidable: int
    needed: int
    grade: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClauseResult:
    """Verdict of one clause."""

    id: str
    level: str
    verdict: Verdict
    obligations: tuple[ObligationResult, ...]
    findings: tuple[Finding, ...]  # the ones that are not plain held
    blame: Blame | None = None
    reason: str = ""
    remark: bool = False  # a violated SHOULD: reported, does not fail the run
    claims_only: bool = False  # the pass rests on the device's own word alone
    waived: bool = False
    primary: str = ""  # follows_from: id of the clause whose failure explains this one


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Outcome of one test case, from the findings on its slice."""

    id: str
    verdict: Verdict
    clauses: tuple[str, ...]  # clauses with findings in this case
    blame: Blame | None = None
    reason: str = ""
    attempts: int = 1
    seconds: float = 0.0
    blocked_by: str = ""
    decisive: tuple[str, ...] = ()  # of `clauses`, those that kept it from passing


@dataclass(frozen=True, slots=True)
class RunResult:
    """Everything that a report may render. Computed from a journal and a pack, from nothing else."""

    verdict: Verdict
    gate: Verdict  # verdict after waivers; sets the exit code, never the verdict
    exit_code: int
    clauses: tuple[ClauseResult, ...]
    cases: tuple[CaseResult, ...]
    head: Mapping[str, Any] = field(default_factory=dict)  # facts of run.start: device, pack, profile, seed, timers
    notes: tuple[Mapping[str, Any], ...] = ()  # bench errors, loosened limits, waivers used, declarations
