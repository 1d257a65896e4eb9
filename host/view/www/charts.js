// SPDX-License-Identifier: GPL-3.0-or-later
// Impulse responses, error and latency over time, and what happens when in a cycle.
import { Sheet, axes, colour, fontPx, line } from "./canvas.js";

const COLOURS = ["static", "ris1", "ris2"], STREAMS = ["L1", "L2", "L3"];
const FLOOR_DB = -70, SHOWN_M = 40, HISTORY_S = 60;

export class Responses {
  constructor() {
    this.sheet = new Sheet("cir");
  }

  draw(model) {
    const s = this.sheet.begin();
    if (!s) return;
    const { c, w, h } = s, power = model.power;
    const f = fontPx();
    const box = { x: 3.2 * f, y: 1.8 * f, w: w - 4 * f, h: h - 3.6 * f };
    const span = power ? Math.min(SHOWN_M, power.bins * power.stepM) : SHOWN_M;
    const { px, py } = axes(c, box, { min: 0, max: span, title: "path length in m" }, { min: FLOOR_DB, max: 15, count: 5, title: "dB of the strongest" });
    if (!power) return;
    const top = power.values.reduce((a, v) => Math.max(a, v), 1e-30);
    const db = (v) => Math.max(FLOOR_DB, 10 * Math.log10(v / top + 1e-12));
    c.save();
    c.beginPath();
    c.rect(box.x, box.y - 2, box.w, box.h + 2);
    c.clip();
    c.lineWidth = 2;
    for (let i = 0; i < 3; i++) {
      c.strokeStyle = colour(COLOURS[i]);
      const points = [];
      for (let k = 0; k < power.bins && k * power.stepM <= span; k++)
        points.push([px(k * power.stepM), py(db(power.values[i * power.bins + k]))]);
      line(c, points);
    }
    c.restore();
    const peaks = model.last.paths.paths.filter((p) => STREAMS.includes(p.name)).sort((a, b) => a.length_m - b.length_m);
    peaks.forEach((path, i) => {
      const next = peaks[i + 1], crowded = next && px(next.length_m) - px(path.length_m) < 3 * f;
      this.peak(c, path, power, { px, py, db, side: crowded ? -1 : 1 });
    });
  }

  // A triangle on each path that was found: its length is finer than the bins.
  peak(c, path, power, { px, py, db, side }) {
    const i = STREAMS.indexOf(path.name);
    const k = Math.min(power.bins - 1, Math.round(path.length_m / power.stepM));
    const x = px(path.length_m), y = py(db(power.values[i * power.bins + k])) - 5;
    c.fillStyle = colour(COLOURS[i]);
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x - 6, y - 10);
    c.lineTo(x + 6, y - 10);
    c.fill();
    c.font = `600 ${fontPx()}px system-ui, sans-serif`;
    c.textAlign = side < 0 ? "right" : "left";
    c.textBaseline = "middle";
    c.fillText(path.name, x + 9 * side, y - 6);
  }
}

export class History {
  constructor() {
    this.sheet = new Sheet("history");
  }

  draw(model) {
    const s = this.sheet.begin();
    if (!s) return;
    const { c, w, h } = s, f = fontPx(), half = h / 2;
    const fixes = model.fixes, end = Math.max(model.now, fixes.at(-1)?.t ?? 0);
    const span = { min: -HISTORY_S, max: 0, title: "s of room time" };
    const errors = fixes.filter((x) => x.error !== null).map((x) => [x.t - end, x.error]);
    const latency = fixes.map((x) => [x.t - end, x.header.latency_ms]);
    const box = (y) => ({ x: 3 * f, y, w: w - 3.6 * f, h: half - 3.5 * f });
    const top = (list, least) => Math.max(least, 1.15 * list.map((p) => p[1]).sort((a, b) => a - b)[Math.floor(0.98 * list.length)] || 0);
    this.dots(c, box(1.8 * f), span, { min: 0, max: top(errors, 0.3), title: "error in m", count: 3 }, errors, "user");
    this.dots(c, box(half + 1.8 * f), { ...span, title: "" }, { min: 0, max: top(latency, 5), title: "latency in ms", count: 3 }, latency, "ris1");
  }

  dots(c, box, x, y, points, name) {
    const { px, py } = axes(c, box, x, y);
    c.fillStyle = colour(name);
    for (const [t, v] of points) {
      c.beginPath();
      c.arc(px(t), py(Math.min(v, y.max)), 2.4, 0, 7);
      c.fill();
    }
  }
}

const WINDOW_COLOURS = { "sensing burst": "static", "sensing capture": "accent", "response capture": "ris1", pilots: "ris2",
  downlink: "good", uplink: "warn" };
const OUTCOME_COLOURS = { done: "good", not_asked: "line", capture: "ris1", settling: "ris1", radio: "bad", ris: "bad", refused: "warn" };
const OUTCOME_WORDS = { done: "fix", not_asked: "nobody to locate", capture: "empty room", radio: "fault", refused: "refused" };

// Three rows: the last cycles and what they gave; the cycle on its own scale; the burst's slots.
export class Cycle {
  constructor() {
    this.sheet = new Sheet("cycle");
  }

  draw(model) {
    const s = this.sheet.begin();
    if (!s || !model.scene) return;
    const { c, w } = s, f = fontPx();
    const row = (s.h - 3 * f) / 3;
    this.f = f;
    this.outcomes(c, w, row, model);
    this.windows(c, w, row + 1.2 * f, row, model);
    this.slots(c, w, 2 * row + 2.4 * f, row, model);
  }

  title(c, words, y, w) {
    c.font = `${this.f}px system-ui, sans-serif`;
    c.fillStyle = colour("quiet");
    c.textAlign = "left";
    c.textBaseline = "top";
    c.fillText(words, 0, y);
  }

  outcomes(c, w, row, model) {
    const n = 60, cell = w / n, list = model.cycles.slice(-n), y = 1.5 * this.f;
    list.forEach((cycle, i) => {
      c.fillStyle = colour(OUTCOME_COLOURS[cycle.outcome] ?? "warn");
      c.fillRect((n - list.length + i) * cell + 1, y, Math.max(2, cell - 2), row - y);
    });
    this.title(c, "last cycles:", 0, w);
    let x = 7 * this.f;
    for (const [key, words] of Object.entries(OUTCOME_WORDS)) {
      c.fillStyle = colour(OUTCOME_COLOURS[key]);
      c.fillRect(x, 2, 0.8 * this.f, 0.8 * this.f);
      c.fillStyle = colour("quiet");
      c.fillText(words, x + 1.1 * this.f, 0);
      x += c.measureText(words).width + 2.2 * this.f;
    }
  }

  windows(c, w, y, row, model) {
    const { period_s: period, windows } = model.scene.cycle;
    const px = (t) => (t / period) * w;
    this.title(c, `one cycle, ${Math.round(1e3 * period)} ms`, y, w);
    y += 1.5 * this.f;
    c.fillStyle = colour("grid");
    c.fillRect(0, y, w, row - 1.5 * this.f);
    for (const span of windows.toSorted((a, b) => b.length_s - a.length_s)) this.bar(c, span, px, y, row - 1.5 * this.f, w);
    this.worked(c, model, px, y, row - 1.5 * this.f);
  }

  bar(c, span, px, y, height, w) {
    const name = WINDOW_COLOURS[span.name] ?? "warn";
    const wide = Math.max(3, px(span.length_s));
    const trigger = span.name.includes("trigger");
    c.fillStyle = colour(name);
    c.globalAlpha = span.name === "sensing capture" ? 0.35 : 1;
    c.fillRect(px(span.begin_s), trigger ? y - 4 : y, wide, trigger ? 4 : height);
    c.globalAlpha = 1;
    if (trigger || span.name === "sensing capture" || w < 480) return;
    c.textBaseline = "middle";
    c.textAlign = "left";
    c.fillStyle = colour("text");
    const words = { "sensing burst": "burst", "response capture": "answer" };
    c.fillText(words[span.name] ?? span.name, px(span.begin_s) + wide + 4, y + height / 2);
  }

  // What the numbers took, from the end of the capture on.
  worked(c, model, px, y, height) {
    const cycle = model.cycles.at(-1), scene = model.scene.cycle;
    const sensing = scene.windows.find((x) => x.name === "sensing capture");
    if (!cycle || !sensing) return;
    const from = sensing.begin_s + sensing.length_s;
    c.fillStyle = colour("text");
    c.globalAlpha = 0.25;
    c.fillRect(px(from), y + height - 5, Math.max(2, px(1e-6 * cycle.stages_us.sensing)), 5);
    c.globalAlpha = 1;
  }

  slots(c, w, y, row, model) {
    const { windows, slot_s: slot } = model.scene.cycle;
    const burst = windows.find((x) => x.name === "sensing burst");
    if (!burst) return;
    const n = Math.floor(burst.length_s / slot), cell = w / (burst.length_s / slot);
    this.title(c, `the burst: ${n} slots of ${(1e6 * slot).toFixed(0)} µs, in which the surfaces step, and a frame`, y, w);
    y += 1.5 * this.f;
    const height = row - 1.5 * this.f;
    for (let i = 0; i < n; i++) {
      c.fillStyle = colour("static");
      c.globalAlpha = Math.floor(i / 8) % 2 ? 0.55 : 0.9;
      c.fillRect(i * cell + 0.5, y, Math.max(1, cell - 1), height);
    }
    c.globalAlpha = 1;
    c.fillStyle = colour("accent");
    c.fillRect(n * cell, y, w - n * cell, height);
  }
}
