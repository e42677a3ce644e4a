"""Before a device is judged by what the city can do, the city shows that it can: with keys and messages of its own."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator

from conformance.protocol.httpwire import HttpRequest
from conformance.protocol.signature import ALGORITHMS, content_digest, sign
from mocks.acceptance import docking, handshake
from mocks.acceptance.office import Office

WINDOW_S = 300.0
URL = "https://city.test/self-check"


def faults_of(office: Office) -> list[str]:
    """What does not work, one line each."""
    found: list[str] = []
    for check in (_signatures, _digests, _challenges, _examples):
        try:
            found.extend(check(office))
        except Exception as error:
            found.append(f"{check.__name__.strip('_')}: {type(error).__name__}: {error}")
    return found


def _signatures(office: Office) -> Iterator[str]:
    """A good signature is good, one with another key is not. Schemes that sign no headers have no such request."""
    used = {m.signed for m in office.spec.messages.values() if m.http is not None and m.signed is not None}
    for scheme_id in sorted(used):
        scheme = office.spec.signatures[scheme_id]
        if scheme.get("scheme") != "rfc9421":
            continue
        key, now, body = secrets.token_bytes(32), office.now(), b'{"check":true}'
        bare = (("content-type", "application/json"), ("content-digest", content_digest(body)))
        signed = sign(scheme, HttpRequest("POST", "/self-check", bare, body), URL, key, "check", now, secrets.token_urlsafe(16))
        request = HttpRequest("POST", "/self-check", (*bare, *((k.lower(), v) for k, v in signed)), body)
        good = docking.verify(scheme, request, URL, {"check": key}, now, WINDOW_S)
        bad = docking.verify(scheme, request, URL, {"check": secrets.token_bytes(32)}, now, WINDOW_S)
        if not good.ok or bad.ok:
            yield f"signature {scheme_id}: {good.reason or 'a wrong key is taken for the right one'}"


def _digests(_: Office) -> Iterator[str]:
    told = content_digest(b"this body")
    if docking.verify_digest(told, b"this body")[:2] != (True, True) or docking.verify_digest(told, b"that body")[1]:
        yield "content digest: right and wrong are not told apart"


def _challenges(office: Office) -> Iterator[str]:
    """The right answer to a challenge passes, a wrong one does not."""
    proof = handshake.Handshake(office)
    for identity in office.world.registry.identities.values():
        for keyid, key in identity.device_keys.items():
            for name, algorithm in (("hmac-sha256", ALGORITHMS["hmac-sha256"]),):
                right = base64.b64encode(algorithm(key, b"check")).decode()
                wrong = base64.b64encode(algorithm(key, b"other")).decode()
                device = identity.remote_device_id
                if proof._check(device, keyid, name, b"check", right):  # noqa: SLF001  the very check that devices meet
                    yield f"challenge: a right answer with {name} is refused"
                if not proof._check(device, keyid, name, b"check", wrong):  # noqa: SLF001
                    yield f"challenge: a wrong answer with {name} is taken"


def _examples(office: Office) -> Iterator[str]:
    """Every example of the pack is good; nothing is not."""
    for message in office.spec.messages.values():
        for part in message.schemas:
            body = office.spec.examples.get(f"{message.name}/{part}")
            if body is not None and not office.accepts(message, part, body):
                yield f"validators: the pack's own example {message.name}/{part} is refused"
                return
            if isinstance(body, dict) and office.accepts(message, part, []):
                yield f"validators: {message.name}/{part} takes an array for an object"
                return
