// SPDX-License-Identifier: GPL-3.0-or-later
// The WebSocket to mirador-view: records of telemetry in, commands out. It comes back by itself.

const PROTOCOL = "mirador.1";
const ANSWER_MS = 6000;
const POLICY = 1008; // close code
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

// The token of the address moves to the tab's own memory: an address bar is seen on a projector.
function keepToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  sessionStorage.setItem("token", token);
  history.replaceState(null, "", location.pathname);
}

export class Link {
  // on.record(record), on.open(hello), on.close(), on.token() -> Promise of the token's text
  constructor(on) {
    this.on = on;
    this.asked = new Map();
    this.seq = 0;
    this.pauseMs = 250;
    this.open = false;
    this.asking = false; // for the token
    keepToken();
    addEventListener("hashchange", keepToken);
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`, PROTOCOL);
    this.socket.binaryType = "arraybuffer";
    this.socket.onmessage = (event) => this.hear(event.data);
    this.socket.onclose = (event) => this.lost(event);
  }

  hear(data) {
    if (typeof data !== "string") {
      for (const record of records(data)) this.on.record(record);
      return;
    }
    const message = JSON.parse(data);
    if (message.hello) this.greet(message);
    else this.answer(message);
  }

  greet(hello) {
    this.pauseMs = 250;
    const token = sessionStorage.getItem("token");
    if (hello.token && !token) {
      this.askToken();
      return;
    }
    if (hello.token) this.socket.send(JSON.stringify({ token })); // a wrong one closes the connection
    this.open = true;
    this.on.open(hello);
  }

  // The bridge does not wait as long as a person takes: with the answer begins another connection.
  async askToken() {
    if (this.asking) return;
    this.asking = true;
    sessionStorage.setItem("token", await this.on.token());
    this.asking = false;
    this.socket.close();
  }

  answer(message) {
    const waiting = this.asked.get(message.seq);
    this.asked.delete(message.seq);
    if (waiting) waiting(message);
  }

  lost(event) {
    this.open = false;
    if (event.code === POLICY && event.reason.includes("token")) sessionStorage.removeItem("token");
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
