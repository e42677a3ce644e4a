"""What a vendor declares as secret: masked in every journal that the bench writes, and used where it is a key."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from conformance.bench.errors import UsageProblem
from conformance.bench.explore import Wanted, explore
from conformance.bench.outputs import JOURNAL
from conformance.bench.prepare import Options, prepare
from conformance.bench.sockets import sockets_world
from conformance.bench.trail import fresh_trail
from conformance.bench.world import World
from conformance.verdict import exitcode
from mocks.signaling.paper_clerk import PaperClerk

ROOT = Path(__file__).parents[2]
OWN = {name: base64.b64encode(bytes(range(start, start + 32))).decode() for name, start in (("device", 1), ("city", 101))}
PIXIT = f'[pixit]\n"RVW.PIXIT.DEVICE_KEY" = "{OWN["device"]}"\ncity_key = "{OWN["city"]}"\n'
AWAY = '[driver]\nkind = "running"\n[upper_tester]\nurl = "http://127.0.0.1:9"\n'


class Clerk(PaperClerk):
    """No child process for a world in which nobody calls."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    async def start(self) -> None:
        """Nothing to start."""

    async def close(self) -> None:
        """Nothing to let go."""


@pytest.fixture
def device(tmp_path: Path) -> Path:
    base = json.dumps(os.path.relpath(ROOT / "devices" / "reference.toml", tmp_path).replace("\\", "/"))
    path = tmp_path / "device.toml"
    told = 'remote_device_id = "RVW-SECRETS"\nremote_device_url = "https://127.0.0.1:9/device/v1"\n'
    path.write_text(f"extends = {base}\n[device]\n{told}{PIXIT}{AWAY}", encoding="utf-8")
    return path


def assert_masked(journal: Path) -> None:
    text = journal.read_text("utf-8")
    assert "~" in text, "something is masked"
    for secret in OWN.values():
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode() not in text


def in_sockets(device: Path, out: Path, look: Callable[[World], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.bench.sockets.ClerkProcess", Clerk)

    async def story() -> None:
        p = prepare(Options(device))
        world = await sockets_world(p, fresh_trail(out, p.spec))
        try:
            look(world)
        finally:
            await world.close()

    asyncio.run(story())


@pytest.mark.sockets
def test_declared_secrets_do_not_reach_a_run_s_journal(device: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(world: World) -> None:
        for secret in OWN.values():
            world.recorder.observe("I1", "iut", "http.fragment", f"key={secret}".encode())
            world.recorder.observe("", "iut", "device.log", facts={"lines": [f"key {secret}"]})

    in_sockets(device, tmp_path, look, monkeypatch)
    assert_masked(tmp_path / JOURNAL)


@pytest.mark.sockets
def test_declared_secrets_do_not_reach_an_exploration_s_journal(device: Path) -> None:
    told: dict[str, str] = {}
    tasks: list[asyncio.Task[None]] = []

    def say(line: str) -> None:
        name, _, value = line.partition(": ")
        told[name] = value.strip()
        if line.startswith("the clerk's media"):
            tasks.append(asyncio.get_running_loop().create_task(leak()))

    async def leak() -> None:
        trust = ssl.create_default_context(cafile=told["root certificate"])
        async with httpx.AsyncClient(verify=trust, trust_env=False) as client:
            for secret in OWN.values():
                await client.get(told["docking API (I1)"] + "/time", headers={"x-leak": secret})
        signal.raise_signal(signal.SIGINT)

    assert explore(Wanted(device=device, lang="en"), say) == exitcode.PASS
    assert_masked(Path(told["journal"]))
    assert not set(OWN.values()) & set(told.values()), "nor the terminal: the vendor has them"


@pytest.mark.sockets
@pytest.mark.parametrize("declared", [("device", "city"), ("device",), ("city",), ()])
def test_the_vendor_s_own_keys_are_the_keys_of_the_run(
    device: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: tuple[str, ...]
) -> None:
    for name in {*OWN} - {*declared}:
        device.write_text(device.read_text("utf-8").replace(OWN[name], ""), encoding="utf-8")

    def look(world: World) -> None:
        identity = world.city.world.registry.identities["RVW-SECRETS"]
        used = {"device": identity.device_keys["dev-RVW-SECRETS"], "city": identity.city_key}
        for name, key in used.items():
            assert (base64.b64encode(key).decode() == OWN[name]) == (name in declared)
            assert len(key) == 32

    in_sockets(device, tmp_path, look, monkeypatch)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("correct horse battery", "in base64"), ("c2hvcnQga2V5", "at least 16 bytes"), ("0f" * 32, "not in hex"),
        (OWN["city"], "two directions have different keys"), ("c2hvcnQ", "cannot be masked"),
    ],
)  # fmt: skip
def test_a_key_that_is_none_is_told_before_any_traffic(device: Path, value: str, told: str) -> None:
    device.write_text(device.read_text("utf-8").replace(OWN["device"], value), encoding="utf-8")
    with pytest.raises(UsageProblem, match=told) as caught:
        prepare(Options(device))
    assert f"{device}:" in str(caught.value)
    lines: list[str] = []
    assert explore(Wanted(device=device), lines.append) == exitcode.USAGE
    assert told in lines[0]
