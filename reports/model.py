"""The report as a versioned type. Built once by `reports.build`, rendered by the writers; a writer decides nothing.

Every text in it is already safe to show (`reports.safe`): resident numbers masked, acting characters spelled out, capped.
Writers still escape for their own format. Numbers of observations (`n`) point into the run's journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from conformance.spec.model import Text
from conformance.verdict.model import Blame, Verdict

REPORT_VERSION: Final = "1.0"


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value of the cover or the appendix."""

    key: str  # stable ASCII key, e.g. "firmware"
    label: Text  # what people read
    value: str  # safe text, "" where the run did not say


@dataclass(frozen=True, slots=True)
class Stimuli:
    """How the device was made to act, counted (decision 7)."""

    physical: int  # done by a person's hand on the real device
    simulated: int  # done through the device's test interface (I6)
    declarations: int  # obligations met by a signed declaration of the vendor


@dataclass(frozen=True, slots=True)
class TimerRow:
    """One limit of the run beside the limit of the specification."""

    id: str  # T-...
    title: Text
    used_ms: float  # the limit that this run held the device to
    also_ms: tuple[float, ...]  # other values that the device was told in the run, and held to while they lasted
    production_ms: float  # the limit of the specification
    status: str  # production | accelerated | tightened | loosened


@dataclass(frozen=True, slots=True)
class Cover:
    """What the first page says."""

    title: Text  # never 认证, never 合格证
    subtitle: Text
    disclaimer: tuple[Text, ...]  # reference text, prepares for and does not replace, no decision
    verdict: Verdict  # of the run
    gate: Verdict  # after waivers; sets the exit code only
    exit_code: int  # 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 bench
    partial: bool  # only a part of the profile was run
    certification: bool  # whether the profile is one that an application may rest on
    device: tuple[Fact, ...]
    run: tuple[Fact, ...]  # pack, digest, profile, timer set, seed, harness, mode
    clause_counts: dict[str, int]  # verdict -> clauses, every verdict present; violated SHOULD clauses are in `remarks`
    case_counts: dict[str, int]  # verdict -> cases, every verdict present
    remarks: int  # violated SHOULD and MAY clauses: they do not fail the run
    claims_only: int  # passes that rest on the device's own word alone
    stimuli: Stimuli
    altered_timers: tuple[TimerRow, ...]  # accelerated, tightened and loosened ones


@dataclass(frozen=True, slots=True)
class OccasionRow:
    """One violated or undecided occasion."""

    n: int  # observation
    t: float  # seconds since the start of the run
    expected: str  # "" for an undecided occasion
    seen: str  # what was seen, or why it could not be decided
    around: tuple[int, ...]  # other observations that explain it


@dataclass(frozen=True, slots=True)
class FindingRow:
    """What one rule found about one obligation in one case (or in the whole run)."""

    obligation: str
    case: str  # "" for the whole run
    rule: str  # kind of the rule
    expected_text: Text | None  # what was expected in the pack's words, None where those of the rule will do
    held: int
    violated: tuple[OccasionRow, ...]
    undecided: tuple[OccasionRow, ...]
    left_out: int  # violated and undecided occasions beyond the ones listed
    blame: Blame | None
    tainted: bool  # a bench or environment error lies before it
    taint_reason: str
    evidence: tuple[int, ...]  # observation numbers, ascending


@dataclass(frozen=True, slots=True)
class ObligationRow:
    """One obligation of a clause: how often it was exercised and how it came out."""

    id: str
    text: Text | None  # None where the clause's own text says it all
    verdict: Verdict
    grade: str  # wire | sensor | person | claim | declaration
    held: int
    violated: int
    undecided: int
    needed: int  # occasions that a pass needs
    reason: str


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """One clause with its verdict, its findings and the evidence for them."""

    id: str
    family: str
    level: str  # MUST | SHOULD | MAY
    title: Text
    text: Text
    source: str
    interface: str
    verdict: Verdict
    blame: Blame | None
    reason: str  # as the judge gives it: a code, a colon, what it is about
    reason_text: Text  # the same for people
    remark: bool
    claims_only: bool
    declared: bool  # met by declaration only
    waived: bool
    primary: str  # the clause whose failure explains this one, "" if none
    obligations: tuple[ObligationRow, ...]
    findings: tuple[FindingRow, ...]  # the ones that are not plain held
    evidence: tuple[int, ...]  # all observation numbers of the findings


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One test case."""

    id: str
    title: Text | None
    verdict: Verdict
    clauses: tuple[str, ...]
    blame: Blame | None
    reason: str  # as the judge gives it, or why the plan left the case out
    reason_text: Text  # the same for people
    attempts: int  # 0 for a case that the plan left out
    seconds: float
    started_s: float | None  # on the run's clock, None if it never started
    blocked_by: str  # case or clause that kept it from running


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """One family of clauses, counted by verdict."""

    id: str
    title: Text
    verdict: Verdict  # worst of its MUST clauses, as for the run
    counts: dict[str, int]  # verdict -> clauses, every verdict present; violated SHOULD clauses are in `remarks`
    remarks: int
    total: int


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One observation as shown around a failure."""

    n: int
    t: float
    iface: str
    sender: str  # iut | bench | -
    kind: str  # request | result | error | notification | malformed | an observation kind
    name: str  # message, or what happened
    headline: str  # one line: HTTP start line, "call.invite request id 7", "conn.close by iut"
    body: str  # decoded, indented, masked; "" where there is none
    offending: bool
    mentioned: bool  # named by the finding as an explanation


@dataclass(frozen=True, slots=True)
class Shown:
    """A labelled text of one or several lines."""

    label: Text
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """The surroundings of one violated occasion."""

    obligation: str
    obligation_text: Text | None  # None where the clause's own text says it all
    case: str  # "" where a rule of the whole run found it
    during: str  # the case that was running then, "" between cases
    n: int
    expected: str  # in the rule's own words
    expected_text: Text | None  # in the pack's, to be read in their place; None where the rule's words will do
    expected_more: tuple[Shown, ...]  # what these words point to: a declared value, a signature base, a text on a screen
    seen: str
    seen_more: tuple[Shown, ...]
    messages: tuple[MessageRow, ...]  # three before, the offending one, three after


@dataclass(frozen=True, slots=True)
class Folded:
    """A clause whose failure follows from the one on the card."""

    clause: str
    title: Text
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class FailureCard:
    """Everything that a vendor needs to repair one failed clause."""

    id: str  # the clause, a stable anchor
    clause: str
    level: str
    title: Text
    text: Text
    source: str
    verdict: Verdict
    remark: bool
    waived: bool
    blame: Blame | None
    reason: str
    scenes: tuple[Scene, ...]  # the first violations, one per obligation and case
    more: int  # violations that have no scene
    cases: tuple[str, ...]  # cases in which it broke
    cause: Text
    remedy: Text
    rerun: tuple[str, ...]  # shell commands
    device_log: tuple[str, ...]  # the device's own lines around the first violation
    folded: tuple[Folded, ...]
    blocks: tuple[str, ...]  # cases that could not run because of it


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """Clauses and cases that share one reason for not being decided."""

    verdict: Verdict  # inconclusive or error
    blame: Blame | None
    reason: str
    clauses: tuple[str, ...]
    cases: tuple[str, ...]
    rerun: str


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a sequence diagram."""

    n: int
    t: float
    source: str  # participant id, == target for a note
    target: str
    label: str
    kind: str  # request | result | error | notification | malformed | note | fault | gap
    marked: bool  # the offending observation


@dataclass(frozen=True, slots=True)
class Diagram:
    """Sequence of one failing case, long quiet stretches left out."""

    case: str
    title: Text | None
    verdict: Verdict
    participants: tuple[tuple[str, Text], ...]
    steps: tuple[Step, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a time line: a bar if `end` is later than `start`, else a point. Seconds on the run's clock."""

    start: float
    end: float
    kind: str  # style: a verdict, "conn", "media", "fault", "iut", "bench", "bad", "phase"
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of a time line."""

    id: str
    title: Text
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A stretch of the run on one axis."""

    id: str  # "run" or "visit"
    title: Text
    start: float
    end: float
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Declaration:
    """An obligation met by the vendor's signed declaration; nobody measured it."""

    obligation: str
    clause: str
    title: Text
    statement: str


@dataclass(frozen=True, slots=True)
class Note:
    """A bench error, a loosened limit, a waiver used: anything that a reader must know before trusting the verdict."""

    kind: str  # usage | bench-error | environment | loosened | waiver | ...
    text: str
    count: int  # how often it was noted
    cases: tuple[str, ...]  # in which cases


@dataclass(frozen=True, slots=True)
class Report:
    """One run, ready to be rendered."""

    version: str  # of this type, REPORT_VERSION
    pack: str
    pack_version: str
    pack_digest: str
    device_name: str
    seed: str
    started_ms: int  # epoch milliseconds, 0 where the journal does not say
    seconds: float  # length of the run
    cover: Cover
    families: tuple[FamilyRow, ...]
    clauses: tuple[ClauseRow, ...]
    cases: tuple[CaseRow, ...]
    failures: tuple[FailureCard, ...]  # what the user named first, remarks last, else in the order in which they broke
    open_points: tuple[OpenPoint, ...]
    diagrams: tuple[Diagram, ...]
    diagrams_left_out: int
    timelines: tuple[Timeline, ...]
    declarations: tuple[Declaration, ...]
    timers: tuple[TimerRow, ...]
    notes: tuple[Note, ...]
    notice: Text  # what the pack says about itself
    sourced: tuple[Text, ...]  # what the pack takes from public sources
    assumed: tuple[Text, ...]  # what the pack had to assume
    environment: tuple[Fact, ...]
