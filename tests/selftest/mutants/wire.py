"""The wire: the way between city and device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from conformance.protocol.httpwire import parse_response, render_response
from mocks.acceptance.channels import Channels
from mocks.acceptance.docking import HttpAction
from mocks.city import City
from mocks.faults import Faults

from .registry import every, mutant, wrap


def _bend_http(patch: pytest.MonkeyPatch, bend: Callable[[HttpAction], HttpAction], step: int = 4) -> None:
    now = every(step)

    def make(http: Any) -> Any:
        def bent(self: City, conn: str, raw: bytes, iface: str | None = None) -> HttpAction:
            action: HttpAction = http(self, conn, raw, iface)
            return bend(action) if now() and not self.faults.active else action

        return bent

    wrap(patch, City, "http", make)


@mutant("wire", "every fourth HTTP connection is cut without an answer")
def wire_cuts_http(patch: pytest.MonkeyPatch) -> None:
    _bend_http(patch, lambda action: replace(action, drop=True))


@mutant("wire", "every fourth HTTP answer comes ten seconds late")
def wire_is_slow(patch: pytest.MonkeyPatch) -> None:
    _bend_http(patch, lambda action: replace(action, delay_s=10.0))


@mutant("wire", "every fourth HTTP answer is a 500")
def wire_answers_500(patch: pytest.MonkeyPatch) -> None:
    def fail(action: HttpAction) -> HttpAction:
        return replace(action, raw=render_response(500, "Oops", [("content-type", "text/plain")], b"oops"))

    _bend_http(patch, fail)


@mutant("wire", "every fourth HTTP answer is cut in the middle")
def wire_truncates_http(patch: pytest.MonkeyPatch) -> None:
    def cut(action: HttpAction) -> HttpAction:
        return replace(action, raw=action.raw[: -max(1, len(parse_response(action.raw, "GET").body) // 2)])

    _bend_http(patch, cut)


@mutant("wire", "an HTTP answer is filed under the request before")
def wire_mixes_up_answers(patch: pytest.MonkeyPatch) -> None:
    _bend_http(patch, lambda action: replace(action, to=action.to - 1))


@mutant("wire", "every eighth frame to the device is garbled")
def wire_garbles_frames(patch: pytest.MonkeyPatch) -> None:
    eighth = every(8)

    def make(raw_: Any) -> Any:
        def garbled(self: Channels, connection: Any, raw: bytes, facts: Any, *more: Any) -> Any:
            return raw_(self, connection, raw[:-1] if not facts and eighth() else raw, facts, *more)

        return garbled

    wrap(patch, Channels, "raw", make)


@mutant("wire", "every eighth frame to the device is recorded and never sent")
def wire_loses_frames(patch: pytest.MonkeyPatch) -> None:
    eighth = every(8)

    def make(raw_: Any) -> Any:
        def lossy(self: Channels, connection: Any, raw: bytes, facts: Any, *more: Any) -> Any:
            if facts or not eighth():
                return raw_(self, connection, raw, facts, *more)
            port = connection.port
            connection.port = _Nowhere()
            try:
                return raw_(self, connection, raw, facts, *more)
            finally:
                connection.port = port

        return lossy

    wrap(patch, Channels, "raw", make)


class _Nowhere:
    """A port that leads nowhere."""

    def send(self, *_: Any) -> None:
        """Gone."""


@mutant("wire", "connections end for no reason every now and then")
def wire_cuts_connections(patch: pytest.MonkeyPatch) -> None:
    many = every(40)

    def make(frame: Any) -> Any:
        def cutting(self: Channels, conn: str, *more: Any) -> None:
            frame(self, conn, *more)
            connection = self.connections.get(conn)
            if connection is not None and many():
                connection.port.abort()

        return cutting

    wrap(patch, Channels, "frame", make)


@mutant("wire", "every fortieth message of the device is lost on its way into the city")
def wire_loses_messages(patch: pytest.MonkeyPatch) -> None:
    many = every(40)
    wrap(patch, Faults, "loses", lambda loses: lambda self, connection: loses(self, connection) or many())


@mutant("wire", "a fault that is switched off stays on")
def fault_never_ends(patch: pytest.MonkeyPatch) -> None:
    async def stay(self: Faults, name: str) -> None:
        """Whatever its name, it stays."""

    patch.setattr(Faults, "stop", stay)


@mutant("wire", "faults are not recorded")
def fault_is_not_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Faults, "_tell", lambda *_: None)


@mutant("wire", "the end of a fault is recorded and does not take place")
def fault_ends_on_paper(patch: pytest.MonkeyPatch) -> None:
    async def pretend(self: Faults, name: str) -> None:
        if name in self.active:
            self._tell("fault.end", {"name": name, "recovery": self.active[name].recovery})

    patch.setattr(Faults, "stop", pretend)
