"""A mistake in the city's own code is on the record as ours, with sockets and in memory; the device sees a dead connection."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import pytest
from city_bench import bench_errors, make_city
from test_city_sockets import both_loops, exchange, listening, run, trusting, until

from mocks.memory import MemoryNetwork

REQUEST = b"GET /docking/v1/time HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def mistaken(*_: Any, **__: Any) -> NoReturn:
    raise ValueError("a mistake of ours")


@pytest.mark.sockets
@both_loops
def test_on_sockets(loop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with listening() as (city, listeners):
            monkeypatch.setattr(city, "http", mistaken)
            assert await exchange(listeners.docking_url, REQUEST, trusting(listeners)) == b""
            told = await until(city, "bench.error", where="loop")
            assert told["what"] == "ValueError: a mistake of ours"

    run(loop, story)


@pytest.mark.sockets
@both_loops
def test_a_device_that_goes_away_is_no_mistake(loop: Any) -> None:
    async def story() -> None:
        async with listening() as (city, _):
            asyncio.get_running_loop().call_exception_handler({"message": "gone", "exception": ConnectionResetError("gone")})
            assert bench_errors(city) == []

    run(loop, story)


@pytest.mark.parametrize("step", ["http", "http_sent", "conn_open", "conn_closed"])
def test_in_memory(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        city = make_city()
        network = MemoryNetwork(city)
        monkeypatch.setattr(city, step, mistaken)
        with pytest.raises(ConnectionResetError):
            await network.transport().http("GET", network.docking_url + "/time", [], b"")
        assert [error["where"] for error in bench_errors(city)] == ["city"]

    asyncio.run(story())
