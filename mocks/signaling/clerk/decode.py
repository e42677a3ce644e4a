"""Reads two numbers out of each picture, in a thread of the clerk: brightness, and change since the picture before.

They tell a covered or black camera and a frozen picture from a living one; the packet rate tells neither.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import numpy as np
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload

from mocks.signaling.clerk.video import Picture

MOST_WAITING = 30  # pictures; beyond this the machine is too slow and pictures are left out up to the next key frame
GRID = 8  # every eighth pixel of every eighth row is looked at
CHANGE_FLOOR = 0.05  # mean change in grey levels below which two pictures count as the same


class PictureReader:
    """Decoder of one stream. `facts()` may be read at any time from the loop's thread."""

    def __init__(self, codec: str, pool: ThreadPoolExecutor) -> None:
        self._context = av.CodecContext.create("libvpx" if codec == "VP8" else "h264", "r")
        self._depayload = vp8_depayload if codec == "VP8" else h264_depayload
        self._pool = pool
        self._lock = threading.Lock()
        self._before: Any = None
        self._waiting = 0
        self._needs_key = True
        self._decoded = 0
        self._changed = 0
        self._left_out = 0
        self._luma = 0.0

    def facts(self) -> dict[str, Any]:
        """decoded, changed (pictures unlike the one before), luma (0 black to 255 white), left_out (machine too slow)."""
        with self._lock:
            return {
                "decoded": self._decoded, "changed": self._changed, "luma": round(self._luma, 1),
                "left_out": self._left_out,
            }

    def read(self, picture: Picture) -> None:
        """Queue one picture; never blocks."""
        with self._lock:
            if picture.key:
                self._needs_key = False
            if self._needs_key or self._waiting >= MOST_WAITING:
                self._needs_key = True
                self._left_out += 1
                return
            self._waiting += 1
        self._pool.submit(self._work, picture)

    def _work(self, picture: Picture) -> None:
        try:
            data = b"".join(self._depayload(payload) for payload in picture.payloads)
            frames = self._context.decode(av.Packet(data))
        except (av.FFmpegError, ValueError):
            with self._lock:
                self._waiting -= 1
                self._needs_key = True
            return
        greys = [frame.to_ndarray(format="gray")[::GRID, ::GRID].astype(np.int16) for frame in frames]
        with self._lock:
            self._waiting -= 1
            for grey in greys:
                self._note(grey)

    def _note(self, grey: Any) -> None:
        same_size = self._before is not None and self._before.shape == grey.shape
        if not same_size or float(np.abs(grey - self._before).mean()) > CHANGE_FLOOR:
            self._changed += 1
        self._before = grey
        self._luma = float(grey.mean())
        self._decoded += 1
