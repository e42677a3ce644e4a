// JSON-RPC errors of the channels.

export const CODE = {
  parse: -32700, invalid: -32600, method: -32601, params: -32602, internal: -32603, unauthorized: -32001, busy: -32010,
  unknown: -32011, state: -32012, fault: -32013, timeout: -32014, cancelled: -32015, size: -32016, unsupported: -32017,
};

/** A JSON-RPC error, to be sent or received. */
export class RpcError extends Error {
  constructor(code, message, data) {
    super(message);
    this.code = code;
    this.data = data;
  }

  document() {
    return { code: this.code, message: this.message || "error", ...(this.data ? { data: this.data } : {}) };
  }
}
