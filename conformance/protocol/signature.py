"""Message signatures and digests: RFC 9421 with RFC 9530, and the concatenated `sign` that plainer dialects use.

Both are schemes with parameters from the pack. `verify*` never raises for what a peer sent: the outcome is a value with
the reason, which the recorder keeps as a fact because the key and the token never reach the journal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from http_sfv.dictionary import Dictionary
from http_sfv.item import InnerList, Item

from conformance.protocol import pointer, strictjson
from conformance.protocol.httpwire import HttpRequest
from conformance.protocol.pointer import MISSING
from conformance.protocol.strictjson import MalformedMessage

MacFunction = Callable[[bytes, bytes], bytes]


def _hmac_sha256(key: bytes, base: bytes) -> bytes:
    return hmac.digest(key, base, "sha256")


def _hmac_sm3(key: bytes, base: bytes) -> bytes:
    return hmac.digest(key, base, "sm3")


def _sha256_suffix(key: bytes, base: bytes) -> bytes:
    return hashlib.sha256(base + key).digest()


ALGORITHMS: Final[Mapping[str, MacFunction]] = {
    "hmac-sha256": _hmac_sha256,  # RFC 9421 section 3.3.3
    "hmac-sm3": _hmac_sm3,  # GB/T 32905 as the hash of RFC 2104; not registered, used where the PICS says so
    "sha256-suffix": _sha256_suffix,  # what many vendor dialects call "sign": hash of text and secret
}
BASE_CHARS: Final = 1_000  # of a signature base that is told
LINE_CHARS: Final = 300  # of one line of a base that is longer
DIGESTS: Final[Mapping[str, str]] = {"sha-256": "sha256", "sha-512": "sha512"}  # RFC 9530 section 5


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """What was found out about a signature. Times in milliseconds; `created` in epoch seconds."""

    present: bool
    ok: bool
    reason: str = ""
    keyid: str = ""
    alg: str = ""
    covered: tuple[str, ...] = ()
    created: float | None = None
    nonce: str = ""
    age_ms: float | None = None
    base: str = ""  # what was signed as the bench computes it, where the signature does not match it

    def as_facts(self) -> dict[str, Any]:
        """JSON form for the journal."""
        facts = {**asdict(self), "covered": list(self.covered)}
        if not self.base:
            del facts["base"]
        return facts


ABSENT: Final = SignatureFacts(present=False, ok=False, reason="no signature")


def content_digest(body: bytes) -> str:
    """The Content-Digest field value of a body (RFC 9530), SHA-256."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def verify_digest(header: str | None, body: bytes) -> tuple[bool, bool, str]:
    """(present, ok, algorithms) of a Content-Digest: every digest of a known algorithm matches, and one is known."""
    if header is None:
        return (False, False, "")
    try:
        entries = Dictionary()
        entries.parse(header.encode("latin-1"))
        known = {name: item.value for name, item in entries.items() if name in DIGESTS}
    except (ValueError, AttributeError, UnicodeError):
        return (True, False, "unreadable")
    ok = bool(known) and all(
        isinstance(value, bytes) and hmac.compare_digest(value, hashlib.new(DIGESTS[name], body).digest())
        for name, value in known.items()
    )
    return (True, ok, ",".join(sorted(known)))


def sign(
    scheme: Mapping[str, Any], request: HttpRequest, base_url: str, key: bytes, keyid: str, created: float, nonce: str,
) -> list[tuple[str, str]]:  # fmt: skip
    """Header fields that sign a request by an RFC 9421 scheme. A Content-Digest to be covered must be there already."""
    covered = [c for c in scheme["covered"] if c != "content-digest" or request.body]
    algorithm = scheme["algorithms"][0]
    inner = InnerList([Item(name) for name in covered])
    inner.params.update({"created": int(created), "nonce": nonce, "keyid": keyid, "alg": algorithm})
    mac = ALGORITHMS[algorithm](key, signature_base(request, base_url, covered, str(inner)))
    label = scheme.get("label", "sig1")
    return [
        ("signature-input", f"{label}={inner}"),
        ("signature", f"{label}=:{base64.b64encode(mac).decode()}:"),
    ]


def signature_base(request: HttpRequest, base_url: str, covered: list[str], params: str) -> bytes:
    """The signature base (RFC 9421 section 2.5). Raises KeyError for a component that the request lacks."""
    lines = [f'"{name}": {_component(request, base_url, name)}' for name in covered]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode("latin-1")


def _component(request: HttpRequest, base_url: str, name: str) -> str:
    scheme, _, rest = base_url.partition("://")  # by hand: a device may have registered what URL parsers raise for
    netloc = re.split("[/?#]", rest, maxsplit=1)[0]
    path, _, query = request.target.partition("?")
    derived = {
        "@method": request.method,
        "@target-uri": f"{scheme}://{netloc}{request.target}",
        "@authority": (request.header("host") or netloc).lower(),
        "@scheme": scheme,
        "@request-target": request.target,
        "@path": path,
        "@query": f"?{query}",
    }
    if name in derived:
        return derived[name]
    value = request.header(name)
    if value is None or name.startswith("@"):
        raise KeyError(name)
    return value.strip()


def verify(
    scheme: Mapping[str, Any], request: HttpRequest, base_url: str, keys: Mapping[str, bytes], now: float,
    window_s: float,
) -> SignatureFacts:  # fmt: skip
    """Check a request by a pack's scheme. `now` is epoch seconds, `window_s` the clock window in seconds."""
    if scheme["scheme"] == "concat":
        return _verify_concat_request(scheme, request, keys, now, window_s)
    if request.header("signature") is None and request.header("signature-input") is None:
        return ABSENT
    try:
        label = scheme.get("label", "sig1")
        inputs, values = Dictionary(), Dictionary()
        inputs.parse((request.header("signature-input") or "").encode("latin-1"))
        values.parse((request.header("signature") or "").encode("latin-1"))
        inner, mac = inputs[label], values[label].value
        covered = [str(item.value) for item in inner]
        params = dict(inner.params)
    except (ValueError, KeyError, AttributeError, TypeError, UnicodeError):
        return SignatureFacts(present=True, ok=False, reason="unreadable signature fields")
    facts = _Claims(
        str(params.get("keyid", "")), str(params.get("alg", "")), tuple(covered), params.get("created"),
        str(params.get("nonce", "")),
    )  # fmt: skip
    required = [c for c in scheme["covered"] if c != "content-digest" or request.body]
    missing = [c for c in required if c not in covered]
    if missing:
        return facts.outcome(now, f"not covered: {', '.join(missing)}")
    if facts.alg not in scheme["algorithms"]:
        return facts.outcome(now, f"algorithm {facts.alg or 'not named'}")
    try:
        base = signature_base(request, base_url, covered, str(inner))
    except KeyError as error:
        return facts.outcome(now, f"covers {error.args[0]}, which the request lacks")
    return facts.checked(base, mac, keys, now, window_s)


@dataclass(frozen=True, slots=True)
class _Claims:
    """What a signature says of itself, before and after it is checked."""

    keyid: str
    alg: str
    covered: tuple[str, ...]
    created: Any
    nonce: str

    def outcome(self, now: float, reason: str) -> SignatureFacts:
        known = isinstance(self.created, int | float) and not isinstance(self.created, bool)
        created = float(self.created) if known else None
        age = None if created is None else round((now - created) * 1000, 1)
        return SignatureFacts(True, not reason, reason, self.keyid, self.alg, self.covered, created, self.nonce, age)

    def checked(self, base: bytes, mac: Any, keys: Mapping[str, bytes], now: float, window_s: float) -> SignatureFacts:
        key = keys.get(self.keyid)
        if key is None:
            return self.outcome(now, "unknown keyid")
        if not isinstance(mac, bytes) or not hmac.compare_digest(mac, ALGORITHMS[self.alg](key, base)):
            return replace(self.outcome(now, "the signature does not match"), base=_told(base))
        facts = self.outcome(now, "")
        if facts.age_ms is None:
            return self.outcome(now, "created is missing")
        if abs(facts.age_ms) > window_s * 1000:
            return self.outcome(now, "outside the clock window")
        return facts if self.nonce else self.outcome(now, "nonce is missing")


def _told(base: bytes) -> str:
    """A signature base for people. Of a long one a line is told whole or by its length: half a secret would pass the mask."""
    text = base.decode("utf-8", "backslashreplace")
    if len(text) <= BASE_CHARS:
        return text
    kept: list[str] = []
    room = BASE_CHARS
    lines = text.split("\n")
    for line in lines:
        name, _, _ = line.partition(": ")
        named = f"{name}: " if name.startswith('"') and len(name) < LINE_CHARS // 3 and name != line else ""
        told = line if len(line) <= LINE_CHARS else f"{named}({len(line) - len(named)} characters)"
        room -= len(told)
        if room < 0:
            return "\n".join([*kept, f"({len(lines) - len(kept)} more lines)"])
        kept.append(told)
    return "\n".join(kept)


def _verify_concat_request(
    scheme: Mapping[str, Any], request: HttpRequest, keys: Mapping[str, bytes], now: float, window_s: float
) -> SignatureFacts:
    if scheme["place"] == "header":
        def read(name: str) -> Any:
            return MISSING if (value := request.header(name)) is None else value
    else:
        try:
            document = strictjson.loads(request.body)
        except MalformedMessage:
            return SignatureFacts(present=False, ok=False, reason="the body is no JSON")

        def read(name: str) -> Any:
            return pointer.get(document, name)
    special = {
        "@method": request.method, "@path": request.path, "@body-sha256": hashlib.sha256(request.body).hexdigest(),
    }  # fmt: skip

    def component(name: str) -> Any:
        return special.get(name, MISSING) if name.startswith("@") else read(name)

    return _verify_concat(scheme, component, keys, now, window_s)


def verify_document(
    scheme: Mapping[str, Any], document: Any, keys: Mapping[str, bytes], now: float, window_s: float
) -> SignatureFacts:
    """Check a signed JSON document (a WebSocket message of a plain dialect)."""
    return _verify_concat(scheme, lambda name: pointer.get(document, name), keys, now, window_s)


def sign_document(
    scheme: Mapping[str, Any], document: dict[str, Any], key: bytes, keyid: str, created: float, nonce: str
) -> dict[str, Any]:
    """Put the sign of a concat scheme into a document, in place, and return it."""
    unit = 1000 if scheme.get("created_unit") == "ms" else 1
    pointer.put(document, scheme["keyid"], keyid)
    pointer.put(document, scheme["created"], int(created * unit))
    pointer.put(document, scheme["nonce"], nonce)
    base = _concat_base(scheme, lambda name: pointer.get(document, name))
    pointer.put(document, scheme["sign"], _encoded(scheme, ALGORITHMS[scheme["algorithm"]](key, base)))
    return document


def _verify_concat(
    scheme: Mapping[str, Any], read: Callable[[str], Any], keys: Mapping[str, bytes], now: float, window_s: float
) -> SignatureFacts:
    given = read(scheme["sign"])
    if given is MISSING:
        return ABSENT
    stamp = _seconds(read(scheme["created"]), 1000 if scheme.get("created_unit") == "ms" else 1)
    keyid, nonce = read(scheme["keyid"]), read(scheme["nonce"])
    claims = _Claims(
        "" if keyid is MISSING else str(keyid), scheme["algorithm"], tuple(scheme["parts"]), stamp,
        "" if nonce is MISSING else str(nonce),
    )  # fmt: skip
    try:
        base = _concat_base(scheme, read)
        mac = bytes.fromhex(given) if scheme.get("encode", "hex") == "hex" else base64.b64decode(given, validate=True)
    except (ValueError, TypeError, KeyError):
        return claims.outcome(now, "unreadable sign")
    return claims.checked(base, mac, keys, now, window_s)


def _seconds(value: Any, unit: int) -> float | None:
    """A moment as a sender wrote it, as a number or its digits; None for what is none, such as more digits than any time has."""
    try:
        number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
        return number / unit if isinstance(number, int | float) and not isinstance(number, bool) else None
    except (OverflowError, ValueError):
        return None


def _concat_base(scheme: Mapping[str, Any], read: Callable[[str], Any]) -> bytes:
    pairs = []
    for part in scheme["parts"]:
        value = read(part)
        if value is MISSING:
            raise KeyError(part)
        text = value if isinstance(value, str) else strictjson.canonical(value).decode()
        pairs.append((part.rsplit("/", 1)[-1], text))
    if scheme.get("sort"):
        pairs.sort()
    form = scheme.get("form", "value")
    joint = str(scheme.get("join", ""))
    return joint.join(f"{n}={v}" if form == "name=value" else v for n, v in pairs).encode()


def _encoded(scheme: Mapping[str, Any], mac: bytes) -> str:
    return mac.hex() if scheme.get("encode", "hex") == "hex" else base64.b64encode(mac).decode()
