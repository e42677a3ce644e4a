"""Sans-IO protocol core: JSON, envelopes, HTTP messages, signatures and life-cycle tables.

Rules for this room: no sockets, no asyncio, no clock, no knowledge of which side it serves. Bytes go in, values come
out, and what cannot be read becomes a `MalformedMessage` that keeps the bytes.
"""
