// SPDX-License-Identifier: GPL-3.0-or-later
// What is known, from the records of the telemetry. No drawing here.

const KEEP_S = 60; // of room time

export class Model {
  constructor() {
    this.truths = []; // {t, users}
    this.log = []; // headers, the latest first; also of the last start, which may say why it ended
    this.reset(null);
  }

  // Another start of the daemon: what the last one said says nothing about this one.
  reset(run) {
    this.run = run;
    this.scene = null;
    this.fixes = []; // {t, header, error, heardMs}
    this.cycles = []; // headers
    this.last = {}; // topic -> header
    this.powers = new Map(); // user -> {values: Float32Array, bins, stepM, streams, paths, t}
    this.links = new Map(); // user -> header of the last slots of data
    this.chosen = null; // user, by a click
    this.pixels = new Map(); // board -> {header, state, mask}
    this.patterns = new Map(); // "surface/profile" -> answer
    this.restarts = (this.restarts ?? -1) + 1;
  }

  // True if it belongs to another start of the daemon than what came before.
  take({ topic, header, arrays, ageMs }, nowMs) {
    const other = header.run !== undefined && header.run !== this.run;
    if (other) this.reset(header.run);
    if (header.run !== undefined) this.heardMs = nowMs - ageMs;
    const handler = this[`take_${topic}`];
    if (handler) handler.call(this, header, arrays, nowMs - ageMs);
    this.last[topic] = header;
    return other;
  }

  take_fix(header, arrays, heardMs) {
    this.fixes.push({ t: header.time_s, header, error: this.errorOf(header), heardMs });
    while (this.fixes.length && this.fixes[0].t < header.time_s - KEEP_S) this.fixes.shift();
  }

  take_log(header) {
    this.log.unshift(header);
    if (this.log.length > 50) this.log.pop();
  }

  take_cycle(header) {
    this.cycles.push(header);
    if (this.cycles.length > 80) this.cycles.shift();
    if (header.forgotten) this.forget(header.user);
  }

  // Who has left, or is withheld, may not be asked again.
  take_health(header) {
    const told = (header.users ?? []).filter((u) => !u.forgotten).map((u) => u.id);
    const known = [...this.fixes.map((f) => f.header.user), ...this.powers.keys(), ...this.links.keys()];
    for (const id of new Set(known)) if (!told.includes(id)) this.forget(id);
  }

  // All that says where the user is or was.
  forget(user) {
    this.fixes = this.fixes.filter((f) => f.header.user !== user);
    this.powers.delete(user);
    this.links.delete(user);
    for (const header of this.cycles) // also of last.cycle
      if (header.user === user)
        for (const told of ["paths", "response_snr_db", "response_cfo_hz", "response_evm_db", "profile"]) delete header[told];
    for (const topic of ["fix", "paths", "link"]) if (this.last[topic]?.user === user) delete this.last[topic];
  }

  take_truth(header) {
    const last = this.truths.at(-1);
    if (last && header.time_s < last.t - 1) this.truths.length = 0; // another room
    this.truths.push({ t: header.time_s, users: header.users });
    while (this.truths[0].t < header.time_s - KEEP_S) this.truths.shift();
    for (const fix of this.fixes) fix.error ??= this.errorOf(fix.header);
  }

  take_paths(header, arrays) {
    const [description] = header.arrays;
    const [streams, bins] = description.shape;
    if (!(bins * description.step_m > 0)) return; // of a cycle that a fault touched
    this.powers.set(header.user, { paths: header.paths, values: new Float32Array(arrays, 0, streams * bins), bins, stepM: description.step_m,
      streams: description.streams, t: header.time_s });
  }

  take_link(header) {
    if (header.slot === "data") this.links.set(header.user, header);
  }

  take_calib(header, arrays) {
    if (header.kind !== "pixels") return;
    const n = header.columns * header.rows;
    this.pixels.set(header.board, { header, state: new Uint8Array(arrays, 16 * n, n) });
  }

  // The user's true place at that time, or null.
  truthAt(t, user) {
    let i = this.truths.length - 1;
    while (i >= 0 && this.truths[i].t > t) i--;
    if (i < 0) return null;
    const a = this.truths[i], b = this.truths[i + 1] ?? a;
    const pick = (truth) => truth.users.find((u) => u.id === user && u.present)?.position_m;
    const pa = pick(a), pb = pick(b) ?? pa;
    if (!pa || t - a.t > 0.6) return null;
    const w = b.t > a.t ? (t - a.t) / (b.t - a.t) : 0;
    return pa.map((x, k) => x + w * (pb[k] - x));
  }

  errorOf(header) {
    const truth = this.truthAt(header.time_s, header.user);
    return truth ? Math.hypot(...header.position_m.map((x, k) => x - truth[k])) : null;
  }

  get now() {
    return Math.max(this.last.health?.time_s ?? 0, this.last.cycle?.time_s ?? 0);
  }

  // The daemon serves others than its description said.
  get usersChanged() {
    const now = this.last.health?.users, then = this.scene?.users;
    return Boolean(now && then) && (now.length !== then.length || now.some((u) => !then.includes(u.id)));
  }

  // Whom figures, responses and curves are about.
  get focus() {
    const ids = this.scene?.users ?? [];
    return ids.includes(this.chosen) ? this.chosen : ids[0] ?? null;
  }

  // The last fix of that user, or of anybody.
  fixOf(user) {
    return this.fixes.findLast((f) => f.header.user === user);
  }

  // Fixes in a second of room time, over the last five; of that user, or of all.
  rate(user = null) {
    const t = this.cycles.at(-1)?.time_s ?? 0;
    const first = this.cycles[0]?.time_s ?? t;
    const span = Math.min(5, t - first);
    return span < 0.5 ? null : this.fixes.filter((f) => f.t > t - span + 0.01 && (user === null || f.header.user === user)).length / span;
  }

  profileOf(i) {
    return (this.cycles.at(-1) ?? this.last.fix)?.profile?.[i];
  }
}
