// Time of the acceptance system as the device knows it, the limits that it obeys, and waits that can be cut short.

const BUILT_IN = { // id: [production, lab] in milliseconds, the text of the specification
  "T-HEARTBEAT": [30000, 800], "T-ACK": [3000, 600], "T-BACKOFF": [1000, 100], "T-BACKOFF-CAP": [60000, 800],
  "T-TOKEN": [3600000, 4000], "T-COMMAND": [30000, 2500], "T-RATING": [60000, 1200], "T-HANGUP": [3000, 500],
};

export class Timers {
  constructor(kind) {
    this.column = kind === "lab" ? 1 : 0;
    this.told = {};
  }

  take(timers) {
    if (timers && typeof timers === "object") {
      this.told = Object.fromEntries(Object.entries(timers).filter(([, ms]) => typeof ms === "number" && ms > 0));
    }
  }

  ms(id) {
    return this.told[id] ?? BUILT_IN[id][this.column];
  }

  /** Wait before the next attempt: doubling from T-BACKOFF to T-BACKOFF-CAP, with jitter upwards. */
  backoff(attempt) {
    const cap = this.ms("T-BACKOFF-CAP");
    const grown = this.ms("T-BACKOFF") * 2 ** Math.min(attempt, 30);
    return grown >= cap ? cap * (1 - 0.1 * Math.random()) : Math.min(grown * (1 + 0.25 * Math.random()), cap);
  }
}

export class Clock {
  constructor() {
    this.offset = 0;
    this.synced = false;
    this.begun = performance.now();
  }

  /** Take over the server's time, corrected by half of the way there and back. */
  sync(serverTime, askedAt = performance.now()) {
    const told = Date.parse(serverTime);
    if (Number.isNaN(told)) return;
    this.offset = told + (performance.now() - askedAt) / 2 - Date.now();
    this.synced = true;
  }

  now() {
    return Date.now() + this.offset;
  }

  seconds() {
    return Math.floor(this.now() / 1000);
  }

  uptime() {
    return Math.round(performance.now() - this.begun);
  }

  /** RFC 3339 with the offset of Shanghai. */
  text() {
    return new Date(this.now() + 8 * 3600 * 1000).toISOString().replace("Z", "+08:00");
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Something that happens again and again and can be waited for. */
export class Signal {
  constructor() {
    this.waiting = [];
  }

  raise() {
    const waiting = this.waiting;
    this.waiting = [];
    waiting.forEach((resolve) => resolve(true));
  }

  /** True when it happened within `ms`, else false. */
  within(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ms);
      this.waiting.push(() => { clearTimeout(timer); resolve(true); });
    });
  }
}
