// I1: the docking API as its client. Every request is signed; what may be sent again is sent again with the same body.

import { pause } from "./clock.js";
import { contentDigest } from "./signing.js";

const utf8 = new TextEncoder();

/** The acceptance system answered, and said no. */
export class Refused extends Error {
  constructor(status, problem, retryAfter) {
    const slug = String(problem.type ?? "").split(":").pop();
    super(`${status} ${slug}`);
    this.status = status;
    this.slug = slug;
    const asked = Math.max(Number(problem.retry_after_ms) || 0, (Number(retryAfter) || 0) * 1000);
    this.wait = asked ? asked * 1.05 + 50 : 0; // a little more than was asked for: the answer was on its way for a while
  }
}

export class Docking {
  constructor(device) {
    this.device = device;
    this.base = device.settings.endpoints.docking.replace(/\/$/, "");
    this.token = "";
    this.tokenEnds = 0; // on the page's monotonic clock
  }

  /** Whether the token may still be used. */
  authorised() {
    return this.token !== "" && performance.now() < this.tokenEnds;
  }

  /** One exchange. Throws Refused for a no, TypeError (by fetch) when nothing came back. */
  async send({ method, path, body = null, type = "application/json", authorised = true }) {
    const { key, clock, timers } = this.device;
    if (authorised && this.token && !this.authorised()) {
      this.device.registration.lost();
      throw new TypeError("the token has ended");
    }
    const url = this.base + path;
    const digest = body === null ? "" : await contentDigest(body);
    const headers = { Accept: "application/json, application/problem+json, application/pdf" };
    if (body !== null) Object.assign(headers, { "Content-Type": type, "Content-Digest": digest });
    if (authorised && this.token) headers.Authorization = `Bearer ${this.token}`;
    Object.assign(headers, await key.fields(method, url, digest, clock.seconds()));
    const response = await fetch(url, {
      method, headers, body, cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(timers.ms("T-ACK") * 10),
    });
    if (!response.ok) throw await refusal(response);
    return response;
  }

  /** JSON both ways. */
  async json(method, path, document = null, authorised = true) {
    const body = document === null ? null : utf8.encode(JSON.stringify(document));
    return (await this.send({ method, path, body, authorised })).json();
  }

  /** Send until it is answered for good: 5xx, 429, a lost token and silence are no final answers. */
  async deliver(request) {
    for (let attempt = 0; ; attempt += 1) {
      let wait = 0;
      try {
        return await this.send(request);
      } catch (error) {
        if (error instanceof Refused) {
          if (error.status === 401 && attempt < 5) this.device.registration.again.raise();
          else if (error.status !== 429 && error.status < 500) throw error;
          wait = error.wait;
        } else {
          this.device.log(`${request.method} ${request.path} 未送达：${error.name}`);
        }
      }
      await pause(Math.max(wait, this.device.timers.backoff(attempt)));
    }
  }

  async deliverJson(method, path, document) {
    return (await this.deliver({ method, path, body: utf8.encode(JSON.stringify(document)) })).json();
  }
}

async function refusal(response) {
  let problem = {};
  try {
    problem = await response.json();
  } catch {
    // an error without a readable document is still an error
  }
  const document = problem && typeof problem === "object" ? problem : {};
  return new Refused(response.status, document, response.headers.get("retry-after"));
}
