// Simulated peripherals of the kiosk: what is plugged in, what is broken, and what a resident put there.

import { Signal } from "./clock.js";

export const NAMES = {
  id_card_reader: "身份证阅读器", social_card_reader: "社保卡阅读器", code_scanner: "扫码器", document_camera: "高拍仪",
  printer: "打印机", signature_pad: "签字板", evaluator: "评价器", person_camera: "人像摄像头", audio: "话筒和扬声器",
  second_screen: "副屏", help_button: "求助按钮",
};
const PASSING = new Set(["no_card", "card_removed", "empty_frame"]); // told, but nothing to call a technician for

class Peripheral {
  constructor(id) {
    this.id = id;
    this.present = true;
    this.fault = "";
    this.busy = false;
    this.offered = null;
    this.changed = new Signal();
  }

  status() {
    if (!this.present) return "absent";
    if (this.fault) return "fault";
    return this.busy ? "busy" : "ready";
  }

  trouble() {
    return this.present ? this.fault : "unplugged";
  }

  state() {
    return { id: this.id, status: this.status(), ...(this.fault && this.present ? { fault: this.fault } : {}) };
  }
}

export class Bank {
  constructor(device) {
    this.device = device;
    this.all = new Map(Object.keys(NAMES).map((id) => [id, new Peripheral(id)]));
  }

  ids() {
    return [...this.all.keys()];
  }

  get(id) {
    return this.all.get(id);
  }

  states() {
    return [...this.all.values()].map((each) => each.state());
  }

  faultyNames() {
    return [...this.all.values()].filter((each) => each.fault && !PASSING.has(each.fault)).map((each) => NAMES[each.id]);
  }

  setFault(id, fault) {
    if (fault === "unplugged") this.plug(id, false);
    else this.change(id, { fault });
  }

  repair(id) {
    this.change(id, { fault: "", present: true });
  }

  plug(id, present) {
    this.change(id, present ? { present, fault: "" } : { present, offered: null });
  }

  /** A resident puts something there, or takes it away (null). */
  offer(id, thing) {
    const peripheral = this.all.get(id);
    peripheral.offered = thing;
    peripheral.changed.raise();
  }

  /** At the end of a session nothing of the resident stays on any of them. */
  clear() {
    for (const peripheral of this.all.values()) {
      peripheral.offered = null;
      peripheral.busy = false;
    }
  }

  change(id, members) {
    const peripheral = this.all.get(id);
    if (!peripheral) throw new RangeError(`no peripheral ${id}`);
    Object.assign(peripheral, members);
    peripheral.changed.raise();
    const { status, fault } = peripheral.state();
    this.device.report("cn.rvw.peripheral.status", id, { status, ...(fault ? { fault } : {}) });
    this.device.call.cameraChanged(id, peripheral.trouble());
    this.device.screen.render();
  }
}
