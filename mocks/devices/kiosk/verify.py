"""Verification of the acceptance system's signatures on the device API (RFC 9421, RFC 9530)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

WINDOW = 300  # seconds of difference between the clocks, both ways (T-CLOCK-WINDOW)
MOST_NONCES = 4096
PARAMETER = re.compile(r';([a-z]+)=("[^"]*"|-?[0-9]+)')


class Unauthorised(Exception):
    """The request is not known to come from the acceptance system; the text says why, for the log only."""


@dataclass
class Verifier:
    """Checks requests under one key and remembers their nonces."""

    keyid: str
    secret: bytes
    _nonces: dict[str, float] = field(default_factory=dict)

    def check(self, method: str, url: str, headers: dict[str, str], body: bytes, now: float) -> None:
        """Raise Unauthorised unless the acceptance system signed exactly this request, recently and once."""
        label, covered, parameters, text = _input(headers.get("signature-input", ""))
        if parameters.get("keyid") != self.keyid or parameters.get("alg", "hmac-sha256") != "hmac-sha256":
            raise Unauthorised("other key or algorithm")
        needed = {"@method", "@target-uri"} | ({"content-digest"} if body else set())
        if not needed <= set(covered):
            raise Unauthorised("covers too little")
        self._check_digest(headers, body)
        base = self._base(covered, text, method, url, headers)
        mac = hmac.new(self.secret, base.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(mac, _signature(headers.get("signature", ""), label)):
            raise Unauthorised("signature does not fit")
        self._check_age(parameters, now)

    def _check_digest(self, headers: dict[str, str], body: bytes) -> None:
        if not body:
            return
        expected = "sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()).decode() + ":"
        if expected not in [each.strip() for each in headers.get("content-digest", "").split(",")]:
            raise Unauthorised("digest does not fit")

    def _base(self, covered: list[str], text: str, method: str, url: str, headers: dict[str, str]) -> str:
        values = {"@method": method, "@target-uri": url}
        lines = []
        for name in covered:
            value = values.get(name, headers.get(name))
            if value is None:
                raise Unauthorised(f"covers {name}, which is not there")
            lines.append(f'"{name}": {value}')
        return "\n".join([*lines, f'"@signature-params": {text}'])

    def _check_age(self, parameters: dict[str, str], now: float) -> None:
        created, nonce = parameters.get("created", ""), parameters.get("nonce", "")
        if not created.isdigit() or abs(now - int(created)) > WINDOW:
            raise Unauthorised("too old or too new")
        if not nonce or nonce in self._nonces:
            raise Unauthorised("seen before")
        self._nonces = {each: at for each, at in self._nonces.items() if now - at < 2 * WINDOW}
        if len(self._nonces) >= MOST_NONCES:
            raise Unauthorised("too many requests")
        self._nonces[nonce] = now


def _input(value: str) -> tuple[str, list[str], dict[str, str], str]:
    """Label, covered components, parameters and the text after the label of a Signature-Input with one signature."""
    match = re.fullmatch(r'\s*([a-z0-9_-]+)=(\(((?:"[^"]+"\s*)*)\)((?:;[a-z]+=(?:"[^"]*"|-?[0-9]+))*))\s*', value)
    if match is None:
        raise Unauthorised("no readable signature")
    covered = re.findall(r'"([^"]+)"', match[3])
    parameters = {name: text.strip('"') for name, text in PARAMETER.findall(match[4])}
    return match[1], covered, parameters, match[2]


def _signature(value: str, label: str) -> bytes:
    match = re.search(rf"(?:^|,)\s*{re.escape(label)}=:([A-Za-z0-9+/=]+):", value)
    if match is None:
        raise Unauthorised("no signature under the label")
    return base64.b64decode(match[1])
