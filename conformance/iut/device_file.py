"""The device file: what the vendor declares (PICS), what the lab must know (PIXIT), how the device is reached.

TOML, held against `specs/meta/device.schema.json`; `extends` names a file whose tables it refines. All problems are told
at once, with file and line. Whether the declarations agree with a pack is `review`'s question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from conformance.iut._toml import Keys, place_of, read_toml
from conformance.iut.wording import in_both
from conformance.spec import _meta
from conformance.spec.model import Place, Text
from conformance.spec.problems import PackError, Problem, Problems

# `devices` lies beside the import packages, in the source tree and where a wheel installs them alike
SHIPPED: Final = Path(__file__).resolve().parents[2] / "devices"
_LEAST: Final[Mapping[str, Mapping[str, Any]]] = {
    "device": {
        **dict.fromkeys(("name", "vendor", "model", "firmware", "serial", "remote_device_id", "device_profile"), ""),
        "url_role": "opaque",
    },
    "pics": {}, "driver": {"kind": "spawn"}, "upper_tester": {"kind": "operator"},
}  # fmt: skip
_DEPTH: Final = 8  # files that may extend one another


class DeviceFileError(PackError):
    """A device file that cannot be used; `problems` holds all that is wrong with its form, `readable` what can be read of it
    all the same, None where that is nothing."""

    def __init__(self, problems: Iterable[Problem], what: str, readable: DeviceFile | None = None) -> None:
        super().__init__(problems, what)
        self.readable = readable
        number = len(self.problems)
        head = Text(f"{what}: 有 {number} 处问题", f"{what}: {number} problem(s)")
        self.lines: Sequence[Text] = (head, *map(in_both, self.problems))


class NoDeviceFile(DeviceFileError):
    """There is no such file."""

    def __init__(self, file: Path) -> None:
        known = ", ".join(shipped())
        super().__init__([Problem(Place(str(file), 1), "cannot be read: there is no such file", f"shipped: {known}")], str(file))
        self.lines = (Text(
            f"{file}: 找不到设备文件；自带的设备可以直接写名称：{known}",
            f"{file}: cannot be read: there is no such device file; shipped devices go by their names: {known}",
        ),)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Driver:
    """How the device comes to run: started by the bench (`spawn`), or already running somewhere (`running`)."""

    kind: Literal["spawn", "running"]
    command: tuple[str, ...] = ()
    contract: str = ""
    cwd: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    ready_timeout_s: float | None = None
    url: str = ""
    in_process: str = ""  # module:function for self-tests in memory; only devices written for it have one


@dataclass(frozen=True, slots=True)
class UpperTesterLink:
    """How the device is made to do things: over HTTP, by a command, or by a person."""

    kind: Literal["http", "command", "operator"] = "operator"
    url: str = ""
    command: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Defect:
    """A device that is wrong on purpose: which clauses it breaks, which may fall with them, what it needs to show."""

    id: str
    breaks: tuple[str, ...]
    may_break: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeviceFile:
    """A read device file. `table` is the merged TOML, `places` where each of its members stands."""

    name: str
    vendor: str
    model: str
    firmware: str
    serial: str
    remote_device_id: str
    url_role: str
    device_profile: str
    pics: Mapping[str, Any]
    pixit: Mapping[str, Any]
    driver: Driver
    upper_tester: UpperTesterLink
    path: Path
    remote_device_url: str = ""
    platform: str = ""  # the vendor's platform that the device needs, with its version
    logs: tuple[str, ...] = ()  # command that prints the device's own log
    hooks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bench: Mapping[str, Any] = field(default_factory=dict)
    declarations: Mapping[str, str] = field(default_factory=dict)  # obligation -> what the vendor declares about it
    defect: Defect | None = None
    table: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[Keys, Place] = field(default_factory=dict)

    def directory(self, cwd: str = ".") -> Path:
        """Where a command of this file is started: beside the file, unless `cwd` names a place relative to it.

        An empty `cwd` is where the bench itself was started: that is `[driver]` without one.
        """
        return self.path.parent / cwd if cwd else Path.cwd()

    def place(self, *keys: str) -> Place:
        """Where a member stands; the nearest enclosing table where it does not exist."""
        return place_of(dict(self.places), keys)


def shipped() -> dict[str, Path]:
    """The good devices that come with the bench: name to device file."""
    return {file.stem: file for file in sorted(SHIPPED.glob("*.toml"))}


def find_device(ref: str | Path) -> Path:
    """A device file by its path, or one that is shipped by its name (`reference`, `devices/reference.toml`), so that it is
    found from every directory. A file that is there comes first; the path as it is where there is neither."""
    path = Path(ref)
    if path.is_file():
        return path
    by_name = path.parts == (path.name,) and not path.suffix
    by_path = path.parts == (SHIPPED.name, path.name) and path.suffix == ".toml"
    return shipped().get(path.stem, path) if by_name or by_path else path


def load_device(ref: str | Path) -> DeviceFile:
    """Read and check a device file, by its path or by the name of a shipped one. Raises DeviceFileError with every problem."""
    file = find_device(ref)
    if not file.exists():
        raise NoDeviceFile(file)
    problems = Problems()
    merged = _merged(file, problems, ())
    if merged is None:
        raise DeviceFileError(problems.found, str(file))
    table, places = merged
    for section in ("pics", "pixit", "declarations"):
        if isinstance(table.get(section), dict):
            table[section] = _flat(table[section])
    wrong = list(_meta.explain("device", table))
    for keys, text, valid in wrong:
        problems.add(place_of(places, keys), text, valid)
    if wrong:
        sound = _sound(table, [keys for keys, _, _ in wrong])
        raise DeviceFileError(problems.found, str(file), replace(_built(file, _filled(sound), places), table=sound))
    return _built(file, table, places)


def _sound(table: Mapping[str, Any], wrong: Iterable[Keys]) -> dict[str, Any]:
    """The members of the file with which nothing is wrong, for a review of the rest; what it breaks on purpose is none of it."""
    members = {keys[:2] for keys in wrong if len(keys) > 1}
    return {
        section: {key: value for key, value in rows.items() if (section, key) not in members}
        for section, rows in table.items()
        if isinstance(rows, dict) and section != "defect"
    }


def _filled(sound: Mapping[str, Any]) -> dict[str, Any]:
    """With the least that a device file has; what stands for a member that is missing or wrong claims nothing."""
    return {**sound, **{section: {**least, **sound.get(section, {})} for section, least in _LEAST.items()}}


def _merged(file: Path, problems: Problems, above: tuple[Path, ...]) -> tuple[dict[str, Any], dict[Keys, Place]] | None:
    """The file over what it extends: tables are merged, everything else is replaced."""
    read = read_toml(file, problems)
    if read is None:
        return None
    table, places = read
    base = table.pop("extends", None)
    if base is None:
        return table, places
    at = place_of(places, ("extends",))
    if not isinstance(base, str):
        problems.add(at, "extends: names one file, relative to this one")
        return None
    target = (file.parent / base).resolve()
    if target in above or target == file.resolve() or len(above) >= _DEPTH:
        problems.add(at, f"extends: {base!r} runs in a circle")
        return None
    if not target.is_file():
        problems.add(at, f"extends: {base!r} does not exist", "a file relative to this one")
        return None
    below = _merged(target, problems, (*above, file.resolve()))
    return None if below is None else (_over(below[0], table), {**below[1], **places})


def _over(base: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in table.items():
        old = out.get(key)
        out[key] = _over(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return out


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`RVW.DEV.PROFILE = 1` without quotes is a nest of tables in TOML; here it is the item of that name."""
    out: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            out.update(_flat(value, f"{prefix}{key}."))
        else:
            out[prefix + key] = value
    return out


def _built(file: Path, table: dict[str, Any], places: dict[Keys, Place]) -> DeviceFile:
    device, driver, upper = table["device"], table["driver"], table.get("upper_tester", {"kind": "operator"})
    iut = table.get("iut", {})
    return DeviceFile(
        name=device["name"], vendor=device["vendor"], model=device["model"], firmware=device["firmware"],
        serial=device["serial"], remote_device_id=device["remote_device_id"], url_role=device["url_role"],
        device_profile=device["device_profile"], pics=table["pics"], pixit=table.get("pixit", {}),
        driver=Driver(
            kind=driver["kind"], command=tuple(driver.get("command", ())), contract=driver.get("contract", ""),
            cwd=driver.get("cwd", ""), env=driver.get("env", {}), ready_timeout_s=driver.get("ready_timeout_s"),
            url=driver.get("url", ""), in_process=driver.get("in_process", ""),
        ),
        upper_tester=UpperTesterLink(
            kind=upper["kind"], url=upper.get("url", ""), command=tuple(upper.get("command", ())),
            verbs=tuple(upper.get("verbs", ())),
        ),
        path=file, remote_device_url=device.get("remote_device_url", ""), platform=device.get("platform", ""),
        logs=tuple(iut.get("logs", {}).get("command", ())),
        hooks={name: tuple(command) for name, command in iut.get("hooks", {}).items()}, bench=table.get("bench", {}),
        declarations=table.get("declarations", {}),
        defect=_defect(table["defect"]) if "defect" in table else None, table=table, places=places,
    )  # fmt: skip


def _defect(v: Mapping[str, Any]) -> Defect:
    needs = v.get("needs", ())
    return Defect(
        v["id"], tuple(v["breaks"]), tuple(v.get("may_break", ())), (needs,) if isinstance(needs, str) else tuple(needs)
    )
