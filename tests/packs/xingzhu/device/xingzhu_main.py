"""The kiosk as a process: spawn document on stdin, ready line on stdout, end at the end of stdin."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Mapping
from typing import Any

from xingzhu_kiosk import FIRMWARE, build
from xingzhu_sockets import Clock, Transport, serve_upper_tester


async def run(document: Mapping[str, Any]) -> None:
    """From power on to power off."""
    kiosk = build(document, Transport(document["ca_pem"]), Clock(), None, random.Random(), {})
    tester = document["upper_tester"]
    async with await serve_upper_tester(kiosk.upper_tester, tester["host"], int(tester["port"])):
        await kiosk.start()
        url = f"http://{tester['host']}:{tester['port']}"
        ready = {"ready": True, "contract": "rvw-spawn/1", "firmware": FIRMWARE, "upper_tester": url}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(None, sys.stdin.readline):
            continue
        await kiosk.stop()


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.stdin.readline())))
