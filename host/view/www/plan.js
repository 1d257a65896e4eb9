// SPDX-License-Identifier: GPL-3.0-or-later
// The floor plan: what stands in the room, where the user is found, and which curves say so.
import { Sheet, colour, fontPx, line } from "./canvas.js";

const RAYS = 144, TRACK_S = 20;
const dist = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
const mean = (list) => [0, 1, 2].map((k) => list.reduce((s, p) => s + p[k], 0) / list.length);

// Path lengths as docs/signal-model.md has them: the echo, and the mean way over a surface.
function lengths(scene) {
  const tx = scene.station.tx_m[0], rx = mean(scene.station.rx_m);
  const echo = (p) => dist(p, tx) + dist(p, rx);
  const over = scene.surfaces.map(({ position_m: s }) => (p) =>
    0.5 * (dist(s, tx) + dist(s, rx)) + dist(p, s) + 0.5 * echo(p));
  const middle = (a) => [0, 1].map((k) => (a[k] + tx[k]) / 2);
  return [{ f: echo, centre: middle(rx) }, ...over.map((f, i) => ({ f, centre: middle(scene.surfaces[i].position_m) }))];
}

// Where the sum of distances is `length`, at height z: convex around its centre, so one radius a ray.
function trace({ f, centre }, length, z, reach) {
  const at = (r, a) => [centre[0] + r * Math.cos(a), centre[1] + r * Math.sin(a)];
  const value = (p) => f([p[0], p[1], z]) - length;
  if (value(centre) > 0) return null;
  return Array.from({ length: RAYS + 1 }, (_, i) => {
    const a = (2 * Math.PI * i) / RAYS;
    let low = 0, high = reach;
    for (let k = 0; k < 22; k++) {
      const r = 0.5 * (low + high);
      if (value(at(r, a)) > 0) high = r;
      else low = r;
    }
    return at(low, a);
  });
}

export class Plan {
  constructor() {
    this.sheet = new Sheet("plan");
  }

  draw(model) {
    const s = this.sheet.begin();
    if (!s || !model.scene) return;
    const { min_m: lo, max_m: hi } = model.scene.room;
    const pad = 2.6 * fontPx();
    const scale = Math.min((s.w - 2 * pad) / (hi[0] - lo[0]), (s.h - 2 * pad) / (hi[1] - lo[1]));
    const x0 = (s.w - scale * (hi[0] - lo[0])) / 2, y0 = (s.h + scale * (hi[1] - lo[1])) / 2;
    this.c = s.c;
    this.scale = scale;
    this.to = ([x, y]) => [x0 + scale * (x - lo[0]), y0 - scale * (y - lo[1])];
    this.room(lo, hi);
    this.inside(lo, hi, () => this.curves(model));
    this.truth(model);
    this.track(model);
    this.station(model.scene);
    model.scene.surfaces.forEach((surface, i) => this.surface(surface, i, model));
    this.users(model);
  }

  inside(lo, hi, draw) {
    const c = this.c, [x, y] = this.to([lo[0], hi[1]]);
    c.save();
    c.beginPath();
    c.rect(x, y, this.scale * (hi[0] - lo[0]), this.scale * (hi[1] - lo[1]));
    c.clip();
    draw();
    c.restore();
  }

  room(lo, hi) {
    const c = this.c;
    c.strokeStyle = colour("grid");
    c.fillStyle = colour("quiet");
    c.lineWidth = 1;
    c.textAlign = "center";
    c.textBaseline = "top";
    for (let x = Math.ceil(lo[0]); x <= hi[0]; x++) {
      line(c, [this.to([x, lo[1]]), this.to([x, hi[1]])]);
      c.fillText(x + (x + 1 > hi[0] ? " m" : ""), this.to([x, lo[1]])[0], this.to([x, lo[1]])[1] + 8);
    }
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (let y = Math.ceil(lo[1]); y <= hi[1]; y++) {
      line(c, [this.to([lo[0], y]), this.to([hi[0], y])]);
      c.fillText(y, this.to([lo[0], y])[0] - 9, this.to([lo[0], y])[1]);
    }
    c.strokeStyle = colour("wall");
    c.lineWidth = 5;
    const [x, y] = this.to([lo[0], hi[1]]);
    c.strokeRect(x - 2, y - 2, this.scale * (hi[0] - lo[0]) + 4, this.scale * (hi[1] - lo[1]) + 4);
  }

  // Only of the last cycles: an old curve says nothing.
  curves(model) {
    const fix = model.fixOf(model.focus);
    if (!fix || fix.t < model.now - 1.5) return;
    const c = this.c, names = ["L1", "L2", "L3"], colours = ["static", "ris1", "ris2"];
    lengths(model.scene).forEach((way, i) => {
      const path = fix.header.paths.find((p) => p.name === names[i]);
      const points = path && trace(way, path.length_m - path.bias_m - (path.walls_m ?? 0), fix.header.position_m[2], 60);
      if (!points) return;
      c.strokeStyle = colour(colours[i]);
      c.globalAlpha = path.used ? 0.75 : 0.3;
      c.lineWidth = 2;
      c.setLineDash(path.used ? [] : [5, 5]);
      line(c, points.map(this.to));
      c.setLineDash([]);
      c.globalAlpha = 1;
    });
  }

  truth(model) {
    const c = this.c, ids = model.scene.users;
    c.strokeStyle = colour("truth");
    c.globalAlpha = 0.3;
    c.lineWidth = 1.5;
    c.setLineDash([2, 4]);
    for (const id of ids)
      line(c, model.truths.filter((t) => t.t > model.now - 20 && t.t <= model.now)
        .map((t) => t.users.find((u) => u.id === id && u.present)?.position_m).filter(Boolean).map(this.to));
    c.setLineDash([]);
    c.globalAlpha = 1;
  }

  track(model) {
    for (const id of model.scene.users)
      this.trackOf(model.fixes.filter((f) => f.t > model.now - TRACK_S && f.header.user === id), model.now);
    this.c.globalAlpha = 1;
  }

  trackOf(points, now) {
    const c = this.c;
    c.strokeStyle = c.fillStyle = colour("user");
    c.lineWidth = 3;
    for (let i = 1; i < points.length; i++) {
      const [a, b] = [points[i - 1], points[i]];
      c.globalAlpha = 0.15 + 0.75 * (1 - (now - b.t) / TRACK_S);
      if (a.header.track_m && b.header.track_m && b.t - a.t < 2.5) line(c, [this.to(a.header.track_m), this.to(b.header.track_m)]);
      c.globalAlpha *= 0.6;
      c.beginPath();
      c.arc(...this.to(b.header.position_m), 2.2, 0, 7);
      c.fill();
    }
  }

  station(scene) {
    const c = this.c, [x, y] = this.to(scene.station.tx_m[0]);
    const a = Math.atan2(scene.station.boresight[1], scene.station.boresight[0]);
    c.fillStyle = colour("text");
    c.globalAlpha = 0.07;
    c.beginPath();
    c.moveTo(x, y);
    c.arc(x, y, 1.6 * this.scale, -a - Math.PI / 4, -a + Math.PI / 4);
    c.fill();
    c.globalAlpha = 1;
    c.beginPath();
    c.rect(x - 7, y - 7, 14, 14);
    c.fill();
    this.word("base station", x + 12, y + 2, "text");
  }

  surface(surface, i, model) {
    const c = this.c, p = surface.position_m, n = surface.normal;
    const half = Math.max(0.5 * surface.columns * surface.spacing_m, 13 / this.scale);
    const ends = [-half, half].map((s) => this.to([p[0] - s * n[1], p[1] + s * n[0]]));
    const bad = model.last.ris?.boards?.[i]?.ok === false;
    c.strokeStyle = colour(bad ? "bad" : ["ris1", "ris2"][i]);
    c.lineWidth = 6;
    c.lineCap = "round";
    line(c, ends);
    c.lineWidth = 2;
    line(c, [this.to(p), this.to([p[0] + 0.25 * n[0], p[1] + 0.25 * n[1]])]);
    c.lineCap = "butt";
    const [x, y] = this.to([p[0] - 0.3 * n[0], p[1] - 0.3 * n[1]]);
    this.word(surface.name, x, y, ["ris1", "ris2"][i], n[0] < 0 ? "left" : "right");
  }

  word(words, x, y, name, align = "left") {
    const c = this.c;
    c.font = `600 ${fontPx()}px system-ui, "DejaVu Sans", sans-serif`;
    c.textAlign = align;
    c.textBaseline = "middle";
    c.lineWidth = 4;
    c.strokeStyle = colour("card");
    c.strokeText(words, x, y);
    c.fillStyle = colour(name);
    c.fillText(words, x, y);
  }

  users(model) {
    const said = [];
    for (const id of model.scene.users) {
      const true_m = model.truthAt(model.now, id);
      if (true_m) this.ring(true_m);
      const fix = model.fixOf(id);
      if (!fix) continue;
      if (fix.t < model.now - 2) {
        this.old(fix.header.position_m, `${Math.round(model.now - fix.t)} s ago`);
        continue;
      }
      this.fix(fix.header, model.scene.users.length > 1 ? `user ${id}` : "");
      said.push(`user ${id} at ${fix.header.position_m.map((v) => v.toFixed(1)).join(", ")} m`);
    }
    this.sheet.label(said.length ? `Floor plan: ${said.join("; ")}` : "Floor plan: nobody is located");
  }

  ring(p) {
    const c = this.c;
    c.strokeStyle = colour("truth");
    c.lineWidth = 2.5;
    c.beginPath();
    c.arc(...this.to(p), 9, 0, 7);
    c.stroke();
  }

  // Where a user was last found.
  old(p, words) {
    const c = this.c, [x, y] = this.to(p);
    c.strokeStyle = colour("user");
    c.lineWidth = 2;
    c.setLineDash([3, 3]);
    c.beginPath();
    c.arc(x, y, 6, 0, 7);
    c.stroke();
    c.setLineDash([]);
    this.word(words, x + 12, y, "user");
  }

  fix(h, name) {
    const c = this.c, [x, y] = this.to(h.position_m), [a, b] = h.ellipse95_m;
    c.fillStyle = c.strokeStyle = colour("user");
    c.beginPath();
    c.ellipse(x, y, a * this.scale, b * this.scale, -h.ellipse95_angle_rad, 0, 7);
    c.globalAlpha = 0.22;
    c.fill();
    c.globalAlpha = 1;
    c.lineWidth = 2;
    c.stroke();
    c.beginPath();
    c.arc(x, y, 5, 0, 7);
    c.fill();
    if (name) this.word(name, x + 14, y - 14, "user");
  }
}
