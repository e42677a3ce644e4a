// `peripheral.command`: accepted at once, done in its own time, reported once, for every way it can end.

import { Refused } from "./docking.js";
import { CODE, RpcError } from "./rpc.js";
import { capturePage, signaturePicture } from "./pictures.js";
import { contentDigest } from "./signing.js";

const STEP = 80; // milliseconds of one mechanical step
const GRACE = 40; // milliseconds over its limit before a command is given up: never too early
const CARD_FIELDS = [
  "card_type", "id_number", "name", "sex", "ethnicity", "birth_date", "address", "issuing_authority", "valid_from",
  "valid_until",
];

export class Commands {
  constructor(device) {
    this.device = device;
    this.running = new Map();
    this.ended = new Set();
    this.printed = new Map();
    this.work = {
      "id_card_reader.read": (command) => this.readCard(command, CARD_FIELDS),
      "social_card_reader.read": (command) => this.readCard(command, ["card_type", "id_number", "name", "card_no"]),
      "code_scanner.scan": (command) => this.scan(command),
      "document_camera.capture": (command) => this.capture(command),
      "signature_pad.sign": (command) => this.sign(command),
      "printer.print": (command) => this.print(command),
      "second_screen.show": (command) => this.show(command),
    };
  }

  take(params) {
    const { command_id: id, session_id: session, peripheral, action, args, timeout_ms: limit } = params;
    if (this.running.has(id) || this.ended.has(id)) return { accepted: true };
    const name = `${peripheral}.${action}`;
    if (!this.device.visit.isOpen(session)) throw new RpcError(CODE.unknown, "no such open session");
    if (!this.device.bank.get(peripheral)) throw new RpcError(CODE.unknown, "unknown peripheral");
    if (!Object.hasOwn(this.work, name)) throw new RpcError(CODE.unsupported, "action not supported");
    for (const other of this.running.values()) {
      if (other.peripheral === peripheral) throw new RpcError(CODE.busy, "peripheral is busy");
    }
    const command = { id, session, peripheral, name, args, limit };
    command.stopped = new Promise((_, reject) => { command.stop = reject; });
    command.stopped.catch(() => {});
    this.running.set(id, command);
    setTimeout(() => this.run(command), 0); // after the answer is on its way: no report may overtake it
    return { accepted: true };
  }

  cancel(params) {
    const command = this.running.get(params.command_id);
    if (command) {
      command.stop(new RpcError(CODE.cancelled, "cancelled"));
      return { cancelled: true };
    }
    if (this.ended.has(params.command_id)) return { cancelled: false };
    throw new RpcError(CODE.unknown, "unknown command");
  }

  /** The session is over: everything stops. */
  abandon() {
    for (const command of this.running.values()) command.stop(new RpcError(CODE.cancelled, "session closed"));
  }

  async run(command) {
    const peripheral = this.device.bank.get(command.peripheral);
    const timer = setTimeout(() => command.stop(new RpcError(CODE.timeout, "timed out")), command.limit + GRACE);
    peripheral.busy = true;
    let outcome;
    try {
      this.sound(peripheral);
      const result = await Promise.race([this.work[command.name](command), command.stopped]);
      outcome = ["cn.rvw.command.completed", { result }];
    } catch (error) {
      if (!(error instanceof RpcError)) this.device.log(`指令 ${command.name} 内部错误：${error.stack}`);
      const told = error instanceof RpcError ? error : new RpcError(CODE.fault, "internal error", { fault: "offline" });
      outcome = ["cn.rvw.command.failed", { error: told.document() }];
    }
    clearTimeout(timer);
    command.over = true;
    peripheral.busy = false;
    this.running.delete(command.id);
    this.ended.add(command.id);
    const [type, told] = outcome;
    this.device.report(type, command.peripheral, { command_id: command.id, session_id: command.session, ...told });
    this.device.screen.render();
  }

  // -- what the actions share ------------------------------------------------------------------------------------------

  fault(name) {
    return new RpcError(CODE.fault, `peripheral fault: ${name}`, { fault: name });
  }

  sound(peripheral) {
    if (peripheral.trouble()) throw this.fault(peripheral.trouble());
  }

  /** Until a resident puts something there; breaks off when the peripheral breaks or the command is over. */
  async offered(command) {
    const peripheral = this.device.bank.get(command.peripheral);
    for (;;) {
      this.sound(peripheral);
      if (peripheral.offered !== null || command.over) return peripheral.offered;
      await peripheral.changed.within(1000);
    }
  }

  /** Take some time over it; breaks off when the peripheral breaks or what lies there is taken away. */
  async step(command, ms, gone = "") {
    const peripheral = this.device.bank.get(command.peripheral);
    const thing = peripheral.offered;
    for (const ends = performance.now() + ms; performance.now() < ends;) {
      await peripheral.changed.within(ends - performance.now());
      this.sound(peripheral);
      if (gone && peripheral.offered !== thing) throw this.fault(gone);
    }
  }

  say(message) {
    this.device.screen.show(message);
  }

  // -- the actions -----------------------------------------------------------------------------------------------------

  async readCard(command, fields) {
    this.say("请将证件放在读卡区");
    const card = await this.offered(command);
    await this.step(command, STEP, "card_removed");
    this.device.visit.keep("card", `${card.name} ${card.id_number}`);
    this.say(`已读取：${this.device.screen.person(card.name, card.id_number)}`);
    return Object.fromEntries(fields.filter((name) => name in card).map((name) => [name, card[name]]));
  }

  async scan(command) {
    this.say("请将二维码对准扫码口");
    const text = String(await this.offered(command));
    this.device.bank.get(command.peripheral).offered = null;
    this.device.visit.keep("scan", text);
    this.say("扫码完成");
    return { text };
  }

  async capture(command) {
    this.say("请将材料平放在高拍仪下");
    const name = await this.offered(command);
    await this.step(command, STEP);
    const picture = await capturePage(String(name), command.args.min_width ?? 0, command.args.min_height ?? 0);
    if (!picture) throw this.fault("empty_frame");
    const digest = await this.upload(command, picture);
    return { material_id: command.args.material_id, digest, width: picture.width, height: picture.height };
  }

  async sign(command) {
    this.say("请在签字板上签名并确认");
    await this.step(command, STEP * 3);
    return { material_id: command.args.material_id, digest: await this.upload(command, await signaturePicture()) };
  }

  async upload(command, picture) {
    const { material_id: material } = command.args;
    this.device.visit.keep(`material ${material}`, `${picture.bytes.length} bytes`);
    const path = `/sessions/${command.session}/materials/${material}`;
    try {
      await this.device.docking.deliver({ method: "PUT", path, body: picture.bytes, type: "image/jpeg" });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const code = { 404: CODE.unknown, 413: CODE.size }[error.status] ?? CODE.state;
      throw new RpcError(code, `upload refused: ${error.slug}`);
    }
    this.say("材料已上传");
    return contentDigest(picture.bytes);
  }

  async print(command) {
    const { job_id: job } = command.args;
    if (!this.printed.has(job)) {
      const pages = await this.fetchPages(job);
      this.say("正在打印，请稍候");
      await this.step(command, STEP * Math.min(pages, 8));
      if (command.over) return {};
      this.printed.set(job, pages);
      this.say("打印完成，请取走材料");
    }
    return { job_id: job, pages: this.printed.get(job) };
  }

  async fetchPages(job) {
    let response;
    try {
      response = await this.device.docking.deliver({ method: "GET", path: `/print-jobs/${job}/content` });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      throw new RpcError(CODE.unknown, `print content refused: ${error.slug}`);
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    const told = response.headers.get("content-digest") ?? "";
    if (!told.split(",").map((each) => each.trim()).includes(await contentDigest(bytes))) {
      throw new RpcError(CODE.state, "digest of the print content does not match");
    }
    const text = new TextDecoder("latin1").decode(bytes);
    if (!text.startsWith("%PDF-")) throw this.fault("offline");
    return text.match(/\/Type\s*\/Page(?![a-zA-Z])/g)?.length || 1;
  }

  show(command) {
    const text = command.args.text ?? command.args.page_url;
    this.device.screen.second = text.split("\n");
    return { shown: true };
  }
}
