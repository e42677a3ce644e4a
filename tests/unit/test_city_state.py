"""Pure state of the simulated acceptance system: what it may never do, and what it must refuse."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mocks.acceptance.counter import RemoteCounter
from mocks.acceptance.items import ServiceItems
from mocks.acceptance.link import Link
from mocks.acceptance.names import Names
from mocks.acceptance.printing import PrintJobs
from mocks.acceptance.queue import InvariantBrokenError, Queue
from mocks.acceptance.ratings import Ratings
from mocks.acceptance.records import Records
from mocks.acceptance.refusal import Refused
from mocks.acceptance.registry import DeviceIdentity, Registry
from mocks.acceptance.sessions import Sessions
from mocks.acceptance.times import rfc3339, zone


def numbered(prefix: str) -> Any:
    count = itertools.count(1)
    return lambda: f"{prefix}{next(count)}"


@pytest.fixture
def queue() -> Queue:
    return Queue(numbered("t"), numbered("A"))


def test_a_remote_ticket_is_called_before_an_earlier_on_site_one(queue: Queue) -> None:
    queue.issue("on_site", "")
    remote, _ = queue.issue("remote", "x")
    assert queue.ahead(remote) == 0
    assert queue.call_next("01") is remote
    assert queue.call_next("01").channel == "on_site"
    assert queue.call_next("01") is None


def test_passing_over_a_remote_ticket_is_an_error_of_the_bench(queue: Queue) -> None:
    on_site, _ = queue.issue("on_site", "")
    queue.issue("remote", "x")
    with pytest.raises(InvariantBrokenError, match="before remote"):
        queue.call(on_site.id, "01")
    assert on_site.state == "waiting"


def test_a_duplicate_swipe_and_a_repeated_request_take_no_second_ticket(queue: Queue) -> None:
    first, created = queue.issue("remote", "x", request_id="r1", device="d")
    assert created
    assert queue.issue("remote", "x", request_id="r2", device="d") == (first, False)
    queue.move(first.id, "cancelled")
    assert queue.issue("remote", "x", request_id="r1", device="d") == (first, False)  # the same request, late
    second, created = queue.issue("remote", "x", request_id="r3", device="d")
    assert created
    assert second is not first


def test_a_ticket_moves_along_its_states_only(queue: Queue) -> None:
    ticket, _ = queue.issue("remote", "x")
    with pytest.raises(Refused) as refused:
        queue.move(ticket.id, "served")
    assert (refused.value.slug, ticket.state) == ("wrong-state", "waiting")
    queue.call_next("01")
    queue.call(ticket.id, "01")  # a re-call
    assert queue.calls == [ticket.id]
    for state in ("serving", "held", "serving", "transferred", "serving", "served"):
        queue.move(ticket.id, state)
    assert not ticket.is_open


def test_a_rating_reaches_the_rating_system_once_whatever_is_repeated() -> None:
    ratings = Ratings(numbered("r"))
    row = ratings.ask("s1", "t1")
    assert ratings.ask("s1", "t1") is row
    answer = {"rating_id": row.id, "session_id": "s1", "ticket_id": "t1", "outcome": "rated", "level": "satisfied"}
    assert ratings.submit(answer) == (row, True)
    assert ratings.submit(answer) == (row, False)
    with pytest.raises(Refused, match="conflict"):
        ratings.submit({**answer, "level": "dissatisfied"})
    assert [done["session_id"] for done in ratings.relayed] == ["s1"]


def test_a_second_relay_of_a_session_breaks_an_invariant() -> None:
    ratings = Ratings(numbered("r"))
    row = ratings.ask("s1", "t1")
    ratings.submit({"rating_id": row.id, "outcome": "not_rated"})
    row.answer = None  # as if the memory of the first answer were lost
    with pytest.raises(InvariantBrokenError):
        ratings.submit({"rating_id": row.id, "outcome": "not_rated"})


@pytest.mark.parametrize(("state", "slug"), [("applied", "not-activated"), ("closed", "closed")])
def test_the_activation_gate_refuses_a_counter_that_is_not_open(state: str, slug: str) -> None:
    counter = RemoteCounter()
    counter.admit()
    counter.set_state(state)
    with pytest.raises(Refused) as refused:
        counter.admit()
    assert refused.value.slug == slug


@pytest.mark.parametrize(
    ("day", "hour", "minute", "serves"),
    [(23, 9, 0, True), (23, 8, 59, False), (23, 11, 59, True), (23, 12, 0, False), (23, 13, 0, True), (29, 10, 0, False)],
)
def test_service_hours_are_local_and_may_have_two_intervals_a_day(day: int, hour: int, minute: int, serves: bool) -> None:
    counter = RemoteCounter(utc_offset="+08:00")
    days = ["mon", "tue", 3, "4", "Friday"]
    counter.set_hours([{"days": days, "from": "09:00", "to": "12:00"}, {"days": days, "from": "13:00", "to": "24:00"}])
    moment = datetime(2026, 11, day, hour, minute, tzinfo=zone("+08:00")).timestamp()
    assert counter.serves_at(moment) is serves
    if not serves:
        with pytest.raises(Refused, match="outside-service-hours"):
            counter.admit_ticket(moment)


def test_bad_service_hours_change_nothing() -> None:
    counter = RemoteCounter()
    with pytest.raises(ValueError, match="someday"):
        counter.set_hours([{"days": ["someday"], "from": "09:00", "to": "10:00"}])
    assert (counter.rows, counter.version) == ([], 1)


@pytest.mark.parametrize("count", [0, 1, 132, 191, 500])
def test_the_list_of_service_items_has_any_length(count: int) -> None:
    items = ServiceItems([{"item_code": "A", "name": "甲", "more": {"x": 1}}, {"item_code": "B", "name": "乙"}])
    items.set_count(count)
    assert len({row["item_code"] for row in items.rows}) == count
    assert items.version == 2


def test_an_item_off_the_list_is_refused() -> None:
    items = ServiceItems([{"item_code": "B", "name": "乙"}])
    items.admit("B")
    with pytest.raises(Refused, match="unknown-item"):
        items.admit("A")


def test_materials_are_taken_in_the_open_session_of_the_device_only() -> None:
    sessions = Sessions(numbered("s"), numbered("c"), max_bytes=10)
    session = sessions.open("t1", "d1")
    material, created = sessions.take_material(session.id, "m1", "image/jpeg", b"abc", "d1")
    assert (created, material.size) == (True, 3)
    assert sessions.take_material(session.id, "m1", "image/jpeg", b"abc", "d1") == (material, False)
    for session_id, kind, body, device, slug in [
        (session.id, "image/jpeg", b"abd", "d1", "conflict"), (session.id, "text/html", b"abc", "d1", "unsupported-type"),
        (session.id, "image/jpeg", b"a" * 11, "d1", "too-large"), (session.id, "image/jpeg", b"abc", "d2", "wrong-session"),
        ("other", "image/jpeg", b"abc", "d1", "wrong-session"),
    ]:  # fmt: skip
        with pytest.raises(Refused) as refused:
            sessions.take_material(session_id, "m1", kind, body, device)
        assert refused.value.slug == slug
    sessions.close(session.id, "completed")
    with pytest.raises(Refused, match="wrong-session"):
        sessions.take_material(session.id, "m2", "image/jpeg", b"abc", "d1")


def test_records_join_by_case_and_nothing_is_added_once_sealed() -> None:
    records = Records()
    records.log("t1", "issued", 1.0)
    records.log("t1", "session opened", 2.0, "s1")
    records.connected("s1", "c1", 3.0)
    records.connected("s1", "c1", 3.5)
    records.hung_up("c1", 5.0)
    records.seal("t1", 9.0)
    records.log("t1", "late", 10.0)
    row = records.of_session("s1")
    assert [what for _, what in row.log] == ["issued", "session opened", "sealed"]
    assert [(m.started, m.ended) for m in row.media] == [(3.0, 5.0)]


def test_a_print_job_is_a_pdf_with_its_pages() -> None:
    job = PrintJobs(numbered("job-")).create("s1", 3)
    assert job.content.startswith(b"%PDF-1.4")
    assert job.content.count(b"/Type /Page ") == 3
    start = int(job.content.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert job.content[start : start + 4] == b"xref"


def test_a_new_boot_opens_a_new_epoch_and_tokens_end() -> None:
    told: list[str] = []
    registry = Registry(10.0, told.append)
    registry.enrol(DeviceIdentity.fresh("d1"))
    keyid = registry.identities["d1"].device_keys.__iter__().__next__()
    device, token, booted = registry.register({"remote_device_id": "d1", "boot_id": "b1", "serial": "1"}, keyid, 0.0)
    assert (device.epoch, booted, told) == (1, True, [token])
    assert registry.register({"remote_device_id": "d1", "boot_id": "b1", "serial": "1"}, keyid, 1.0)[0].epoch == 1
    assert registry.register({"remote_device_id": "d1", "boot_id": "b2", "serial": "1"}, keyid, 1.0)[0].epoch == 2
    assert registry.token_state(token, 9.0) == ("ok", device)
    assert registry.token_state(token, 10.0) == ("expired", device)
    assert registry.token_state("other", 0.0) == ("unknown", None)
    assert registry.token_state(None, 0.0) == ("absent", None)
    with pytest.raises(Refused, match="duplicate-device"):
        registry.register({"remote_device_id": "d1", "boot_id": "b3", "serial": "2"}, keyid, 1.0)
    with pytest.raises(Refused, match="unknown-device"):
        registry.register({"remote_device_id": "d1", "boot_id": "b3"}, "another key", 1.0)


def test_a_device_that_got_another_key_holds_its_tokens_with_both() -> None:
    registry = Registry(10.0, lambda _: None)
    first = DeviceIdentity.fresh("d1")
    registry.enrol(first)
    told = {"remote_device_id": "d1", "boot_id": "b1"}
    device, _, _ = registry.register(told, next(iter(first.device_keys)), 0.0)
    registry.enrol(replace(first, device_keys={**first.device_keys, "sm3-d1": b"another"}))
    assert registry.register({**told, "boot_id": "b2"}, "sm3-d1", 1.0)[0] is device
    assert set(device.identity.device_keys) == {*first.device_keys, "sm3-d1"}


def test_a_link_sends_again_what_was_not_seen_and_drops_what_it_has() -> None:
    link = Link(1, "b1")
    for number in (1, 2, 3):
        assert link.meta(handshake=False)["seq"] == number
        link.keep(number, b"%d" % number)
    assert link.meta(handshake=True)["seq"] == 0
    assert link.arrived(1, 1) == "fresh"
    assert link.arrived(1, 1) == "repeat"
    assert link.arrived(0, None) == "handshake"
    assert link.resume(2) == [b"3"]
    assert link.resume(None) == [b"3"]
    link.renew(2, "b2")
    assert (link.resume(0), link.sent, link.seen) == ([], 0, 0)


def test_identifiers_take_the_shape_of_the_example() -> None:
    samples = {"number": "Y019", "ticket_id": "6f0d9c2a-6c1c-4c0e-9d58-0d6f3c1f2a11", "case_no": "沪办", "none": None}
    names = Names(1, samples.get)
    assert [names.new("number"), names.new("number")] == ["Y001", "Y002"]
    assert names.new("ticket_id").count("-") == 4
    assert names.new("case_no") == "沪办-1"
    assert len(names.new("none")) == 36
    assert Names(1, samples.get).new("ticket_id") == Names(1, samples.get).new("ticket_id")


def test_times_are_rfc3339_in_utc() -> None:
    assert rfc3339(0.0) == "1970-01-01T00:00:00.000Z"
