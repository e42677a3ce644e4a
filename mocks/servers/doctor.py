"""The page `/doctor` of the bench: opened on a device, it shows what that device reaches (decision 21).

Host name, TLS version, clock skew, WebSocket and UDP, each seen from the device's own browser. It is no message of the
specification: it is recorded as `doctor`, and no rule looks at it.

A page can send UDP only by WebRTC: it asks each port of `stun` for a candidate, which comes if and only if the port answered.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from picows import WSFrame, WSListener, WSMsgType, WSTransport

from conformance.protocol.httpwire import parse_request
from conformance.protocol.strictjson import MalformedMessage
from mocks.city import City
from mocks.servers.stun import MAPPED

PATH: Final = "/doctor"
NOTE_CHARS: Final = 200  # kept of each thing that the page told
UDP_LIMIT_MS: Final = 6000  # browsers send a lost STUN request again, some five times within this
SKEW_LIMIT_MS: Final = 5000  # where the page begins to warn; what the specification allows is the pack's business

_PAGE: Final = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>RVW doctor</title>
<style>body{{font:1.2rem sans-serif;margin:2rem;max-width:46rem}}td{{padding:.3rem 1rem .3rem 0;vertical-align:top}}
.ok{{color:#060}}.bad{{color:#a00;font-weight:bold}}</style>
<h1>连接自检 / What this device reaches</h1>
<table>
<tr><td>主机名 / host name<td>{host}
<tr><td>证书名称 (SNI)<td>{sni}
<tr><td>TLS<td>{version}, {cipher}
<tr><td>设备地址 / your address<td>{peer}
<tr><td>时钟偏差 / clock skew<td id="skew">…
<tr><td>WebSocket<td id="ws">…
<tr><td>UDP<td id="udp">…
</table>
<p>此页仅用于接线自检，不产生任何结论。 / This page helps with the wiring; it decides nothing.</p>
<script nonce="rvw-doctor">
function cell(id) {{ return document.getElementById(id); }}
var skew = cell('skew'), ws = cell('ws'), udp = cell('udp'), found = {{}};
function show(cell, good, text) {{ cell.className = good ? 'ok' : 'bad'; cell.textContent = text; }}
function tell(name, value) {{
  found[name] = value;
  if ('skew_ms' in found && 'ws' in found && 'udp' in found) {{
    var told = new XMLHttpRequest(), both = '&ws=' + encodeURIComponent(found.ws) + '&udp=' + encodeURIComponent(found.udp);
    told.open('GET', '/doctor/result?skew_ms=' + found.skew_ms + both);
    told.send();
  }}
}}
var asked = Date.now(), clock = new XMLHttpRequest();
clock.open('GET', '/doctor/time');
clock.onload = function () {{
  var off = Math.round((asked + Date.now()) / 2 - JSON.parse(clock.responseText).server_time_ms);
  show(skew, Math.abs(off) < {limit}, off + ' ms');
  tell('skew_ms', off);
}};
clock.onerror = function () {{ show(skew, false, 'no answer'); tell('skew_ms', ''); }};
clock.send();
try {{
  var socket = new WebSocket({ws_url});
  socket.onopen = function () {{ socket.send('rvw'); }};
  socket.onmessage = function () {{ show(ws, true, 'ok ' + {ws_url}); tell('ws', 'ok'); socket.close(); }};
  socket.onerror = function () {{ show(ws, false, 'failed ' + {ws_url}); tell('ws', 'failed'); }};
}} catch (error) {{ show(ws, false, String(error)); tell('ws', 'failed'); }}
var ports = {udp_ports}, answered = {{}};
function heard(port, good) {{
  if (port in answered) {{ return; }}
  answered[port] = good;
  if (Object.keys(answered).length < ports.length) {{ return; }}
  var lost = ports.filter(function (each) {{ return !answered[each]; }});
  var each = ports.map(function (one) {{ return one + (answered[one] ? ' ok' : ' 无应答 no answer'); }}).join(', ');
  show(udp, !lost.length, each + (lost.length ? ' - {udp_remedy}' : ''));
  tell('udp', lost.length ? 'failed ' + lost.join(' ') : 'ok');
}}
function ask(port) {{
  var peer = new RTCPeerConnection({{iceServers: [{{urls: 'stun:' + {udp_host} + ':' + port}}]}});
  function end(good) {{ heard(port, good); peer.close(); }}
  peer.onicecandidate = function (event) {{
    if (event.candidate && event.candidate.candidate.indexOf(' {mapped} ') > 0) {{ end(true); }}
  }};
  setTimeout(function () {{ end(false); }}, {udp_limit});
  peer.createDataChannel('rvw');
  peer.createOffer().then(function (offer) {{ return peer.setLocalDescription(offer); }}).catch(function () {{ end(false); }});
}}
if (!ports.length) {{
  show(udp, false, '测试台未能打开 UDP 端口 / the bench could open no UDP port'); tell('udp', 'no port');
}} else if (!window.RTCPeerConnection) {{
  show(udp, false, '此浏览器没有 WebRTC，无法检查 / no WebRTC in this browser: not checked'); tell('udp', 'no WebRTC');
}} else {{ ports.forEach(ask); }}
</script>
"""


def answer(city: City, raw: bytes, tls: Mapping[str, Any], peer: str) -> bytes | None:
    """The whole response to a request for the page; None where the request is for something else."""
    if not raw.startswith(b"GET /doctor"):
        return None
    try:
        request = parse_request(raw)
    except MalformedMessage:
        return None
    target = urlsplit(request.target)
    if target.path == PATH:
        _note(city, {"asked": "page", "peer": peer, "host": request.header("host") or "", "tls": dict(tls)})
        return _response("text/html; charset=utf-8", _page(city, request.header("host") or "", tls, peer).encode())
    if target.path == f"{PATH}/time":
        return _response("application/json", json.dumps({"server_time_ms": round(city.recorder.clock.wall() * 1000)}).encode())
    if target.path == f"{PATH}/result":
        query = {key: values[0] for key, values in parse_qs(target.query).items() if key in ("skew_ms", "ws", "udp")}
        _note(city, {"asked": "result", "peer": peer, **query})
        return _response("application/json", b"{}")
    return None


def _page(city: City, host: str, tls: Mapping[str, Any], peer: str) -> str:
    shown = {"host": host, "peer": peer, **{name: tls.get(name) or "-" for name in ("sni", "version", "cipher")}}
    safe = {key: html.escape(str(value)[:200]) for key, value in shown.items()}
    return _PAGE.format(
        **safe, ws_url=_script(ws_url(city)), limit=SKEW_LIMIT_MS, udp_ports=_script(list(city.world.endpoints.udp)),
        udp_host=_script(urlsplit(ws_url(city)).netloc.rpartition(":")[0]), udp_limit=UDP_LIMIT_MS, mapped=MAPPED[0],
        udp_remedy="请在防火墙放行设备发来的 UDP / let UDP from the device in",
    )  # fmt: skip


def _script(value: Any) -> str:
    """A value in a script: JSON without the one character that could end the script."""
    return json.dumps(value).replace("<", "\\u003c")


def ws_url(city: City) -> str:
    """Where the page's WebSocket goes."""
    channel = next(url for url in city.world.endpoints.urls.values() if url.startswith("ws"))
    parts = urlsplit(channel)
    return f"{parts.scheme}://{parts.netloc}{PATH}"


def _note(city: City, facts: Mapping[str, Any]) -> None:
    city.recorder.observe("", "-", "doctor", facts=facts, cut=NOTE_CHARS)


def _response(content_type: str, body: bytes) -> bytes:
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-rvw-doctor'; connect-src 'self' wss: ws:"
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\ncache-control: no-store\r\n"
        f"content-security-policy: {policy}\r\nx-content-type-options: nosniff\r\n\r\n"
    )
    return head.encode("ascii") + body


class Echo(WSListener):
    """The other end of the page's WebSocket: says what it hears, once, and only short texts."""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """One frame."""
        if frame.msg_type is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif frame.msg_type is WSMsgType.TEXT:
            transport.send(WSMsgType.TEXT, frame.get_payload_as_bytes()[:64])
