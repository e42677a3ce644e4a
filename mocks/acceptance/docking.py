"""I1 as the acceptance system sees it: one whole request in, one whole response out. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from conformance.protocol import pointer, strictjson
from conformance.protocol.httpwire import HttpRequest, parse_request, render_response
from conformance.protocol.signature import content_digest
from conformance.protocol.signature import verify as verify  # the self-check asks the very functions that judge devices
from conformance.protocol.signature import verify_digest as verify_digest
from conformance.protocol.strictjson import MalformedMessage
from conformance.spec.model import Interface, Message
from conformance.trace.transcript import Entry
from mocks.acceptance.dialect import role_of
from mocks.acceptance.office import Office
from mocks.acceptance.refusal import Refused
from mocks.acceptance.registry import Registered
from mocks.acceptance.uploads import looks
from mocks.acceptance.world import Answer, Ask

# A device may be a page in a browser: what a preflight must be told (WHATWG Fetch, CORS protocol).
CORS = (
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE"),
    ("access-control-allow-headers", "authorization, content-type, content-digest, signature, signature-input"),
    ("access-control-expose-headers", "retry-after, content-digest, date"),
    ("access-control-max-age", "600"),
)

PROVOKED = {"409": "duplicate-device"}  # statuses that a fault tells with the refusal that the pack has for them


@dataclass(frozen=True, slots=True)
class HttpAction:
    """What a shell does: after `delay_s` send `raw`, then close where told; `drop` means cut, without a word
    where `raw` is empty, and after these bytes, which are no answer, where not."""

    raw: bytes
    to: int = -1  # number of the request's observation
    delay_s: float = 0.0
    drop: bool = False
    close: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A parsed request and what is proven about it."""

    request: HttpRequest
    message: Message | None
    path_fields: Mapping[str, str]
    other_method: bool
    facts: Mapping[str, Any]
    device: Registered | None


class Docking:
    """The docking API."""

    def __init__(self, office: Office, dispatch: Callable[[Ask], Answer]) -> None:
        self._office = office
        self._dispatch = dispatch
        self._nonces: set[tuple[str, str]] = set()

    def handle(self, conn: str, interface: Interface, raw: bytes) -> HttpAction:
        """Check, record, answer."""
        entry, incoming, problem = self._take(conn, interface, raw)
        if incoming is None:
            return HttpAction(self._refusal(None, Refused("malformed", problem)), entry.n, close=True)
        if entry.raw != raw:
            document = self._json(incoming.request)
            self._office.witness(entry, raw, document is not None, document)
        return HttpAction(self._respond(interface, incoming), entry.n)

    def _take(self, conn: str, interface: Interface, raw: bytes) -> tuple[Entry, _Incoming | None, str]:
        """Put a request on record with what is proven about it; no request, but the reason, where it is none.

        What it proves needs keys and tokens that the record never has, so it is found out first; whatever fails there, the
        bytes are recorded.
        """
        facts: dict[str, Any] = {"conn": conn, "k": self._office.heard_one()}
        incoming, problem = None, ""
        try:
            incoming = self._examine(interface, parse_request(raw))
            facts.update(incoming.facts)
        except MalformedMessage as error:
            problem = error.reason
        finally:
            entry = self._office.recorder.observe(interface.id, "iut", "http.request", raw, facts)
        return entry, incoming, problem

    @staticmethod
    def _json(request: HttpRequest) -> Any:
        """The body as JSON, None where it is none."""
        try:
            return strictjson.loads(request.body) if request.body else None
        except MalformedMessage:
            return None

    def role_of(self, interface: Interface, raw: bytes) -> str:
        """The role of a raw request, empty where it has none or cannot be read."""
        try:
            request = parse_request(raw)
        except MalformedMessage:
            return ""
        message = self._office.dialect.route(interface, request.method, request.path)[0]
        return (message.role or "") if message is not None else ""

    def failure(self, conn: str, interface: Interface, raw: bytes, detail: str, retry_after_s: int | None) -> HttpAction:
        """Record and check a request as always, then fail it: a fault of ours.

        `detail` is a status, or `surprise` for a page of HTML where nobody expects one. With Retry-After where one is told.
        """
        entry, _, _ = self._take(conn, interface, raw)
        extra = (("retry-after", str(retry_after_s)),) if retry_after_s is not None else ()
        if detail == "surprise":
            told = {"intended": {"stimulus": "http-surprise"}}
            page = self._render(418, "text/html; charset=utf-8", "<h1>请稍候</h1>".encode(), extra)
            return HttpAction(page, entry.n, facts=told)
        if detail in PROVOKED:
            return HttpAction(self._refusal(None, Refused(PROVOKED[detail])), entry.n)
        status = int(detail)
        body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
        return HttpAction(self._render(status, "application/problem+json", strictjson.dumps(body), extra), entry.n)

    def _examine(self, interface: Interface, request: HttpRequest) -> _Incoming:
        office = self._office
        message, path_fields, other = office.dialect.route(interface, request.method, request.path)
        facts: dict[str, Any] = {}
        if message is not None and message.signed is not None:
            facts["signature"] = self._signature(interface, message.signed, request)
        present, ok, algorithms = verify_digest(request.header("content-digest"), request.body)
        facts["digest"] = {"present": present, "ok": ok, "alg": algorithms}
        if message is not None and role_of(message) == "material.upload":
            facts["content"] = looks(request.body, request.header("content-type") or "")
        scheme, _, token = (request.header("authorization") or "").partition(" ")
        state, device = office.world.registry.token_state(
            token.strip() if scheme.lower() == "bearer" else None, office.now()
        )
        facts["token"] = state
        if state != "ok":
            device = None
        return _Incoming(request, message, path_fields, other, facts, device)

    def _signature(self, interface: Interface, scheme_id: str, request: HttpRequest) -> dict[str, Any]:
        office = self._office
        base = office.world.endpoints.urls.get(interface.id, "https://localhost")
        keys = office.world.registry.keys()
        found = verify(office.spec.signatures[scheme_id], request, base, keys, office.now(), office.clock_window_s)
        facts = found.as_facts()
        if found.ok and (found.keyid, found.nonce) in self._nonces:
            facts.update(ok=False, reason="replayed nonce", replayed=True)
        if found.ok:
            self._nonces.add((found.keyid, found.nonce))
        return facts

    def _respond(self, interface: Interface, incoming: _Incoming) -> bytes:
        if incoming.request.method == "OPTIONS":
            return self._render(204, "", b"")
        try:
            message = self._admit(interface, incoming)
            return self._answer(interface, message, incoming)
        except Refused as refused:
            return self._refusal(incoming.message, refused)

    def _admit(self, interface: Interface, incoming: _Incoming) -> Message:
        """Everything that stands before the business: route, size, signature, digest, token. Raises Refused."""
        if incoming.message is None:
            raise Refused("method-not-allowed" if incoming.other_method else "not-found")
        if len(incoming.request.body) > interface.max_message_bytes:
            raise Refused("too-large")
        signature = incoming.facts.get("signature", {"ok": True})
        if not signature["ok"]:
            raise Refused("stale" if "clock window" in signature["reason"] else "bad-signature", signature["reason"])
        digest = incoming.facts["digest"]
        if digest["present"] and not digest["ok"]:
            raise Refused("bad-digest", "the body is not the one that was digested")
        self._admit_token(incoming)
        return incoming.message

    def _admit_token(self, incoming: _Incoming) -> None:
        dialect = self._office.dialect
        register = dialect.role("registration.register", incoming.message.interface if incoming.message else None)
        if incoming.message is register or register is None or "token" not in dialect.bindings(register, "result"):
            return  # nobody has a token yet, or this dialect knows none
        state = incoming.facts["token"]
        if state != "ok":
            raise Refused("not-registered" if state == "unknown" else "unauthorized", f"token {state}")
        owner = incoming.facts.get("signature", {}).get("keyid", "")
        if incoming.device is not None and owner and owner not in incoming.device.identity.device_keys:
            raise Refused("unauthorized", "the token is another device's")

    def _answer(self, interface: Interface, message: Message, incoming: _Incoming) -> bytes:
        assert message.http is not None
        body, fields = self._read(interface, message, incoming)
        keyid = str(incoming.facts.get("signature", {}).get("keyid", ""))
        device = incoming.device or self._owner(keyid)
        media_type = (incoming.request.header("content-type") or "").split(";")[0].strip().lower()
        ask = Ask(role_of(message), fields, device, keyid, body, media_type)
        answer = self._dispatch(ask) if ask.role else Answer()
        part = self._office.dialect.reply_part(message, answer.parts)
        status = int(part) if part.isdigit() else 200
        if answer.content is not None:
            extra = (("content-digest", content_digest(answer.content)),)
            return self._render(status, answer.media_type, answer.content, extra)
        document = self._office.dialect.build(message, part, answer.fields)
        self._office.validate_outgoing(message, part, document)
        return self._render(status, message.http.response_type, self._envelope(interface, "result", document))

    def _read(self, interface: Interface, message: Message, incoming: _Incoming) -> tuple[bytes, dict[str, Any]]:
        assert message.http is not None
        raw = incoming.request.body
        document: Any = None
        if message.http.request_type.endswith("json") and (raw or "request" in message.schemas):
            try:
                document = strictjson.loads(raw)
            except MalformedMessage as error:
                raise Refused("malformed", error.reason) from None
            envelope = self._office.spec.envelopes.get(interface.envelope or "")
            where = envelope.body.get("request", "") if envelope is not None else ""
            document = pointer.get(document, where, None) if where else document
            self._office.validate_incoming(message, "request", document)
        return raw, self._office.dialect.read(message, "request", document, incoming.path_fields)

    def _owner(self, keyid: str) -> Registered | None:
        registry = self._office.world.registry
        return registry.rows.get(registry.owner(keyid) or "")

    def _envelope(self, interface: Interface, kind: Any, body: Any, code: Any = None, text: str = "") -> bytes:
        envelope = self._office.spec.envelopes.get(interface.envelope or "")
        if envelope is None or not envelope.kinds:
            return strictjson.dumps(body)  # a bare body is the document
        return envelope.encode(kind, body=body, code=code, text=text)

    def _refusal(self, message: Message | None, refused: Refused) -> bytes:
        interface = self._office.spec.interfaces[message.interface] if message is not None else None
        status, problem = self._office.problem(message, refused)
        extra: tuple[tuple[str, str], ...] = ()
        if "retry_after_ms" in problem:
            extra = (("retry-after", str(max(1, round(problem["retry_after_ms"] / 1000)))),)
        envelope = self._office.spec.envelopes.get(interface.envelope or "") if interface is not None else None
        if interface is not None and envelope is not None and envelope.kinds:
            code, text, body = self._office.error(message, refused)
            return self._render(status, "application/json", self._envelope(interface, "error", body, code, text), extra)
        if message is not None:
            self._office.validate_outgoing(message, "error", problem)
        return self._render(status, "application/problem+json", strictjson.dumps(problem), extra)

    def _render(
        self, status: int, media_type: str, body: bytes, extra: tuple[tuple[str, str], ...] = ()
    ) -> bytes:
        headers = [("date", formatdate(self._office.now(), usegmt=True)), ("cache-control", "no-store"), *CORS, *extra]
        if body:
            headers.append(("content-type", media_type))
        return render_response(status, HTTPStatus(status).phrase, headers, body)
