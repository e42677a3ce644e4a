"""Simulated cameras: pictures as planar I420 bytes, moving so that a frozen one can be told from a living one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mocks.devices.media.base import PAGE, CameraMode

INK, PAPER, GREY, DARK = 40, 235, 128, 16


class Camera:
    """A camera that draws. `shoot` gives the next picture, or None when it gives no pictures."""

    def __init__(self, label: str, size: tuple[int, int]) -> None:
        self.label = label
        self.width, self.height = size
        self.mode = CameraMode.LIVE
        self.shots = 0
        self._still = self._page() if label == PAGE else self._backdrop()

    def shoot(self) -> bytes | None:
        """Next picture as I420 (width x height luma, then both chroma planes)."""
        if self.mode is CameraMode.STALLED:
            return None
        if self.mode is not CameraMode.FROZEN:
            self.shots += 1
        planes = np.full((self.height * 3 // 2, self.width), GREY, np.uint8)
        planes[: self.height] = self._luma() if self.mode is not CameraMode.BLACK else DARK
        return planes.tobytes()

    def _luma(self) -> npt.NDArray[np.uint8]:
        picture = self._still.copy()
        edge = max(8, self.height // 8)
        left = self.shots * 4 % max(1, self.width - edge)
        top = self.height - edge if self.label == PAGE else (self.height - edge) // 2
        picture[top : top + edge, left : left + edge] = INK if self.label == PAGE else PAPER
        return picture

    def _backdrop(self) -> npt.NDArray[np.uint8]:
        ramp = np.linspace(60, 180, self.width, dtype=np.uint8)
        return np.broadcast_to(ramp, (self.height, self.width)).copy()

    def _page(self) -> npt.NDArray[np.uint8]:
        page = np.full((self.height, self.width), PAPER, np.uint8)
        margin = self.width // 10
        for top in range(self.height // 10, self.height * 8 // 10, 12):
            page[top : top + 3, margin : self.width - margin] = INK
        return page
