"""What the device sees and hears of the clerk: a small moving picture that carries a counter, and a soft tone."""

from __future__ import annotations

import asyncio
import fractions
import time

import numpy as np
import numpy.typing as npt
from aiortc.mediastreams import MediaStreamTrack
from av import AudioFrame, VideoFrame

WIDTH, HEIGHT = 320, 240
FRAME_RATE = 15
CODE_CELLS = 32  # bits of the counter in the top rows, least significant first, white = 1
CODE_ROWS = 16
BAND_ROWS = 32  # the running band at the bottom: a frozen picture is seen at once
VIDEO_CLOCK = 90_000
AUDIO_RATE = 48_000
TONE_HZ = 440
TONE_LEVEL = 1500  # of 32767: audible, and no strain on anybody's ears


class _Paced(MediaStreamTrack):
    """A source that gives its next frame when it is due, and never earlier."""

    period = 1.0

    def __init__(self) -> None:
        super().__init__()
        self._begun: float | None = None
        self.frames = 0

    async def due(self) -> int:
        """Number of the frame that is due now, waiting for it."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now
        wait = self._begun + self.frames * self.period - now
        if wait > 0:
            await asyncio.sleep(wait)
        number = self.frames
        self.frames += 1
        return number


class ClerkPicture(_Paced):
    """Somebody at a desk, 320x240 at 15 pictures a second, with a running band and the picture's number as a row of cells."""

    kind = "video"
    period = 1 / FRAME_RATE

    def __init__(self) -> None:
        super().__init__()
        self._planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        self._planes[:HEIGHT] = _somebody()
        self._columns = np.arange(WIDTH)[None, :]

    async def recv(self) -> VideoFrame:
        number = await self.due()
        bits = np.array([number >> place & 1 for place in range(CODE_CELLS)], np.uint8)
        self._planes[:CODE_ROWS] = np.repeat(bits * 219 + 16, WIDTH // CODE_CELLS)[None, :]
        self._planes[HEIGHT - BAND_ROWS : HEIGHT] = 60 + (self._columns + number * 3) // 16 % 8 * 16
        frame = VideoFrame.from_ndarray(self._planes, format="yuv420p")
        frame.pts = number * VIDEO_CLOCK // FRAME_RATE
        frame.time_base = fractions.Fraction(1, VIDEO_CLOCK)
        return frame


def _somebody() -> npt.NDArray[np.uint8]:
    """Head and shoulders before a plain wall."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    picture = np.full((HEIGHT, WIDTH), 190, np.uint8)
    middle = WIDTH // 2
    shoulders = ((columns - middle) / 95) ** 2 + ((rows - 235) / 85) ** 2 < 1
    head = ((columns - middle) / 36) ** 2 + ((rows - 105) / 46) ** 2 < 1
    picture[shoulders] = 70
    picture[head] = 150
    return picture


class ClerkVoice(_Paced):
    """A quiet tone in packets of 20 ms."""

    kind = "audio"
    period = 0.02

    def __init__(self) -> None:
        super().__init__()
        samples = int(AUDIO_RATE * self.period)
        tone = np.sin(np.arange(AUDIO_RATE) * (2 * np.pi * TONE_HZ / AUDIO_RATE)) * TONE_LEVEL
        self._second = tone.astype(np.int16).reshape(-1, 1, samples)

    async def recv(self) -> AudioFrame:
        number = await self.due()
        block = self._second[number % len(self._second)]
        frame = AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate = AUDIO_RATE
        frame.pts = number * block.shape[1]
        frame.time_base = fractions.Fraction(1, AUDIO_RATE)
        return frame
