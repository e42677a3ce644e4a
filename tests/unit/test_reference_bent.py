"""Defects and variants: registered once, one fault each, files in step, and every variant still serves a visit."""

from __future__ import annotations

import re

import pytest

from conformance.iut.device_file import load_device
from conformance.spec.loader import examine, find_pack
from mocks.devices.defects import DEFECTS
from mocks.devices.defects.files import DIRECTORY, text_of
from mocks.devices.reference.assembly import patches_of
from mocks.devices.reference.device import PARTS, Device
from mocks.devices.reference.part import patched
from mocks.devices.reference.trust import CARELESS
from mocks.devices.variants import VARIANTS
from tests.unit.reference_city import CARD, FakeCity, story


@pytest.fixture(scope="module")
def clauses() -> frozenset[str]:
    spec, _ = examine(find_pack("shanghai-rvw/1.0"))
    assert spec is not None
    return frozenset(spec.clauses)


def test_there_are_enough_of_both() -> None:
    assert len(DEFECTS) >= 60
    assert len(VARIANTS) >= 40
    assert {d.split("-")[0] for d in DEFECTS} >= {"REG", "SEC", "HBT", "CHN", "QUE", "SIG", "RAT", "PER", "MAT", "ROB"}


def test_defects_name_clauses_of_the_pack(clauses: frozenset[str]) -> None:
    for defect in DEFECTS.values():
        assert re.fullmatch(r"[A-Z]{3}-[0-9]{3}-[a-z0-9-]+", defect.id)
        assert defect.breaks
        assert set(defect.breaks) <= clauses, defect.id
        assert set(defect.may_break) <= clauses - set(defect.breaks), defect.id
        assert defect.needs in {"memory", "sockets", "media"}


def test_every_patch_bends_a_part() -> None:
    for bent in (*DEFECTS.values(), *VARIANTS.values()):
        assert any(patched(part, (bent.patch,)) is not part for part in PARTS.values()), bent.id
        assert {"zh", "en"} <= set(bent.about)


def test_an_unknown_name_is_refused() -> None:
    assert patches_of(None) == ()
    with pytest.raises(ValueError, match="no defect and no variant"):
        patches_of("REG-999-none")


def test_files_are_in_step_with_the_registry() -> None:
    assert {p.stem for p in DIRECTORY.glob("*.toml")} == set(DEFECTS)
    for defect in DEFECTS.values():
        assert (DIRECTORY / f"{defect.id}.toml").read_text(encoding="utf-8") == text_of(defect)


def test_a_defect_file_is_the_reference_with_a_defect() -> None:
    file = load_device(DIRECTORY / "HBT-001-too-slow.toml")
    assert file.defect is not None
    assert (file.defect.id, file.defect.breaks) == ("HBT-001-too-slow", ("HBT-001",))
    assert file.model == "RVW-R1"


def test_careless_devices_are_defects() -> None:
    assert set(DEFECTS) >= CARELESS


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_variant_serves_a_visit(variant: str) -> None:
    async def work(city: FakeCity, device: Device) -> None:
        await device.upper_tester("card", {"card": CARD})
        await city.until(lambda: device.tickets.open)
        await city.call("I2", "session.opened", session_id="s1", ticket_id="k1", case_no="C1")
        invite = {"call_id": "c1", "session_id": "s1", "ticket_id": "k1", "ring_timeout_ms": 5000}
        assert (await city.call("I3", "call.invite", **invite))["result"] == {"state": "ringing"}
        offer = (await city.until(lambda: city.got("I3", "media.offer")))[0]
        assert (await city.call("I3", "media.answer", call_id="c1", sdp=offer["sdp"]))["result"] == {}
        await city.until(lambda: [s for s in city.got("I3", "media.state") if s["state"] == "connected"])
        await city.until(lambda: city.got("I2", "heartbeat"))

    story(work, defect=variant)
