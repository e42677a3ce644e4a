"""What devices say must never act: not in a page, not in a terminal, not in an XML file. Corpus times every writer."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from reports_sample import RESIDENT, sample

from mocks.devices.kiosk.browser import NAMES
from reports import allure_writer, card, html_writer, json_writer, junit_writer, summary

BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
CORPUS = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</pre></details><iframe src=javascript:alert(1)>",
    "</text></svg><script>alert(1)</script>",
    "]]><script>alert(1)</script><![CDATA[",
    "--><script>alert(1)</script><!--",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}{{ config }}",
    "&lt;script&gt;alert(1)&lt;/script&gt; &amp;#60;script&amp;#62;",
    "<a href=//evil.example/x style=background:url(//evil.example)>x</a>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example><form action=//evil.example><input>",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred\x1b[0m\x9b31m",
    "safe\u202egnp.exe\u2066x\u2069\u200f",
    "null\x00byte\ufffe\uffff\ud800",
    "line\u2028break\u2029\r\n::error::injected",
    "Z\u0301\u0301\u0301\u0301\u0301\u0301algo",
    "\ufeff\u200b\u00ad\U000e0041",
]  # fmt: skip

ALLOWED_TAGS = set(
    "html head meta title style body main section"
    "  nav article header div span p a b i ul li dl dt dd h1 h2 h3 h4 small br table"
    " thead tr th td code pre details summary svg rect line text g polygon".split()
)
ALLOWED_ATTRIBUTES = set(
    "lang charset http-equiv content name class id href title open colspan viewbox width height role aria-label aria-hidden"
    " x y x1 y1 x2 y2 rx points text-anchor preserveaspectratio".split()
)
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("hostile", CORPUS)
def test_page_holds_no_markup_of_the_device(hostile: str) -> None:
    page = html_writer.render(sample(hostile))
    parsed = _Page()
    parsed.feed(page)
    assert parsed.tags <= ALLOWED_TAGS
    assert {name for name, _ in parsed.attributes} <= ALLOWED_ATTRIBUTES
    assert all(value.startswith("#") for name, value in parsed.attributes if name == "href")
    assert not ACTING.search(page)
    assert page.count("<style>") == 1


@pytest.mark.parametrize("hostile", CORPUS)
def test_terminal_text_holds_nothing_that_acts(hostile: str) -> None:
    report = sample(hostile)
    for text in (summary.render(report, {"html": Path("report.html")}), *(card.render(c, "zh") for c in report.failures)):
        assert not ACTING.search(text)
        assert "\n::error" not in text


@pytest.mark.parametrize("hostile", CORPUS)
def test_machine_formats_stay_readable(hostile: str, tmp_path: Path) -> None:
    report = sample(hostile)
    ET.fromstring(junit_writer.render(report))
    assert not ACTING.search(json.dumps(json.loads(json_writer.render(report)), ensure_ascii=False))
    for path in allure_writer.write(report, tmp_path):
        assert not ACTING.search(path.read_text(encoding="utf-8"))


def test_policy_of_the_page_allows_nothing_but_its_style() -> None:
    page = html_writer.render(sample())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src &#39;none&#39;" in policy[1]
    assert "script-src" not in policy[1]
    assert "unsafe" not in policy[1]


@pytest.mark.browser
@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_browser_runs_nothing_of_the_corpus_and_applies_the_style(tmp_path: Path) -> None:
    acting = [text.replace("alert(1)", "document.title=1") for text in CORPUS]
    page = html_writer.write(sample(" ".join(acting)), tmp_path / "report.html")
    assert BROWSER is not None
    arguments = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    seen = subprocess.run([*arguments, "--dump-dom", page.as_uri()], capture_output=True, timeout=60, check=True).stdout.decode()
    title = re.search(r"<title>(.*?)</title>", seen, re.DOTALL)
    assert title is not None
    assert title[1].startswith("对接一致性测试报告")
    parsed = _Page()
    parsed.feed(seen)
    assert parsed.tags <= ALLOWED_TAGS | {"tbody"}


def test_no_resident_number_leaves_in_any_format(tmp_path: Path) -> None:
    wide = RESIDENT.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    grouped = f"{RESIDENT[:6]} {RESIDENT[6:14]} {RESIDENT[14:]}"
    report = sample(f"id{RESIDENT}x {wide} {grouped}")
    outputs = [html_writer.render(report), summary.render(report), json_writer.render(report).decode()]
    outputs += [junit_writer.render(report).decode()]
    outputs += [path.read_text(encoding="utf-8") for path in allure_writer.write(report, tmp_path)]
    for text in outputs:
        assert RESIDENT not in text
        assert wide not in text
        assert grouped not in text
    assert "310***********0010" in outputs[0]


def test_no_credential_is_shown() -> None:
    assert "abcdefgh12345678" not in html_writer.render(sample())
