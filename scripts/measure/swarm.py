"""The loading side: a server process, and devices that register, attach and send heartbeats as fast as they are answered."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import secrets
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import orjson
import picows
import psutil

from conformance.protocol.httpwire import HttpRequest
from conformance.protocol.signature import content_digest, sign
from conformance.spec.loader import load
from conformance.spec.model import Spec
from measure import CannotMeasure
from measure.desk import ROOT

BOOT = "boot-measure-0001"
TEXT = picows.WSMsgType.TEXT
CHANNELS = (("I2", "rvw.channel.v1", "channel.resume"), ("I3", "rvw.signaling.v1", "signaling.attach"))


@cache
def pack() -> Spec:
    """The default pack, read once."""
    return load()


@dataclass
class Server:
    """A running server process."""

    process: subprocess.Popen[bytes]
    told: dict[str, Any]

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Resident octets."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def server(be: str, devices: int = 0, *, tls: bool = False) -> Iterator[Server]:
    """Start one on a core of its own, stop it afterwards. Raises CannotMeasure where it does not come up."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py"))], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=_environment(),
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    own = apart(process.pid)
    try:
        process.stdin.write(json.dumps({"be": be, "devices": devices, "tls": tls}).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise CannotMeasure(f"the server process ({be}) did not come up")
        yield Server(process, json.loads(line))
    finally:
        if own:
            os.sched_setaffinity(0, own)  # what is measured after this has all cores again
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def apart(server_pid: int) -> set[int]:
    """The server on the first core, we who load it on the others, where the system lets us say so. Returns the cores that were
    ours before, for afterwards."""
    if not hasattr(os, "sched_setaffinity"):
        return set()
    own = os.sched_getaffinity(0)
    cores = sorted(os.sched_getaffinity(server_pid))
    if len(cores) > 1:
        os.sched_setaffinity(server_pid, cores[:1])
        os.sched_setaffinity(0, cores[1:])
    return own


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@dataclass
class Link(picows.WSListener):
    """One WebSocket of one device."""

    iface: str
    device: dict[str, str]
    token: str
    epoch: int
    method: str
    beat: dict[str, Any] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    answered: int = 0
    seq: int = 0
    seen: int = 0
    going: bool = False
    transport: picows.WSTransport | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Open; the city speaks first."""
        self.transport = transport

    def on_ws_frame(self, _transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Answer what is asked; send the next heartbeat when one is answered."""
        if frame.msg_type != TEXT:
            return
        message = orjson.loads(frame.get_payload_as_bytes())
        self.seen = max(self.seen, message["meta"]["seq"])
        if message.get("method") == "auth.challenge":
            self._authenticate(message)
        elif "method" in message:
            self.tell({"id": message["id"], "result": {}})
        elif message.get("id") == "attach":
            if "result" in message:
                self.ready.set()
        elif self.going and "result" in message:
            self.answered += 1
            self.next()

    def _authenticate(self, message: dict[str, Any]) -> None:
        text = "\n".join(["rvw-auth", self.iface, message["params"]["nonce"], self.device["id"], BOOT])
        mac = hmac.digest(base64.b64decode(self.device["key"]), text.encode(), "sha256")
        answer = {"remote_device_id": self.device["id"], "boot_id": BOOT, "keyid": self.device["keyid"], "alg": "hmac-sha256",
                  "signature": base64.b64encode(mac).decode()}  # fmt: skip
        self.tell({"id": message["id"], "result": answer}, seq=0)
        self.tell({"id": "attach", "method": self.method,
                   "params": {"epoch": self.epoch, "last_seq": 0, "token": self.token}}, seq=0)  # fmt: skip

    def tell(self, message: dict[str, Any], seq: int | None = None) -> None:
        """One numbered message."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        meta = {"seq": seq, "seen": self.seen, "boot_id": BOOT, "epoch": self.epoch}
        assert self.transport is not None
        self.transport.send(TEXT, orjson.dumps({"jsonrpc": "2.0", **message, "meta": meta}))

    def next(self) -> None:
        """One heartbeat or report."""
        assert self.beat is not None
        if "specversion" in self.beat:  # an event has an identity of its own, or it would be a repeat
            self.beat = {**self.beat, "id": f"e-{self.device['id']}-{self.seq}"}
            self.tell({"id": f"h-{self.seq}", "method": "peripheral.report", "params": self.beat})
        else:
            self.tell({"id": f"h-{self.seq}", "method": "heartbeat", "params": self.beat})


class EchoLink(picows.WSListener):
    """The same bytes as a heartbeat, there and back."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.answered = 0
        self.going = False
        self.transport: picows.WSTransport | None = None

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """Open."""
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Back: send it again."""
        del frame
        if self.going:
            self.answered += 1
            transport.send(TEXT, self.payload)

    def next(self) -> None:
        """Send it."""
        assert self.transport is not None
        self.transport.send(TEXT, self.payload)


def heartbeat() -> dict[str, Any]:
    """The pack's own example."""
    body: dict[str, Any] = dict(pack().examples["heartbeat/request"])
    return body


def report() -> dict[str, Any]:
    """The pack's own example of an event: a printer without paper."""
    body: dict[str, Any] = dict(pack().examples["peripheral.report/request"])
    return body


def wire(method: str, body: dict[str, Any]) -> bytes:
    """A message as it is on the wire."""
    meta = {"seq": 1000, "seen": 1000, "boot_id": BOOT, "epoch": 1}
    return orjson.dumps({"jsonrpc": "2.0", "id": "h-1000", "method": method, "params": body, "meta": meta})


async def attach(
    told: dict[str, Any], first: int, last: int, beat: dict[str, Any] | None, *, channels: Sequence[str] = ("I2", "I3")
) -> list[Link]:
    """Register and attach devices [first, last), eight at a time; their I2 links. Raises CannotMeasure."""
    secure = ssl.create_default_context(cadata=told["ca_pem"]) if told["ca_pem"] else None
    example = dict(pack().examples["device.register/request"])
    room = asyncio.Semaphore(8)

    async def one(client: httpx.AsyncClient, row: dict[str, str]) -> Link:
        async with room:
            welcome = await _register(client, told, row, example)
            links = []
            for iface, name, method in CHANNELS:
                if iface not in channels:
                    continue
                link = Link(iface, row, welcome["token"], welcome["epoch"], method, beat)
                url = told["urls"][iface] if secure else told["urls"][iface].replace("wss://", "ws://")
                extra = [("Sec-WebSocket-Protocol", name)]
                await picows.ws_connect(lambda link=link: link, url, ssl_context=secure, extra_headers=extra)
                await asyncio.wait_for(link.ready.wait(), 10)
                links.append(link)
            return links[0]

    async with httpx.AsyncClient(verify=secure or False, trust_env=False) as client:
        return list(await asyncio.gather(*[one(client, row) for row in told["devices"][first:last]]))


async def _register(
    client: httpx.AsyncClient, told: dict[str, Any], row: dict[str, str], example: dict[str, Any]
) -> dict[str, Any]:
    body = orjson.dumps({**example, "remote_device_id": row["id"], "boot_id": BOOT})
    url = told["urls"]["I1"] + "/devices"
    headers = [("content-type", "application/json"), ("content-digest", content_digest(body))]
    request = HttpRequest("POST", "/" + url.split("/", 3)[3], tuple(headers), body)
    scheme = pack().signatures["device-request"]
    key = base64.b64decode(row["key"])
    headers += sign(scheme, request, url, key, row["keyid"], time.time(), secrets.token_urlsafe(12))
    target = url if told["ca_pem"] else url.replace("https://", "http://")
    reply = await client.post(target, content=body, headers=headers)
    if reply.status_code != 201:
        raise CannotMeasure(f"registration of {row['id']} was answered with {reply.status_code}: {reply.text[:160]}")
    welcome: dict[str, Any] = reply.json()
    return welcome


async def answered_in(links: Sequence[Link | EchoLink], seconds: float) -> int:
    """Let all links go for a while; how many exchanges came about."""
    before = sum(link.answered for link in links)
    for link in links:
        link.going = True
        link.next()
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, seconds)
    for link in links:
        link.going = False
    return sum(link.answered for link in links) - before
