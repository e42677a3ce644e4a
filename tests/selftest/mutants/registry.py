"""What a mutant is, the list of them, and what they are made with."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest

# One of every kind of story, so that eighty runs take a minute; together they pass on a sound bench.
STORIES = frozenset(
    """visit.whole reg.first-registration reg.refused-then-backoff reg.reregister-after-restart chn.unknown-method
    chn.oversize chn.resume-after-cut chn.lost-before-cut chn.duplicate-call hbt.steady hbt.status-after-fault hbt.in-session
    per.report per.id-card per.document-camera per.printer mat.repeat-after-500 que.swipe-ticket que.duplicate-swipe
    que.retry-unchanged que.remote-first que.on-behalf rat.five-levels rat.timeout rob.malformed rob.city-restart
    sec.token-revoked sec.i4-good sig.invite-answer sig.reject sig.busy gen.wrong-state.call.ended sig.cancel sig.ring-timeout
    sig.bye-by-device sig.cut-in-call""".split()
)  # fmt: skip

Lay = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault of the bench: where it sits, what is wrong, how it is laid on."""

    id: str
    room: str
    text: str
    lay: Lay


MUTANTS: dict[str, Mutant] = {}


def mutant(room: str, text: str) -> Callable[[Lay], Lay]:
    """Register a function as a mutant, by its name."""

    def register(lay: Lay) -> Lay:
        MUTANTS[lay.__name__] = Mutant(lay.__name__, room, text, lay)
        return lay

    return register


def every(step: int, offset: int = 0) -> Callable[[], bool]:
    """True on every `step`-th call."""
    calls = itertools.count(1 + offset)
    return lambda: next(calls) % step == 0


def wrap(patch: pytest.MonkeyPatch, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace `owner.name` by what `make` builds around it."""
    patch.setattr(owner, name, make(getattr(owner, name)))


def explode(*_: Any, **__: Any) -> NoReturn:
    """What a bug of ours looks like from outside."""
    raise RuntimeError("a bug of the bench")
