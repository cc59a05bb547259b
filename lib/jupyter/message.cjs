// A message of Jupyter's protocol as it is on the wire: read, checked, answered, signed.
// https://jupyter-client.readthedocs.io/en/latest/messaging.html#the-wire-protocol
"use strict";
const { createHmac, randomUUID, timingSafeEqual } = require("node:crypto");

const DELIMITER = "<IDS|MSG>";

class Message {
  /** @param {Buffer[]} identity where it came from, which is where answers go to */
  constructor(identity, [header, parent, metadata, content]) {
    Object.assign(this, { identity, header, parent, metadata, content });
  }

  /**
   * Reads what a socket has received.
   * @throws Error when it is no message or not signed with the key; of a signature it says nothing, since logs are read by others
   */
  static read(frames, key) {
    const at = frames.findIndex((frame) => frame.toString() === DELIMITER);
    if (at < 0 || frames.length < at + 6) throw new Error("Cannot read a message: it has too few parts");
    const parts = frames.slice(at + 2, at + 6);
    const [found, wanted] = [frames[at + 1], Buffer.from(signatureOf(frames.slice(at + 2), key))];
    if (found.length !== wanted.length || !timingSafeEqual(found, wanted))
      throw new Error("Cannot trust a message: its signature is not this kernel's");
    return new Message(
      frames.slice(0, at),
      parts.map((part) => JSON.parse(part.toString())),
    );
  }

  get type() {
    return this.header.msg_type;
  }

  /** The frames of a message that answers this one, or tells of it. */
  answer(type, content, key) {
    const { session, username } = this.header;
    const header = { version: "5.3", date: new Date().toISOString(), session, username };
    const parts = [{ ...header, msg_type: type, msg_id: randomUUID() }, this.header, {}, content].map((part) =>
      JSON.stringify(part),
    );
    return [...this.identity, DELIMITER, signatureOf(parts, key), ...parts];
  }
}

function signatureOf(parts, key) {
  const hmac = createHmac("sha256", key);
  for (const part of parts) hmac.update(part);
  return hmac.digest("hex");
}

module.exports = { Message };
