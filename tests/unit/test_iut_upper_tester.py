"""Upper testers that are programs: an answer belongs to its question, and what is no answer is told as what it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from conformance.iut import documents, upper_tester
from conformance.iut.prompt import Answer, prompt_for
from conformance.iut.upper_tester import CommandUpperTester, HttpUpperTester
from conformance.protocol.strictjson import MAX_DEPTH
from reports.details import in_chinese

PROGRAM = """
import json, sys

def say(document):
    print(json.dumps(document), flush=True)

late = []
for line in sys.stdin:
    ask = json.loads(line)
    answer = {"id": ask["id"], "ok": True, "result": {"did": ask["args"]}}
    if ask["verb"] == "hello":
        answer["result"] = {"verbs": ["card", "scan", "press", "logs", "document"]}
    if ask["verb"] == "card":  # answered only after the next question came
        late.append(answer)
        continue
    if ask["verb"] == "scan":
        print("a word that is no JSON", flush=True)
    if ask["verb"] == "press":
        say({"id": "somebody else's", "ok": False})
        say("not even an object")
    if ask["verb"] == "document":
        raise SystemExit(1)
    if ask["verb"] == "logs":
        answer["result"] = {"lines": ["x" * 300_000]}
    for each in (*late, answer):
        say(each)
"""
LIMIT_S = 0.3


def told(story: Callable[[CommandUpperTester], Coroutine[Any, Any, Answer]], tmp_path: Path) -> Answer:
    program = tmp_path / "tester.py"
    program.write_text(PROGRAM, encoding="utf-8")

    async def asked() -> Answer:
        tester = CommandUpperTester(["{python}", program.name], tmp_path)
        try:
            assert "card" in await tester.verbs()
            return await story(tester)
        finally:
            await tester.close()

    return asyncio.run(asked())


@pytest.mark.parametrize("bad", ["card", "scan", "document"])
def test_the_next_answer_is_not_one_to_the_question_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bad: str) -> None:
    async def story(tester: CommandUpperTester) -> Answer:
        with monkeypatch.context() as patch:
            patch.setattr(upper_tester, "ANSWER_LIMIT_S", LIMIT_S)
            with pytest.raises(OSError, match="gave no answer"):
                await tester.ask(prompt_for("s1", bad, {"which": 1}))
        return await tester.ask(prompt_for("s2", "press", {"which": 2}))

    assert told(story, tmp_path).result == {"did": {"which": 2}}


def test_only_the_line_with_the_question_s_id_is_its_answer(tmp_path: Path) -> None:
    answer = told(lambda tester: tester.ask(prompt_for("s1", "press", {})), tmp_path)
    assert (answer.ok, answer.result) == (True, {"did": {}})


def test_an_answer_can_be_as_long_as_a_log(tmp_path: Path) -> None:
    answer = told(lambda tester: tester.ask(prompt_for("s1", "logs", {})), tmp_path)
    assert len(answer.result["lines"][0]) == 300_000


def test_a_command_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"rvw-no-such-command.*gave no answer"):
        asyncio.run(CommandUpperTester(["rvw-no-such-command"], tmp_path).verbs())


def answered_over_http(status: str, body: bytes) -> str:
    """What is told of an HTTP upper tester that answers everything so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status.encode(), len(body)) + body)
        await writer.drain()
        writer.close()

    async def asked() -> str:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        tester = HttpUpperTester(f"http://127.0.0.1:{port}")
        try:
            with pytest.raises(OSError, match="upper tester") as told:
                await tester.verbs()
            return str(told.value).rpartition("/upper-tester: ")[2]
        finally:
            await tester.close()
            server.close()

    return asyncio.run(asked())


def test_a_page_instead_of_an_answer_is_told_with_its_status_and_its_beginning() -> None:
    page = b"<html>\n<head><title>404 Not Found</title></head>\r\n<body>\x1b[31m nginx " + b"filler " * 100 + b"</body></html>"
    told = answered_over_http("404 Not Found", page)
    begins = "<html> <head><title>404 Not Found</title></head> <body> [31m nginx filler"
    assert told.startswith(f"HTTP 404, and not its answer: {begins}")
    assert len(told.partition("answer: ")[2]) <= upper_tester.QUOTED
    assert in_chinese(told).startswith("HTTP 404，内容不是上测试器的回答：<html>")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        ("502 Bad Gateway", b"", "HTTP 502 and no body"),
        ("200 OK", b"x" * 300, "HTTP 200, and not its answer: 300 characters"),  # no half of what may be a secret
        ("404 Not Found", b'{"detail": "Not Found"}', 'HTTP 404, and not its answer: {"detail": "Not Found"}'),
    ],
)
def test_what_is_no_answer_over_http_is_told_as_what_it_is(status: str, body: bytes, told: str) -> None:
    assert answered_over_http(status, body) == told


DEEP = "nested deeper than 64 levels"
NO_TEXT = "no Unicode, or a number of more than 64 bits"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("[" * 100_000 + "]" * 100_000, DEEP), ("[" * 70 + "]" * 70, DEEP), ('{"a":' * 70 + "1" + "}" * 70, DEEP),
        ('"\\ud800"', NO_TEXT), ('{"\\udfff": 1}', NO_TEXT), (str(10**30), NO_TEXT),
    ],
    ids=["very deep", "deep lists", "deep objects", "half a character", "half a character in a name", "a large number"],
)  # fmt: skip
def test_an_answer_that_cannot_be_recorded_is_of_no_use(tmp_path: Path, value: str, why: str) -> None:
    document = f'{{"id": "hello", "ok": true, "result": {{"x": {value}}}}}'
    told = answered_over_http("200 OK", document.encode())
    assert told.startswith("its answer cannot be used: it ")
    assert told.endswith(why)
    assert in_chinese(told).startswith(("它的回答不可用：嵌套超过 64 层", "它的回答不可用：其中有不是 Unicode 的文字"))
    (tmp_path / "said.json").write_text(document + "\n", encoding="utf-8")
    with pytest.raises(OSError, match=f"gave no answer: it .*{why}$"):
        asyncio.run(_verbs_of_command("import sys; sys.stdin.readline(); print(open('said.json').read())", tmp_path))


async def _verbs_of_command(program: str, directory: Path) -> frozenset[str]:
    tester = CommandUpperTester(["{python}", "-c", program], directory)
    try:
        return await tester.verbs()
    finally:
        await tester.close()


def test_what_json_can_hold_and_we_can_record_is_read_as_before() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    for value in (deep, 2**64 - 1, -(2**63), 1.5, "设备 😀", {"a": [None, True]}):
        assert documents.read(json.dumps(value).encode()) == value
    with pytest.raises(documents.Unusable):
        documents.read(json.dumps([deep]).encode())


@pytest.mark.parametrize(("verbs", "kind"), [("5", "int"), ('"card"', "str"), ("null", "NoneType"), ('{"card": 1}', "dict")])
def test_verbs_that_are_no_list_are_refused(tmp_path: Path, verbs: str, kind: str) -> None:
    document = f'{{"id": "hello", "ok": true, "result": {{"verbs": {verbs}}}}}'
    told = f"the upper tester names its verbs in a {kind} where a list is asked"
    assert answered_over_http("200 OK", document.encode()) == told
    with pytest.raises(OSError, match=f"^{told}$"):
        asyncio.run(_verbs_of_command(f"input(); print({document!r})", tmp_path))
    assert in_chinese(told) == f"上测试器列出动作用的是 {kind}，应为 JSON 数组"
