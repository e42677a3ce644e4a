"""Certificates of one run: a CA of its own, leafs that are right, and leafs that are wrong in exactly one way."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Well back, so that a device whose clock is a year late still connects (decision 21); the whole life stays under the
# 825 days that Apple's clients ask of any leaf.
BACK: Final = timedelta(days=400)
AHEAD: Final = timedelta(days=400)
WRONG_HOST: Final = "wrong-host.invalid"  # RFC 6761: never resolves


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate with its key, both PEM. `chain` is what a server sends."""

    chain: bytes
    key: bytes


class RunCa:
    """A certificate authority for one run (or one lab). P-256 throughout."""

    def __init__(
        self, common_name: str = "RVW run CA", now: datetime | None = None, *, ahead: timedelta = AHEAD,
        kept: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None,
    ) -> None:  # fmt: skip
        self._now = now or datetime.now(UTC)
        if kept is not None:
            self._cert, self._key = kept
            self._name = self._cert.subject
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = (
            x509.CertificateBuilder().subject_name(self._name).issuer_name(self._name)
            .public_key(self._key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(self._now - BACK).not_valid_after(self._now + ahead)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_ca_usage(), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        )  # fmt: skip
        self._cert = builder.sign(self._key, hashes.SHA256())

    @classmethod
    def kept(cls, certificate: bytes, key: bytes) -> RunCa:
        """A lasting authority from its two PEM files. Raises ValueError where they are none, or do not belong together."""
        cert = x509.load_pem_x509_certificate(certificate)
        private = serialization.load_pem_private_key(key, password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.public_key() != cert.public_key():
            raise ValueError("the key does not belong to the certificate")
        return cls(kept=(cert, private))

    @property
    def key_pem(self) -> bytes:
        """The private key, for a lab that keeps it."""
        return _key_pem(self._key)

    @property
    def pem(self) -> str:
        """The root certificate, as devices get it."""
        return self._cert.public_bytes(serialization.Encoding.PEM).decode("ascii")

    def leaf(self, hosts: Sequence[str], *, expired: bool = False) -> Leaf:
        """A server certificate for names and IP addresses; an expired one ended yesterday."""
        key = ec.generate_private_key(ec.SECP256R1())
        end = self._now - timedelta(days=1) if expired else self._now + AHEAD
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0][:64])]))
            .issuer_name(self._name).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(self._now - BACK).not_valid_after(end)
            .add_extension(x509.SubjectAlternativeName([_general_name(h) for h in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )  # fmt: skip
        cert = builder.sign(self._key, hashes.SHA256())
        return Leaf(
            cert.public_bytes(serialization.Encoding.PEM),
            _key_pem(key),
        )


def leaf_from(chain: bytes, key: bytes) -> Leaf:
    """A server certificate that somebody else made. Raises ValueError where the files are none, or do not fit."""
    first = x509.load_pem_x509_certificates(chain)[0]
    private = serialization.load_pem_private_key(key, password=None)
    if private.public_key() != first.public_key():
        raise ValueError("the key does not belong to the certificate")
    return Leaf(chain, key)


def fingerprint(chain: bytes) -> str:
    """SHA-256 of the first certificate of a chain, as browsers and devices show it."""
    return x509.load_pem_x509_certificates(chain)[0].fingerprint(hashes.SHA256()).hex(":").upper()


def presentations(ca: RunCa, hosts: Sequence[str], good: Leaf | None = None) -> dict[str, Leaf]:
    """What a listener can show, by kind (see `mocks.faults.PRESENTATIONS`): each wrong one is wrong in one way only.

    `good` is a lasting or a vendor's own certificate instead of a fresh one; with a vendor's own the wrong ones come from an
    authority that the device does not know either.
    """
    good = good or ca.leaf(hosts)
    return {
        "good": good,
        "wrong_host": ca.leaf([WRONG_HOST]),
        "expired": ca.leaf(hosts, expired=True),
        "unknown_ca": RunCa("RVW unknown CA").leaf(hosts),
        "tls11": good,  # a good certificate at a version that RFC 8996 forbids
    }


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _ca_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
