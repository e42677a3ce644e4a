// The kiosk: puts the parts together, and stands between the host process and them.

import { Call } from "./call.js";
import { Clock, pause, Timers } from "./clock.js";
import { Commands } from "./commands.js";
import { Docking } from "./docking.js";
import { Link } from "./link.js";
import { Bank } from "./peripherals.js";
import { Registration } from "./registration.js";
import { Screen } from "./screen.js";
import { DeviceKey } from "./signing.js";
import { UpperTester } from "./upper.js";
import { Visit } from "./visit.js";

const MOST_LINES = 500;

class Kiosk {
  static async of(settings) {
    return new Kiosk(settings, await DeviceKey.of(settings.key));
  }

  constructor(settings, key) {
    this.settings = settings;
    this.identity = settings.identity;
    this.key = key;
    this.bootId = crypto.randomUUID();
    this.lines = [];
    this.mode = "normal";
    this.counter = {};
    this.configVersion = "";
    this.items = [];
    this.itemsVersion = "";
    this.chosenItem = "";
    this.reports = 0;
    this.clock = new Clock();
    this.timers = new Timers(settings.timers);
    this.bank = new Bank(this);
    this.docking = new Docking(this);
    this.registration = new Registration(this);
    this.visit = new Visit(this);
    this.commands = new Commands(this);
    this.voice = document.querySelector("#voice");
    this.call = new Call(this, document.querySelector("#clerk"));
    this.channel = new Link(this, {
      iface: "I2", endpoint: "channel", attach: "channel.resume", handlers: this.handlers(),
    });
    this.signaling = new Link(this, {
      iface: "I3", endpoint: "signaling", attach: "signaling.attach", handlers: this.call.handlers(),
    });
    this.screen = new Screen(this, document);
    this.upper = new UpperTester(this);
  }

  run() {
    this.screen.render();
    this.registration.run();
    this.channel.run();
    this.signaling.run();
    this.beat();
    for (const id of this.bank.ids()) this.report("cn.rvw.peripheral.status", id, { status: "ready" });
  }

  handlers() {
    return {
      "ticket.updated": (params) => this.visit.updated(params),
      "ticket.called": (params) => this.visit.called(params),
      "session.opened": (params) => this.visit.sessionOpened(params),
      "session.closed": (params) => this.visit.sessionClosed(params),
      "rating.request": (params) => this.visit.ratingRequested(params),
      "peripheral.command": (params) => this.commands.take(params),
      "peripheral.cancel": (params) => this.commands.cancel(params),
      "config.changed": (params) => this.configChanged(params),
      "maintenance.set": (params) => this.maintenance(params),
      "status.query": () => this.status(),
    };
  }

  log(text) {
    this.lines.push(`${this.clock.text()} ${text}`);
    this.lines.splice(0, Math.max(0, this.lines.length - MOST_LINES));
    console.info(text);
  }

  // -- state -----------------------------------------------------------------------------------------------------------

  state() {
    if (this.mode === "maintenance") return "maintenance";
    if (this.visit.prompt) return "rating";
    if (this.visit.session) return "in_session";
    if (this.call.id) return "in_call";
    if (this.visit.open.size) return "ticketed";
    return this.bank.states().some(({ status }) => status !== "ready") ? "degraded" : "idle";
  }

  status() {
    return {
      state: this.state(), mode: this.mode, peripherals: this.bank.states(), firmware: this.identity.firmware,
      config_version: this.configVersion, items_version: this.itemsVersion,
    };
  }

  maintenance(params) {
    this.mode = params.mode === "on" ? "maintenance" : "normal";
    return {};
  }

  takeCounter(counter) {
    if (counter && typeof counter === "object") this.counter = { ...this.counter, ...counter };
  }

  configChanged(params) {
    this.configVersion = params.version;
    this.takeCounter(params.counter);
    if (params.items_version && params.items_version !== this.itemsVersion) this.fetchItems();
    return { applied_version: params.version };
  }

  /** The catalogue; nothing of it is built in. */
  async fetchItems() {
    for (let attempt = 0; attempt < 8; attempt += 1) {
      try {
        const { version, items } = await this.docking.json("GET", "/service-items");
        this.items = Array.isArray(items) ? items : [];
        this.itemsVersion = String(version);
        this.screen.render();
        if (!this.items.some(({ item_code: code }) => code === this.chosenItem)) this.chosenItem = "";
        return;
      } catch (error) {
        this.log(`事项清单未取到：${error.message}`);
      }
      await pause(this.timers.backoff(attempt));
    }
  }

  chooseItem(code) {
    const item = this.items.find(({ item_code: each }) => each === code);
    if (!item) throw new RangeError(`no item ${code}`);
    this.chosenItem = code;
    this.screen.show(`已选事项：${item.name}，请刷身份证取号`);
  }

  // -- telling ---------------------------------------------------------------------------------------------------------

  /** A CloudEvent on I2; the link brings it over cuts. Before the clock is set it waits, because it carries a time. */
  async report(type, subject, data) {
    this.reports += 1;
    const id = `${this.bootId}-${this.reports}`;
    if (!this.registration.registered) await this.registration.ready();
    this.channel.call("peripheral.report", {
      specversion: "1.0", id, source: `urn:rvw:device:${this.settings.remote_device_id}`, type, subject,
      time: this.clock.text(), datacontenttype: "application/json", data,
    });
  }

  async beat() {
    for (;;) {
      while (!this.channel.ready) await this.channel.up.within(1000);
      this.heartbeat(this.channel.socket);
      await pause(this.timers.ms("T-HEARTBEAT") * (0.92 + 0.05 * Math.random()));
    }
  }

  async heartbeat(socket) {
    const askedAt = performance.now();
    const dead = setTimeout(() => {
      if (this.channel.socket !== socket) return;
      this.log("心跳无应答，重建连接");
      this.wake();
      this.channel.drop(1000);
    }, this.timers.ms("T-ACK") * 2);
    try {
      const answer = await this.channel.call("heartbeat", {
        state: this.state(), mode: this.mode, uptime_ms: this.clock.uptime(), device_time: this.clock.text(),
        peripherals: this.bank.states(),
      });
      this.clock.sync(answer.server_time, askedAt);
    } catch (error) {
      this.log(`心跳被拒：${error.message}`);
    }
    clearTimeout(dead);
  }

  /** The acceptance system asks over I4 to come back on I3. */
  wake() {
    if (!this.signaling.ready) this.signaling.drop(1000);
  }
}

/** Serve the host: each event is a question, each answer is posted back. */
function serve(kiosk, root) {
  const post = (path, document) => fetch(`${root}${path}`, { method: "POST", body: JSON.stringify(document) });
  const events = new EventSource(`${root}events`);
  events.onopen = () => post("ready", {});
  events.onmessage = async ({ data }) => {
    const { id, ask, verb, args } = JSON.parse(data);
    let answer;
    try {
      answer = { id, ok: true, result: ask === "verb" ? await kiosk.upper.verb(verb, args) : kiosk.upper[ask](args) };
    } catch (error) {
      answer = { id, ok: false, error: error.message };
    }
    await post("answers", answer);
  };
}

const root = new URL(".", location.href).pathname;
const kiosk = await Kiosk.of(await (await fetch(`${root}settings`)).json());
serve(kiosk, root);
kiosk.run();
