"""TLS on the device's side of a connection."""

from __future__ import annotations

import ssl

from mocks.devices.reference.part import Part

__all__ = ["CARELESS", "Trust"]

CARELESS = frozenset({"SEC-002-wrong-host-accepted", "SEC-003-expired-accepted", "SEC-004-any-ca-accepted"})
"""Defects that bend the trust in certificates. A network in memory has no TLS and must be told."""


class Trust(Part):
    """Whom the device believes: this CA and no other, names checked, TLS 1.2 or newer."""

    def context(self) -> ssl.SSLContext:
        """TLS of everything that the device opens."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(cadata=self.d.settings.ca_pem)
        context.set_alpn_protocols(["http/1.1"])
        self.bend(context)
        return context

    def for_requests(self) -> ssl.SSLContext | None:
        """TLS of HTTP requests where it is not that of the connections that stay: here it is."""
        return None

    def bend(self, context: ssl.SSLContext) -> None:
        """Nothing is relaxed."""

    def pongs(self) -> bool:
        """Whether pings are answered (RFC 6455 section 5.5.2): always."""
        return True
