// HTTP message signatures (RFC 9421), content digests (RFC 9530) and the answer to a channel's challenge, by WebCrypto.

const utf8 = new TextEncoder();

/** Octets as base64, in pieces so that a page of a document does not overflow the stack. */
export function base64(bytes) {
  const octets = new Uint8Array(bytes);
  let text = "";
  for (let at = 0; at < octets.length; at += 0x8000) {
    text += String.fromCharCode(...octets.subarray(at, at + 0x8000));
  }
  return btoa(text);
}

export function octetsOf(encoded) {
  return Uint8Array.from(atob(encoded), (each) => each.charCodeAt(0));
}

/** Value of Content-Digest for these octets. */
export async function contentDigest(bytes) {
  return `sha-256=:${base64(await crypto.subtle.digest("SHA-256", bytes))}:`;
}

/** A fresh nonce of 128 bits. */
export function nonce() {
  return base64(crypto.getRandomValues(new Uint8Array(16))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The device's key. It signs, and is never given out. */
export class DeviceKey {
  static async of({ keyid, secret_b64: secret }) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", octetsOf(secret), algorithm, false, ["sign"]);
    return new DeviceKey(keyid, key);
  }

  constructor(keyid, key) {
    this.keyid = keyid;
    this.key = key;
  }

  async mac(text) {
    return base64(await crypto.subtle.sign("HMAC", this.key, utf8.encode(text)));
  }

  /** Signature fields of one request; `digest` is its Content-Digest or "". `created` is in whole seconds. */
  async fields(method, url, digest, created) {
    const covered = digest ? '("@method" "@target-uri" "content-digest")' : '("@method" "@target-uri")';
    const parameters = `${covered};created=${created};nonce="${nonce()}";keyid="${this.keyid}";alg="hmac-sha256"`;
    const lines = [`"@method": ${method}`, `"@target-uri": ${url}`];
    if (digest) lines.push(`"content-digest": ${digest}`);
    lines.push(`"@signature-params": ${parameters}`);
    return { "Signature-Input": `sig1=${parameters}`, Signature: `sig1=:${await this.mac(lines.join("\n"))}:` };
  }

  /** Answer to `auth.challenge` on the interface `iface` (I2 or I3). */
  challengeAnswer(iface, challenge, deviceId, bootId) {
    return this.mac(`rvw-auth\n${iface}\n${challenge}\n${deviceId}\n${bootId}`);
  }
}
