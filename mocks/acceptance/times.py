"""Wall-clock times as the wire shows them (RFC 3339) and as service hours need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def rfc3339(epoch_s: float) -> str:
    """UTC with milliseconds and `Z`."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def zone(offset: str) -> timezone:
    """The zone of an offset such as `+08:00`. Raises ValueError."""
    moment = datetime.fromisoformat(f"2000-01-01T00:00:00{offset}")
    return timezone(moment.utcoffset() or timedelta())


def local(epoch_s: float, offset: str) -> datetime:
    """The time on the wall of the extension point, which lies that far from UTC."""
    return datetime.fromtimestamp(epoch_s, zone(offset))


def weekday(value: object) -> int:
    """1 (Monday) to 7 from an ISO number or an English day name. Raises ValueError."""
    if isinstance(value, int) and 1 <= value <= 7:
        return value
    if isinstance(value, str):
        if value.isdigit() and 1 <= int(value) <= 7:
            return int(value)
        if value[:3].lower() in _DAYS:
            return _DAYS.index(value[:3].lower()) + 1
    raise ValueError(f"no day of the week: {value!r}; valid are 1 to 7 and mon to sun")


def minutes(value: str) -> int:
    """Minutes since midnight of `HH:MM` (24:00 is the end of the day). Raises ValueError."""
    hour, minute = value.split(":")[:2]
    total = int(hour) * 60 + int(minute)
    if not 0 <= total <= 24 * 60:
        raise ValueError(f"no time of day: {value!r}")
    return total
