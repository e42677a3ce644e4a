"""The bench before the judge: does the trace hold together, and did our own side keep to the protocol?

What is found here taints (decision 3): a record that contradicts itself proves nothing at all; a city that misled the device
excuses whatever the device did from there on. Pure, from the trace alone, so that a re-judgement finds the same.

Two rules for this file: it never looks at whether the device did right; what was done on purpose (`facts.intended`, a fault
that is on) is no trouble.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

from conformance.protocol import pointer
from conformance.spec.model import Spec
from conformance.spec.validators import validators_of
from conformance.trace.transcript import UNREAD, Entry
from conformance.verdict.model import Blame
from conformance.verdict.taint import Taint

DRIFT_S: Final = 0.25  # between the loop's own time and the stamps, from one lag report to the next
DATE_S: Final = 2.5  # a Date header has whole seconds
SLOW_S: Final = 1.0  # the city answers at once; what takes longer is our delay, not the device's
# Faults (or kinds of them) by which an answer may come late, spoilt or not at all, and a connection may end by us.
ANSWERS: Final = ("slow", "black_hole", "outage", "city.restart", "http.", "tls.", "malformed")
CUTS: Final = ("cut", "lost.", "black_hole", "outage", "city.restart", "tls.")
NUMBERS: Final = (*CUTS, "duplicate", "reorder", "slow", "malformed", "oversize", "token.")  # by which our numbers may jump
UNPROCESSABLE: Final = 422  # RFC 9110 section 15.5.21
INVALID_PARAMS: Final = -32602  # JSON-RPC 2.0 section 5.1
_ALWAYS: Final = -1  # before the first observation
_FOREVER: Final = 1 << 62

Trouble = tuple[int, str]  # from this observation on, what is wrong


class Audit:
    """One look through a trace, which may go on as the trace grows."""

    def __init__(self, spec: Spec) -> None:
        self._watch = _Watch(spec)
        self._first: dict[str, tuple[Trouble, Entry]] = {}

    def take(self, entries: Iterable[Entry]) -> None:
        """Look at the entries that come next."""
        for entry in entries:
            for trouble in self._watch.take(entry):
                kept = self._first.get(trouble[1])
                if kept is None or trouble[0] < kept[0][0]:
                    self._first[trouble[1]] = (trouble, entry)

    @property
    def taints(self) -> tuple[Taint, ...]:
        """The first trouble of each kind so far, as taints of the whole run from there on."""
        return tuple(
            Taint(n=n, until=_FOREVER, case=entry.case, conn="", whole_run=True, blame=Blame.BENCH, reason=f"audit: {what}")
            for (n, what), entry in self._first.values()
        )


@dataclass(slots=True)
class _Side:
    """Numbers of one interface: ours and the device's."""

    ours: int = 0
    used: set[int] = field(default_factory=set)
    theirs: int = 0


class _Watch:
    """One pass over a trace."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._n: int | None = None
        self._t = 0.0
        self._heard = 0
        self._case: str | None = None
        self._lag: tuple[float, float] | None = None
        self._date: float | None = None
        self._faults: dict[str, int] = {}
        self._felt: dict[str, float] = {}  # until when: a fault is felt a little longer than it lasts
        self._epochs: set[Any] = set()
        self._sides: dict[str, _Side] = {}
        self._asked: dict[str, Entry] = {}  # by connection: the device's call that is not answered yet
        self._http: dict[int, Entry] = {}
        self._on_conn: dict[str, Entry] = {}
        self._stimuli: set[str] = set()
        self._offers: dict[str, Entry] = {}
        self._tokens: dict[str, float] = {}
        self._looks: Mapping[str, Callable[[Entry], Iterator[Trouble]]] = {
            "segment": self._segment, "case.start": self._case_start, "case.end": self._case_end,
            "case.cut": self._case_cut,
            "run.end": self._all_heard, "bench.lag": self._lag_report, "stimulus": self._stimulus,
            "fault.start": self._fault_start, "fault.end": self._fault_end, "ws.frame": self._frame,
            "ws.close": self._closed, "conn.close": self._closed, "http.request": self._http_request,
            "http.response": self._http_response, "media.sdp": self._sdp, "media.state": self._media,
        }  # fmt: skip

    def take(self, entry: Entry) -> Iterator[Trouble]:
        """The troubles that this entry shows."""
        yield from self._record(entry)
        look = self._looks.get(entry.obs)
        if look is not None:
            yield from look(entry)

    # The record itself

    def _record(self, entry: Entry) -> Iterator[Trouble]:
        if self._n is not None and entry.n != self._n + 1:
            yield _ALWAYS, "observations are missing, doubled or out of order"
        self._n = entry.n
        if entry.t < self._t and not entry.obs.startswith("media."):  # the clerk's process stamps its own, a little earlier
            yield _ALWAYS, "stamps go backwards"
        self._t = max(self._t, entry.t)
        if entry.problem.startswith(UNREAD):
            yield _ALWAYS, "a message could not be read by the bench"
        if self._case is not None and entry.case != self._case and entry.obs != "segment" and self._heard:
            yield _ALWAYS, "an observation is filed under another case than the one that ran"
        heard = entry.facts.get("k")
        if isinstance(heard, int):
            if heard != self._heard + 1:
                yield _ALWAYS, "messages of the device are missing, doubled or out of order on the record"
            self._heard = heard
        if entry.request is not None:
            yield from self._pair(entry, entry.request)

    @staticmethod
    def _pair(entry: Entry, request: Entry) -> Iterator[Trouble]:
        same = entry.facts.get("to") == request.n if entry.obs == "http.response" else entry.repeat or entry.id == request.id
        if not same or request.dir == entry.dir:
            yield _ALWAYS, "a reply is paired with a request that it does not answer"

    def _segment(self, _: Entry) -> Iterator[Trouble]:
        """The bench crashed and came back: nothing that was open is."""
        self._case, self._lag, self._heard, self._date = None, None, 0, None
        self._faults.clear()
        self._felt.clear()
        self._sides.clear()
        self._epochs.clear()
        self._asked.clear()
        self._on_conn.clear()
        self._stimuli.clear()
        self._offers.clear()
        yield from ()

    def _case_cut(self, _: Entry) -> Iterator[Trouble]:
        """The run was stopped in the middle of a case, and says so."""
        self._case = None
        yield from ()

    def _case_start(self, entry: Entry) -> Iterator[Trouble]:
        if self._case is not None and self._heard:
            yield _ALWAYS, "a case began inside another"
        self._case = entry.case

    def _case_end(self, entry: Entry) -> Iterator[Trouble]:
        if self._case is None and entry.case and self._heard:
            yield _ALWAYS, "a case ended that never began"
        self._case = None
        yield from self._all_heard(entry)
        for name, n in self._faults.items():
            yield n, f"the fault {name} has no end"
        self._faults.clear()

    def _all_heard(self, entry: Entry) -> Iterator[Trouble]:
        if entry.facts.get("heard", self._heard) != self._heard:
            yield _ALWAYS, "messages of the device are missing, doubled or out of order on the record"

    def _lag_report(self, entry: Entry) -> Iterator[Trouble]:
        loop = entry.facts.get("loop_s")
        if not isinstance(loop, int | float):
            return
        if self._lag is not None:
            drift = abs((entry.t - self._lag[0]) - (loop - self._lag[1]))
            if drift > DRIFT_S:
                yield _ALWAYS, "the clock of the record does not keep time"
        self._lag = (entry.t, float(loop))

    def _stimulus(self, entry: Entry) -> Iterator[Trouble]:
        name = str(entry.facts.get("id", ""))
        if name and name in self._stimuli:
            yield entry.n, "a stimulus is on the record twice"
        self._stimuli.add(name)

    # Our faults

    def _fault_start(self, entry: Entry) -> Iterator[Trouble]:
        name = str(entry.facts.get("name", ""))
        self._faults[name], self._felt[name] = entry.n, math.inf
        self._tokens.clear()  # a fault may void what was given
        yield from ()

    def _fault_end(self, entry: Entry) -> Iterator[Trouble]:
        name = str(entry.facts.get("name", ""))
        if self._faults.pop(name, None) is None:
            yield entry.n, f"the fault {name} ended without a beginning"
        self._felt[name] = entry.t + SLOW_S

    def _spoilt(self, entry: Entry, by: tuple[str, ...] = ("",)) -> bool:
        """Whether a fault whose name begins so is felt at this entry; by default any."""
        return any(entry.t < until and name.startswith(by) for name, until in self._felt.items())

    def _answer_spoilt(self, entry: Entry) -> bool:
        return self._spoilt(entry, ANSWERS) or entry.t < self._felt.get("cut", 0.0)  # which, unlike cut.channel, is for all

    # WebSocket

    def _frame(self, entry: Entry) -> Iterator[Trouble]:
        if entry.dir == "iut":
            yield from self._their_frame(entry)
        elif entry.dir == "bench" and "intended" not in entry.facts:
            if self._heard:  # a city that counts is on the record; anything else is no city of ours
                yield from self._our_frame(entry)
        elif entry.dir == "bench":
            side = self._sides.setdefault(entry.iface, _Side())
            if entry.seq == side.ours + 1:
                side.ours += 1

    def _their_frame(self, entry: Entry) -> Iterator[Trouble]:
        waiting = self._asked.pop(entry.conn, None)
        if waiting is not None and waiting.reply is None:
            yield waiting.n, "a call of the device was never answered"
        if "lost" in entry.facts:  # on the way to the city, on purpose: it has neither seen nor to answer it
            if "lost.channel" not in self._faults:
                yield entry.n, "the bench lost a message without a fault on record"
            return
        side = self._sides.setdefault(entry.iface, _Side())
        fresh = not _number(entry.seq) or entry.seq == 0 or entry.seq > side.theirs
        if _number(entry.seq):
            side.theirs = max(side.theirs, entry.seq)
        if entry.kind == "request" and fresh and not entry.repeat and "k" in entry.facts:  # our city took it
            self._asked[entry.conn] = entry

    def _our_frame(self, entry: Entry) -> Iterator[Trouble]:
        if entry.kind == "malformed":  # no fault of ours garbles a frame; what is bad on purpose says so
            yield entry.n, "the bench sent what cannot be read"
        if entry.kind in ("result", "error") and entry.id is not None and entry.request is None and not entry.repeat:
            yield entry.n, "the bench answered what nobody asked"
        if self._wronged(entry):
            yield entry.n, "the city refused as invalid what its schema takes"
        if entry.kind in ("", "malformed") or entry.repeat or not _number(entry.seq) or entry.seq <= 0:
            return
        side = self._sides.setdefault(entry.iface, _Side())
        lawful = "lawful" in entry.facts or self._spoilt(entry, NUMBERS)
        if entry.seq in side.used or (entry.seq != side.ours + 1 and not lawful):
            yield entry.n, "the bench's own sequence numbers are wrong"
        side.used.add(entry.seq)
        side.ours = max(side.ours, entry.seq)
        if _number(entry.seen) and entry.seen > side.theirs:
            yield entry.n, "the bench says to have seen what was never sent"
        asked = entry.request.seq if entry.request is not None else 0
        if _number(entry.seen) and _number(asked) and entry.seen < asked:
            yield entry.n, "the bench answers what it says not to have seen"
        if self._epochs and entry.epoch is not None and entry.epoch not in self._epochs:
            yield entry.n, "the bench speaks of an epoch that it never announced"

    def _closed(self, entry: Entry) -> Iterator[Trouble]:
        self._asked.pop(entry.conn, None)
        by_us = entry.facts.get("by") == "bench"
        if entry.obs == "ws.close" and by_us and entry.facts.get("code") == 1006 and not self._spoilt(entry, CUTS):
            yield entry.n, "the bench cut a connection without a fault on record"
        request = self._on_conn.pop(entry.conn, None)
        if request is None or self._answer_spoilt(entry) or self._answer_spoilt(request):
            return
        if by_us:
            yield request.n, "a request of the device was never answered"
        elif entry.t - request.t > SLOW_S:
            yield request.n, "the bench was slow to answer"

    # HTTP

    def _http_request(self, entry: Entry) -> Iterator[Trouble]:
        self._http[entry.n] = entry
        if entry.dir != "iut":
            return
        self._on_conn[entry.conn] = entry
        created, age_ms = entry.get("facts.signature.created"), entry.get("facts.signature.age_ms")
        if _number(created) and isinstance(age_ms, int | float):
            yield from self._wall(created + age_ms / 1000 - entry.t)
        if entry.facts.get("token") in ("expired", "unknown") and not self._faults:
            lives = [self._tokens[d] for d in _digests(entry) if d in self._tokens]
            if lives and entry.t < max(lives) - SLOW_S:
                yield entry.n, "the city refused a token that it had given and that still lived"

    def _token(self, entry: Entry) -> None:
        """Remember, by the mask's digests, what the city handed out and until when it lives."""
        life = entry.get("token_expires_in")
        if _number(life):
            self._tokens.update(dict.fromkeys(_digests(entry), entry.t + life))

    def _http_response(self, entry: Entry) -> Iterator[Trouble]:
        if entry.dir != "bench":
            return
        request = self._http.pop(entry.facts.get("to", -1), None)
        if request is None or request.conn != entry.conn:
            yield _ALWAYS, "an answer belongs to no request on the record"
            return
        self._on_conn.pop(entry.conn, None)
        self._welcome(entry)
        if entry.kind == "result":
            self._token(entry)
        if "intended" in entry.facts or self._answer_spoilt(entry) or self._answer_spoilt(request):
            return
        if entry.t - request.t > SLOW_S:
            yield request.n, "the bench was slow to answer"
        if entry.kind == "malformed":
            yield request.n, "the bench sent what cannot be read"
        elif entry.status is not None and entry.status >= 500:
            yield request.n, "the city failed without a fault on record"
        if self._wronged(entry):
            yield entry.n, "the city refused as invalid what its schema takes"
        yield from self._dated(entry)

    def _wronged(self, entry: Entry) -> bool:
        asked = entry.request
        if entry.kind != "error" or asked is None or asked.message is None or "request" not in asked.message.schemas:
            return False
        if entry.status != UNPROCESSABLE and entry.code != INVALID_PARAMS:
            return False
        return validators_of(self._spec).valid(asked.message, "request", asked.body)

    def _welcome(self, entry: Entry) -> None:
        if entry.role != "registration.register" or entry.kind != "result" or entry.message is None:
            return
        fields = entry.message.fields.get(entry.part) or entry.message.fields.get("result", {})
        epoch = pointer.get(entry.body, fields["epoch"]) if "epoch" in fields else None
        if _number(epoch) and epoch not in self._epochs:
            self._sides.clear()  # a new boot counts from one again
            self._epochs.add(epoch)

    def _dated(self, entry: Entry) -> Iterator[Trouble]:
        try:
            told = parsedate_to_datetime(entry.headers.get("date", "")).timestamp()
        except (TypeError, ValueError):
            return
        yield from self._wall(told - entry.t)

    def _wall(self, date: float) -> Iterator[Trouble]:
        """What the city takes for the time, less the stamp: the same all along, but for our own shifts."""
        if "clock_shift" in self._faults:
            return
        if self._date is None:
            self._date = date
        elif abs(date - self._date) > DATE_S:
            yield _ALWAYS, "the city's clock jumped without a fault on record"

    # The pretended media peer

    def _sdp(self, entry: Entry) -> Iterator[Trouble]:
        if entry.facts.get("simulated") and entry.facts.get("type") == "answer" and entry.facts.get("by") == "bench":
            self._offers[str(entry.facts.get("call_id", ""))] = entry
        yield from ()

    def _media(self, entry: Entry) -> Iterator[Trouble]:
        answered = self._offers.pop(str(entry.facts.get("call_id", "")), None)
        if answered is not None and entry.facts.get("state") == "closed" and entry.t - answered.t > SLOW_S:
            yield answered.n, "the pretended clerk never connected"


def _digests(entry: Entry) -> list[str]:
    """Keyed digests of the secrets that were masked in an entry."""
    rows = entry.facts.get("masked") or ()
    return [str(row.get("digest")) for row in rows if isinstance(row, Mapping) and row.get("kind") == "secret"]


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
