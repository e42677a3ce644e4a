// What I2 and I3 share: challenge, numbering, sending again after a cut, pairing of calls and answers.

import { pause, Signal } from "./clock.js";
import { check } from "./params.js";
import { CODE, RpcError } from "./rpc.js";

const MOST_OCTETS = 256 * 1024;
const MOST_DEPTH = 64;
const utf8 = new TextEncoder();

const depth = (value) => (value && typeof value === "object" ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0);

export class Link {
  constructor(device, { iface, endpoint, attach, handlers }) {
    this.device = device;
    this.iface = iface;
    this.endpoint = endpoint;
    this.attachMethod = attach;
    this.handlers = handlers;
    this.subprotocol = `rvw.${endpoint}.v1`;
    this.socket = null;
    this.ready = false;
    this.up = new Signal();
    this.sequence = 0;
    this.seen = 0;
    this.epoch = -1;
    this.calls = 0;
    this.attempts = 0;
    this.sent = [];
    this.pending = new Map();
    this.gapAt = 0;
  }

  /** For ever: connect, serve, and come back with growing waits. */
  async run() {
    for (let attempt = 0; ; attempt += 1) {
      await this.device.registration.ready();
      const wasReady = await this.once();
      if (wasReady) attempt = 0;
      await pause(this.device.timers.backoff(attempt));
    }
  }

  /** One connection, from open to its end; true when it got through its handshake. */
  once() {
    return new Promise((resolve) => {
      const socket = new WebSocket(this.device.registration.endpoints[this.endpoint], this.subprotocol);
      this.socket = socket;
      this.attempts += 1;
      let work = Promise.resolve();
      const end = (code) => {
        if (this.socket !== socket) return;
        const wasReady = this.ready;
        clearTimeout(guard);
        this.socket = null;
        this.ready = false;
        this.device.log(`${this.iface} 断开：${code}`);
        if (code === 4002) this.device.registration.lost();
        resolve(wasReady);
      };
      const guard = setTimeout(() => { if (!this.ready) this.drop(1001); }, this.device.timers.ms("T-ACK") * 3);
      this.end = end;
      socket.onmessage = (event) => {
        work = work.then(() => (this.socket === socket ? this.receive(event.data) : null))
          .catch((error) => this.device.log(`${this.iface} 内部错误：${error.stack}`));
      };
      socket.onclose = (event) => end(event.code);
    });
  }

  /** Give the connection up now, without waiting for the closing handshake of a peer that may be gone. */
  drop(code) {
    const socket = this.socket;
    if (!socket) return;
    socket.close(code >= 3000 || code === 1000 ? code : 1000);
    this.end(code);
  }

  // -- sending ---------------------------------------------------------------------------------------------------------

  meta(seq) {
    return { seq, seen: this.seen, boot_id: this.device.bootId, epoch: this.epoch };
  }

  /** Number a message, keep it until the peer confirms it, and send it when there is a connection. */
  number(document) {
    this.sequence += 1;
    const text = JSON.stringify({ ...document, meta: this.meta(this.sequence) });
    this.sent.push({ seq: this.sequence, text, document });
    if (this.ready) this.socket.send(text);
  }

  /** Call the peer; the answer comes even when the connection is cut in between. */
  call(method, params) {
    this.calls += 1;
    const id = `${this.iface.toLowerCase()}-${this.device.bootId.slice(0, 8)}-${this.calls}`;
    const answer = new Promise((resolve, reject) => this.pending.set(id, { resolve, reject }));
    answer.catch(() => {});
    this.number({ jsonrpc: "2.0", id, method, params });
    return answer;
  }

  refuse(id, error) {
    this.number({ jsonrpc: "2.0", id, error: error.document() });
  }

  confirm(seen) {
    while (this.sent.length && this.sent[0].seq <= seen) this.sent.shift();
  }

  startEpoch(epoch) {
    if (epoch === this.epoch) return;
    const waiting = this.sent.filter(({ document }) => "method" in document).map(({ document }) => document);
    Object.assign(this, { epoch, sequence: 0, seen: 0, gapAt: 0, sent: [] });
    waiting.forEach((document) => this.number(document));
  }

  // -- receiving -------------------------------------------------------------------------------------------------------

  async receive(data) {
    let document;
    try {
      document = JSON.parse(data);
      if (depth(document) > MOST_DEPTH) throw new SyntaxError("too deep");
    } catch {
      if (this.ready) this.refuse(null, new RpcError(CODE.parse, "parse error"));
      return;
    }
    if (!this.ready) await this.handshake(document);
    else if (this.counted(document)) await this.dispatch(document, utf8.encode(data).length);
  }

  async handshake(document) {
    const { device } = this;
    if (document?.method === "auth.challenge") {
      this.startEpoch(device.registration.epoch);
      device.clock.sync(document.params?.server_time);
      const { remote_device_id: deviceId } = device.settings;
      const { bootId, key } = device;
      const signature = await key.challengeAnswer(this.iface, String(document.params?.nonce ?? ""), deviceId, bootId);
      const result = { remote_device_id: deviceId, boot_id: bootId, keyid: key.keyid, alg: "hmac-sha256", signature };
      const params = { epoch: this.epoch, last_seq: this.seen, token: device.docking.token };
      const attach = { jsonrpc: "2.0", id: this.attachId(), method: this.attachMethod, params, meta: this.meta(0) };
      this.socket?.send(JSON.stringify({ jsonrpc: "2.0", id: document.id, result, meta: this.meta(0) }));
      this.socket?.send(JSON.stringify(attach));
    } else if (document?.id === this.attachId()) {
      this.attached(document);
    }
  }

  /** Ids of calls never come again, so each connection attaches under one of its own. */
  attachId() {
    return `${this.iface.toLowerCase()}-${this.device.bootId.slice(0, 8)}-attach-${this.attempts}`;
  }

  attached(document) {
    if (document.error || !document.result) {
      if (document.error?.code === CODE.unauthorized) this.device.registration.lost();
      this.drop(1000);
      return;
    }
    this.device.clock.sync(document.result.server_time);
    this.confirm(document.result.last_seq ?? 0);
    this.ready = true;
    for (const { text } of this.sent) this.socket.send(text);
    this.up.raise();
    this.device.screen.render();
  }

  /** Keep the books on `meta`; false for what was processed before and for what comes after a gap. */
  counted(document) {
    const meta = document && typeof document === "object" && !Array.isArray(document) ? document.meta : null;
    if (!meta || typeof meta !== "object") return true;
    if (Number.isInteger(meta.seen)) this.confirm(meta.seen);
    if (!Number.isInteger(meta.seq) || meta.seq <= 0) return true;
    if (meta.seq <= this.seen) return false;
    if (meta.seq > this.seen + 1 && this.gapAt !== this.seen) {
      this.gapAt = this.seen; // resuming brings what is missing; a gap of the peer's own making is passed the second time
      this.drop(4003);
      return false;
    }
    this.seen = meta.seq;
    return true;
  }

  async dispatch(document, octets) {
    if (Array.isArray(document)) {
      this.refuse(null, new RpcError(CODE.invalid, "batch is not supported"));
      return;
    }
    const id = ["string", "number"].includes(typeof document?.id) ? document.id : null;
    if (document?.jsonrpc === "2.0" && !("method" in document) && ("result" in document || "error" in document)) {
      this.settle(document);
      return;
    }
    if (document?.jsonrpc !== "2.0" || typeof document.method !== "string" || (document.id !== undefined && id === null)) {
      this.refuse(id, new RpcError(CODE.invalid, "invalid request"));
      return;
    }
    try {
      if (octets > MOST_OCTETS) throw new RpcError(CODE.size, "message too large");
      const result = await this.handle(document.method, document.params ?? {});
      if (id !== null) this.number({ jsonrpc: "2.0", id, result });
    } catch (error) {
      if (!(error instanceof RpcError)) this.device.log(`${document.method} 内部错误：${error.stack}`);
      if (id !== null) this.refuse(id, error instanceof RpcError ? error : new RpcError(CODE.internal, "internal error"));
    }
    this.device.screen.render();
  }

  handle(method, params) {
    const handler = Object.hasOwn(this.handlers, method) ? this.handlers[method] : null;
    if (!handler) throw new RpcError(CODE.method, `unknown method ${method.slice(0, 64)}`);
    if (typeof params !== "object" || params === null || Array.isArray(params)) {
      throw new RpcError(CODE.params, "params must be an object");
    }
    check(method, params);
    return handler(params);
  }

  settle(document) {
    const waiting = this.pending.get(document.id);
    this.pending.delete(document.id);
    if (!waiting) return;
    const { error } = document;
    if (error) waiting.reject(new RpcError(error.code ?? CODE.internal, String(error.message ?? "")));
    else waiting.resolve(document.result ?? {});
  }
}
