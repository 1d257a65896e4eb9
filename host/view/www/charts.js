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
    const { c, w, h } = s, power = model.powers.get(model.focus);
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
    const peaks = power.paths.filter((p) => STREAMS.includes(p.name)).sort((a, b) => a.length_m - b.length_m);
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
    c.lineWidth = 4;
    c.strokeStyle = colour("card");
    c.strokeText(path.name, x + 9 * side, y - 6);
    c.fillText(path.name, x + 9 * side, y - 6);
  }
}

// A few far ones are not to squash the others.
function mostOf(points, least) {
  const sorted = points.map((p) => p[1]).sort((a, b) => a - b);
  return Math.max(least, 1.15 * (sorted[Math.floor(0.98 * sorted.length)] ?? 0));
}

function arrow(c, x, y, direction) {
  c.moveTo(x, y - 4 * direction);
  c.lineTo(x - 4, y + 3 * direction);
  c.lineTo(x + 4, y + 3 * direction);
}

export class History {
  constructor() {
    this.sheet = new Sheet("history");
  }

  draw(model) {
    const s = this.sheet.begin();
    if (!s) return;
    const { c, w, h } = s, f = fontPx(), half = h / 2;
    const fixes = model.fixes.filter((x) => x.header.user === model.focus), end = Math.max(model.now, fixes.at(-1)?.t ?? 0);
    const span = { min: -HISTORY_S, max: 0, title: "s of room time" };
    const errors = fixes.filter((x) => x.error !== null).map((x) => [x.t - end, x.error]);
    const latency = fixes.map((x) => [x.t - end, x.header.latency_ms]);
    const box = (y) => ({ x: 3 * f, y, w: w - 3.6 * f, h: half - 3.5 * f });
    this.dots(c, box(1.8 * f), span, { min: 0, max: mostOf(errors, 0.3), title: "error in m", count: 3 }, errors, "user");
    this.dots(c, box(half + 1.8 * f), { ...span, title: "" }, { min: 1, max: 1000, log: true, title: "latency in ms" }, latency, "ris1");
  }

  // What lies beyond an end of the axis is an arrow there.
  dots(c, box, x, y, points, name) {
    const { px, py } = axes(c, box, x, y);
    c.fillStyle = colour(name);
    for (const [t, v] of points) {
      const beyond = Math.sign(v - Math.min(Math.max(v, y.min), y.max));
      c.beginPath();
      if (beyond) arrow(c, px(t), py(beyond > 0 ? y.max : y.min), beyond);
      else c.arc(px(t), py(v), 2.4, 0, 7);
      c.fill();
    }
  }
}

// Of host/schedule.c: colour, and words for the legend.
const WINDOWS = {
  "sensing capture": ["off", "echoes are recorded"], "sensing burst": ["static", "burst"], "response capture": ["ris1", "answer"],
  pilots: ["ris2", "pilots"], downlink: ["down", "downlink"], uplink: ["up", "uplink"],
};
const OUTCOME_COLOURS = { done: "good", not_asked: "line", capture: "ris1", settling: "ris1", radio: "bad", ris: "bad", refused: "warn" };
const OUTCOMES = [["good", "fix"], ["line", "nobody to locate"], ["ris1", "empty room"], ["bad", "fault"], ["warn", "refused"]];

// What the colours of Cycle mean, in words that wrap.
export function cycleLegend(scene) {
  const drawn = scene.cycle.windows.map((x) => WINDOWS[x.name]).filter(Boolean);
  const keys = (id, list) => document.getElementById(id).replaceChildren(...list.map(([name, words]) => {
    const span = document.createElement("span"), patch = document.createElement("i");
    patch.style.background = `var(--${name})`;
    span.append(patch, words);
    return span;
  }));
  keys("outcome-keys", OUTCOMES);
  keys("window-keys", [...drawn, ["line", "guards (low)"], ["quiet", "numbers of the echoes"]]);
}

// Three rows: the last cycles and what they gave; the cycle on its own scale; the burst's slots. What
// the colours mean is not drawn: cycleLegend.
export class Cycle {
  constructor() {
    this.sheet = new Sheet("cycle");
  }

  draw(model) {
    const s = this.sheet.begin();
    if (!s || !model.scene) return;
    const { c, w } = s, f = fontPx();
    const row = (s.h - 2 * 0.6 * f) / 3;
    this.f = f;
    this.outcomes(c, w, row, model);
    this.windows(c, w, row + 0.6 * f, row, model);
    this.slots(c, w, 2 * (row + 0.6 * f), row, model);
  }

  // The longest of the variants that fits.
  title(c, variants, y, w) {
    c.font = `${this.f}px system-ui, sans-serif`;
    c.fillStyle = colour("quiet");
    c.textAlign = "left";
    c.textBaseline = "top";
    c.fillText(variants.find((words) => c.measureText(words).width <= w) ?? variants.at(-1), 0, y);
  }

  outcomes(c, w, row, model) {
    const n = 60, cell = w / n, list = model.cycles.slice(-n), y = 1.4 * this.f;
    this.title(c, [`the last ${n} cycles`], 0, w);
    list.forEach((cycle, i) => {
      c.fillStyle = colour(OUTCOME_COLOURS[cycle.outcome] ?? "warn");
      c.fillRect((n - list.length + i) * cell + 1, y, Math.max(2, cell - 2), row - y);
    });
  }

  windows(c, w, y, row, model) {
    const { period_s: period, windows, guards } = model.scene.cycle;
    const px = (t) => (t / period) * w;
    this.title(c, [`one cycle, ${Math.round(1e3 * period)} ms`], y, w);
    y += 1.4 * this.f;
    const height = row - 1.4 * this.f;
    c.fillStyle = colour("line");
    for (const guard of guards) c.fillRect(px(guard.begin_s), y + height / 2, Math.max(2, px(guard.length_s)), height / 2);
    for (const span of windows.toSorted((a, b) => b.length_s - a.length_s)) this.bar(c, span, px, y, height);
    this.worked(c, model, px, y, height);
  }

  bar(c, span, px, y, height) {
    const trigger = span.name.includes("trigger");
    c.fillStyle = colour(trigger ? "quiet" : WINDOWS[span.name]?.[0] ?? "warn");
    c.fillRect(px(span.begin_s), trigger ? y - 4 : y, Math.max(3, px(span.length_s)), trigger ? 4 : height);
  }

  // What the numbers took, from the end of the capture on.
  worked(c, model, px, y, height) {
    const cycle = model.cycles.at(-1), scene = model.scene.cycle;
    const sensing = scene.windows.find((x) => x.name === "sensing capture");
    if (!cycle || !sensing) return;
    const from = sensing.begin_s + sensing.length_s;
    c.fillStyle = colour("quiet");
    c.fillRect(px(from), y + height - 6, Math.max(2, px(1e-6 * cycle.stages_us.sensing)), 6);
  }

  slots(c, w, y, row, model) {
    const { windows, slot_s: slot } = model.scene.cycle;
    const burst = windows.find((x) => x.name === "sensing burst");
    if (!burst) return;
    const n = Math.floor(burst.length_s / slot), cell = w / (burst.length_s / slot);
    const words = `the burst: ${n} slots of ${(1e6 * slot).toFixed(0)} µs`;
    this.title(c, [`${words}, in which the surfaces step, in eights (shades), and a frame`, `${words} in eights, and a frame`, words], y, w);
    y += 1.4 * this.f;
    const height = row - 1.4 * this.f;
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
