"""Answers of the acceptance system, role by role (decision 19). Pure state changes; nothing here knows a dialect."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from conformance.protocol.signature import content_digest
from mocks.acceptance.queue import Ticket
from mocks.acceptance.refusal import Refused
from mocks.acceptance.times import rfc3339
from mocks.acceptance.world import Answer, Ask, Handler, World

CREATED = ("201", "result", "200")
SAME = ("200", "result", "201")


class Desk:
    """Handlers of everything that a device asks over I1 and reports over I2."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.handlers: Mapping[str, Handler] = {
            "registration.register": self._register,
            "registration.refresh": self._refresh,
            "time.query": lambda _: Answer({"server_time": self._time()}),
            "catalogue.list": self._items,
            "ticket.issue": self._issue,
            "ticket.cancel": self._cancel,
            "material.upload": self._upload,
            "print.content": self._content,
            "rating.submit": self._rate,
            "heartbeat": self._heartbeat,
            "peripheral.report": self._report,
        }

    def _time(self) -> str:
        return rfc3339(self._world.now())

    def _register(self, ask: Ask) -> Answer:
        world = self._world
        world.counter.admit()
        device, token, _ = world.registry.register(ask.fields, ask.keyid, world.now())
        return Answer({**self._token(token), **self.welcome(device.epoch)}, CREATED)

    def welcome(self, epoch: int) -> dict[str, Any]:
        """What a registered device is told: epoch, addresses, timers, counter."""
        world = self._world
        urls = dict(world.endpoints.urls)
        ws = [urls[i.id] for i in world.dialect.ws_interfaces if i.id in urls]
        named = dict(zip(("channel", "signaling"), ws, strict=False))
        counter = world.counter
        told = [t for t in world.spec.timers.values() if t.told and t.id in world.timers_ms]
        second = epoch % 2 == 0  # a device that follows its timers follows other values too
        return {
            "epoch": epoch, "endpoints": named, **{f"{name}_url": url for name, url in named.items()},
            "timers": {t.id: int(world.timers_ms[t.id] * (t.varied if second else 1)) for t in told},
            "ice_servers": [dict(row) for row in world.ice_servers],
            # A device that is welcomed belongs to an active counter: the pack's example of a welcome says how that is spelt.
            "counter_name": counter.name, "service_hours": list(counter.rows),
            "config_version": counter.version, "items_version": world.items.version,
        }  # fmt: skip

    def _token(self, token: str) -> dict[str, Any]:
        # Whole seconds on the wire, rounded down: a token must never be said to live longer than it does.
        life = self._world.registry.token_life_s
        return {"token": token, "token_expires_in": int(life) or 1, "server_time": self._time()}

    def _refresh(self, ask: Ask) -> Answer:
        device_id = ask.fields.get("remote_device_id", ask.device_id)
        if ask.device is not None and device_id != ask.device.id:
            raise Refused("unauthorized", "a token is refreshed by its own device")
        self._world.counter.admit()
        token = self._world.registry.refresh(str(device_id), ask.fields.get("boot_id"), self._world.now())
        return Answer(self._token(token), CREATED)

    def _items(self, _: Ask) -> Answer:
        items = self._world.items
        return Answer({"version": items.version, "items_version": items.version, "items": [dict(r) for r in items.rows]})

    def _issue(self, ask: Ask) -> Answer:
        world, fields = self._world, ask.fields
        world.counter.admit_ticket(world.now())
        if fields.get("item_code") is not None and world.items.rows:
            world.items.admit(fields["item_code"])
        ticket, created = world.queue.issue(
            "remote", str(fields.get("id_number", "")), request_id=fields.get("request_id"),
            item_code=fields.get("item_code"), agent=fields.get("agent_id_number"), device=ask.device_id,
        )
        if created:
            world.records.log(ticket.id, "issued", world.now())
        return Answer(self.ticket_fields(ticket), CREATED if created else SAME)

    def ticket_fields(self, ticket: Ticket) -> dict[str, Any]:
        """A ticket as every message about it shows it."""
        return {
            "ticket_id": ticket.id, "number": ticket.number, "state": ticket.state,
            "ahead": self._world.queue.ahead(ticket), "channel": ticket.channel,
        }  # fmt: skip

    def _cancel(self, ask: Ask) -> Answer:
        world = self._world
        ticket = world.queue.get(ask.fields.get("ticket_id"))
        if ticket.device not in (None, ask.device_id):
            raise Refused("unknown-object", "the ticket was not taken at this device")
        if ticket.state != "cancelled":  # a repeat of the same request gets the same answer
            world.queue.move(ticket.id, "cancelled")
            world.records.log(ticket.id, "cancelled", world.now())
        return Answer(self.ticket_fields(ticket), SAME)

    def _upload(self, ask: Ask) -> Answer:
        material, created = self._world.sessions.take_material(
            ask.fields.get("session_id"), ask.fields.get("material_id"), ask.media_type, ask.body, ask.device_id
        )
        fields = {"material_id": material.id, "digest": content_digest(ask.body), "material_size": material.size,
                  "sha256": hashlib.sha256(ask.body).hexdigest()}  # fmt: skip
        return Answer(fields, CREATED if created else SAME)

    def _content(self, ask: Ask) -> Answer:
        job = self._world.print_jobs.get(ask.fields.get("job_id"))
        if self._world.sessions.get(job.session_id).device != ask.device_id:
            raise Refused("not-found", "no such print job")
        return Answer({"job_id": job.id}, SAME, content=job.content, media_type="application/pdf")

    def _rate(self, ask: Ask) -> Answer:
        world = self._world
        row, relayed = world.ratings.submit(ask.fields)
        if relayed:
            world.records.log(row.ticket_id, "rated", world.now(), row.session_id)
            world.records.seal(row.ticket_id, world.now())
        return Answer({"rating_id": row.id, "accepted": True}, CREATED if relayed else SAME)

    def _heartbeat(self, ask: Ask) -> Answer:
        self._world.status[ask.device_id] = dict(ask.fields)
        return Answer({"server_time": self._time()})

    def _report(self, ask: Ask) -> Answer:
        key = (ask.device_id, str(ask.fields.get("event_id", len(self._world.reports))))
        if key not in self._world.reports:
            self._world.reports.add(key)
            if "command_id" in ask.fields:
                self._settle_command(ask.fields)
        return Answer({"accepted": True})

    def _settle_command(self, fields: Mapping[str, Any]) -> None:
        command = fields.get("command_id")
        ended = str(fields.get("event_type", "")).rsplit(".", 1)[-1]
        for session in self._world.sessions.rows.values():
            if command in session.commands:
                session.commands[str(command)] = ended
