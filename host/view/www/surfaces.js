// SPDX-License-Identifier: GPL-3.0-or-later
// What each surface shows, element by element, and which of its pixels are broken.
import { Sheet, colour } from "./canvas.js";

const UNKNOWN = 0, BROKEN = 2;

export class Surface {
  constructor(i) {
    this.i = i;
    this.sheet = new Sheet(`surface${i}`);
    this.caption = document.getElementById(`surface${i}-text`);
  }

  draw(model, pattern) {
    const s = this.sheet.begin(), surface = model.scene?.surfaces[this.i];
    if (!s || !surface) return;
    const { c, w, h } = s;
    const cell = Math.min(w / surface.columns, h / surface.rows);
    const x0 = (w - cell * surface.columns) / 2, y0 = (h - cell * surface.rows) / 2;
    const pixels = model.pixels.get(surface.name);
    // Row 0 is the lowest of the panel.
    const at = (m) => [x0 + cell * (m % surface.columns), y0 + cell * (surface.rows - 1 - Math.floor(m / surface.columns))];
    for (let m = 0; m < surface.columns * surface.rows; m++) {
      const [x, y] = at(m);
      this.element(c, x, y, cell, pattern ? parseInt(pattern.states[m], 16) / ((1 << surface.bits) - 1) : null);
      if (pixels?.state[m] === BROKEN) this.broken(c, x, y, cell);
      if (pixels?.state[m] === UNKNOWN) this.unknown(c, x, y, cell);
    }
    this.say(model, surface, pixels);
  }

  element(c, x, y, cell, value) {
    const gap = cell > 6 ? 0.5 : 0;
    c.fillStyle = colour(value === null ? "grid" : "off");
    c.fillRect(x + gap, y + gap, cell - 2 * gap, cell - 2 * gap);
    if (!value) return;
    c.globalAlpha = value;
    c.fillStyle = colour("on");
    c.fillRect(x + gap, y + gap, cell - 2 * gap, cell - 2 * gap);
    c.globalAlpha = 1;
  }

  broken(c, x, y, cell) {
    c.fillStyle = colour("card");
    c.fillRect(x, y, cell, cell);
    c.strokeStyle = colour("bad");
    c.lineWidth = Math.max(1.5, cell / 6);
    c.beginPath();
    c.moveTo(x + 0.15 * cell, y + 0.15 * cell);
    c.lineTo(x + 0.85 * cell, y + 0.85 * cell);
    c.moveTo(x + 0.85 * cell, y + 0.15 * cell);
    c.lineTo(x + 0.15 * cell, y + 0.85 * cell);
    c.stroke();
  }

  unknown(c, x, y, cell) {
    c.fillStyle = colour("warn");
    c.beginPath();
    c.arc(x + cell / 2, y + cell / 2, Math.max(1.5, cell / 8), 0, 7);
    c.fill();
  }

  say(model, surface, pixels) {
    const board = model.last.ris?.boards?.[this.i], profile = model.profileOf(this.i);
    const held = model.last.health?.held?.[this.i] >= 0 ? ", held" : "";
    const health = pixels ? `; ${pixels.header.failed.length} broken, ${pixels.header.unknown} not known yet` : "";
    const step = !board ? "" : board.ok ? "; in step" : `; ${board.fault}`;
    const words = `${surface.name}: profile ${profile ?? "–"} of ${surface.profiles}${held}${step}${health}`;
    if (this.caption.textContent !== words) this.caption.textContent = words;
    this.sheet.label(`Pattern of ${words}`);
  }
}
