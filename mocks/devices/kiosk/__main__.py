"""`python -m mocks.devices.kiosk [--flag=CHROMIUM-FLAG ...]`: the web kiosk as a device under the spawn contract."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys

from mocks.devices.kiosk.host import run


def main() -> int:
    """Exit code of the kiosk, see `host.run`."""
    parser = argparse.ArgumentParser(prog="python -m mocks.devices.kiosk", description="Web kiosk under rvw-spawn/1")
    parser.add_argument("--flag", action="append", default=[], help="one more flag for the browser")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    return asyncio.run(run(options.flag))


if __name__ == "__main__":
    sys.exit(main())
