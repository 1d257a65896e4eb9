// SPDX-License-Identifier: GPL-3.0-or-later
// The WebSocket to mirador-view: records of telemetry in, commands out. It comes back by itself.

const PROTOCOL = "mirador.1";
const ANSWER_MS = 6000;
const text = new TextDecoder();

// One frame holds records: u32 n_topic, n_header, n_arrays, age_ms; topic, header, arrays.
export function* records(buffer) {
  const view = new DataView(buffer);
  for (let at = 0; at + 16 <= buffer.byteLength;) {
    const [nTopic, nHeader, nArrays, ageMs] = [0, 4, 8, 12].map((k) => view.getUint32(at + k, true));
    at += 16;
    const topic = text.decode(new Uint8Array(buffer, at, nTopic));
    const header = JSON.parse(text.decode(new Uint8Array(buffer, at + nTopic, nHeader)));
    at += nTopic + nHeader;
    yield { topic, header, arrays: buffer.slice(at, at + nArrays), ageMs };
    at += nArrays;
  }
}

const savedToken = () => new URLSearchParams(location.hash.slice(1)).get("token") ?? sessionStorage.getItem("token");

export class Link {
  // on.record(record), on.open(hello), on.close(), on.token() -> Promise of the token's text
  constructor(on) {
    this.on = on;
    this.asked = new Map();
    this.seq = 0;
    this.pauseMs = 250;
    this.open = false;
    this.proven = true;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`, PROTOCOL);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => this.hear(event.data);
    this.socket.onclose = () => this.lost();
  }

  hear(data) {
    if (typeof data !== "string") {
      this.proven = true; // nobody is told anything without it
      for (const record of records(data)) this.on.record(record);
      return;
    }
    const message = JSON.parse(data);
    if (message.hello) this.greet(message);
    else this.answer(message);
  }

  async greet(hello) {
    if (hello.token) {
      const token = (this.proven && savedToken()) || (await this.on.token());
      sessionStorage.setItem("token", token);
      this.proven = false; // a wrong one shows as a closed connection
      this.socket.send(JSON.stringify({ token }));
    }
    this.open = true;
    this.pauseMs = 250;
    this.on.open(hello);
  }

  answer(message) {
    const waiting = this.asked.get(message.seq);
    this.asked.delete(message.seq);
    if (waiting) waiting(message);
  }

  lost() {
    this.open = false;
    for (const waiting of this.asked.values()) waiting({ ok: false, error: "the bridge went away" });
    this.asked.clear();
    this.on.close();
    setTimeout(() => this.connect(), this.pauseMs);
    this.pauseMs = Math.min(2 * this.pauseMs, 2000);
  }

  // Resolves to the daemon's answer; a refusal and silence are answers too.
  ask(command) {
    return new Promise((resolve) => {
      if (!this.open) {
        resolve({ ok: false, error: "not connected" });
        return;
      }
      const seq = ++this.seq;
      this.asked.set(seq, resolve);
      this.socket.send(JSON.stringify({ ...command, seq }));
      setTimeout(() => this.answer({ seq, ok: false, error: "no answer" }), ANSWER_MS);
    });
  }
}
