"""Device files: reading, extending, telling every problem with its line; static review against the tiny pack."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conformance.bench.sockets import fixed_tester
from conformance.iut._toml import _HEADER, _MEMBER
from conformance.iut.device_file import DeviceFile, DeviceFileError, load_device
from conformance.iut.operator import OperatorUpperTester
from conformance.iut.review import declared, review, review_beside
from conformance.spec import _meta, loader
from conformance.spec.model import Spec

TINY = Path(__file__).parents[1] / "packs" / "tiny" / "1.0"

GOOD = """\
[device]
name = "延伸点一号"
vendor = "示例厂商"
model = "VW-1"
firmware = "1.2.3"
serial = "SN1"
remote_device_id = "310101-001"
url_role = "device_api"
device_profile = "integrated_terminal"

[pics]
"TINY.LAMP" = true
"TINY.CLASSES" = ["lamp"]
"TINY.CODECS" = ["VP8", "opus"]

[pixit]
key = "a-long-secret-key"

[driver]
kind = "spawn"
command = ["python", "-m", "device", "--seed=1"]
contract = "rvw-spawn/1"

[upper_tester]
kind = "http"

[iut.logs]
command = ["cat", "device.log"]
"""


@pytest.fixture(scope="module")
def tiny() -> Spec:
    return loader.load(TINY)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "device.toml"
    path.write_text(GOOD, "utf-8")
    return path


def load(file: Path, *edits: tuple[str, str]) -> DeviceFile:
    text = file.read_text("utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, "utf-8")
    return load_device(file)


def told(file: Path, *edits: tuple[str, str]) -> list[str]:
    """Problems of a device file as `line: text`."""
    with pytest.raises(DeviceFileError) as caught:
        load(file, *edits)
    return [str(p).removeprefix(f"{file}:") for p in caught.value.problems]


def test_a_good_file(file: Path) -> None:
    device = load(file)
    assert (device.name, device.url_role, device.path) == ("延伸点一号", "device_api", file)
    assert device.pics["TINY.LAMP"] is True
    assert (device.driver.kind, device.driver.contract) == ("spawn", "rvw-spawn/1")
    assert device.driver.command[-1] == "--seed=1"
    assert (device.upper_tester.kind, device.upper_tester.url) == ("http", "")
    assert device.logs == ("cat", "device.log")
    assert device.defect is None
    assert device.place("pics", "TINY.LAMP").line == 12


def beside(file: Path, tiny: Spec, *edits: tuple[str, str]) -> list[tuple[str, str]]:
    """What the review tells of a file whose form is wrong."""
    with pytest.raises(DeviceFileError) as caught:
        load(file, *edits)
    return [(problem.code, problem.item) for problem in review_beside(caught.value, tiny)]


def test_declarations_are_reviewed_where_the_form_is_wrong_too(file: Path, tiny: Spec) -> None:
    wrong_form = ('serial = "SN1"', "serial = 5")
    assert beside(file, tiny, wrong_form) == []
    assert beside(file, tiny, ("serial = 5", "serial = 6"), ('"TINY.LAMP" = true', '"TINY.LAMP" = 1\n"TINY.LAMB" = true')) == [
        ("unknown", "TINY.LAMB"), ("value", "TINY.LAMP"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "edit",
    [
        ('kind = "spawn"', 'kind = "spwan"'), ('command = ["python", "-m", "device", "--seed=1"]', "command = 3"),
        ('name = "延伸点一号"', ""), ('url_role = "device_api"', "url_role = 1"), ('kind = "http"', "kind = 7"),
        ('command = ["cat", "device.log"]', "command = [1]"), ("[driver]", "[rider]"),
        ("[driver]", "[defect]\nid = 4\n[driver]"), ('device_profile = "integrated_terminal"', "device_profile = []"),
    ],
)  # fmt: skip
def test_a_wrong_form_is_told_once_and_no_review_stumbles_over_it(file: Path, tiny: Spec, edit: tuple[str, str]) -> None:
    assert beside(file, tiny, edit) == []


def test_a_file_that_cannot_be_read_has_nothing_to_review(file: Path, tiny: Spec) -> None:
    assert beside(file, tiny, ("[device]", "[device")) == []


def test_commands_are_started_beside_the_file(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = load(file, ('kind = "http"', 'kind = "command"\ncommand = ["{python}", "tester.py"]'))
    hello = '{"id": "hello", "ok": true, "result": {"verbs": ["card"]}}'
    (file.parent / "tester.py").write_text(f"input(); print({hello!r}, flush=True); input()", "utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    async def verbs() -> frozenset[str]:
        tester = fixed_tester(device, OperatorUpperTester(lambda _: None))
        try:
            return await tester.verbs()
        finally:
            await tester.close()

    assert asyncio.run(verbs()) == {"card"}
    assert (device.directory(), device.directory("device")) == (file.parent, file.parent / "device")
    assert device.directory("") == Path.cwd(), "a driver that names no cwd is started where the bench is"


def test_items_without_quotes_are_the_same_items(file: Path) -> None:
    assert load(file, ('"TINY.LAMP" = true', "TINY.LAMP = true")).pics["TINY.LAMP"] is True


def test_extends_refines_tables_and_keeps_the_rest(file: Path) -> None:
    defect = file.parent / "broken" / "deaf.toml"
    defect.parent.mkdir()
    defect.write_text(
        'extends = "../device.toml"\n[device]\nname = "deaf"\n[pics]\n"TINY.LAMP" = false\n'
        '[defect]\nid = "deaf"\nbreaks = ["CLK-001"]\nneeds = "memory"\n',
        "utf-8",
    )
    device = load_device(defect)
    assert (device.name, device.vendor) == ("deaf", "示例厂商")
    assert device.pics == {"TINY.LAMP": False, "TINY.CLASSES": ["lamp"], "TINY.CODECS": ["VP8", "opus"]}
    assert device.defect is not None
    assert (device.defect.breaks, device.defect.needs) == (("CLK-001",), ("memory",))
    assert device.place("pics", "TINY.LAMP").file == str(defect)
    assert device.place("device", "vendor").file == str(file)


def test_extends_in_a_circle_and_to_nowhere(file: Path) -> None:
    assert told(file, ("[device]", 'extends = "device.toml"\n[device]')) == ["1: extends: 'device.toml' runs in a circle"]
    assert told(file, ("device.toml", "no.toml")) == [
        "1: extends: 'no.toml' does not exist (a file relative to this one)"
    ]


def test_every_problem_with_its_line(file: Path) -> None:
    problems = told(
        file,
        ('vendor = "示例厂商"\n', ""),
        ('url_role = "device_api"', 'url_role = "devise_api"'),
        ('contract = "rvw-spawn/1"\n', ""),
        ('kind = "http"', 'kind = "http"\nurrl = "https://x"'),
    )
    assert problems == [
        "1: device: member 'vendor' is missing",
        "7: url_role: 'devise_api' is not allowed (did you mean 'device_api'?)",
        "18: driver: member 'contract' is missing",
        "24: upper_tester: unknown member 'urrl' (did you mean 'url'?)",
    ]


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ("firmware = 2026-01-15", '5: firmware: 2026-01-15 is a date or a time (as a text it stands in quotes: "2026'),
        ("firmware = [{ at = 07:32:00 }]", "5: at: 07:32:00 is a date or a time"),
        (f"firmware = {'9' * 5000}", "5: a number with too many digits"),
        (f"firmware = 0x{'f' * 5000}", "5: firmware: a number over 64 bits"),
        (f"firmware = {'[' * 5000}{']' * 5000}", "1: values lie too deep in one another (at most 32 deep)"),
        (f"firmware = {'[' * 40}{']' * 40}", "5: firmware: values lie too deep in one another (at most 32 deep)"),
        (f"firmware{'.a' * 5000} = 1", "5: firmware: values lie too deep in one another (at most 32 deep)"),
        ('firmware = "1\\u0000"', "5: firmware: a NUL character"),
        ('firmware = { "1\\u0000" = 1 }', "5: firmware: a NUL character in a name"),
    ],
    ids=["date", "time", "digits", "hex", "array", "inner-array", "dotted", "nul", "nul-name"],
)
def test_values_that_nobody_can_use_are_told_with_their_line(file: Path, new: str, told: str) -> None:
    file.write_text(GOOD.replace('firmware = "1.2.3"', new), "utf-8")
    with pytest.raises(DeviceFileError) as caught:
        load_device(file)
    (line,) = [line.strip() for line in str(caught.value).splitlines()[1:]]
    assert line.startswith(f"{file}:{told}"), line


def test_a_nul_in_the_name_of_what_a_file_extends(file: Path) -> None:
    file.write_text('extends = "a\\u0000b.toml"\n', "utf-8")
    with pytest.raises(DeviceFileError, match=r":1: extends: a NUL character"):
        load_device(file)


@pytest.mark.parametrize("text", [" " * 100_000, f"[{' ' * 100_000}", "a " * 50_000, "[['" * 30_000, '["' * 30_000], ids="abcde")
def test_a_long_line_takes_no_longer_than_its_length(text: str) -> None:
    assert _HEADER.fullmatch(text) is None
    assert _MEMBER.match(text) is None


def test_lines_are_counted_as_toml_counts_them(file: Path) -> None:
    file.write_text(GOOD.replace("[device]", "# one\u2028line\n  [ device ]  # of it", 1), "utf-8")
    assert load_device(file).place("device", "firmware").line == 6


def test_not_toml_and_not_there(file: Path) -> None:
    assert told(file, ('model = "VW-1"', 'model = "VW-1'))[0].startswith("4: not TOML")
    with pytest.raises(DeviceFileError, match="cannot be read"):
        load_device(file.parent / "absent.toml")


# --- review


def codes(file: Path, spec: Spec, *edits: tuple[str, str]) -> list[tuple[str, str]]:
    return [(p.code, p.item) for p in review(load(file, *edits), spec)]


def test_a_consistent_device_has_no_problem(file: Path, tiny: Spec) -> None:
    assert review(load(file), tiny) == []


def test_declared_values_are_read_where_the_pack_says(file: Path, tiny: Spec) -> None:
    known = declared(load(file), tiny)
    assert known.pics["TINY.FORM"] == "integrated_terminal"  # stands at device.device_profile
    assert known.pixit == {"TINY.PIXIT.ID": "310101-001"}
    assert known.secrets == ("a-long-secret-key",)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([('remote_device_id = "310101-001"', 'remote_device_id = " "')], []),
        ([('"TINY.LAMP" = true', '"TINY.LAMPP" = true')], [("unknown", "TINY.LAMPP"), ("mandatory-peripheral", "lamp"),
                                                           ("contradiction", "TINY.CLASSES")]),
        ([('"TINY.LAMP" = true', '"TINY.LAMP" = "yes"')], [("value", "TINY.LAMP")]),
        ([('["lamp"]', '["lamp", "horn"]')], [("value", "TINY.CLASSES")]),
        ([('["lamp"]', "[]")], [("contradiction", "TINY.CLASSES")]),
        ([('"TINY.LAMP" = true', '"TINY.LAMP" = false'), ('["lamp"]', "[]")], [("mandatory-peripheral", "lamp")]),
        ([('["VP8", "opus"]', '["AV1", "opus"]')], [("codec", "TINY.CODECS")]),
        ([('["VP8", "opus"]', '["H264"]')], [("codec", "TINY.CODECS")]),
        ([("[pixit]", '[pixit]\nsite = "x"')], [("unknown", "site")]),
        ([("[pics]", '[pics]\n"TINY.FORM" = "retrofit"')], [("contradiction", "TINY.FORM")]),
        ([("a-long-secret-key", "short")], [("secret", "TINY.PIXIT.KEY")]),
        ([("--seed=1", "--key=a-long-secret-key")], [("secret", "TINY.PIXIT.KEY")]),
        ([('kind = "spawn"', 'kind = "running"')], [("url", "remote_device_url"), ("upper-tester", "url")]),
        ([('kind = "http"', 'kind = "operator"'), ('kind = "spawn"', 'kind = "running"'),
          ('url_role = "device_api"', 'url_role = "vendor_platform"\nremote_device_url = "http://platform"')],
         [("url", "remote_device_url")]),
        ([('kind = "http"', 'kind = "http"\nverbs = ["hello", "card", "scan", "press"]')], [("upper-tester", "verbs")]),
        ([("[pixit]", '[declarations]\n"AAA-999.a" = "see the manual"\n[pixit]')], [("declaration", "AAA-999.a")]),
    ],
)  # fmt: skip
def test_each_disagreement(
    file: Path, tiny: Spec, edits: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    assert codes(file, tiny, *edits) == expected


def test_what_the_device_table_holds_is_told_there_and_only_there(file: Path) -> None:
    pack = loader.load()
    own_tables = _meta.schema("device")["properties"]
    members = {name for table in ("device", "driver", "upper_tester") for name in own_tables[table]["properties"]}
    asked_again = [i.id for i in (*pack.pics.values(), *pack.pixit.values()) if i.where.startswith(("pics.", "pixit."))
                   and i.where.partition(".")[2] in members]  # fmt: skip
    assert asked_again == []
    device = load(file, ("[pixit]", '[pixit]\nremote_device_url = "https://device.example/device/v1"'))
    said = next(p for p in review(device, pack) if p.item == "remote_device_url")
    assert "应填于 device.remote_device_url" in said.text.zh
    assert "it stands at device.remote_device_url" in said.text.en


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([("[pixit]", '[pixit]\n"RVW.PIXIT.DEVICE_URL" = "https://a.example/v1"')], "misplaced"),
        ([("[pixit]", '[pixit]\n"RVW.PIXIT.DEVICE_URL" = "https://a.example/v1"'),
          ("url_role", 'remote_device_url = "https://b.example/v1"\nurl_role')], "contradiction"),
        ([("[pixit]", '[pixit]\n"RVW.PIXIT.DEVICE_URL" = "https://b.example/v1"'),
          ("url_role", 'remote_device_url = "https://b.example/v1"\nurl_role')], ""),
        ([("url_role", 'remote_device_url = "https://b.example/v1"\nurl_role')], ""),
    ],
)  # fmt: skip
def test_a_url_that_is_told_twice_is_told_alike(file: Path, edits: list[tuple[str, str]], expected: str) -> None:
    found = [p for p in review(load(file, *edits), loader.load()) if p.item == "RVW.PIXIT.DEVICE_URL"]
    assert [p.code for p in found] == ([expected] if expected else [])


def test_a_secret_that_is_told_twice_is_not_shown(file: Path, tiny: Spec) -> None:
    device = load(file, ("[pixit]", '[pixit]\n"TINY.PIXIT.KEY" = "another-long-secret"'))
    (problem,) = [p for p in review(device, tiny) if p.code == "contradiction"]
    assert "secret" not in problem.text.zh + problem.text.en


def test_required_items_are_asked_for_in_both_languages(file: Path, tiny: Spec) -> None:
    assert tiny.pics["TINY.FORM"].required
    base = load(file)
    bare = DeviceFile(**{**vars(base), "table": {k: v for k, v in base.table.items() if k != "device"}})
    missing = [p for p in review(bare, tiny) if p.code == "missing"]
    assert [p.item for p in missing] == ["TINY.FORM", "TINY.PIXIT.ID"]
    assert "缺少必填项 TINY.FORM" in missing[0].text.zh
    assert missing[0].fatal


def test_lacking_verbs_do_not_stop_a_run(file: Path, tiny: Spec) -> None:
    device = load(file, ('kind = "http"', 'kind = "http"\nverbs = ["hello"]'))
    assert [p.fatal for p in review(device, tiny)] == [False]


def test_a_mark_before_the_first_line_is_no_text(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_device(file).name == "延伸点一号"


@pytest.mark.parametrize(
    ("encoding", "zh", "en"),
    [
        ("gbk", "2: 不是 UTF-8 编码（第 17 字节）", "2: not UTF-8 (byte 17)"),
        ("utf-16", "1: 是 UTF-16 编码，不是 UTF-8", "1: UTF-16, and not UTF-8"),
    ],
)
def test_another_encoding_is_told_with_its_remedy(file: Path, encoding: str, zh: str, en: str) -> None:
    file.write_bytes(GOOD.encode(encoding))
    with pytest.raises(DeviceFileError) as told:
        load_device(file)
    line = told.value.lines[1]
    assert (line.zh, line.en) == (f"{file}:{zh}（请在编辑器中另存为 UTF-8）", f"{file}:{en} (save the file as UTF-8)")


def test_problems_are_told_in_chinese_too(file: Path) -> None:
    file.write_text(
        GOOD.replace('name = "延伸点一号"', "name = 3").replace("serial =", "serail =").replace('"device_api"', '"deviceapi"')
        .replace('"310101-001"', f'"{"A" * 500}"'), "utf-8",
    )  # fmt: skip
    with pytest.raises(DeviceFileError) as told:
        load_device(file)
    assert [line.zh.removeprefix(f"{file}") for line in told.value.lines] == [
        ": 有 5 处问题", ":1: device: 缺少 'serial'", ":2: name: 3 的类型不对（应为加引号的文字）",
        ":6: device: 没有 'serail' 这一项（是否应为 'serial'？）", f':7: remote_device_id: "{"A" * 56}... 超过 64 个字符',
        ":8: url_role: 不能是 'deviceapi'（是否应为 'device_api'？）",
    ]  # fmt: skip
