"""I4: the device's own HTTPS API, for the acceptance system only. Unsigned, altered, replayed or old: refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from mocks.devices.reference.part import Part
from mocks.devices.reference.settings import FIRMWARE, SPEC_VERSION
from mocks.devices.reference.signing import HttpMessage, ParsedSignature, digest_ok, parse_signature
from mocks.devices.reference.transport import HttpAnswer
from mocks.devices.reference.wire import BadJson, RpcError, wanted

__all__ = ["DeviceApi"]


class DeviceApi(Part):
    """Three resources behind one gate."""

    def __init__(self, device: Any) -> None:
        super().__init__(device)
        self.nonces: dict[str, float] = {}

    async def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> HttpAnswer:
        """One request. Header names are lower case; `path` is the request target."""
        url = self.target_uri(path)
        refusal = self.refusal(HttpMessage(method, url, headers), body)
        if refusal:
            slug = "stale" if refusal == "stale" else "unauthorized"
            return self.problem(401, slug, refusal)
        resource = path.partition("?")[0].removeprefix(urlsplit(self.d.settings.remote_device_url).path)
        routes = {"/info": ("GET", self.info), "/health": ("GET", self.health)}
        if resource == "/wake":
            return self.wake(body) if method == "POST" else self.problem(405, "method", "use POST")
        if resource not in routes:
            return self.problem(404, "not-found", "no such resource")
        wants, work = routes[resource]
        return self.answer(200, work()) if method == wants else self.problem(405, "method", f"use {wants}")

    def target_uri(self, path: str) -> str:
        """The request's target URI. A server in front may hand over the whole path or the part below the registered URL."""
        base = urlsplit(self.d.settings.remote_device_url)
        whole = path if path.startswith(base.path + "/") else base.path + path
        return f"{base.scheme}://{base.netloc}{whole}"

    # ---- the gate

    def refusal(self, message: HttpMessage, body: bytes) -> str:
        """Why the request is refused, or nothing."""
        signature = parse_signature(message.headers, "sig1")
        if signature is None:
            return "" if self.unsigned_allowed() else "signature is missing"
        return (
            self.wrong_key(signature)
            or self.wrong_cover(signature, bool(body))
            or self.wrong_mac(signature, message)
            or self.wrong_digest(message, body)
            or self.wrong_age(signature)
            or self.replayed(signature)
        )

    def unsigned_allowed(self) -> bool:
        """Whether a request without signature passes: never."""
        return False

    def wrong_key(self, signature: ParsedSignature) -> str:
        """Only the acceptance system's key, only the agreed algorithm."""
        right = signature.params.get("keyid") == self.d.settings.city_key.keyid
        return "" if right and signature.params.get("alg", "hmac-sha256") == "hmac-sha256" else "key is not known"

    def wrong_cover(self, signature: ParsedSignature, has_body: bool) -> str:
        """What must be covered is covered."""
        needed = {"@method", "@target-uri"} | ({"content-digest"} if has_body else set())
        return "" if needed <= set(signature.covered) else "signature does not cover enough"

    def wrong_mac(self, signature: ParsedSignature, message: HttpMessage) -> str:
        """The mac itself."""
        return "" if signature.matches(message, self.d.settings.city_key.secret) else "signature is wrong"

    def wrong_digest(self, message: HttpMessage, body: bytes) -> str:
        """The body is the one that was signed."""
        return "" if not body or digest_ok(message.headers.get("content-digest", ""), body) else "digest is wrong"

    def wrong_age(self, signature: ParsedSignature) -> str:
        """Not too old and not from the future."""
        created = signature.params.get("created")
        if not isinstance(created, int) or abs(self.d.time.now() - created) > self.d.timers.s("T-CLOCK-WINDOW"):
            return "stale"
        return ""

    def replayed(self, signature: ParsedSignature) -> str:
        """Each nonce once, for as long as its time would pass."""
        nonce, now = signature.params.get("nonce"), self.d.time.now()
        self.nonces = {n: t for n, t in self.nonces.items() if now - t < 2 * self.d.timers.s("T-CLOCK-WINDOW")}
        if not isinstance(nonce, str) or not nonce or nonce in self.nonces:
            return "nonce was used before"
        self.nonces[nonce] = now
        return ""

    # ---- the resources

    def info(self) -> dict[str, Any]:
        """Who the device is. Nothing of residents."""
        return {
            "remote_device_id": self.d.settings.remote_device_id,
            "model": self.d.settings.identity.model,
            "firmware": FIRMWARE,
            "spec_version": SPEC_VERSION,
        }

    def health(self) -> dict[str, Any]:
        """How the device is."""
        states = self.d.bank.statuses()
        broken = any(s["status"] in {"fault", "absent"} for s in states)
        return {"status": "degraded" if broken else "ok", "peripherals": states}

    def wake(self, body: bytes) -> HttpAnswer:
        """Come back on the links now."""
        try:
            document = self.d.codec.loads(body.decode())
            if not isinstance(document, dict):
                return self.problem(422, "invalid", "an object is expected")
            wanted(document, "reason:str call_id?:str")
        except (BadJson, UnicodeDecodeError, RpcError) as error:
            return self.problem(422, "invalid", str(error))
        self.d.channel.wake.set()
        self.d.calls.wake.set()
        return self.answer(202, {})

    def answer(self, status: int, document: dict[str, Any]) -> HttpAnswer:
        """JSON that no cache keeps."""
        headers = [("content-type", "application/json"), ("cache-control", "no-store")]
        return status, headers, self.d.codec.dumps(document).encode()

    def problem(self, status: int, slug: str, title: str) -> HttpAnswer:
        """An RFC 9457 problem."""
        document = {"type": f"urn:rvw:problem:{slug}", "title": title, "status": status}
        headers = [("content-type", "application/problem+json"), ("cache-control", "no-store")]
        return status, headers, self.d.codec.dumps(document).encode()
