"""A run as a command or a pytest session sees it: prepared plan in, cases run on the bench's loop, files out."""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from conformance.bench import hooks
from conformance.bench.case import Case
from conformance.bench.claim import Claim
from conformance.bench.errors import BenchBroken, RunAborted, UsageProblem, told_of, unwritable
from conformance.bench.head import run_head
from conformance.bench.lab import LabError
from conformance.bench.lock import DeviceLock
from conformance.bench.loop import LoopThread
from conformance.bench.outputs import keep_pack, write_outputs
from conformance.bench.patience import TellWait
from conformance.bench.plan import Plan, Selection
from conformance.bench.prepare import Options, Prepared, prepare
from conformance.bench.run import RunSession
from conformance.bench.sockets import Show, free_ports, sockets_world
from conformance.bench.trail import Trail, continued_trail, fresh_trail
from conformance.bench.world import World
from conformance.iut.device_file import DeviceFile
from conformance.iut.process import DeviceAbsent
from conformance.iut.review import declared
from conformance.spec.model import Text
from conformance.trace.transcript import Transcript
from conformance.verdict.model import CaseResult, RunResult
from mocks.servers.listeners import ListenError
from mocks.signaling.clerk.proxy import ClerkError
from reports import build
from reports.details import in_chinese
from reports.model import Report
from reports.words import Lang

__all__ = ["LiveRun", "Options", "Prepared", "UsageProblem", "default_out", "prepare"]

Say = Callable[[str | Text], None]


class LiveRun:
    """One run on a loop thread. `begin`, then `execute` for each case, then `finish`; `close` in any case.

    With `resume` it goes on with the journal that lies in its directory.
    """

    def __init__(
        self, prepared: Prepared, plan: Plan, selection: Selection, *, resume: bool = False, show: Show = lambda _: None,
        say: Say = lambda _: None, lang: Lang = "both", waiting: TellWait | None = None,
    ) -> None:  # fmt: skip
        self.prepared = prepared
        self.plan = plan
        self.selection = selection
        self.out = prepared.options.out or default_out(prepared.device)
        self.result: RunResult | None = None
        self.transcript: Transcript | None = None  # what the result was judged from
        self.report: Report | None = None
        self.paths: Mapping[str, Path] = {}
        self.aborted: RunAborted | None = None
        self.unwritten: OSError | None = None  # why the outputs are not on the disk
        self._resume = resume
        self._show = show
        self._say = say
        self._lang: Lang = lang
        self._waiting = waiting
        self._thread: LoopThread | None = None
        self._session: RunSession | None = None
        self._lock: DeviceLock | None = None

    def begin(self) -> None:
        """Start the world and write the head.

        Raises UsageProblem (port in use, directory held or not empty, another build, hook failed), DeviceBusy, DeviceAbsent,
        BenchBroken. What a running device that never came means is in `aborted`: the run is judged all the same.
        """
        p = self.prepared
        claim = None if self._resume else Claim(self.out)
        try:
            self._lock = DeviceLock(p.device.remote_device_id)
            self._thread = LoopThread()
            told = self._before()
            trail = self._open_trail()
            self._start(trail, self._built(trail))
            if p.device.driver.kind != "spawn":
                self._await_running(told)
        except BaseException:
            self._close_world()
            if claim is not None:  # the same --out can be named again
                claim.give_back()
            raise

    def _start(self, trail: Trail, world: World) -> None:
        p = self.prepared
        assert self._thread is not None
        head = run_head(
            p.spec, p.device, p.profile, p.pics, p.timers_ms, seed=p.seed, transport="sockets", selection=self.selection,
            device_ref=str(p.options.device), waivers=p.waivers, pack_ref=p.options.pack,
        )  # fmt: skip
        head["lab"] = str(p.options.lab or "")
        self._session = RunSession(world, self.plan, p.seed, head, p.waivers, self._waiting)
        self._thread.call(self._session.start(trail.segment))

    def _built(self, trail: Trail) -> World:
        assert self._thread is not None
        try:
            return self._thread.call(sockets_world(self.prepared, trail, self._show))
        except LabError as error:
            raise UsageProblem(error.lines) from error
        except ClerkError as error:
            raise BenchBroken(Text(
                f"坐席的音视频进程没有启动：{in_chinese(str(error))}；请运行 rvw doctor 检查",
                f"the clerk's media peer does not start: {error}; see `rvw doctor`",
            )) from error  # fmt: skip
        except ListenError as error:
            raise UsageProblem([self._cannot_listen(error)]) from error
        except OSError as error:
            told = told_of(error)
            raise BenchBroken(Text(f"测试台无法启动：{told}", f"the bench cannot be set up: {told}")) from error

    def _before(self) -> str | None:
        """The hook, then the build where it is asked for; returns what the device said of it."""
        p, expected = self.prepared, self.prepared.options.expect_firmware
        try:
            hooks.before_run(p.device, [*self._lasting_keys(), *p.secrets])
            if not expected:
                return None
            assert self._thread is not None
            asked = hooks.ask_firmware(p.device, free_ports(2), p.place.device_host)
            told = self._thread.call(asked)
            if told is not None:
                hooks.compare(expected, told, Text("运行之前", "before the run"))
            return told
        except (hooks.HookFailed, hooks.OtherBuild, LabError) as error:
            raise UsageProblem(error.lines) from error
        except OSError as error:
            raise DeviceAbsent(f"the device cannot be asked which build it is: {error}") from error

    def _lasting_keys(self) -> list[str]:
        """The lab's keys of the device, which it may print before there is a run. Raises LabError, BenchBroken."""
        p = self.prepared
        if p.place.lab is None:
            return []
        try:
            return p.place.identity(p.device.remote_device_id, "").secret_texts()
        except OSError as error:
            told = told_of(error)
            raise BenchBroken(Text(f"实验室的密钥无法读取：{told}", f"the keys of the lab cannot be read: {told}")) from error

    def _open_trail(self) -> Trail:
        try:
            if self._resume:
                return continued_trail(self.out, self.prepared.spec)
            keep_pack(self.prepared.spec, self.out)
            return fresh_trail(self.out, self.prepared.spec)
        except shutil.Error as error:  # of a copied tree: it names every file, one is enough
            _, file, why = error.args[0][0]
            told = f"{file}: {why.partition('] ')[2].partition(': ')[0] or why}"
            raise BenchBroken(Text(
                f"规范包无法存入 {self.out}（{told}）；请腾出空间，或另选 --out",
                f"the pack cannot be kept in {self.out} ({told}); make room or name another --out",
            )) from error  # fmt: skip
        except OSError as error:
            raise unwritable(error, self.out) from error

    def _cannot_listen(self, error: ListenError) -> Text:
        place = self.prepared.place
        if error.errno == errno.EADDRINUSE:
            ports = list(place.ports)
            remedy = Text(
                f"端口 {ports} 中有被占用的；请结束占用它的程序，或在 [bench] ports 中另写端口",
                f"a port of {ports} is in use; end what holds it, or name others in [bench] ports",
            )
        else:
            remedy = Text(
                "见设备文件或 lab.toml 中 [bench] 的 listen 和 ports",
                "see [bench] listen and ports of the device file or of lab.toml",
            )
        return Text(
            f"测试台无法在 {place.listen} 上监听：{error}；{remedy.zh}",
            f"the bench cannot listen on {place.listen}: {error}; {remedy.en}",
        )

    def _await_running(self, told: str | None) -> None:
        """A device that nobody starts has to come by itself."""
        p = self.prepared
        assert self._thread is not None
        assert self._session is not None
        limit_s = p.device.driver.ready_timeout_s or p.timers_ms["T-BOOT"] / 1000
        for line in p.place.instructions(p.device, p.spec.docking.path, self._lang, declared(p.device, p.spec)):
            self._say(line)
        who = p.device.remote_device_id
        self._say(Text(
            f"等待设备 {who} 注册，最多 {limit_s:g} 秒", f"waiting up to {limit_s:g} s for the device {who} to register"
        ))  # fmt: skip
        try:
            firmware = self._thread.call(self._session.await_device(limit_s))
            if p.options.expect_firmware and told is None:
                hooks.compare(p.options.expect_firmware, firmware, Text("注册时", "in its registration"))
        except RunAborted as error:
            self.aborted = error
        except hooks.OtherBuild as error:
            raise UsageProblem(error.lines) from error

    def execute(self, case: Case) -> CaseResult:
        """Run one case. Raises RunAborted, and again for every later case."""
        if self.aborted is not None:
            raise self.aborted
        assert self._thread is not None
        assert self._session is not None
        try:
            return self._thread.call(self._session.run_case(case))
        except RunAborted as error:
            self.aborted = error
            raise

    def finish(self, *, interrupted: bool = False) -> RunResult:
        """Seal, judge and write the files. Calling it again gives the same result. What the disk does not take is told in
        `unwritten`; the result stands."""
        if self.result is None:
            assert self._thread is not None
            assert self._session is not None
            reason = "interrupted" if interrupted else (self.aborted.kind if self.aborted else "complete")
            self.result = self._thread.call(self._session.finish(reason=reason))
            self.transcript = transcript = self._session.world.recorder.transcript
            try:
                self.report, self.paths = write_outputs(self.result, transcript, self.prepared.spec, self.out)
            except OSError as error:
                self.unwritten = error
                self.report = build.build(self.result, transcript, self.prepared.spec)
        return self.result

    def close(self) -> None:
        """Stop the device, the servers and the loop."""
        if self._thread is not None:
            self._close_world()
            self._thread.close()
            self._thread = None
        if self._lock is not None:
            self._lock.release()

    def _close_world(self) -> None:
        if self._thread is not None and self._session is not None:
            self._thread.call(self._session.world.close())
            self._session = None


def default_out(device: DeviceFile) -> Path:
    """A fresh directory below rvw-out, named by date and device."""
    stamp = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}"
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in device.remote_device_id)[:48]
    out = Path("rvw-out") / f"{stamp}-{safe}"
    number = 1
    while os.path.lexists(out):  # false, too, where nobody may look: that is told when the run begins
        number += 1
        out = Path("rvw-out") / f"{stamp}-{safe}-{number}"
    return out
