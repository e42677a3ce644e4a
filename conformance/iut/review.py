"""Static review: do the declarations agree with the pack and with themselves, before any traffic (ISO/IEC 9646-5)?

A fatal problem stops a run before its first case (usage or configuration, never a failure of the device).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.iut.device_file import DeviceFile, DeviceFileError
from conformance.spec.condition import holds
from conformance.spec.model import PicsItem, PixitItem, Place, Spec, Text, Verification
from conformance.spec.problems import suggestion

FLOOR_VERBS: Final = ("hello", "card", "scan", "document", "press")  # every upper tester has them
SECRET: Final = ("secret", "key")  # codes of problems without whose remedy nothing may be recorded or signed
DEVICE_KEY: Final = "pixit.device_key"  # where a pack has the key with which the device signs, if it asks for it
CITY_KEY: Final = "pixit.city_key"  # and the one with which the acceptance system signs its calls to the device
_KEY_BYTES: Final = 16
_HEX: Final = re.compile("[0-9A-Fa-f]+")
_SECRET_CHARS: Final = 8  # a shorter secret would be masked wherever chance repeats it


@dataclass(frozen=True, slots=True)
class ReviewProblem:
    """One disagreement. `fatal` stops the run; the rest is printed with the declarations."""

    code: str
    item: str
    place: Place
    text: Text
    fatal: bool = True

    @property
    def line(self) -> Text:
        """Where and what, for people."""
        return Text(f"{self.place}: {self.text.zh}", f"{self.place}: {self.text.en}")


@dataclass(frozen=True, slots=True)
class Declared:
    """Declared values by item id, as rules and conditions ask for them, and the secrets among them."""

    pics: Mapping[str, Any] = field(default_factory=dict)
    pixit: Mapping[str, Any] = field(default_factory=dict)  # not the sensitive ones
    secrets: tuple[str, ...] = ()
    device_key: bytes | None = None  # the vendor's own, where the bench does not issue it
    city_key: bytes | None = None


_ABSENT: Final = object()


def declared(device: DeviceFile, spec: Spec) -> Declared:
    """What the device file says about every item of the pack, read where the pack says it stands."""
    pics = {i: value for i, item in spec.pics.items() if (value := _value(device, item)) is not _ABSENT}
    pixit = {i: value for i, item in spec.pixit.items() if (value := _value(device, item)) not in (_ABSENT, "")}
    secrets = tuple(str(value) for i, value in pixit.items() if spec.pixit[i].sensitive)
    open_ones = {i: v for i, v in pixit.items() if not spec.pixit[i].sensitive}
    keys = {spec.pixit[i].where: _key(v) for i, v in pixit.items() if spec.pixit[i].where in (DEVICE_KEY, CITY_KEY)}
    return Declared(pics, open_ones, secrets, keys.get(DEVICE_KEY), keys.get(CITY_KEY))


def _key(value: Any) -> bytes | None:
    """The key that a text stands for; None where it stands for none. A key in hex would pass for another one in base64."""
    try:
        key = base64.b64decode(value, validate=True) if isinstance(value, str) and not _HEX.fullmatch(value) else b""
    except ValueError:
        return None
    return key if len(key) >= _KEY_BYTES else None


def review(device: DeviceFile, spec: Spec) -> list[ReviewProblem]:
    """Every disagreement between a device file and a pack, in the order of the checks."""
    return [problem for check in _CHECKS for problem in check(device, spec)]


def review_beside(error: DeviceFileError, spec: Spec) -> list[ReviewProblem]:
    """What is wrong beside the form of a file that cannot be used: as far as it can be read, and not what is told already."""
    if error.readable is None:
        return []
    items: Mapping[str, PicsItem | PixitItem] = {**spec.pics, **spec.pixit}

    def told(problem: ReviewProblem) -> bool:
        where = items[problem.item].where if problem.item in items else problem.item
        leaf = where.rpartition(".")[2]
        return any(known.place == problem.place and leaf in known.text for known in error.problems)

    return [problem for problem in review(error.readable, spec) if not told(problem)]


def _value(device: DeviceFile, item: PicsItem | PixitItem) -> Any:
    section = device.pics if isinstance(item, PicsItem) else device.pixit
    return section[item.id] if item.id in section else _standing(device, item)


def _standing(device: DeviceFile, item: PicsItem | PixitItem) -> Any:
    """The value at the place that the pack names for the item."""
    head, _, rest = item.where.partition(".")
    if head in ("pics", "pixit"):
        table: Mapping[str, Any] = device.table.get(head, {})
        return table.get(rest, _ABSENT)
    value: Any = device.table
    for key in item.where.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return _ABSENT
        value = value[key]
    return value


def _place(device: DeviceFile, item: PicsItem | PixitItem) -> Place:
    section = "pics" if isinstance(item, PicsItem) else "pixit"
    if item.id in getattr(device, section):
        return device.place(section, item.id)
    head, _, rest = item.where.partition(".")
    return device.place(head, rest) if head in ("pics", "pixit") else device.place(*item.where.split("."))


def _missing(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    items: tuple[PicsItem | PixitItem, ...] = (*spec.pics.values(), *spec.pixit.values())
    for item in items:
        if item.required and _value(device, item) in (_ABSENT, ""):
            yield ReviewProblem("missing", item.id, _place(device, item), Text(
                f"缺少必填项 {item.id}（{item.title.zh}），应填于 {item.where}",
                f"required item {item.id} is missing ({item.title.en}); it stands at {item.where}",
            ))  # fmt: skip


def _unknown(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    for section, known in (("pics", spec.pics), ("pixit", spec.pixit)):
        items: Mapping[str, PicsItem | PixitItem] = known
        named = set(items) | {i.where.partition(".")[2] for i in items.values() if i.where.startswith(f"{section}.")}
        elsewhere = {i.where.rpartition(".")[2]: i.where for i in items.values() if not i.where.startswith(f"{section}.")}
        for key in getattr(device, section):
            if key not in named:
                at = elsewhere.get(key)
                hint = Text(f"应填于 {at}", f"it stands at {at}") if at else suggestion(key, named)
                yield ReviewProblem("unknown", key, device.place(section, key), Text(
                    f"规范没有 {section.upper()} 项 {key}（{hint.zh}）",
                    f"the pack has no {section.upper()} item {key}; {hint.en}",
                ))  # fmt: skip


def _values(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    for item in spec.pics.values():
        value = _value(device, item)
        if value is _ABSENT:
            continue
        wrong = _wrong_value(item, value)
        if wrong:
            yield ReviewProblem("value", item.id, _place(device, item), Text(
                f"{item.id} 的值 {value!r} 不合规定：应为 {wrong}", f"{item.id} is {value!r}; valid: {wrong}"
            ))  # fmt: skip


def _wrong_value(item: PicsItem, value: Any) -> str:
    """What would be valid; "" where the value is."""
    match item.type:
        case "bool":
            return "" if isinstance(value, bool) else "true, false"
        case "number":
            return "" if isinstance(value, int | float) and not isinstance(value, bool) else "a number"
        case "text":
            return "" if isinstance(value, str) and value else "a text"
        case "enum":
            return "" if value in item.values else ", ".join(item.values)
        case "set":
            inside = isinstance(value, list) and all(v in item.values for v in value) and len(set(value)) == len(value)
            return "" if inside else "a list, each once, of " + ", ".join(item.values)


def _twice(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    """An item stated under its id and where the pack says it stands must say the same; what stands in another table than
    those of the items is read there, so under its id alone it would be read by nobody."""
    items: tuple[PicsItem | PixitItem, ...] = (*spec.pics.values(), *spec.pixit.values())
    for item in items:
        section = "pics" if isinstance(item, PicsItem) else "pixit"
        head, _, rest = item.where.partition(".")
        stated: Mapping[str, Any] = getattr(device, section)
        if item.id not in stated or rest == item.id:
            continue
        said, there = stated[item.id], _standing(device, item)
        if there is _ABSENT and head != section:
            yield ReviewProblem("misplaced", item.id, _place(device, item), Text(
                f"{item.id} 须填于 {item.where}，写在 [{section}] 中不起作用",
                f"{item.id} stands at {item.where}; in [{section}] nobody reads it",
            ))  # fmt: skip
        elif there is not _ABSENT and there != said:
            told = (repr(said), repr(there)) if isinstance(item, PicsItem) or not item.sensitive else ("***", "***")
            yield ReviewProblem("contradiction", item.id, _place(device, item), Text(
                f"{item.id} 声明为 {told[0]}，而 {item.where} 为 {told[1]}",
                f"{item.id} is declared {told[0]}, and {item.where} is {told[1]}",
            ))  # fmt: skip


def _peripherals(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    pics = declared(device, spec).pics
    for peripheral in spec.peripherals.values():
        fitted = holds(peripheral.condition, pics)
        if peripheral.mandatory is not None and holds(peripheral.mandatory, pics) and not fitted:
            yield ReviewProblem("mandatory-peripheral", peripheral.id, device.place("pics"), Text(
                f"设备形态 {device.device_profile} 必须配备 {peripheral.title.zh}（{peripheral.id}），声明中没有",
                f"a device of the form {device.device_profile} must have {peripheral.id}; it is not declared",
            ))  # fmt: skip
        for item in spec.pics.values():
            listed = pics.get(item.id)
            if peripheral.condition is None or item.type != "set" or not isinstance(listed, list):
                continue
            if set(spec.peripherals) <= set(item.values) and (peripheral.id in listed) != fitted:
                yield ReviewProblem("contradiction", item.id, _place(device, item), Text(
                    f"{item.id} 与单项声明对 {peripheral.id} 的说法不一致",
                    f"{item.id} and the item of the class disagree about {peripheral.id}",
                ))  # fmt: skip


def _codecs(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    """At least one of what a media section demands (VP8 or H.264, RFC 7742), and all that it makes mandatory (RFC 7874)."""
    pics = declared(device, spec).pics
    told: set[tuple[str, str]] = set()
    for section in spec.media.get("sections", {}).values():
        one_of, every = section.get("mandatory_one_of", []), section.get("mandatory", [])
        for item in spec.pics.values():
            have = pics.get(item.id)
            if item.type != "set" or not isinstance(have, list):
                continue
            asked = bool(one_of) and set(one_of) <= set(item.values)
            lacks = [" / ".join(one_of)] if asked and not set(one_of) & set(have) else []
            lacks += [codec for codec in every if codec in item.values and codec not in have]
            for codec in lacks:
                if (item.id, codec) not in told:
                    told.add((item.id, codec))
                    yield ReviewProblem("codec", item.id, _place(device, item), Text(
                        f"{item.id} 未声明必需的编码：{codec}", f"{item.id} declares none of what is mandatory: {codec}"
                    ))  # fmt: skip


def _url(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    """A URL that is a device API must be known where the bench does not assign it, and be HTTPS."""
    del spec
    if device.driver.kind == "spawn" or device.url_role == "opaque":
        return
    if not device.remote_device_url:
        yield ReviewProblem("url", "remote_device_url", device.place("device"), Text(
            f"url_role 为 {device.url_role}，设备不由测试台启动，须填 device.remote_device_url",
            f"url_role is {device.url_role} and the bench does not start the device: device.remote_device_url is needed",
        ))  # fmt: skip
    elif device.url_role != "page" and not device.remote_device_url.startswith("https://"):
        yield ReviewProblem("url", "remote_device_url", device.place("device", "remote_device_url"), Text(
            "设备接口的地址须以 https:// 开头", "the address of a device API starts with https://"
        ))  # fmt: skip


def _upper_tester(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    del spec
    link = device.upper_tester
    if link.kind == "http" and device.driver.kind == "running" and not link.url:
        yield ReviewProblem("upper-tester", "url", device.place("upper_tester"), Text(
            "设备不由测试台启动，HTTP 上测试器须填 url",
            "the bench does not start the device: an HTTP upper tester needs its url",
        ))  # fmt: skip
    lacking = [verb for verb in FLOOR_VERBS if link.verbs and verb not in link.verbs]
    if lacking:
        yield ReviewProblem("upper-tester", "verbs", device.place("upper_tester", "verbs"), Text(
            f"上测试器缺少基本动作 {', '.join(lacking)}，将由测试员代行",
            f"the upper tester lacks {', '.join(lacking)}; the operator will be asked instead",
        ), fatal=False)  # fmt: skip


def _secrets(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    """Sensitive values must be long enough to be masked, and stand nowhere that is recorded in the open."""
    for item in spec.pixit.values():
        value = _value(device, item)
        if not item.sensitive or value in (_ABSENT, ""):
            continue
        if len(str(value)) < _SECRET_CHARS:
            yield ReviewProblem("secret", item.id, _place(device, item), Text(
                f"{item.id} 短于 {_SECRET_CHARS} 个字符，无法可靠遮蔽",
                f"{item.id} is shorter than {_SECRET_CHARS} characters and cannot be masked with certainty",
            ))  # fmt: skip
        elif str(value) in _open_texts(device, spec):
            yield ReviewProblem("secret", item.id, _place(device, item), Text(
                f"{item.id} 的值还出现在会被公开记录的位置", f"the value of {item.id} also stands where it would be recorded"
            ))  # fmt: skip


def _keys(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    """A key of the vendor's own must be one, and the two ways are signed with two keys."""
    found = []
    for item in spec.pixit.values():
        value = _value(device, item)
        if item.where not in (DEVICE_KEY, CITY_KEY) or value in (_ABSENT, ""):
            continue
        key = _key(value)
        if key is None:
            yield ReviewProblem("key", item.id, _place(device, item), Text(
                f"{item.id} 应为密钥的 base64 文本（不是十六进制），密钥至少 {_KEY_BYTES} 字节；由测试台签发时留空",
                f"{item.id} is a key of at least {_KEY_BYTES} bytes in base64 (not in hex), or empty where the bench issues it",
            ))  # fmt: skip
        elif key in found:
            yield ReviewProblem("key", item.id, _place(device, item), Text(
                f"{item.id} 与另一方向的密钥相同，两个方向须用不同的密钥",
                f"{item.id} is the key of the other direction, too; the two directions have different keys",
            ))  # fmt: skip
        else:
            found.append(key)


def _open_texts(device: DeviceFile, spec: Spec) -> str:
    """Everything of the device file that a run records as it is."""
    known = declared(device, spec)
    parts = [*map(str, device.table.get("device", {}).values()), *map(str, known.pics.values()),
             *map(str, known.pixit.values()), *device.driver.command, *device.upper_tester.command]  # fmt: skip
    return "\n".join(parts)


def _declarations(device: DeviceFile, spec: Spec) -> Iterator[ReviewProblem]:
    """What is declared must be an obligation that a document meets: what can be tested is not settled by a statement."""
    known = [o for clause in spec.clauses.values() for o in clause.obligations]
    documents = {o.id for o in known if o.verification is Verification.DOCUMENT and o.rule is None}
    for oid in device.declarations:
        if oid not in documents:
            tested = any(o.id == oid for o in known)
            near = suggestion(oid, documents)
            why = Text("该义务由测试判定，不能声明", "it is tested and cannot be declared") if tested else Text(
                f"规范没有这项义务；{near.zh}", f"the pack has no such obligation; {near.en}"
            )  # fmt: skip
            yield ReviewProblem("declaration", oid, device.place("declarations", oid), Text(
                f"声明 {oid} 无效：{why.zh}", f"declaration {oid}: {why.en}"
            ))  # fmt: skip


_CHECKS: Final[tuple[Callable[[DeviceFile, Spec], Iterator[ReviewProblem]], ...]] = (
    _missing, _unknown, _values, _twice, _peripherals, _codecs, _url, _upper_tester, _secrets, _keys, _declarations,
)  # fmt: skip
