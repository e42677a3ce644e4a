// Registration and the life of the token.

import { pause, Signal } from "./clock.js";
import { Refused } from "./docking.js";

const REFUSALS = {
  "unknown-device": "本设备未登记，请联系管理单位", "not-activated": "本服务点未开通，请稍候",
  closed: "本服务点已停用", "duplicate-device": "设备标识重复，请联系管理单位", invalid: "登记信息有误，请联系管理单位",
};

export class Registration {
  constructor(device) {
    this.device = device;
    this.again = new Signal();
    this.changed = new Signal();
    this.registered = false;
    this.epoch = 0;
    this.endpoints = {};
    this.iceServers = [];
    this.life = 0;
  }

  /** For ever: register, keep the token alive, and register anew when that is no longer possible. */
  async run() {
    for (;;) {
      await this.register();
      await this.keepToken();
      this.registered = false;
    }
  }

  /** Resolves when the device is registered. */
  async ready() {
    while (!this.registered) await this.changed.within(1000);
  }

  lost() {
    this.registered = false;
    this.again.raise();
  }

  async register() {
    const { docking, timers, screen } = this.device;
    for (let attempt = 0; ; attempt += 1) {
      let wait = 0;
      try {
        const askedAt = performance.now();
        this.accept(await docking.json("POST", "/devices", this.document(), false), askedAt);
        return;
      } catch (error) {
        wait = error.wait ?? 0;
        screen.trouble = error instanceof Refused
          ? REFUSALS[error.slug] ?? "暂时无法登记，正在重试" : "安全连接失败或网络不通，正在重试";
        this.device.log(`登记失败：${error.message}`);
        screen.render();
        if (error.status === 401) await this.fetchTime();
      }
      await pause(Math.max(wait, timers.backoff(attempt)));
    }
  }

  async fetchTime() {
    const askedAt = performance.now();
    try {
      this.device.clock.sync((await this.device.docking.json("GET", "/time")).server_time, askedAt);
    } catch (error) {
      this.device.log(`取时间失败：${error.message}`);
    }
  }

  document() {
    const { settings, identity, bootId, bank } = this.device;
    return {
      remote_device_id: settings.remote_device_id, remote_device_url: settings.remote_device_url, url_role: "device_api",
      vendor: identity.vendor, model: identity.model, serial: identity.serial, firmware: identity.firmware,
      spec_version: "1.0", device_profile: identity.device_profile, boot_id: bootId,
      capabilities: {
        peripherals: bank.ids().map((id) => ({ id, class: id })), video_codecs: identity.video_codecs,
        audio_codecs: ["opus"], media_arrangement: "two_sections", features: ["on_behalf", "device_api"],
      },
      extension_point: identity.extension_point,
    };
  }

  accept(answer, askedAt) {
    const { channel, signaling } = answer.endpoints;
    if (!channel || !signaling || !Number.isInteger(answer.epoch)) throw new TypeError("登记应答不完整");
    this.takeToken(answer, askedAt);
    this.endpoints = { channel, signaling };
    this.epoch = answer.epoch;
    this.iceServers = Array.isArray(answer.ice_servers) ? answer.ice_servers : [];
    this.device.timers.take(answer.timers);
    this.device.takeCounter(answer.counter);
    this.device.screen.trouble = "";
    this.registered = true;
    this.changed.raise();
    this.device.fetchItems();
    this.device.screen.render();
  }

  takeToken(answer, askedAt) {
    this.device.docking.token = String(answer.token);
    this.life = Number(answer.token_expires_in) * 1000;
    this.device.docking.tokenEnds = askedAt + this.life;
    this.device.clock.sync(answer.server_time, askedAt);
  }

  async keepToken() {
    for (;;) {
      if (await this.again.within(Math.min(this.life * 0.7, 2 ** 31 - 1)) || !this.registered) return;
      if (!await this.refresh()) return;
    }
  }

  /** Ask for a new token until the old one ends; false when only a registration helps. */
  async refresh() {
    const ends = performance.now() + this.life * 0.3;
    const document = { remote_device_id: this.device.settings.remote_device_id, boot_id: this.device.bootId };
    for (let attempt = 0; performance.now() < ends; attempt += 1) {
      const askedAt = performance.now();
      try {
        this.takeToken(await this.device.docking.json("POST", "/tokens", document), askedAt);
        return true;
      } catch (error) {
        if (error instanceof Refused && error.status < 500) return false;
        this.device.log(`令牌更新失败：${error.message}`);
      }
      await pause(this.device.timers.backoff(attempt));
    }
    return false;
  }
}
