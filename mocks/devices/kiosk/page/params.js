// What the acceptance system may say to the device: the shape of each call's params, checked before anything is done.
// Members that are not named here are passed over, because a later version may bring them.

import { CODE, RpcError } from "./rpc.js";

const text = (pattern, most = 64) => (value) => (
  typeof value === "string" && value.length > 0 && value.length <= most && pattern.test(value));
const whole = (least, most) => (value) => Number.isInteger(value) && value >= least && value <= most;
const one = (...values) => (value) => values.includes(value);
const list = (item, least, most, fits = () => true) => (value) => (
  Array.isArray(value) && value.length >= least && value.length <= most && value.every(item) && fits(value));
const record = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const shape = (members) => (value) => record(value) && !misfit(members, value);
const optional = (fits) => Object.assign((value) => value === undefined || fits(value), { optional: true });
const map = (item, least, most) => (value) => {
  if (!record(value)) return false;
  const entries = Object.entries(value);
  const fits = ([name, each]) => name.length <= 64 && item(each);
  return entries.length >= least && entries.length <= most && entries.every(fits);
};
const different = (values) => new Set(values).size === values.length;

const id = text(/^[A-Za-z0-9._~-]+$/);
const slug = text(/^[a-z][a-z0-9_-]*$/, 48);
const version = text(/^[!-~]+$/);
const number = text(/^[0-9A-Z-]+$/, 16);
const short = text(/^[^]+$/, 16);
const shown = text(/^[^]+$/, 256);
const limit = whole(1, 600000);
const sdp = (value) => typeof value === "string" && value.startsWith("v=0") && value.length <= 200000;
const level = one("very_satisfied", "satisfied", "basically_satisfied", "dissatisfied", "very_dissatisfied");
const ticketState = one("waiting", "called", "serving", "held", "transferred", "served", "missed", "cancelled", "expired");
const hours = list(shape({
  days: list(one("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1, 7, different),
  from: text(/^([01][0-9]|2[0-3]):[0-5][0-9]$/), to: text(/^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$/),
}), 0, 42);
const server = shape({
  urls: list(text(/^(stun|stuns|turn|turns):[!-~]+$/, 256), 1, 8), username: optional(text(/^[^]+$/, 512)),
  credential: optional(text(/^[^]+$/, 512)),
});
const candidate = shape({
  candidate: (value) => typeof value === "string" && value.length <= 1024,
  sdpMid: optional((value) => value === null || typeof value === "string"),
  sdpMLineIndex: optional((value) => value === null || whole(0, 64)(value)),
});

const MESSAGES = {
  "ticket.updated": { ticket_id: id, number, state: ticketState, ahead: whole(0, 100000) },
  "ticket.called": { ticket_id: id, number, window_no: short, staff_no: short },
  "session.opened": { session_id: id, ticket_id: id, case_no: text(/^[^]+$/, 50) },
  "session.closed": { session_id: id, reason: slug },
  "peripheral.command": {
    command_id: id, session_id: id, peripheral: text(/^[a-z][a-z0-9_-]*$/), action: text(/^[a-z][a-z0-9_]*$/, 32),
    args: record, timeout_ms: limit,
  },
  "peripheral.cancel": { command_id: id },
  "rating.request": {
    rating_id: id, session_id: id, ticket_id: id, levels: list(level, 5, 5, different), timeout_ms: limit,
  },
  "config.changed": {
    version, items_version: version, counter: shape({
      name: shown, service_hours: hours, phone: optional(text(/^[0-9+()— -]{3,32}$/)),
      state: optional(one("active", "not_activated", "paused", "closed")),
    }),
  },
  "status.query": {},
  "maintenance.set": { mode: one("on", "off"), reason: slug },
  "call.invite": {
    call_id: id, session_id: id, ticket_id: id, ring_timeout_ms: limit, clerk: shape({ window_no: short, staff_no: short }),
    ice_servers: optional(list(server, 0, 16)),
  },
  "call.cancel": { call_id: id, reason: slug },
  "call.bye": { call_id: id, reason: slug },
  "media.offer": { call_id: id, sdp, labels: map(one("person", "page", "audio"), 1, 16) },
  "media.answer": { call_id: id, sdp },
  "media.candidate": { call_id: id, candidate: (value) => value === null || candidate(value) },
};

const job = { job_id: id, copies: whole(1, 99), duplex: optional((value) => typeof value === "boolean") };
const ARGUMENTS = {
  "id_card_reader.read": {}, "social_card_reader.read": {}, "code_scanner.scan": {}, "printer.print": job,
  "signature_pad.sign": { material_id: id },
  "document_camera.capture": {
    material_id: id, min_width: optional(whole(1, 20000)), min_height: optional(whole(1, 20000)),
  },
  "second_screen.show": { page_url: optional(text(/^https:\/\/[!-~]+$/, 2048)), text: optional(text(/^[^]+$/, 4096)) },
};

/** Name of the first member that does not fit, or undefined. */
function misfit(members, value) {
  return Object.keys(members).find((name) => !members[name](Object.hasOwn(value, name) ? value[name] : undefined));
}

function refuse(name) {
  if (name) throw new RpcError(CODE.params, `invalid params: ${name}`, { member: name });
}

/** Throw -32602 naming the first member that does not fit. Unknown methods are none of this module's business. */
export function check(method, params) {
  if (!Object.hasOwn(MESSAGES, method)) return;
  refuse(misfit(MESSAGES[method], params));
  if (method === "peripheral.command") {
    const { peripheral, action, args } = params;
    refuse(misfit(ARGUMENTS[`${peripheral}.${action}`] ?? {}, args));
    if (peripheral === "second_screen" && !("text" in args) && !("page_url" in args)) refuse("args.text");
  }
}
