"""The transcript reads whatever was recorded: it never raises, and it reads the same live, in slices and from the journal."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.protocol.strictjson import dumps
from conformance.spec.loader import load
from conformance.spec.model import Spec
from conformance.trace.journal import JournalWriter
from conformance.trace.observation import Observation
from conformance.trace.transcript import UNREAD, Entry, Reader, Transcript

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1 << 70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["heartbeat", "session.opened", "call.invite", "nobody.knows", ""])
META = st.fixed_dictionaries({}, optional={"seq": JSON, "seen": JSON, "epoch": JSON, "boot_id": JSON}) | JSON


def document(**members: Any) -> Any:
    return st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "meta": META, **members})


CALL = document(id=JSON, method=NAMES, params=JSON)
NOTE = document(method=NAMES | JSON, params=JSON)
REPLY = document(id=JSON, result=JSON) | document(id=JSON, error=JSON)
PAYLOAD = (CALL | NOTE | REPLY | JSON).map(lambda value: _dumped(value)) | st.binary(max_size=30)
HEADERS = st.sampled_from([b"", b"host: a\r\n", b"Host: a\r\ncontent-length: 2\r\n", b"content-length: x\r\n", b"\xff: \x00\r\n"])
START = st.sampled_from(
    [b"POST /docking/v1/devices HTTP/1.1", b"GET /docking/v1/time HTTP/1.1", b"PUT /docking/v1/sessions/a/materials/b HTTP/1.1",
     b"HTTP/1.1 201 Created", b"HTTP/1.1 999 ?", b"HTTP/1.0 200 OK", b"", b"BREW / HTCPCP/1.0"]
)  # fmt: skip
HTTP = st.tuples(START, HEADERS, PAYLOAD).map(lambda p: p[0] + b"\r\n" + p[1] + b"\r\n" + p[2]) | st.binary(max_size=40)
FRAME_FACTS = st.fixed_dictionaries(
    {"conn": st.sampled_from(["c1", "c2"])},
    optional={"opcode": st.sampled_from([0, 1, 2, 8, 9, 10, 15, "1", None]), "fin": st.sampled_from([True, False, None])},
)
STEP = st.tuples(
    st.sampled_from(["ws.frame", "http.request", "http.response", "ws.upgrade", "wait", "conn.close"]),
    st.sampled_from(["I1", "I2", "I3", "I4", "I9", ""]), st.sampled_from(["iut", "bench", "-"]), st.sampled_from(["", "a", "b"]),
).flatmap(
    lambda head: st.tuples(
        st.just(head), PAYLOAD if head[0] == "ws.frame" else HTTP, FRAME_FACTS if head[0] == "ws.frame" else _http_facts()
    )
)  # fmt: skip


def _dumped(value: Any) -> bytes:
    try:
        return dumps(value)
    except TypeError:  # an integer that JSON libraries do not write
        return b'{"too":"large"}'


def _http_facts() -> Any:
    return st.fixed_dictionaries({"conn": st.just("h")}, optional={"to": st.integers(-1, 12) | st.none() | st.text(max_size=2)})


@cache
def pack() -> Spec:
    return load()


def observations(steps: list[Any]) -> list[Observation]:
    return [
        Observation(n, n / 10, case, iface, direction, kind, raw, facts)
        for n, ((kind, iface, direction, case), raw, facts) in enumerate(steps)
    ]


def essence(entry: Entry) -> tuple[Any, ...]:
    """Everything that a rule can see of an entry, with its partners by number."""
    known = [getattr(entry, name) for name in Entry.__slots__ if name not in ("request", "reply", "message")]
    partners = [e.n if e is not None else None for e in (entry.request, entry.reply)]
    return (*map(repr, known), *partners, entry.message.name if entry.message else None)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(st.lists(STEP, max_size=14))
def test_nothing_that_a_device_sends_makes_it_raise(steps: list[Any]) -> None:
    transcript = Transcript.from_observations(observations(steps), pack())
    for entry in transcript:
        assert not entry.problem.startswith(UNREAD), entry.problem
        assert entry.kind in ("", "request", "result", "error", "notification", "malformed")
        assert (entry.kind == "malformed") == bool(entry.problem)
        repr(entry)
        for field in ("seq", "/params/x", "facts.conn", "header.host", "reply.id", "request.id", "call_id", "status", "/0/a~1b"):
            entry.get(field)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(STEP, max_size=12))
def test_live_and_from_the_journal_it_reads_the_same(steps: list[Any]) -> None:
    seen = observations(steps)
    live = Transcript.from_observations(seen, pack())
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "journal.jsonl"
        writer = JournalWriter(path)
        for observation in seen:
            writer.append(observation)
        writer.close()
        later, read = Transcript.from_journal(path, pack())
    assert read.intact
    assert [essence(e) for e in live] == [essence(e) for e in later]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(STEP, max_size=12), st.data())
def test_what_comes_later_changes_nothing_but_replies(steps: list[Any], data: st.DataObject) -> None:
    seen = observations(steps)
    cut = data.draw(st.integers(0, len(seen)))
    short, whole = Transcript.from_observations(seen[:cut], pack()), Transcript.from_observations(seen, pack())
    for early, late in zip(short, whole, strict=False):
        assert essence(early)[:-2] == essence(late)[:-2]
        if early.reply is not None:
            assert late.reply is not None
            assert early.reply.n == late.reply.n


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(STEP, max_size=12))
def test_slices_share_entries_and_lose_none(steps: list[Any]) -> None:
    whole = Transcript.from_observations(observations(steps), pack())
    sliced = [entry for case in whole.cases() for entry in whole.in_case(case)]
    assert sorted(e.n for e in sliced) == [e.n for e in whole]
    assert all(whole.entries[e.n] is e for e in sliced)
    assert list(whole.since(3)) == whole.entries[3:]


def frame(raw: bytes, **facts: Any) -> Observation:
    return Observation(0, 0.0, "", "I2", "iut", "ws.frame", raw, {"conn": "c", "opcode": 1, "fin": True, **facts})


def only(observation: Observation) -> Entry:
    return Transcript(pack()).feed(observation)


@pytest.mark.parametrize(
    ("raw", "facts"),
    [
        (b"[" * 100_000, {}), (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, {}), (b'"' + b"x" * 2_000_000 + b'"', {}),
        (b"\x00\xff\xfe", {}), (b"", {}), (b"{}", {"opcode": 2}), (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}', {}),
        (b'{"jsonrpc":"2.0","method":["a"]}', {}), (b'{"jsonrpc":"2.0","method":"\\ud800","id":1}', {}),
        (b'{"jsonrpc":"2.0","id":1e999,"method":"heartbeat"}', {}),
    ],
)  # fmt: skip
def test_the_worst_is_malformed_and_told(raw: bytes, facts: dict[str, Any]) -> None:
    entry = only(frame(raw, **facts))
    assert entry.kind == "malformed"
    assert entry.problem
    assert not entry.problem.startswith(UNREAD)


def test_fragments_are_one_message_and_those_of_two_connections_do_not_mix() -> None:
    transcript = Transcript(pack())
    raw = b'{"jsonrpc":"2.0","id":1,"method":"status.query","params":{}}'

    def part(n: int, conn: str, opcode: int, fin: bool, payload: bytes) -> Entry:
        facts = {"conn": conn, "opcode": opcode, "fin": fin}
        return transcript.feed(Observation(n, n / 10, "", "I2", "bench", "ws.frame", payload, facts))

    assert part(0, "c1", 1, False, raw[:9]).kind == ""
    assert part(1, "c2", 1, False, raw[:20]).kind == ""
    assert part(2, "c1", 9, True, b"ping").kind == ""  # a control frame may stand between
    first, second = part(3, "c1", 0, True, raw[9:]), part(4, "c2", 0, True, raw[20:])
    assert (first.kind, first.name, first.size) == ("request", "status.query", len(raw))
    assert (second.kind, second.name) == ("request", "status.query")


def test_a_reply_belongs_to_the_latest_open_call_and_only_once() -> None:
    transcript = Transcript(pack())

    def send(n: int, direction: Any, text: str) -> Entry:
        facts = {"conn": "c", "opcode": 1, "fin": True}
        return transcript.feed(Observation(n, n / 10, "", "I2", direction, "ws.frame", text.encode(), facts))

    asked = send(0, "bench", '{"jsonrpc":"2.0","id":1,"method":"status.query","params":{}}')
    other = send(1, "iut", '{"jsonrpc":"2.0","id":1,"method":"heartbeat","params":{}}')  # ids of two askers are two
    reply = send(2, "iut", '{"jsonrpc":"2.0","id":1,"result":{}}')
    again = send(3, "iut", '{"jsonrpc":"2.0","id":1,"result":{}}')
    text = send(4, "bench", '{"jsonrpc":"2.0","id":"1","result":{}}')  # "1" is not 1
    assert reply.request is asked
    assert asked.reply is reply
    assert again.request is None
    assert (other.reply, text.request) == (None, None)


def test_a_reader_that_fails_is_the_benchs_fault_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Reader, "_frame", explode)
    entry = only(frame(b"{}"))
    assert entry.kind == ""
    assert entry.problem == f"{UNREAD}RuntimeError: a bug"
