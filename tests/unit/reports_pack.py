"""A small pack of eleven clauses, made by hand, for the tests of the reports."""

from __future__ import annotations

from pathlib import Path

from conformance.protocol.envelope import Envelope
from conformance.spec.model import (
    Clause,
    Grade,
    HttpBinding,
    Interface,
    Level,
    Message,
    Obligation,
    Polarity,
    Profile,
    Source,
    Spec,
    Text,
    Timer,
    Verification,
)

_FAMILIES = {
    "REG": Text("注册与身份", "registration and identity"),
    "SEC": Text("安全", "security"),
    "CHN": Text("设备通道", "device channel"),
    "QUE": Text("取号排队", "tickets"),
    "PER": Text("外设", "peripherals"),
    "PRV": Text("个人信息保护", "privacy"),
    "LOD": Text("负载", "load"),
}
CLAUSES = (
    (
        "REG-001",
        "MUST",
        Text("上电后自动注册", "registers by itself"),
        Text(
            "设备上电后应在 T-REGISTER 内完成注册。",
            "After power-on the device registers within T-REGISTER.",
        ),
    ),
    (
        "SEC-004",
        "MUST",
        Text("拒绝主机名不符的证书", "refuses a certificate for another host"),
        Text(
            "证书主机名不符时，设备不得继续连接。",
            "The device does not go on where the certificate names another host.",
        ),
    ),
    (
        "CHN-007",
        "MUST",
        Text("断线续传不得丢失", "resume loses nothing"),
        Text(
            "断线重连后，设备应重发对端未确认的全部消息，序号与内容不变。",
            "After a cut the device re-sends every message that the peer has not processed, same number, same content.",
        ),
    ),
    (
        "CHN-008",
        "MUST",
        Text("续传后序号连续", "no gap after a resume"),
        Text(
            "续传后的消息序号应连续。",
            "Sequence numbers go on without a gap after a resume.",
        ),
    ),
    (
        "CHN-012",
        "MUST",
        Text("未知方法回 -32601", "unknown method answered with -32601"),
        Text(
            "设备收到未知方法应回 -32601。",
            "The device answers an unknown method with -32601.",
        ),
    ),
    (
        "QUE-001",
        "MUST",
        Text("刷卡即取号", "a swipe takes a ticket"),
        Text(
            "居民刷身份证后，设备应在 T-TICKET 内取号，无需其他操作。",
            "A swipe alone takes a ticket within T-TICKET.",
        ),
    ),
    (
        "PER-014",
        "SHOULD",
        Text("缺纸应立即上报", "paper out is reported at once"),
        Text(
            "打印机缺纸时，设备宜在 T-STATUS 内上报。",
            "The device should report paper out within T-STATUS.",
        ),
    ),
    (
        "PER-020",
        "MUST",
        Text("读卡超时可恢复", "recovers from a read time-out"),
        Text(
            "读卡超时后设备应恢复可用。",
            "The device is usable again after a read time-out.",
        ),
    ),
    (
        "PRV-002",
        "MUST",
        Text("会话结束后清除", "wiped after the session"),
        Text(
            "会话结束后，设备应在 T-WIPE 内清除居民信息。",
            "Everything of the resident is wiped within T-WIPE.",
        ),
    ),
    (
        "PRV-006",
        "MUST",
        Text("管理制度声明", "declared management rules"),
        Text(
            "厂商应声明个人信息保护管理制度。",
            "The vendor declares its rules for personal data.",
        ),
    ),
    (
        "LOD-001",
        "MUST",
        Text("重连风暴", "reconnect storm"),
        Text(
            "大规模断线后，设备应在规定时间内全部恢复。",
            "All devices are back in time after a large cut.",
        ),
    ),
)


def _clause(cid: str, level: str, title: Text, text: Text) -> Clause:
    document = cid == "PRV-006"
    obligation = Obligation(
        id=f"{cid}.a", clause=cid, polarity=Polarity.DOES, grade=Grade.CLAIM if cid == "PRV-002" else Grade.WIRE,
        verification=Verification.DOCUMENT if document else Verification.MONITOR, occasions=1, rule=None, text=text,
    )  # fmt: skip
    cause = Text(
        "设备重连后丢弃了发送队列，或把断线当作重新开机。",
        "The send queue was dropped on reconnect, or the cut was taken for a reboot.",
    )
    remedy = Text("按对端 last_seq 之后的全部消息原样重发。", "Re-send everything after the peer's last_seq, byte for byte.")
    return Clause(
        id=cid, family=cid[:3], level=Level(level), title=title, text=text, interface="I2", obligations=(obligation,),
        source=Source("this-specification", "section " + cid, "补充说明"),
        cause=cause if cid == "CHN-007" else None, remedy=remedy if cid == "CHN-007" else None,
    )  # fmt: skip


def spec() -> Spec:
    """A pack of eleven clauses and nine messages."""
    rpc = Envelope.from_mapping(
        {
            "kinds": {
                "request": {"has": ["/method", "/id"]}, "notification": {"has": ["/method"], "lacks": ["/id"]},
                "error": {"has": ["/error"]}, "result": {"has": ["/result"]},
            },
            "name": "/method", "id": "/id", "body": {"request": "/params", "result": "/result", "error": "/error"},
            "code": "/error/code", "text": "/error/message", "constants": {"/jsonrpc": "2.0"},
            "sequence": {"seq": "/meta/seq", "seen": "/meta/seen", "epoch": "/meta/epoch", "boot_id": "/meta/boot_id"},
        }
    )  # fmt: skip
    calls = (
        ("ticket.called", "I2", "bench"), ("session.opened", "I2", "bench"), ("session.closed", "I2", "bench"),
        ("peripheral.command", "I2", "bench"), ("rating.request", "I2", "bench"), ("peripheral.report", "I2", "iut"),
        ("channel.resume", "I2", "iut"), ("call.invite", "I3", "bench"), ("call.answer", "I3", "iut"),
        ("call.bye", "I3", "iut"), ("media.state", "I3", "iut"),
    )  # fmt: skip
    fields = {"peripheral.command": {"request": {"action": "/action"}}, "media.state": {"request": {"state": "/state"}}}
    messages = {
        name: Message(name=name, interface=iface, sender=sender, role=name, kind="call", title=Text(name, name), schemas={},
                      fields=fields.get(name, {}))
        for name, iface, sender in calls
    }  # fmt: skip
    for name, method, path in (("ticket.issue", "POST", "/tickets"), ("rating.submit", "POST", "/ratings")):
        messages[name] = Message(
            name=name, interface="I1", sender="iut", role=name, kind="call", title=Text(name, name), schemas={}, fields={},
            http=HttpBinding(method, path),
        )  # fmt: skip
    timers = (("T-ACK", 3000, 600, "longer"), ("T-WIPE", 10000, 800, "longer"), ("T-TICKET", 3000, 800, "longer"),
              ("T-CLOCK-WINDOW", 300000, 300000, "longer"), ("T-QUIET", 2000, 300, "shorter"))  # fmt: skip
    return Spec(
        id="shanghai-rvw", version="1.0", root=Path("specs/shanghai-rvw/1.0"), digest="ab" * 32,
        title=Text("远程虚拟窗口对接参考规范", "reference docking specification"), notice=Text("参考重构", "reconstruction"),
        sourced=(Text("刷身份证即完成远程取号。", "A swipe takes the ticket."),), assumed=(Text("线上协议。", "The wire."),),
        sources={"S0": "000.txt"},
        interfaces={
            "I1": Interface("I1", Text("受理接口", "docking API"), "http", "bench", None, "/docking/v1"),
            "I2": Interface("I2", Text("设备通道", "device channel"), "websocket", "bench", "rpc", "/channel/v1"),
            "I3": Interface("I3", Text("信令", "signaling"), "websocket", "bench", "rpc", "/signaling/v1"),
        },
        envelopes={"rpc": rpc}, signatures={}, messages=messages, clauses={row[0]: _clause(*row) for row in CLAUSES},
        timers={
            tid: Timer(tid, Text(f"{tid} 时限", f"limit {tid}"), production, lab, 0.1, "iut", True, favours, False)
            for tid, production, lab, favours in timers
        },
        lifecycles={}, peripherals={},
        profiles={"core": Profile("core", Text("核心", "core"), ("REG",), (Grade.WIRE,), False, False, "lab", ("http",))},
        pics={}, pixit={}, media={}, examples={}, constraints=(), families=_FAMILIES,
    )  # fmt: skip
