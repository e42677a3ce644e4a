// I6 and I4 as far as the page answers them: what a tester does to the device as if by hand, and what it shows.

import { LEVELS } from "./screen.js";

const VERBS = [
  "hello", "card", "scan", "document", "press", "rate", "fault", "repair", "reset", "call_policy", "screen", "residue",
  "resources", "logs", "plug",
];

export class UpperTester {
  constructor(device) {
    this.device = device;
  }

  /** Run one verb; throws with a text for the tester. */
  async verb(name, args) {
    if (!VERBS.includes(name)) throw new RangeError(`unknown verb ${name}`);
    const result = (await this[name](args ?? {})) ?? {};
    this.device.screen.render();
    return result;
  }

  hello() {
    return { version: "1", verbs: VERBS, firmware: this.device.identity.firmware };
  }

  card({ card = {}, remove_after_ms: removeAfter, on_behalf_of: principal, mandate }) {
    const { bank, visit } = this.device;
    const reader = bank.get(card.card_type === "social_card" ? "social_card_reader" : "id_card_reader");
    if (reader.trouble()) return;
    const read = { card_type: "id_card", ...card };
    bank.offer(reader.id, read);
    if (removeAfter >= 0) setTimeout(() => { if (reader.offered === read) bank.offer(reader.id, null); }, removeAfter);
    if (!visit.session && !reader.busy) {
      const takeBack = () => { if (reader.offered === read && !visit.session) bank.offer(reader.id, null); };
      visit.swipe(read, principal ? { ...principal, mandate } : null).finally(takeBack);
    }
  }

  scan({ text = "" }) {
    this.device.bank.offer("code_scanner", String(text));
  }

  document({ picture = "a4-text" }) {
    this.device.bank.offer("document_camera", String(picture));
  }

  async press({ button = "" }) {
    const { device } = this;
    if (button === "help" || button === "help_button") device.report("cn.rvw.help.pressed", "help_button", {});
    else if (button === "cancel") await device.visit.cancel();
    else if (button === "hangup") await device.call.hangUp("resident");
    else if (button.startsWith("item:")) device.chooseItem(button.slice("item:".length));
    else if (button in LEVELS) device.visit.press(button, []);
    else throw new RangeError(`no button ${button}`);
  }

  rate({ level = "", reasons = [] }) {
    return { pressed: this.device.visit.press(level, reasons) };
  }

  fault({ peripheral, fault }) {
    this.device.bank.setFault(peripheral, String(fault));
  }

  repair({ peripheral }) {
    this.device.bank.repair(peripheral);
  }

  plug({ peripheral, in: plugged }) {
    this.device.bank.plug(peripheral, Boolean(plugged));
  }

  async reset() {
    const { device } = this;
    await device.call.hangUp("reset");
    device.call.policy = "auto";
    device.mode = "normal";
    for (const { id, fault, present } of device.bank.all.values()) if (fault || !present) device.bank.repair(id);
    device.visit.reset();
  }

  call_policy({ policy }) {
    if (!["auto", "reject", "ignore", "busy"].includes(policy)) throw new RangeError(`no policy ${policy}`);
    this.device.call.policy = policy;
  }

  screen() {
    return this.device.screen.shown();
  }

  residue() {
    const offered = [...this.device.bank.all.values()].filter((each) => each.offered !== null)
      .map(({ id, offered: thing }) => `${id}: ${JSON.stringify(thing)}`);
    return { files: [], memory: [...this.device.visit.residue(), ...offered] };
  }

  resources() {
    return { cameras_in_use: this.device.call.camerasInUse(), clerk_frames: this.device.call.frames };
  }

  logs() {
    return { lines: this.device.lines };
  }

  // -- I4 --------------------------------------------------------------------------------------------------------------

  info() {
    const { settings, identity } = this.device;
    const { model, firmware } = identity;
    return { remote_device_id: settings.remote_device_id, model, firmware, spec_version: "1.0" };
  }

  health() {
    const peripherals = this.device.bank.states();
    return { status: peripherals.some(({ status }) => status === "fault") ? "degraded" : "ok", peripherals };
  }

  wake() {
    this.device.wake();
    return {};
  }
}
