"""The reference device as a process of its own: spawn document on stdin, ready line on stdout, end on EOF."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mocks.devices.media import load_stack, open_media
from mocks.devices.reference.assembly import build
from mocks.devices.reference.device import Device
from mocks.devices.reference.servers import serve, server_context
from mocks.devices.reference.settings import CONTRACT, FIRMWARE
from mocks.devices.reference.sockets import SocketTransport, SystemClock
from mocks.devices.reference.storage import DirStorage


class StderrLog:
    """Copies the device's log lines to stderr as they come."""

    def __init__(self, device: Device) -> None:
        self.device = device
        device.on_log = self.write

    def write(self, line: str) -> None:
        """One line."""
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


async def until_end_of_stdin() -> None:
    """Returns when whoever started us closes our stdin."""
    # Reading in a worker thread works for pipes, files and consoles on every platform.
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        continue


async def run(document: Mapping[str, Any]) -> None:
    """From power on to power off."""
    state_dir = document.get("state_dir") or tempfile.mkdtemp(prefix="rvw-device-")
    transport = SocketTransport()
    device = build(
        document,
        transport,
        SystemClock(),
        open_media,
        random.Random(int(document.get("seed", 0))),  # noqa: S311 - jitter and request ids; secrets use the system's source
        DirStorage(Path(state_dir)),
    )
    transport.context, transport.pongs = device.trust.context(), device.trust.pongs()
    transport.requests = device.trust.for_requests()
    StderrLog(device)
    api, tester = document.get("device_api"), document.get("upper_tester") or {}
    async with contextlib.AsyncExitStack() as stack:
        if api:
            tls = server_context(str(api["cert_pem"]), str(api["key_pem"]))
            await stack.enter_async_context(await serve(device.handle_http, api["host"], int(api["port"]), tls))
        host = str(tester.get("host", "127.0.0.1"))
        server = await serve(device.handle_upper_tester, host, int(tester.get("port", 0)))
        await stack.enter_async_context(server)
        port = server.sockets[0].getsockname()[1]
        await device.start()
        ready = {"ready": True, "contract": CONTRACT, "firmware": FIRMWARE, "upper_tester": f"http://{host}:{port}"}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        loading = asyncio.get_running_loop().run_in_executor(None, load_stack)  # not in the first call, between two heartbeats
        await until_end_of_stdin()
        await device.stop()
        await loading


def main() -> int:
    """Exit 0 at the end of stdin, 2 when the spawn document is none."""
    line = sys.stdin.readline()
    try:
        document = json.loads(line)
        asyncio.run(run(document))
    except (KeyError, TypeError, ValueError) as error:
        sys.stderr.write(f"spawn document: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
