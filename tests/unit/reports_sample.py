"""A small pack, a short run and its result, made by hand: what the tests of the reports render.

`sample(hostile)` puts the given string wherever a device can put one.
"""

from __future__ import annotations

import json
from typing import Any

from reports_pack import CLAUSES, spec

from conformance.spec.model import Spec
from conformance.trace.observation import Observation
from conformance.trace.transcript import Transcript
from conformance.verdict.model import (
    Blame,
    CaseResult,
    ClauseResult,
    Doubt,
    Finding,
    ObligationResult,
    Outcome,
    RunResult,
    Verdict,
    Violation,
)
from reports.build import build
from reports.model import Report

RESIDENT = "310106188001010010"  # of nobody living: born in 1880
HEADER = "content-type: application/json\r\n"


class _Tape:
    """Writes observations one after the other."""

    def __init__(self) -> None:
        self.rows: list[Observation] = []
        self.t = 0.0
        self.case = ""
        self._seq = 0

    def add(self, kind: str, iface: str = "", direction: str = "-", raw: bytes = b"", after: float = 0.05, **facts: Any) -> int:
        self.t += after
        n = len(self.rows)
        self.rows.append(Observation(n, self.t, self.case, iface, direction, kind, raw, facts))  # type: ignore[arg-type]
        return n

    def http(self, method: str, path: str, body: Any, status: int, answer: Any) -> int:
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        start = f"{method} /docking/v1{path} HTTP/1.1\r\nhost: bench\r\n"
        head = f"{start}authorization: Bearer abcdefgh12345678\r\n{HEADER}"
        n = self.add("http.request", "I1", "iut", f"{head}content-length: {len(data)}\r\n\r\n".encode() + data, conn="c1")
        reply = json.dumps(answer, ensure_ascii=False).encode("utf-8", "surrogatepass")
        start = f"HTTP/1.1 {status} OK\r\n{HEADER}content-length: {len(reply)}\r\n\r\n".encode()
        self.add("http.response", "I1", "bench", start + reply, conn="c1", to=n)
        return n

    def frame(self, iface: str, direction: str, after: float = 0.05, **document: Any) -> int:
        self._seq += 1
        content = {"jsonrpc": "2.0", **document, "meta": {"seq": self._seq, "seen": 0, "boot_id": "b1", "epoch": 1}}
        raw = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self.add("ws.frame", iface, direction, raw, after, conn="c2" if iface == "I2" else "c3", opcode=1, fin=True)

    def call(self, iface: str, direction: str, method: str, params: Any, result: Any = None, wait: float = 0.04) -> int:
        n = self.frame(iface, direction, method=method, id=len(self.rows), params=params)
        if result is not None:
            self.frame(iface, "bench" if direction == "iut" else "iut", wait, id=n, result=result)
        return n


def _visit(tape: _Tape, hostile: str) -> None:
    tape.case = "visit.core.full"
    tape.add("case.start", title="one whole visit", title_zh="一次完整的远程办事")
    tape.add("stimulus", "I6", id="s1", verb="card", args={"card": "A"}, grade="claim", by="http")
    holder = {"card_type": "id_card", "id_number": RESIDENT, "name": hostile or "张三"}
    tape.http("POST", "/tickets", {"request_id": "r1", "holder": holder}, 201, {"ticket": {"ticket_id": "t1", "number": "R001"}})
    tape.t += 1.2
    tape.call("I2", "bench", "ticket.called", {"ticket_id": "t1", "window_no": "3"}, {})
    tape.call("I3", "bench", "call.invite", {"call_id": "k1"}, {"state": "ringing"})
    tape.call("I3", "iut", "call.answer", {"call_id": "k1"}, {}, 0.2)
    tape.t += 0.5
    tape.call("I3", "iut", "media.state", {"call_id": "k1", "state": "connected"}, {})
    tape.call("I2", "bench", "session.opened", {"session_id": "x1"}, {})
    for action in ("read", "scan", "capture", "print"):
        tape.t += 0.35
        tape.call("I2", "bench", "peripheral.command", {"action": action, "command_id": action}, {"accepted": True})
    tape.call("I3", "iut", "call.bye", {"call_id": "k1", "reason": "done"}, {}, 0.2)
    tape.call("I2", "bench", "session.closed", {"session_id": "x1"}, {})
    tape.call("I2", "bench", "rating.request", {"rating_id": "g1"}, {})
    tape.add("stimulus", "I6", id="s2", verb="rate", args={"level": "satisfied"}, grade="person", by="operator")
    tape.http("POST", "/ratings", {"rating_id": "g1", "outcome": "rated"}, 201, {"accepted": True})
    tape.add("case.end", attempt=1)


def _resume(tape: _Tape, hostile: str) -> tuple[int, int]:
    tape.case = "chn.resume.after-cut[seed=3]"
    tape.add("case.start", title="resume after a cut", title_zh="断线后续传", after=0.4)
    told = tape.call("I2", "bench", "peripheral.command", {"action": "read", "command_id": hostile or "m7"}, {"accepted": True})
    tape.add("fault.start", name="cut", params={}, recovery="T-RECONNECT")
    tape.add("conn.close", "I2", "bench", conn="c2", by="bench", reason="cut")
    tape.add("device.log", lines=[f"WARN channel closed 1006 {hostile}", "INFO reconnect in 100 ms", f"DEBUG holder={RESIDENT}"])
    tape.add("fault.end", name="cut", after=0.3)
    tape.add("conn.open", "I2", "iut", after=0.4, conn="c2", peer="10.0.0.9:51322")
    tape.call("I2", "iut", "channel.resume", {"epoch": 1, "last_seq": 4}, {"resumed": True, "last_seq": 9})
    tape.add("device.log", lines=["INFO resumed, outbox 0"])
    broke = tape.frame(
        "I2", "iut", method="peripheral.report", id="p9",
        params={"specversion": "1.0", "type": "done", "data": {"id_number": RESIDENT, "name": hostile or "李四"}},
    )  # fmt: skip
    tape.frame("I2", "bench", id="p9", result={"accepted": True})
    tape.add("wait", what="peripheral.report", timer="T-ACK", limit_ms=600)
    tape.add("case.end", attempt=1)
    return told, broke


def _paper(tape: _Tape, hostile: str) -> int:
    tape.case = "per.printer.paper-out"
    tape.add("case.start", title="printer out of paper", title_zh="打印机缺纸", after=0.3)
    tape.add(
        "stimulus",
        "I6",
        id="s3",
        verb="fault",
        args={"peripheral": "printer", "fault": "paper_out"},
        grade="claim",
        by="http",
    )
    late = tape.frame("I2", "iut", 1.4, method="peripheral.report", id="p10", params={"data": {"fault": hostile or "paper_out"}})
    tape.frame("I2", "bench", id="p10", result={"accepted": True})
    tape.add(
        "ws.frame",
        "I2",
        "iut",
        b'{"jsonrpc": "2.0", ' + hostile.encode("utf-8", "surrogatepass"),
        conn="c2",
        opcode=1,
        fin=True,
    )
    tape.add("case.end", attempt=1)
    return late


def _observations(hostile: str) -> tuple[list[Observation], tuple[int, int, int]]:
    tape = _Tape()
    tape.add("run.start", **_head(hostile))
    left = {"id": "rly.turn.tcp", "reason": "needs a relay", "reason_zh": "需要中继"}
    declared = [{"id": "PRV-006.a", "statement": "见厂商声明 2026-11"}]
    tape.add("plan", declared=declared, cases=[], selected=[], not_selected=[], cases_left=[left])
    tape.add("conn.open", "I1", "iut", conn="c1", peer="10.0.0.9:51320")
    tape.add("conn.open", "I2", "iut", conn="c2", peer="10.0.0.9:51321")
    tape.add("conn.open", "I3", "iut", conn="c3", peer="10.0.0.9:51323")
    _visit(tape, hostile)
    told, broke = _resume(tape, hostile)
    late = _paper(tape, hostile)
    tape.case = ""
    tape.add("bench.lag", p999_ms=1.7)
    tape.add("run.end")
    return tape.rows, (told, broke, late)


def _head(hostile: str) -> dict[str, Any]:
    return {
        "pack": "shanghai-rvw", "pack_version": "1.0", "pack_digest": "ab" * 32, "profile": "core", "seed": 42,
        "timer_set": "lab", "timers": {"T-ACK": 600, "T-WIPE": 5000, "T-TICKET": 800, "T-QUIET": 300},
        "device": {
            "name": f"静邻一体机{hostile}", "vendor": hostile or "示例科技", "model": "R2", "firmware": hostile or "2.4.1",
            "serial": "SN-0007", "remote_device_id": "SH-JA-0007", "device_profile": "integrated_terminal",
            "file": "devices/vendor-x.toml",
        },
        "mode": "self_test", "harness": {"version": "0.1.0", "python": hostile or "3.11"}, "partial": True,
        "started_at": "2026-11-18T11:06:40+00:00",
    }  # fmt: skip


def _result(clause: str, verdict: Verdict, held: int = 0, findings: tuple[Finding, ...] = (), **more: Any) -> ClauseResult:
    violated = sum(len(f.outcome.violated) for f in findings)
    undecided = sum(len(f.outcome.undecidable) for f in findings)
    row = ObligationResult(f"{clause}.a", verdict, held, violated, undecided, 1, "wire", more.get("reason", ""))
    level = next(entry[1] for entry in CLAUSES if entry[0] == clause)
    return ClauseResult(clause, level, verdict, (row,), findings, **more)


def _finding(clause: str, case: str, outcome: Outcome, blame: Blame = Blame.DEVICE) -> Finding:
    return Finding(f"{clause}.a", clause, case, "within", outcome, blame)


def sample_run(hostile: str = "") -> tuple[RunResult, Transcript, Spec]:
    """The result, the transcript and the pack of one run in which every verdict occurs."""
    rows, (told, broke, late) = _observations(hostile)
    pack = spec()
    resume, paper = "chn.resume.after-cut[seed=3]", "per.printer.paper-out"
    lost = Outcome(violated=(Violation(broke, "seq 5..9 re-sent", f"first seq 10 {hostile}", (told,)),))
    gap = Outcome(violated=(Violation(broke, "seq 5", "seq 10"),))
    slow = Outcome(held=(3,), violated=(Violation(late, "<= 600 ms", f"1400 ms {hostile}"),))
    cut = Outcome(undecidable=(Doubt(late, "trace-ended", "T-WIPE"),))
    clauses = (
        _result("REG-001", Verdict.PASS, 2),
        _result("SEC-004", Verdict.ERROR, reason="bench port lost", blame=Blame.BENCH),
        _result("CHN-007", Verdict.FAIL, 1, (_finding("CHN-007", resume, lost),), blame=Blame.DEVICE),
        _result("CHN-008", Verdict.FAIL, 4, (_finding("CHN-008", resume, gap),), blame=Blame.DEVICE, primary="CHN-007"),
        _result("CHN-012", Verdict.NOT_APPLICABLE, reason="PICS RVW.CHN.2 = false"),
        _result("QUE-001", Verdict.PASS, 1),
        _result("PER-014", Verdict.FAIL, 1, (_finding("PER-014", paper, slow),), blame=Blame.DEVICE, remark=True),
        _result("PER-020", Verdict.INCONCLUSIVE, reason=f"0 of 1 occasions {hostile}", blame=Blame.OPERATOR),
        _result("PRV-002", Verdict.INCONCLUSIVE, 0, (_finding("PRV-002", "", cut, Blame.ENVIRONMENT),), reason="trace-ended"),
        _result("PRV-006", Verdict.PASS, 0),
        _result("LOD-001", Verdict.NOT_SELECTED, reason="outside profile core"),
    )
    cases = (
        CaseResult("visit.core.full", Verdict.PASS, ("QUE-001",), seconds=4.2),
        CaseResult(resume, Verdict.FAIL, ("CHN-007", "CHN-008"), Blame.DEVICE, "CHN-007 violated", 1, 1.9),
        CaseResult(paper, Verdict.PASS, ("PER-014",), None, "remark", 1, 1.6),
        CaseResult("per.reader.timeout", Verdict.INCONCLUSIVE, (), None, "", 1, 0.0, blocked_by=resume),
        CaseResult("sec.tls.wrong-host", Verdict.ERROR, ("SEC-004",), Blame.BENCH, "bench port lost", 1, 0.1),
        CaseResult("lod.storm", Verdict.NOT_SELECTED, ()),
    )
    notes = ({"kind": "timer.loosened", "text": "T-WIPE 5000 ms"},)
    result = RunResult(Verdict.FAIL, Verdict.FAIL, 1, clauses, cases, _head(hostile), notes)
    return result, Transcript.from_observations(rows, pack), pack


def sample(hostile: str = "") -> Report:
    """The report of `sample_run`."""
    return build(*sample_run(hostile))
