"""The device's end of a call: on libwebrtc where it is installed, else on aiortc; on paper for runs without a network."""

from __future__ import annotations

import importlib
import importlib.util

from mocks.devices.media.base import (
    ALL_LABELS,
    AUDIO,
    PAGE,
    PERSON,
    CameraMode,
    DeviceMedia,
    MediaError,
    MediaOptions,
    MediaStats,
    Offer,
)
from mocks.devices.media.paper import PaperMedia

__all__ = [
    "ALL_LABELS", "AUDIO", "PAGE", "PERSON", "CameraMode", "DeviceMedia", "MediaError", "MediaOptions", "MediaStats",
    "Offer", "PaperMedia", "load_stack", "open_media", "stack_name",
]


_MODULES = {"libwebrtc": "libwebrtc", "aiortc": "purepython"}


def stack_name() -> str:
    """libwebrtc or aiortc: which stack `open_media` takes in this installation."""
    return "libwebrtc" if importlib.util.find_spec("wrtc") is not None else "aiortc"


def load_stack() -> None:
    """Import the stack that `open_media` takes. That needs a quarter of a second, which nobody who beats has in a call: a device
    does it in a thread of its own while it starts."""
    importlib.import_module(f"mocks.devices.media.{_MODULES[stack_name()]}")


def open_media(options: MediaOptions | None = None, stack: str | None = None) -> DeviceMedia:
    """A new call on the network. The stack is imported here at the latest."""
    if (stack or stack_name()) == "libwebrtc":
        from mocks.devices.media.libwebrtc import LibwebrtcMedia

        return LibwebrtcMedia(options)
    from mocks.devices.media.purepython import PurePythonMedia

    return PurePythonMedia(options)
