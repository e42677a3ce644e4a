"""A lab's lasting identity: CA, names, ports and device keys that stay the same from run to run (decision 21).

A directory with `lab.toml`, the CA and one key file a device. A device on a real table is set up once against it; the keys
are readable for their owner only (mode 0600 where the system has modes).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
import secrets
import socket
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from conformance.spec.model import Text
from conformance.spec.problems import Spoken
from mocks.acceptance.registry import DeviceIdentity
from mocks.pki import Leaf, RunCa, leaf_from

Trust = Literal["ca", "vendor", "pinned"]
LAB_FILE: Final = "lab.toml"
CA_AHEAD: Final = dt.timedelta(days=3650)
PORTS: Final = (8443, 8444)
_TRUST_TEXTS: Final = ("mode", "certificate", "key", "root")
_BENCH_TEXTS: Final = ("listen", "advertise", "device_host")


class LabError(Spoken):
    """A lab directory that cannot be made or used; the text says what, where and what to do."""


@dataclass(frozen=True)
class Lab:
    """A lab as read. `bench` is its [bench] table, `good` the certificate that it shows where that is a lasting one."""

    directory: Path
    name: str
    trust: Trust
    ca: RunCa
    good: Leaf | None
    root_pem: str  # what a device has to trust
    bench: Mapping[str, Any] = field(default_factory=dict)

    def identity(self, remote_device_id: str, url: str) -> DeviceIdentity:
        """The lasting keys of a device, made and kept when it is seen for the first time. Raises LabError."""
        path = self.key_file(remote_device_id)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            row = {
                "remote_device_id": remote_device_id, "keyid": f"dev-{remote_device_id}", "key_b64": _new_key(),
                "city_keyid": f"city-{remote_device_id}", "city_key_b64": _new_key(),
            }  # fmt: skip
            _write_secret(path, json.dumps(row, ensure_ascii=False, indent=2).encode() + b"\n")
        try:
            row = json.loads(path.read_text("utf-8"))
            return DeviceIdentity(
                str(row["remote_device_id"]), {str(row["keyid"]): base64.b64decode(row["key_b64"], validate=True)},
                str(row["city_keyid"]), base64.b64decode(row["city_key_b64"], validate=True), url,
            )  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LabError(Text(
                f"{path}: 不是设备的密钥文件（{error}）；移走它，会生成新的",
                f"{path}: no key file of a device ({error}); move it away and a new one is made",
            )) from error  # fmt: skip

    def key_file(self, remote_device_id: str) -> Path:
        """Where the keys of a device lie."""
        return self.directory / "devices" / f"{hashlib.sha256(remote_device_id.encode()).hexdigest()[:16]}.json"


def init_lab(
    directory: Path, *, advertise: str, listen: str, ports: Sequence[int], trust: Trust, certificate: Path | None = None,
    key: Path | None = None, root: Path | None = None,
) -> Lab:  # fmt: skip
    """Make a lab in an empty directory. Raises LabError."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise LabError(Text(
            f"{directory} 不是空目录；实验室的身份从不覆盖：请另选目录",
            f"{directory} is not empty; a lab's identity is never overwritten: name another directory",
        ))  # fmt: skip
    if (trust == "vendor") != (certificate is not None and key is not None):
        raise LabError(Text(
            "--trust vendor 须同时给出 --certificate 文件和 --key 文件（PEM）；其他方式两者都不要",
            "--trust vendor takes --certificate FILE and --key FILE (PEM); the other modes take neither",
        ))  # fmt: skip
    shown = {"certificate": certificate, "key": key, "root": root} if trust == "vendor" else {}
    named = {what: str(path.resolve()) for what, path in shown.items() if path is not None}
    if named:  # before anything is written: a lab that is half made could not be made again at the same place
        read_leaf(directory, named)
        if root is not None:
            read_root(root)
    directory.mkdir(parents=True, exist_ok=True)
    authority = RunCa(f"RVW lab {directory.name}"[:60], ahead=CA_AHEAD)
    (directory / "ca.pem").write_text(authority.pem, encoding="ascii")
    _write_secret(directory / "ca.key", authority.key_pem)
    lines = ["[lab]", f"name = {json.dumps(directory.name, ensure_ascii=False)}",
             f'created = "{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"', "", "[bench]", f"listen = {json.dumps(listen)}",
             f"advertise = {json.dumps(advertise)}", f"ports = [{', '.join(map(str, ports))}]", "", "[trust]",
             f"mode = {json.dumps(trust)}"]  # fmt: skip
    lines += [f"{what} = {json.dumps(path)}" for what, path in named.items()]
    if trust == "pinned":
        leaf = authority.leaf([advertise, "localhost"])
        (directory / "server.pem").write_bytes(leaf.chain)
        _write_secret(directory / "server.key", leaf.key)
        lines += ['certificate = "server.pem"', 'key = "server.key"']
    (directory / LAB_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load_lab(directory)


def load_lab(directory: Path) -> Lab:
    """Read a lab. Raises LabError with place and remedy."""
    file = directory / LAB_FILE
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise LabError(Text(
            f"{file}: {error.strerror}；请用 rvw lab init {directory} 建立实验室",
            f"{file}: {error.strerror}; make a lab with `rvw lab init {directory}`",
        )) from error  # fmt: skip
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number without end, values too deep
        raise LabError(Text(f"{file}: 不是 TOML 文件：{error}", f"{file}: not TOML: {error}")) from error
    trust, bench = _texts(file, table, "trust", _TRUST_TEXTS), _texts(file, table, "bench", _BENCH_TEXTS)
    _listed(file, bench, "ports", int, Text(
        "两个数，HTTP 和 WebSocket，如 [8443, 8444]", "two numbers, HTTP and WebSocket, such as [8443, 8444]"
    ))  # fmt: skip
    _listed(file, bench, "names", str, Text(
        '证书中其他名称的列表，如 ["bench.lab"]', 'a list of further names in the certificate, such as ["bench.lab"]'
    ))  # fmt: skip
    mode = trust.get("mode", "ca")
    if mode not in ("ca", "vendor", "pinned"):
        raise LabError(Text(
            f"{file}: trust.mode 只能是 ca、vendor 或 pinned，不能是 {mode!r}",
            f"{file}: trust.mode is ca, vendor or pinned, not {mode!r}",
        ))  # fmt: skip
    authority = _authority(directory)
    good = read_leaf(directory, trust) if mode != "ca" else None
    root = authority.pem
    if mode == "vendor" and good is not None:
        root = read_root(directory / trust["root"]) if "root" in trust else good.chain.decode("ascii", "replace")
    name = _texts(file, table, "lab", ("name",)).get("name", directory.name)
    return Lab(directory, name, mode, authority, good, root, bench)


def _texts(file: Path, table: Mapping[str, Any], name: str, keys: Sequence[str]) -> Mapping[str, Any]:
    """One table of lab.toml, its texts checked to be texts. Raises LabError."""
    part = table.get(name, {})
    if not isinstance(part, dict):
        raise LabError(Text(
            f"{file}: {name} 应为表 [{name}]，不能是 {part!r}", f"{file}: {name} is a table, [{name}], not {part!r}"
        ))  # fmt: skip
    for key in keys:
        if not isinstance(part.get(key, ""), str):
            told = f"{file}: [{name}] {key}"
            raise LabError(Text(f"{told} 应为文本，不能是 {part[key]!r}", f"{told} is a text, not {part[key]!r}"))
    return part


def _listed(file: Path, bench: Mapping[str, Any], key: str, kind: type, told: Text) -> None:
    value = bench.get(key, [])
    if not (isinstance(value, list) and all(type(one) is kind for one in value)):
        raise LabError(Text(
            f"{file}: [bench] {key} 应为{told.zh}；不能是 {value!r}", f"{file}: [bench] {key} is {told.en}; not {value!r}"
        ))  # fmt: skip


def _authority(directory: Path) -> RunCa:
    try:
        return RunCa.kept((directory / "ca.pem").read_bytes(), (directory / "ca.key").read_bytes())
    except OSError as error:
        told = f"{error.filename}: {error.strerror}"
        raise LabError(Text(f"{told}；实验室目录不完整，请新建一个", f"{told}; the lab is not whole, make a new one")) from error
    except ValueError as error:
        file, why = directory / "ca.pem", _first_line(error)
        raise LabError(Text(f"{file}: 不是带私钥的根证书：{why}", f"{file}: no CA with its key: {why}")) from error


def read_leaf(base: Path, table: Mapping[str, Any]) -> Leaf:
    """A certificate with its key as a table names them (`certificate`, `key`, relative to `base`). Raises LabError."""
    try:
        certificate, key = base / str(table["certificate"]), base / str(table["key"])
        return leaf_from(certificate.read_bytes(), key.read_bytes())
    except KeyError as error:
        raise LabError(Text(
            f"{base}: 自备证书须同时写 certificate 和 key；缺少 {error}",
            f"{base}: a certificate of its own needs `certificate` and `key`; {error} is missing",
        )) from error  # fmt: skip
    except OSError as error:
        told = f"{error.filename}: {error.strerror}"
        raise LabError(Text(f"{told}；请指定 PEM 文件", f"{told}; name a PEM file")) from error
    except (ValueError, IndexError) as error:
        file, why = table["certificate"], _first_line(error)
        raise LabError(Text(
            f"{file}: 不是带私钥的 PEM 证书：{why}", f"{file}: no PEM certificate with its key: {why}"
        )) from error  # fmt: skip


def read_root(path: Path) -> str:
    """A root certificate as PEM text. Raises LabError where the file is none."""
    from cryptography import x509  # only where somebody names a file

    try:
        text = path.read_bytes()
        if not x509.load_pem_x509_certificates(text):
            raise ValueError("no certificate in it")
        return text.decode("ascii")
    except OSError as error:
        told = f"{path}: {error.strerror}"
        raise LabError(Text(
            f"{told}；请指定含根证书的 PEM 文件", f"{told}; name a PEM file with the root certificate"
        )) from error  # fmt: skip
    except ValueError as error:
        why = _first_line(error)
        raise LabError(Text(f"{path}: 不是 PEM 证书：{why}", f"{path}: no PEM certificate: {why}")) from error


def own_address() -> str:
    """The address that this machine would be reached at; loopback where it has no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: nothing is sent, the system only picks a way out
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _write_secret(path: Path, data: bytes) -> None:
    """A file that only its owner reads, from its first byte on."""
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
