"""The kiosk's host: serves the page to its browser, and I4 and I6 to the network, and passes what they ask on to the page.

A page can neither listen nor read a certificate store, so a thin process does. It judges nothing but signatures and keeps no
state; all behaviour of the device is in the page.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import secrets
import ssl
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mocks.devices.kiosk.browser import Browser, BrowserMissing
from mocks.devices.kiosk.verify import Unauthorised, Verifier
from mocks.devices.kiosk.web import Request, Response, serve

CONTRACT = "rvw-spawn/1"
FIRMWARE = "web-1.0.0"
PAGE = Path(__file__).parent / "page"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
}
READY_LIMIT = 15.0
ANSWER_LIMIT = 10.0  # seconds for one answer of the page
MOST_FILES, MOST_TEXT = 200, 64 * 1024  # of the residue that is told
IDENTITY = {
    "vendor": "示范设备厂", "model": "RVW-W1", "serial": "W1-2026-000001", "firmware": FIRMWARE,
    "device_profile": "window_kit", "video_codecs": ["VP8", "H264"],
    "extension_point": {
        "name": "示范居民区延伸点", "address": "上海市黄浦区示范路1号", "division_code": "310101002",
        "phone": "021-12345678",
    },
}
log = logging.getLogger("kiosk")


class PageBridge:
    """Questions to the page as server-sent events, its answers as posts."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.secret = secrets.token_urlsafe(16)  # in the page's address, so that nothing else on the machine is served
        self.ready = asyncio.Event()
        self._questions: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0

    async def ask(self, ask: str, **members: Any) -> dict[str, Any]:
        """The page's answer {ok, result?, error?}. Raises TimeoutError when the page is gone."""
        self._count += 1
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._count] = future
        await self._questions.put({"id": self._count, "ask": ask, **members})
        try:
            return await asyncio.wait_for(future, ANSWER_LIMIT)
        finally:
            self._waiting.pop(self._count, None)

    async def handle(self, request: Request) -> Response:
        """Everything that the page asks of its host."""
        prefix = f"/{self.secret}/"
        if not request.path.startswith(prefix):
            return Response(404)
        name = request.path.removeprefix(prefix) or "kiosk.html"
        match request.method, name:
            case "GET", "settings":
                return Response(200, json.dumps(self.settings).encode())
            case "GET", "events":
                return Response(200, media_type="text/event-stream", stream=self._events())
            case "POST", "ready":
                self.ready.set()
            case "POST", "answers":
                self._answered(json.loads(request.body))
            case "GET", _:
                return await asyncio.to_thread(_file, name)
            case _:
                return Response(405)
        return Response(200, b"{}")

    async def _events(self) -> AsyncIterator[bytes]:
        yield b": hello\n\n"
        while True:
            question = await self._questions.get()
            yield f"data: {json.dumps(question)}\n\n".encode()

    def _answered(self, answer: dict[str, Any]) -> None:
        future = self._waiting.get(answer["id"])
        if future is not None and not future.done():
            future.set_result(answer)


def _file(name: str) -> Response:
    path = PAGE / name
    if "/" in name or path.suffix not in MEDIA_TYPES or not path.is_file():
        return Response(404)
    return Response(200, path.read_bytes(), MEDIA_TYPES[path.suffix])


class KioskHost:
    """One kiosk, from the spawn document to the end of stdin."""

    def __init__(self, spawn: dict[str, Any], flags: Sequence[str] = ()) -> None:
        self.spawn = spawn
        self.flags = flags
        self.page = PageBridge({
            "endpoints": spawn["endpoints"], "remote_device_id": spawn["remote_device_id"],
            "remote_device_url": spawn["remote_device_url"], "key": spawn["keys"]["device"],
            "timers": spawn.get("timers", "lab"), "identity": IDENTITY,
        })
        city = spawn["keys"]["city"]
        self.verifier = Verifier(city["keyid"], base64.b64decode(city["secret_b64"]))
        self.browser = Browser(Path(spawn["state_dir"]) if spawn.get("state_dir") else None)
        self._servers: list[asyncio.Server] = []

    async def start(self) -> str:
        """Bring everything up; the address of I6. Raises BrowserMissing, TimeoutError when the page does not come up."""
        page = await serve(self.page.handle, "127.0.0.1", 0)
        api, tester = self.spawn["device_api"], self.spawn["upper_tester"]
        tls = await asyncio.to_thread(_tls, api["cert_pem"], api["key_pem"])
        device_api = await serve(self.device_api, api["host"], api["port"], tls)
        upper = await serve(self.upper_tester, tester["host"], tester["port"])
        self._servers += [page, device_api, upper]
        port = page.sockets[0].getsockname()[1]
        city = urlsplit(self.spawn["endpoints"]["docking"]).hostname or "127.0.0.1"
        url = f"http://127.0.0.1:{port}/{self.page.secret}/"
        await self.browser.start(url, self.spawn["ca_pem"], ["127.0.0.1", city], self.flags)
        await asyncio.wait_for(self.page.ready.wait(), READY_LIMIT)
        return f"http://{tester['host']}:{upper.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """End the browser and every server."""
        await self.browser.stop()
        for server in self._servers:
            server.close()

    # -- I4 ------------------------------------------------------------------------------------------------------------

    async def device_api(self, request: Request) -> Response:
        """The device API: signed requests of the acceptance system, answered by the page."""
        base = self.spawn["remote_device_url"]
        origin = f"{urlsplit(base).scheme}://{urlsplit(base).netloc}"
        try:
            self.verifier.check(request.method, origin + request.target, request.headers, request.body, time.time())
        except Unauthorised as reason:
            log.warning("I4 401: %s", reason)
            return _problem(401, "unauthorized", "signature required")
        known = {"/info": ("GET", "info"), "/health": ("GET", "health"), "/wake": ("POST", "wake")}
        method, ask = known.get(request.path.removeprefix(urlsplit(base).path), ("", ""))
        if not ask:
            return _problem(404, "not-found", "no such resource")
        if request.method != method:
            return _problem(405, "method-not-allowed", f"{method} only")
        return await self._from_page(ask, request)

    async def _from_page(self, ask: str, request: Request) -> Response:
        arguments: Any = {}
        if request.body:
            try:
                arguments = json.loads(request.body)
            except ValueError:
                return _problem(400, "malformed", "body is not JSON")
        if not isinstance(arguments, dict) or (ask == "wake" and not isinstance(arguments.get("reason"), str)):
            return _problem(422, "invalid", "reason is missing")
        try:
            answer = await self.page.ask(ask, args=arguments)
        except TimeoutError:
            return _problem(503, "unavailable", "the page does not answer")
        return Response(202 if ask == "wake" else 200, _json(answer.get("result", {})))

    # -- I6 ------------------------------------------------------------------------------------------------------------

    async def upper_tester(self, request: Request) -> Response:
        """The upper tester: verbs go to the page; memory and files are added here."""
        if request.path.rstrip("/") != "/upper-tester":
            return Response(404)
        try:
            call = json.loads(request.body)
            identifier, verb, arguments = call["id"], str(call["verb"]), call.get("args") or {}
        except (ValueError, KeyError, TypeError):
            return _problem(400, "malformed", "want {id, verb, args}")
        try:
            answer = await self.page.ask("verb", verb=verb, args=arguments)
        except TimeoutError:
            answer = {"ok": False, "error": "the page does not answer"}
        if answer["ok"] and verb == "resources":
            answer["result"]["rss_kb"] = await asyncio.to_thread(self.browser.resident_kb)
        if answer["ok"] and verb == "residue":
            answer["result"]["files"] = await asyncio.to_thread(self._files)
        told = {name: answer[name] for name in ("ok", "result", "error") if name in answer}
        return Response(200, _json({"id": identifier, **told}))

    def _files(self) -> list[dict[str, Any]]:
        """What lies on disk and may have come from the page: storage and caches of its profile."""
        profile = self.browser.home / "profile" / "Default"
        kept = ("Local Storage", "Session Storage", "IndexedDB", "Cache", "Service Worker", "File System")
        roots = [profile / name for name in kept]
        found = [path for root in roots if root.is_dir() for path in root.rglob("*") if path.is_file()]
        files = []
        for path in found[:MOST_FILES]:
            with contextlib.suppress(OSError):
                content = path.read_bytes()
                text = content[:MOST_TEXT].decode("utf-8", "replace")
                files.append({"path": str(path), "size": len(content), "text": text})
        return files


def _tls(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory(prefix="rvw-kiosk-") as directory:
        chain, secret = Path(directory) / "cert.pem", Path(directory) / "key.pem"
        chain.write_text(certificate, encoding="ascii")
        secret.touch(mode=0o600)
        secret.write_text(key, encoding="ascii")
        context.load_cert_chain(chain, secret)
    return context


def _problem(status: int, slug: str, title: str) -> Response:
    document = {"type": f"urn:rvw:problem:{slug}", "title": title, "status": status}
    return Response(status, _json(document), "application/problem+json")


def _json(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


async def run(flags: Sequence[str]) -> int:
    """Serve one spawn document from stdin. Exit codes: 0 stopped, 2 other contract, 3 did not come up, 4 browser missing."""
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader(limit=1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    spawn = json.loads(await stdin.readline())
    if spawn.get("contract") != CONTRACT:
        log.error("spawn contract %r, this kiosk speaks %s", spawn.get("contract"), CONTRACT)
        return 2
    host = KioskHost(spawn, flags)
    try:
        address = await host.start()
        ready = {"ready": True, "contract": CONTRACT, "firmware": FIRMWARE, "upper_tester": address}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        stopped, crashed = loop.create_task(_drain(stdin)), loop.create_task(host.browser.ended())
        await asyncio.wait([stopped, crashed], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
    except BrowserMissing as missing:
        log.error("%s", missing)
        return 4
    except TimeoutError:
        log.error("the page did not come up within %.0f s", READY_LIMIT)
        return 3
    else:
        return 5 if crashed.done() else 0
    finally:
        await host.stop()


async def _drain(stdin: asyncio.StreamReader) -> None:
    while await stdin.readline():
        pass
