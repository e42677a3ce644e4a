// A resident's visit: ticket, session, rating, and the duty to forget all of it.

import { Signal } from "./clock.js";
import { Refused } from "./docking.js";
import { CODE, RpcError } from "./rpc.js";
import { LEVELS } from "./screen.js";

const FINAL = new Set(["served", "missed", "cancelled", "expired"]);
const STATE_TEXT = {
  missed: "已过号，请留意重新呼叫或重新刷卡取号", cancelled: "取号已取消", expired: "取号已失效，请重新刷卡取号",
  held: "办理已挂起，请稍候", transferred: "正在为您转接其他窗口", served: "本次办理已结束",
};
const REFUSAL_TEXT = { "outside-service-hours": "现在不在服务时间，无法取号", "not-activated": "本服务点未开通，无法取号" };

export class Visit {
  constructor(device) {
    this.device = device;
    this.open = new Map(); // ticket id -> {ticket_id, number, state, ahead, window}
    this.ended = new Map(); // ticket id -> the ticket as it ended
    this.issuing = 0;
    this.issued = new Signal();
    this.session = "";
    this.caseNo = "";
    this.closedSessions = new Set();
    this.prompt = null;
    this.ratings = new Set(); // ids asked for, so that none is asked twice
    this.kept = new Map(); // the only place of what belongs to a resident
  }

  /** Keep something of the resident until the session ends. */
  keep(name, value) {
    this.kept.set(name, value);
  }

  residue() {
    return [...this.kept].map(([name, value]) => `${name}: ${value}`);
  }

  isOpen(session) {
    return session !== "" && session === this.session;
  }

  // -- tickets ---------------------------------------------------------------------------------------------------------

  /** A card on the reader outside a session; `principal` {id_number, name, mandate} is whom its holder stands for. */
  async swipe(card, principal) {
    const { screen, docking, clock } = this.device;
    if (this.device.mode !== "normal" || !clock.synced) {
      screen.show("设备维护中，暂停取号");
      return;
    }
    screen.show("正在取号，请稍候");
    this.issuing += 1;
    const document = {
      request_id: crypto.randomUUID(), channel: "remote",
      ...parties(card, principal), ...(this.device.chosenItem ? { item_code: this.device.chosenItem } : {}),
      taken_at: clock.text(),
    };
    try {
      const { ticket } = await docking.deliverJson("POST", "/tickets", document);
      const known = this.open.has(ticket.ticket_id);
      if (!known) this.open.set(ticket.ticket_id, { ...ticket, window: "" });
      this.device.chosenItem = "";
      screen.show(known ? "您已取号，请勿重复刷卡" : "取号成功，请稍候");
    } catch (error) {
      screen.show(error instanceof Refused ? REFUSAL_TEXT[error.slug] ?? "无法取号，请咨询工作人员" : "取号失败，请重新刷卡");
    }
    this.issuing -= 1;
    this.issued.raise();
  }

  /** A ticket by id; news may overtake the answer that brings the ticket. */
  async find(id) {
    if (!this.open.has(id) && this.issuing) await this.issued.within(this.device.timers.ms("T-ACK") * 0.5);
    return this.open.get(id);
  }

  async updated(params) {
    const ticket = await this.find(params.ticket_id);
    if (!ticket) {
      if (this.ended.has(params.ticket_id)) return {};
      throw new RpcError(CODE.unknown, "unknown ticket");
    }
    ticket.state = params.state;
    ticket.number = params.number ?? ticket.number;
    ticket.ahead = params.ahead ?? 0;
    if (STATE_TEXT[ticket.state]) this.device.screen.show(`${ticket.number} 号 ${STATE_TEXT[ticket.state]}`);
    if (FINAL.has(ticket.state)) this.end(ticket);
    return {};
  }

  end(ticket) {
    this.open.delete(ticket.ticket_id);
    this.ended.set(ticket.ticket_id, ticket);
  }

  /** A number that was passed over may be called again. */
  revive(id) {
    const ticket = this.ended.get(id);
    if (ticket?.state !== "missed") return undefined;
    this.ended.delete(id);
    this.open.set(id, ticket);
    return ticket;
  }

  async called(params) {
    const ticket = await this.find(params.ticket_id) ?? this.revive(params.ticket_id);
    if (!ticket) throw new RpcError(CODE.unknown, "unknown ticket");
    Object.assign(ticket, { state: "called", ahead: 0, window: params.window_no ?? "" });
    this.device.screen.show("正在呼叫您，请准备视频办理");
    return {};
  }

  /** The resident gives the latest waiting ticket back; false when there is none or the answer was no. */
  async cancel() {
    const ticket = [...this.open.values()].filter(({ state }) => ["waiting", "called"].includes(state)).pop();
    if (!ticket) return false;
    const document = { request_id: crypto.randomUUID(), reason: "resident" };
    try {
      await this.device.docking.deliverJson("POST", `/tickets/${ticket.ticket_id}/cancel`, document);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.device.screen.show("当前状态不能取消");
      return false;
    }
    this.end(ticket);
    this.device.screen.show("取号已取消");
    return true;
  }

  // -- session ---------------------------------------------------------------------------------------------------------

  async sessionOpened(params) {
    const { session_id: id } = params;
    if (id === this.session) return {};
    if (this.closedSessions.has(id) || !await this.find(params.ticket_id)) {
      throw new RpcError(CODE.unknown, "unknown session or ticket");
    }
    if (this.session) throw new RpcError(CODE.state, "another session is open");
    this.session = id;
    this.caseNo = params.case_no ?? "";
    this.device.screen.show("窗口已接入，开始办理");
    return {};
  }

  sessionClosed(params) {
    const { session_id: id } = params;
    if (this.closedSessions.has(id)) return {};
    if (id !== this.session) throw new RpcError(CODE.unknown, "unknown session");
    this.closedSessions.add(id);
    this.session = this.caseNo = "";
    this.device.commands.abandon();
    this.device.call.endForSession(id);
    this.wipe();
    return {};
  }

  /** As if nobody had been here: no ticket, no session, no prompt. */
  reset() {
    for (const ticket of [...this.open.values()]) this.end(ticket);
    if (this.session) this.closedSessions.add(this.session);
    this.session = this.caseNo = "";
    this.prompt = null;
    this.device.commands.abandon();
    this.wipe();
  }

  /** Nothing of the resident stays: memory, screens, cards, choices. */
  wipe() {
    this.kept.clear();
    this.device.bank.clear();
    this.device.chosenItem = "";
    this.device.screen.wipe();
  }

  // -- rating ----------------------------------------------------------------------------------------------------------

  ratingRequested(params) {
    if (this.ratings.has(params.rating_id)) return {};
    if (!this.isOpen(params.session_id) && !this.closedSessions.has(params.session_id)) {
      throw new RpcError(CODE.unknown, "unknown session");
    }
    if (this.prompt) throw new RpcError(CODE.state, "a rating is being asked for already");
    this.ratings.add(params.rating_id);
    this.prompt = { ...params, level: "", reasons: [], pressed: new Signal(), reasoned: new Signal() };
    this.rate(this.prompt);
    return {};
  }

  async rate(prompt) {
    const { screen } = this.device;
    const pressed = await prompt.pressed.within(prompt.timeout_ms);
    if (this.prompt !== prompt) return; // taken away by a reset
    if (pressed) {
      if (["dissatisfied", "very_dissatisfied"].includes(prompt.level) && !prompt.reasons.length) {
        screen.show("请选择不满意的原因（可不选）");
        await prompt.reasoned.within(300);
      }
      screen.show("感谢您的评价");
    } else {
      screen.show("评价已超时，感谢使用");
    }
    this.prompt = null;
    screen.render();
    await this.submit(prompt);
  }

  async submit(prompt) {
    const { rating_id, session_id, ticket_id, level, reasons } = prompt;
    const document = {
      rating_id, session_id, ticket_id, outcome: level ? "rated" : "not_rated", ...(level ? { level } : {}),
      ...(reasons.length ? { reasons } : {}), rated_at: this.device.clock.text(),
    };
    try {
      await this.device.docking.deliverJson("POST", "/ratings", document);
    } catch (error) {
      this.device.log(`评价被拒：${error.message}`);
    }
    if (!this.session && !this.prompt) this.device.screen.wipe();
  }

  /** The resident presses a level, or a reason after it. */
  press(level, reasons) {
    const { prompt } = this;
    if (!prompt || !(level in LEVELS) || this.device.bank.get("evaluator").trouble()) return false;
    if (prompt.level && !(reasons.length && level === prompt.level)) return false;
    Object.assign(prompt, { level, reasons });
    prompt.pressed.raise();
    if (reasons.length) prompt.reasoned.raise();
    return true;
  }
}

/** Who is served, and who stands here for that person. */
function parties(card, principal) {
  const { card_type: type = "id_card", id_number: number, name } = card;
  if (!principal) return { holder: { card_type: type, id_number: number, name } };
  const mandate = principal.mandate ?? { kind: "power_of_attorney", reference: "现场出示" };
  return {
    holder: { card_type: type, id_number: principal.id_number, name: principal.name },
    agent: { id_number: number, name, mandate },
  };
}
