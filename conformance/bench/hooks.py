"""What happens before the world starts: the device file's `before_run` command, and a look at which build is there."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from conformance.bench.identity import Identity
from conformance.iut.device_file import DeviceFile
from conformance.iut.process import DeviceProcess, expand, kill_family
from conformance.iut.upper_tester import HttpUpperTester
from conformance.spec.model import Text
from conformance.spec.problems import Spoken
from conformance.trace.masking import Masker
from mocks.pki import RunCa

HOOK_LIMIT_S: Final = 1800.0  # flashing takes its time, but not for ever
TOLD_LINES: Final = 8
TOLD_BYTES: Final = 1 << 16  # the last lines are sought in these
NOBODY: Final = "https://127.0.0.1:9/"  # RFC 863: discard; a device that is only asked who it is must reach no city


class HookFailed(Spoken):
    """The command did not succeed; the text names it and holds its last lines."""


class OtherBuild(Spoken):
    """The device is another build than the one that was asked for."""


def before_run(device: DeviceFile, secrets: Iterable[bytes | str] = ()) -> None:
    """Run `[iut.hooks] before_run` where the device file has one. Raises HookFailed, which shows none of these secrets."""
    command = device.hooks.get("before_run")
    if command is None:
        return
    place = f"{device.place('iut', 'hooks', 'before_run')}"
    try:
        code, said = _said(expand(command), device.directory())
    except OSError as error:
        why = error.strerror or error
        raise HookFailed(Text(
            f"{place}: before_run: {command[0]!r} 无法启动：{why}",
            f"{place}: before_run: {command[0]!r} cannot be started: {why}",
        )) from error  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise HookFailed(Text(
            f"{place}: before_run: {HOOK_LIMIT_S:.0f} 秒内没有结束", f"{place}: before_run: no end within {HOOK_LIMIT_S:.0f} s"
        )) from error  # fmt: skip
    if code != 0:
        tail = _mask_of(secrets)(said.decode("utf-8", "replace")).splitlines()[-TOLD_LINES:]
        raise HookFailed(Text(
            f"{place}: before_run 以退出码 {code} 结束；没有运行任何用例",
            f"{place}: before_run ended with exit code {code}; nothing was run",
        ), *(f"  {line}" for line in tail))  # fmt: skip


def _said(command: Sequence[str], directory: Path) -> tuple[int, bytes]:
    """Exit code, and the end of what it said. A file takes that: a pipe would stay open for as long as a helper that the command
    leaves behind (an ssh master, a debug server), and the run with it. Raises OSError, TimeoutExpired; whatever it raises, the
    command and all that it started is ended."""
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            command, cwd=directory, stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT
        )  # fmt: skip
        try:
            code = process.wait(HOOK_LIMIT_S)
        except BaseException:
            kill_family(process.pid)
            process.wait()
            raise
        size = words.seek(0, os.SEEK_END)
        words.seek(max(0, size - TOLD_BYTES))
        if words.tell():
            words.readline()  # a line that is cut goes: the mask finds no half of a secret
        return code, words.read()


def _mask_of(secrets: Iterable[bytes | str]) -> Callable[[str], str]:
    """A mask for words that come before there is a run with its own."""
    masker = Masker()
    for secret in secrets:
        masker.add_secret(secret, "key")
    return masker.text


async def ask_firmware(device: DeviceFile, ports: Sequence[int], host: str) -> str | None:
    """The build that a device says it is before any case, None where only its registration will tell.

    A device that the bench starts is started once with endpoints that lead nowhere; a running one is asked over I6.
    Raises DeviceAbsent, OSError.
    """
    if device.driver.kind == "spawn":
        return await _spawned_firmware(device, ports, host)
    if device.upper_tester.kind == "http" and device.upper_tester.url:
        return await said_by_tester(device.upper_tester.url)
    return None


async def _spawned_firmware(device: DeviceFile, ports: Sequence[int], host: str) -> str:
    identity = Identity.fresh(device.remote_device_id, NOBODY)
    ca = RunCa()
    leaf = ca.leaf([host, "localhost"])
    with tempfile.TemporaryDirectory(prefix="rvw-state-", ignore_cleanup_errors=True) as state:
        document = identity.spawn_document(
            NOBODY, seed=0, ca_pem=ca.pem, state_dir=state,
            device_api={"host": host, "port": ports[0], "cert_pem": leaf.chain.decode(), "key_pem": leaf.key.decode()},
            upper_tester={"host": host, "port": ports[1]},
        )  # fmt: skip
        process = DeviceProcess.of(
            device.driver, device.directory(device.driver.cwd), lambda _: None, mask=_mask_of(identity.secret_texts())
        )
        try:
            ready: Mapping[str, Any] = await process.start(document)
        finally:
            await process.stop()
    return str(ready.get("firmware", ""))


async def said_by_tester(url: str) -> str | None:
    """The firmware that the upper tester's `hello` names. Raises OSError."""
    tester = HttpUpperTester(url)
    try:
        told = (await tester.hello()).get("firmware")
    finally:
        await tester.close()
    return str(told) if told else None


def compare(expected: str, found: str, when: Text) -> None:
    """Raises OtherBuild where the device, asked `when`, is another build than expected."""
    if found != expected:
        raise OtherBuild(Text(
            f"设备自报固件为 {found or '（空）'!r}（{when.zh}），--expect-firmware 要求 {expected!r}；"
            "没有运行任何用例：请刷写设备，或写上设备现有的固件版本",
            f"the device says firmware {found or '(nothing)'!r} ({when.en}), --expect-firmware asks for {expected!r}; "
            "nothing was run: flash the device or name the build that is on it",
        ))  # fmt: skip
