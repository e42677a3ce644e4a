"""A device that the bench starts itself: its power, and its upper tester while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.bench.device import NO_KEYS, Keys
from conformance.iut.device_file import DeviceFile
from conformance.iut.process import DeviceProcess
from conformance.iut.prompt import Answer, By, Prompt, UpperTester
from conformance.iut.upper_tester import HttpUpperTester


class SpawnedDevice:
    """Power and upper tester of a device that the bench starts itself (`rvw-spawn/1`). Its state directory outlives its power."""

    def __init__(
        self, device: DeviceFile, document: Mapping[str, Any], *, on_exit: Callable[[int], None],
        on_ready: Callable[[Mapping[str, Any]], None], on_line: Callable[[str], None], mask: Callable[[str], str],
    ) -> None:  # fmt: skip
        self._device = device
        self._document = document
        self._on_exit = on_exit
        self._on_ready = on_ready
        self._on_line = on_line
        self._mask = mask
        self._process: DeviceProcess | None = None
        self._tester: UpperTester | None = None

    async def on(self, keys: Keys = NO_KEYS) -> None:
        """Start the process and wait for its ready line. Raises DeviceAbsent."""
        directory = self._device.directory(self._device.driver.cwd)
        self._process = DeviceProcess.of(self._device.driver, directory, self._on_exit, on_line=self._on_line, mask=self._mask)
        ready = await self._process.start({**self._document, "keys": {**self._document["keys"], **keys}})
        self._on_ready(ready)
        await self._drop_tester()
        if self._device.upper_tester.kind == "http":
            self._tester = HttpUpperTester(str(ready.get("upper_tester") or self._device.upper_tester.url))

    async def off(self) -> None:
        """Kill it without a word, as a power cut does."""
        await self._stop(power_cut=True)

    async def _stop(self, *, power_cut: bool) -> None:
        await self._drop_tester()
        if self._process is not None:
            process, self._process = self._process, None
            await process.stop(power_cut=power_cut)

    async def _drop_tester(self) -> None:
        if self._tester is not None:
            await self._tester.close()
            self._tester = None

    async def close(self) -> None:
        """End it by the contract: end of its stdin."""
        await self._stop(power_cut=False)

    def tester(self) -> UpperTester | None:
        """The process's own upper tester while it runs."""
        return self._tester


class NotThere:
    """Stands for the upper tester of a device that is off."""

    by: By = "http"

    async def verbs(self) -> frozenset[str]:
        raise OSError("the device is off")

    async def ask(self, prompt: Prompt) -> Answer:
        raise OSError(f"the device is off; nobody hears {prompt.verb}")

    async def close(self) -> None:
        return
