"""What stands behind the colon of a reason, in Chinese: every sentence that our own code writes there, English beside Chinese.

What the device, the system or Python says is no sentence of ours: it stays as it is, inside the sentence that quotes it.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from reports.sentences import Sentences

# What a rule asks for, as `conformance.verdict.match` words it.
ASKED: Final = (
    ("{range:range} of {what:words}", "{what}，应出现 {range} 次"),
    ("{what}:{kinds:kinds} from iut ({where:tests})", "设备发出的 {what} {kinds}（{where}）"),
    ("{what}:{kinds:kinds} from bench ({where:tests})", "测试台发出的 {what} {kinds}（{where}）"),
    ("{what}:{kinds:kinds} ({where:tests})", "{what} {kinds}（{where}）"),
    ("{what}:{kinds:kinds} from iut", "设备发出的 {what} {kinds}"),
    ("{what}:{kinds:kinds} from bench", "测试台发出的 {what} {kinds}"),
    ("{what}:{kinds:kinds}", "{what} {kinds}"),
    ("{what} from iut ({where:tests})", "设备发出的 {what}（{where}）"),
    ("{what} from bench ({where:tests})", "测试台发出的 {what}（{where}）"),
    ("{what} from iut", "设备发出的 {what}"),
    ("{what} from bench", "测试台发出的 {what}"),
)
TABLE: Final = (
    # The judge: occasions that could not be decided.
    ("{took:n} ms against {low:n} ms..{high:n} ms", "实测 {took} 毫秒，允许范围 {low} 至 {high} 毫秒"),
    ("{took:n} ms against {limit:n} ms", "实测 {took} 毫秒，时限 {limit} 毫秒"),
    ("watched {seen:n} ms of {limit:n} ms", "时限 {limit} 毫秒，只观察了 {seen} 毫秒"),
    ("no reply yet", "尚未收到应答"),
    ("{field} was not taken", "测试台没有测得 {field}"),
    ("pics {item}", "能力声明（PICS）第 {item} 项"),
    ("pixit {item}", "测试补充信息（PIXIT）第 {item} 项"),
    ("{grade:grade} asked", "要求的证据等级是“{grade}”"),
    ("{note:known}: {missed:ids}", "{note}；涉及 {missed}"),
    *ASKED,
    # How far the record reaches.
    (
        "the record has no end: the bench was killed, or what came after is missing",
        "记录没有结尾：测试台被强行终止，或者后面的内容缺失",
    ),
    ("somebody stopped it", "运行被人停止"),
    # The audit of the bench's own side.
    ("observations are missing, doubled or out of order", "观测记录有缺失、重复或次序错误"),
    ("stamps go backwards", "时间戳倒退"),
    ("a message could not be read by the bench", "有报文测试台未能读取"),
    ("an observation is filed under another case than the one that ran", "有观测记录归入了并非当时运行的用例"),
    (
        "messages of the device are missing, doubled or out of order on the record",
        "记录中设备的报文有缺失、重复或次序错误",
    ),
    ("a reply is paired with a request that it does not answer", "有应答与它并未回答的请求配成了一对"),
    ("a case began inside another", "一个用例尚未结束，另一个已经开始"),
    ("a case ended that never began", "有用例没有开始就结束"),
    ("the fault {name} has no end", "注入的故障 {name} 没有结束"),
    ("the fault {name} ended without a beginning", "注入的故障 {name} 没有开始就结束"),
    ("the clock of the record does not keep time", "记录所用的时钟走时不准"),
    ("a stimulus is on the record twice", "同一次动作被记录了两次"),
    ("a call of the device was never answered", "设备的一次调用始终没有得到应答"),
    ("a request of the device was never answered", "设备的一次请求始终没有得到应答"),
    ("the bench sent what cannot be read", "测试台发出了无法读取的内容"),
    ("the bench answered what nobody asked", "测试台应答了没有人发出的请求"),
    ("the city refused as invalid what its schema takes", "模拟受理系统把符合规范的报文当作无效而拒绝"),
    ("the bench's own sequence numbers are wrong", "测试台自己的序号有误"),
    ("the bench says to have seen what was never sent", "测试台声称收到了从未发出的报文"),
    ("the bench answers what it says not to have seen", "测试台应答了它自称没有收到的报文"),
    ("the bench speaks of an epoch that it never announced", "测试台使用了从未告知设备的纪元（epoch）"),
    ("the bench cut a connection without a fault on record", "测试台在没有注入故障时切断了连接"),
    ("the bench lost a message without a fault on record", "测试台在没有注入故障时丢失了消息"),
    ("the bench was slow to answer", "测试台应答过慢"),
    ("the city refused a token that it had given and that still lived", "模拟受理系统拒绝了自己签发且仍在有效期内的令牌"),
    ("an answer belongs to no request on the record", "有应答在记录中找不到对应的请求"),
    ("the city failed without a fault on record", "模拟受理系统在没有注入故障时出错"),
    ("the city's clock jumped without a fault on record", "模拟受理系统的时钟在没有注入故障时跳变"),
    ("the pretended clerk never connected", "模拟坐席始终没有接通"),
    # The bench's check of itself, and its own trouble.
    ("signature {scheme}: a wrong key is taken for the right one", "签名方案 {scheme}：错误的密钥被当作正确的"),
    ("signature {scheme}: {why:text}", "签名方案 {scheme}：{why}"),
    ("content digest: right and wrong are not told apart", "内容摘要：正确与错误没有区分"),
    ("challenge: a right answer with {algorithm} is refused", "质询：正确的 {algorithm} 应答被拒绝"),
    ("challenge: a wrong answer with {algorithm} is taken", "质询：错误的 {algorithm} 应答被接受"),
    ("validators: the pack's own example {name} is refused", "报文校验：规范包自带的示例 {name} 被拒绝"),
    ("validators: {name} takes an array for an object", "报文校验：{name} 把数组当作对象"),
    ("still on: {faults:text}", "仍在注入：{faults}"),
    ("not done {limit:n} s after the end of the case", "用例结束 {limit} 秒后仍未完成"),
    ("unknown command {name}", "未知命令 {name}"),
    ("the clerk's media process ended with code {code}", "坐席的音视频进程已结束，退出码 {code}"),
    ("the clerk's media process is not running", "坐席的音视频进程没有运行"),
    ("not ready within {limit:n} s", "{limit} 秒内没有就绪"),
    ("no {command} result within {limit:n} s", "坐席的音视频进程在 {limit} 秒内没有完成 {command}"),
    ("observation {n:n} was changed on its way into the record", "第 {n} 条观测在写入记录时被改动"),
    ("the record of observation {n:n} cannot be read as what came in", "第 {n} 条观测的记录与收到的内容不一致"),
    ("the mask broke {name} in observation {n:n}", "脱敏处理损坏了第 {n} 条观测中的 {name}"),
    ("on-site ticket {later} called before remote ticket {earlier}", "现场号 {later} 先于远程号 {earlier} 被叫"),
    ("the rating of session {session} would reach the rating system twice", "会话 {session} 的评价会重复送达评价系统"),
    ("the bench is not fit to judge: {why:words}", "测试台自检不通过，不能判定：{why}"),
    ("the journal cannot be written: {why:text}", "日志无法写入：{why}"),
    # The journal.
    ("{count:n}: line {line:n}: {why:words}", "{count} 处；第 {line} 行：{why}"),
    ("line {line:n}: {why:words}", "第 {line} 行：{why}"),
    ("unreadable: {error:text}", "无法读取：{error}"),
    ("the blob is not the one that was recorded", "附件与当时记录的不一致"),
    ("does not follow from the line before", "与上一行不衔接"),
    # What a procedure waited for.
    ("{what:known}, {timer}", "{what}，{timer}"),
    ("a connection for {name}", "传送 {name} 的连接"),
    ("a connection of the device", "设备的连接"),
    ("the device's connection", "设备的连接"),
    ("the answer to {name}", "对 {name} 的应答"),
    ("a refusal", "拒绝应答或断开连接"),
    ("the answer to the swipe", "对刷卡取号的应答"),
    ("the answer to the second invite", "对第二次呼叫的应答"),
    ("the report that ends the command {command}", "外设命令 {command} 的结果报告"),
    ("the report that the {peripheral} is well", "外设 {peripheral} 恢复正常的状态报告"),
    ("the report that the {peripheral} is not well", "外设 {peripheral} 不正常的状态报告"),
    ("the outcome of the rating", "评价结果"),
    ("the receipt of the rating", "评价提交的回执"),
    ("the ticket", "取号结果"),
    ("the ticket after all", "补发的取号结果"),
    ("the list", "事项列表"),
    ("the refusal", "拒绝"),
    ("the event", "预期的事件"),
    ("ringing again", "再次振铃"),
    ("a pong", "WebSocket 的 pong 应答"),
    ("{role} answered", "{role} 得到应答"),
    ("the end of a time in which nothing may happen", "“不得发生”的观察时间结束"),
    ("limits that still run", "尚未到期的时限到期"),
    ("{role} {kinds:kinds} {fields:fields}", "{role} {kinds} {fields}"),
    ("{role} {kinds:kinds}", "{role} {kinds}"),
    ("start", "无（运行刚刚开始）"),
    # Stimuli, by whoever gives them.
    ("the bench cannot switch this device off and on", "测试台无法控制该设备的电源"),
    ("prompts are switched off and no program serves this stimulus", "已关闭人工提示，且没有程序能执行该动作"),
    ("nobody answered the prompt within {limit:n} s", "测试员在 {limit} 秒内没有回应提示"),
    ("the operator's terminal was closed", "测试员的终端已关闭"),
    ("the operator said that it cannot be done", "测试员表示无法执行"),
    ("the device's upper tester has no verb {verb}", "设备的上测试器没有动作 {verb}"),
    ("the upper tester command has no verb {verb}", "上测试器命令没有动作 {verb}"),
    ("the device has no verb {verb}", "设备没有动作 {verb}"),
    ("the upper tester answered a {type} where an object is asked", "上测试器的回答是 {type}，应为 JSON 对象"),
    ("HTTP {status:n}, and not its answer: {said:text}", "HTTP {status}，内容不是上测试器的回答：{said}"),
    ("HTTP {status:n} and no body", "HTTP {status}，没有内容"),
    ("no whole answer within {limit:n} s", "{limit} 秒内没有收到完整的回答"),
    ("its answer is longer than {limit:n} bytes", "它的回答超过 {limit} 字节"),
    ("upper tester at {url}: {error:words}", "上测试器 {url}：{error}"),
    ("upper tester command {command} gave no answer: {why:words}", "上测试器命令 {command} 没有回答：{why}"),
    ("none with its id within {limit:n} s", "{limit} 秒内没有收到对应编号的回答"),
    ("it ended", "命令已退出"),
    ("no answer in {limit:n} s", "{limit} 秒内没有回答"),
    ("it is nested deeper than {levels:n} levels", "嵌套超过 {levels} 层"),
    (
        "it holds a text that is no Unicode, or a number of more than 64 bits",
        "其中有不是 Unicode 的文字，或超过 64 位的数",
    ),
    (
        "the upper tester names its verbs in a {type} where a list is asked",
        "上测试器列出动作用的是 {type}，应为 JSON 数组",
    ),
    ("its ready line cannot be used: {why:known}", "它的就绪行不可用：{why}"),
    ("its answer cannot be used: {why:words}", "它的回答不可用：{why}"),
    # The device as a process, or as one that was to come by itself.
    (
        "before {number:n} cases in a row the device was not usable: mend what failed, then run again (if it was away, resume)",
        "连续 {number} 个用例之前设备都不可用：请先解决已发现的问题再运行（若只是暂时离线，用 rvw resume 继续）",
    ),
    ("no device registered within {limit:n} s", "{limit} 秒内没有设备注册"),
    (
        "{what:known}: is it on, and does it have the address, the trust and the keys of this bench?",
        "{what}：设备是否已开机，是否已设置本测试台的地址、信任证书和密钥？",
    ),
    (
        "the device command {command} cannot be started in {place:text}: {why:text}; see [driver] command of the device file",
        "设备命令 {command} 无法在 {place} 启动：{why}；见设备文件 [driver] 的 command",
    ),
    ("the device did not become ready: {why:words}", "设备没有进入就绪状态：{why}"),
    ("{why:known} (exit code {code}); its last words: nothing", "{why}（退出码 {code}）；此前没有任何输出"),
    ("{why:known}; its last words: nothing", "{why}；此前没有任何输出"),
    ("{why:known} (exit code {code}); its last words: {tail:text}", "{why}（退出码 {code}）；最后的输出：{tail}"),
    ("{why:known}; its last words: {tail:text}", "{why}；最后的输出：{tail}"),
    ("no ready line within {limit:n} s", "{limit} 秒内没有输出就绪行"),
    ("it ended before its ready line", "设备在输出就绪行之前已退出"),
    ("its first line is no ready line of {contract}: {size:n} bytes", "第一行不是 {contract} 规定的就绪行：共 {size} 字节"),
    ("its first line is no ready line of {contract}: {said:text}", "第一行不是 {contract} 规定的就绪行：{said}"),
    ("the device cannot be asked which build it is: {error:text}", "无法向设备询问其固件版本：{error}"),
    # TLS.
    ("no handshake in time", "握手超时"),
    ("closed by the peer: {error:text}", "对方关闭了连接：{error}"),
    ("closed by the peer", "对方关闭了连接"),
    ("refused by the device", "被设备拒绝"),
    # What was left out without a plan, and a list of known failures.
    ("its condition is not declared", "设备声明不具备该条件"),
    ("no plan was recorded", "没有记录测试计划"),
    ("waivers are refused for a certification profile", "认证测试不接受豁免"),
    ("waiver for clause {id} {state:known}", "条款 {id} 的豁免{state}"),
    ("waiver for case {id} {state:known}", "用例 {id} 的豁免{state}"),
    ("waiver for clause {id}: {state:known}", "条款 {id} 的豁免：{state}"),
    ("waiver for case {id}: {state:known}", "用例 {id} 的豁免：{state}"),
    ("matches nothing in this run", "在本次运行中没有对应的内容"),
    ("expired on {day}", "已于 {day} 到期"),
    ("the run does not say its day", "本次运行没有记录日期"),
    ("is stale: it passes now, remove the entry", "已过时：现在已通过，请删除该项"),
    # What only begins or ends like a sentence of ours stands last.
    ("{what:known} before", "此前应有：{what}"),
    ("{what} before", "此前应有 {what}"),
    ("{what:known} after {took:n} ms", "{took} 毫秒后出现 {what}"),
    ("{what} after {took:n} ms", "{took} 毫秒后出现 {what}"),
    ("{place:line}: {error:text}", "测试台自身的步骤出错（{place}）：{error}"),
    ("{case}: {place:line}: {error:text}", "{case}：测试台自身的步骤出错（{place}）：{error}"),
    ("{place}: {what:known}", "{place}：{what}"),
    ("{verb} {why:known}", "{verb}：{why}"),
)


@cache
def _sentences() -> Sentences:
    return Sentences(TABLE)


def in_chinese(detail: str) -> str:
    """The detail in Chinese as far as it is a sentence of ours; as it stands where it is not."""
    return _sentences().chinese(detail) or detail
