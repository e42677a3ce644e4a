// The two screens. What is drawn here is what a resident sees; ID numbers are masked before they get here.

export const LEVELS = {
  very_satisfied: "非常满意", satisfied: "满意", basically_satisfied: "基本满意", dissatisfied: "不满意", very_dissatisfied: "非常不满意",
};
const NOTICE = "本次服务全程录音录像，请知悉";

/** Three characters, stars, four characters. */
export function masked(idNumber) {
  return idNumber.slice(0, 3) + "*".repeat(Math.max(idNumber.length - 7, 1)) + idNumber.slice(-4);
}

export class Screen {
  constructor(device, root) {
    this.device = device;
    this.main = root.querySelector("#main-lines");
    this.side = root.querySelector("#second-lines");
    this.levels = root.querySelector("#levels");
    this.badge = root.querySelector("#badge");
    this.hangup = root.querySelector("#hangup");
    this.cancel = root.querySelector("#cancel");
    for (const name of ["help", "cancel", "hangup"]) {
      root.querySelector(`#${name}`).onclick = () => device.upper.verb("press", { button: name });
    }
    this.body = root.body;
    this.message = "";
    this.trouble = "正在启动";
    this.second = [];
    this.notice = false;
  }

  /** The one line that tells the resident what to do now. */
  show(message) {
    this.message = message;
    this.render();
  }

  person(name, idNumber) {
    return `${name.slice(0, 1)}${"*".repeat(Math.max(name.length - 1, 1))} ${masked(idNumber)}`;
  }

  /** Home screen; nothing of the last resident stays. */
  wipe() {
    Object.assign(this, { message: "", second: [], notice: false });
    this.render();
  }

  showNotice() {
    this.notice = true;
    this.render();
  }

  lines() {
    const { visit, bank, call, mode, counter, items, itemsVersion } = this.device;
    const told = [["title", `远程虚拟窗口 ${counter.name ?? ""}`.trim()]];
    if (this.trouble) told.push(["trouble", this.trouble]);
    if (mode === "maintenance") told.push(["trouble", "设备维护中，暂停服务"]);
    for (const name of bank.faultyNames()) told.push(["trouble", `${name}故障，请联系工作人员`]);
    for (const ticket of visit.open.values()) told.push(["ticket", ticketLine(ticket)]);
    if (visit.session) told.push(["case", `办理中 办件编号 ${visit.caseNo}`.trim()]);
    if (call.ringing) told.push(["call", `窗口 ${call.window} 来电，正在接听`]);
    if (call.connected) told.push(["call", "视频通话中"]);
    if (this.notice) told.push(["notice", NOTICE]);
    if (visit.prompt) told.push(["rate", "请对本次服务评价"]);
    if (this.message) told.push(["message", this.message]);
    else if (told.length === 1) told.push(["message", "请刷身份证取号"]);
    if (itemsVersion && !visit.session) told.push(["items", `可办事项 共 ${items.length} 项`]);
    return told;
  }

  render() {
    const { visit, bank, call, channel } = this.device;
    draw(this.main, this.lines());
    const status = channel?.ready ? "已连接" : "未连接";
    this.badge.textContent = status;
    this.badge.className = channel?.ready ? "online" : "offline";
    this.levels.replaceChildren(...(visit.prompt ? Object.entries(LEVELS) : []).map(([level, text]) => {
      const button = piece("button", "line level", text);
      button.onclick = () => { visit.press(level, []); };
      return button;
    }));
    this.hangup.hidden = !(call.ringing || call.connected);
    this.cancel.hidden = visit.session !== "" || !visit.open.size;
    draw(this.side, bank.get("second_screen").trouble() ? [] : this.second.map((text) => ["page", text]));
    this.body.dataset.call = call.ringing || call.connected ? "yes" : "no";
  }

  /** What is visible now, read from the page itself. */
  shown() {
    const visible = (root) => [...root.querySelectorAll(".line")].filter((each) => each.checkVisibility())
      .map((each) => each.innerText);
    return { main: [...visible(this.main), ...visible(this.levels)], second: visible(this.side) };
  }
}

function ticketLine({ number, state, ahead, window }) {
  if (state === "called") return `请 ${number} 号到视频窗口办理（${window}窗口）`;
  if (state === "waiting") return `您的号码 ${number}，前面还有 ${ahead} 人（远程取号优先）`;
  return `${number} 号 办理中`;
}

function piece(tag, name, text) {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}

function draw(root, lines) {
  root.replaceChildren(...lines.map(([name, text]) => piece("p", `line ${name}`, text)));
}
