"""What was expected and seen reads as Chinese on the Chinese side, and what a device said stays as it said it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conformance.bench.memorylab import MemoryLab
from conformance.bench.plan import Selection
from conformance.iut.device_file import load_device
from reports.occasions import in_words

REFERENCE = Path(__file__).resolve().parents[2] / "devices" / "reference.toml"


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("*:result from iut within 480 ms (T-ACK told as 480 ms)",
         "设备发出的应答，应在 480 毫秒内（设备被告知的 T-ACK 为 480 毫秒）"),
        ("peripheral.report:request from iut (/params/type = x.failed, /params/code in [-1, -2]) not before 706 ms",
         "设备发出的 peripheral.report 请求（/params/type = x.failed, /params/code 属于 [-1, -2]），不得早于 706 毫秒"),
        ("never heartbeat:request from iut (/params/peripherals any /id same as /params/subject of the pair)",
         "不得出现设备发出的 heartbeat 请求（/params/peripherals 至少一项 /id 与对应报文的 /params/subject 相同）"),
        ("never heartbeat:request from iut (/params/device_time more than 7 s from reply./result/server_time)",
         "不得出现设备发出的 heartbeat 请求（/params/device_time 与 reply./result/server_time 相差超过 7 秒）"),
        ("gap 169 ms..900 ms (T-BACKOFF told as 150 ms) (T-BACKOFF-CAP told as 600 ms)",
         "间隔 169 至 900 毫秒（设备被告知的 T-BACKOFF 为 150 毫秒）（设备被告知的 T-BACKOFF-CAP 为 600 毫秒）"),
        ('/ required: "state" is a required property; /a/0 enum: "x" is not one of "y" or "z"',
         '/ 缺少必有成员 state；/a/0 只能取 "y" or "z"，不能是 "x"'),
        ("call.answer:request only in ringing|invited", "call.answer 请求只能出现在状态 ringing|invited 下"),
        ("call.answer:request in ended", "在状态 ended 下出现 call.answer 请求"),
        ("/params/labels length 3..3 and contains page", "/params/labels 长度 3..3 且 包含 page"),
        ("1..1 of print.content:result from bench", "测试台发出的 print.content 应答，应出现 1..1 次"),
        ("media.first_frame (facts.label = page) within 5000 ms", "media.first_frame（facts.label = page），应在 5000 毫秒内"),
        ("absent", "没有出现"),
        ("silent for 1080 ms", "1080 毫秒内没有出现"),
        ("status.query:error -32016", "status.query 错误应答 -32016"),
        # as the device said it
        ("/params/source: in and or absent", "/params/source: in and or absent"),
        ("boot_id: 01dc0103", "boot_id: 01dc0103"),
    ],
)  # fmt: skip
def test_reads_as_chinese(english: str, chinese: str) -> None:
    words = in_words(english)
    assert (words.zh, words.en) == (chinese, english)


@pytest.mark.parametrize("defect", ["HBT-001-too-slow", "SIG-002-rings-late", "REG-007-codec-invented", "HBT-003-no-peripherals"])
def test_what_the_rules_say_of_a_defect_has_no_english_word_of_ours(defect: str) -> None:
    result = MemoryLab().run(load_device(REFERENCE), defect=defect, selection=Selection(clauses=(defect[:7],)))
    said = [text for c in result.clauses for f in c.findings for v in f.outcome.violated for text in (v.expected, v.seen)]
    assert said
    english = re.compile(r"\b(within|from|after|before|gap|silent|told|never|only in|of the pair|declared)\b")
    for text in said:
        if not re.match(r"\S+: ", text):
            assert not english.search(in_words(text).zh)
