// SPDX-License-Identifier: GPL-3.0-or-later
// What can be told to the daemon. Every control waits for the answer and shows what the daemon says
// it does, not what was clicked.

const $ = (id) => document.getElementById(id);
const PAUSE_S = 600;

function button(words, act) {
  const b = document.createElement("button");
  b.textContent = words;
  b.addEventListener("click", act);
  return b;
}

function row(...items) {
  const div = document.createElement("div");
  div.className = "row";
  div.append(...items);
  return div;
}

export class Controls {
  constructor(ask) {
    this.ask = ask; // (command) -> Promise of the answer
    this.box = $("controls");
    this.told = $("told");
  }

  async tell(words, command) {
    const begun = performance.now();
    this.told.className = "quiet";
    this.told.textContent = `${words} …`;
    const answer = await this.ask(command);
    this.told.className = answer.ok ? "quiet" : "bad";
    this.told.textContent = answer.ok
      ? `${words}: done, answered in ${Math.round(performance.now() - begun)} ms`
      : `${words}: ${answer.error}`;
  }

  // Anew for each start of a daemon: what it can do is in its description.
  build(scene, allowed) {
    const can = new Set(scene.commands);
    this.box.replaceChildren();
    if (!allowed) this.box.append(Object.assign(document.createElement("p"), { textContent: "This page only shows." }));
    this.built = allowed;
    this.surfaces = [];
    this.pause = this.record = null;
    this.refused = undefined;
    if (!allowed) return;
    if (can.has("pause") || can.has("background")) this.addRun(can);
    if (can.has("record")) this.addRecord();
    if (can.has("hold")) scene.surfaces.forEach((s, i) => this.addSurface(s, i, scene.ris_mode));
  }

  addRun() {
    this.pause = button("Pause", () =>
      this.paused ? this.tell("go on", { cmd: "pause", seconds: 0 }) : this.tell("pause", { cmd: "pause", seconds: PAUSE_S }));
    this.pause.id = "pause";
    this.pause.className = "primary";
    const background = button("Take the empty room", () => this.tell("empty room", { cmd: "background", cycles: 10 }));
    background.title = "when nobody has answered for 10 s";
    background.id = "background";
    this.box.append(row(this.pause, background));
  }

  addRecord() {
    this.record = button("Record", () =>
      this.recording ? this.tell("stop recording", { cmd: "record", do: "stop" }) : this.tell("record", { cmd: "record", do: "start" }));
    this.record.id = "record";
    this.mark = button("Mark", () => this.tell("mark", { cmd: "record", do: "mark", text: "from the page" }));
    this.mark.id = "mark";
    this.mark.title = "keeps the last seconds";
    this.box.append(row(this.record, this.mark));
  }

  addSurface(surface, i, mode) {
    const label = document.createElement("label"), select = document.createElement("select");
    select.id = `hold-${i}`;
    const option = (value, words) => select.append(Object.assign(document.createElement("option"), { value, textContent: words }));
    option("-1", `${mode}, as configured`);
    for (let n = 0; n < surface.profiles; n++) option(String(n), n === 0 ? "base profile" : `beam ${n}`);
    select.addEventListener("change", () => {
      const n = Number(select.value);
      this.tell(n < 0 ? `${surface.name} as configured` : `hold ${surface.name} at profile ${n}`,
        { cmd: "hold", surface: surface.name, profile: n < 0 ? null : n });
    });
    label.append(`${surface.name} shows`, select);
    this.surfaces.push(select);
    this.box.append(row(label));
  }

  // The daemon takes the order, and gives the capture up when somebody answers.
  emptyRoom(background) {
    if (this.refused !== undefined && background.refused > this.refused) {
      this.told.className = "bad";
      this.told.textContent = "empty room: not taken, somebody has answered in the last 10 s";
    }
    this.refused = background.refused;
  }

  show(health, connected) {
    if (!health || !this.built) return;
    this.paused = health.paused_s > 0;
    if (this.pause) {
      this.pause.textContent = this.paused ? "Go on" : "Pause";
      this.pause.setAttribute("aria-pressed", String(this.paused));
    }
    this.emptyRoom(health.background);
    this.recording = ["starting", "recording"].includes(health.recorder?.state);
    if (this.record) {
      this.record.textContent = this.recording ? "Stop recording" : "Record";
      this.record.setAttribute("aria-pressed", String(this.recording));
    }
    this.surfaces.forEach((select, i) => {
      if (document.activeElement !== select) select.value = String(health.held?.[i] ?? -1);
    });
    for (const element of this.box.querySelectorAll("button, input, select")) element.disabled = !connected;
  }
}
