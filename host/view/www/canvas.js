// SPDX-License-Identifier: GPL-3.0-or-later
// A canvas that is as sharp as the screen, the page's colours, and a pair of axes.

// Read once a theme: asking the style again for each line costs more than the line.
let known = new Map(), theme = null;
export function colour(name) {
  const now = document.documentElement.dataset.theme;
  if (now !== theme) [known, theme] = [new Map(), now];
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return known.get(name);
}

export class Sheet {
  constructor(id) {
    this.canvas = document.getElementById(id);
    this.context = this.canvas.getContext("2d");
  }

  // Cleared and scaled; {c, w, h} in CSS pixels, or null while nothing is to be seen.
  begin() {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    const scale = devicePixelRatio || 1;
    if (w < 20 || h < 20) return null;
    if (this.canvas.width !== Math.round(w * scale) || this.canvas.height !== Math.round(h * scale)) {
      this.canvas.width = Math.round(w * scale);
      this.canvas.height = Math.round(h * scale);
    }
    const c = this.context;
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, w, h);
    c.font = `${fontPx()}px system-ui, "DejaVu Sans", sans-serif`;
    c.lineJoin = "round";
    return { c, w, h };
  }

  label(words) {
    if (this.canvas.getAttribute("aria-label") !== words) this.canvas.setAttribute("aria-label", words);
  }
}

let px = 0;
export const fontPx = () => (px ||= Math.max(12, 0.82 * parseFloat(getComputedStyle(document.body).fontSize)));
addEventListener("resize", () => (px = 0));

function niceStep(span, count) {
  const raw = span / count, power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * 0.999);
}

function ticks(axis, count) {
  if (axis.log) return Array.from({ length: Math.round(Math.log10(axis.max / axis.min)) + 1 }, (_, i) => axis.min * 10 ** i);
  const step = niceStep(axis.max - axis.min, count), first = Math.ceil(axis.min / step);
  return Array.from({ length: Math.floor(axis.max / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

// Grid and labels; returns functions from values to pixels. y.log: from one power of ten to another.
export function axes(c, box, x, y) {
  const scale = y.log ? Math.log10 : (v) => v, [low, high] = [scale(y.min), scale(y.max)];
  const px = (v) => box.x + ((v - x.min) / (x.max - x.min)) * box.w;
  const py = (v) => box.y + box.h - ((scale(v) - low) / (high - low)) * box.h;
  c.lineWidth = 1;
  c.strokeStyle = colour("grid");
  c.fillStyle = colour("quiet");
  c.textAlign = "right";
  c.textBaseline = "middle";
  for (const v of ticks(y, y.count ?? 4)) {
    line(c, [[box.x, py(v)], [box.x + box.w, py(v)]]);
    c.fillText(+v.toFixed(6), box.x - 6, py(v));
  }
  c.textAlign = "center";
  c.textBaseline = "top";
  for (const v of ticks(x, x.count ?? Math.max(2, box.w / 80))) {
    line(c, [[px(v), box.y], [px(v), box.y + box.h]]);
    c.fillText(+v.toFixed(6), px(v), box.y + box.h + 5);
  }
  c.textAlign = "left";
  c.fillText(y.title ?? "", box.x, box.y - fontPx() - 4);
  c.textAlign = "right";
  c.fillText(x.title ?? "", box.x + box.w, box.y - fontPx() - 4);
  return { px, py };
}

export function line(c, points) {
  c.beginPath();
  points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
  c.stroke();
}
