// SPDX-License-Identifier: GPL-3.0-or-later
// A tile for each user: whether it may be located and is, how well, and what its data link does. The
// one that is chosen is whom figures, responses and curves are about, and has the most to say.

const $ = (id) => document.getElementById(id);

// Of host/consent.h.
const STATES = { waiting: "not asked yet", asked: "asked", permitted: "permits", located: "located", refused: "does not permit",
  silent: "silent", doubted: "answer not genuine", unheard: "not heard", withheld: "withheld here" };
const GOOD = ["permitted", "located"], RATE_S = 5;

function element(name, className, ...children) {
  const e = document.createElement(name);
  e.className = className;
  e.append(...children);
  return e;
}

function put(e, words) {
  if (e.textContent !== words) e.textContent = words;
}

// A figure and its unit stay on one line.
const unit = (words, name) => `${words}\u00a0${name}`;
const length = (m) => (m < 1 ? unit((100 * m).toFixed(m < 0.1 ? 1 : 0), "cm") : unit(m.toFixed(2), "m"));
const age = (s) => (s < 10 ? unit(s.toFixed(1), "s") : s < 600 ? unit(Math.round(s), "s") : unit(Math.round(s / 60), "min"));
const rate = (bits) => (bits < 1000 ? unit(bits.toFixed(0), "bit/s") : bits < 1e6 ? unit((bits / 1000).toFixed(1), "kbit/s") : unit((bits / 1e6).toFixed(2), "Mbit/s"));
const decibels = (db) => unit(`${db < 0 ? "−" : ""}${Math.abs(db).toFixed(1)}`, "dB");
const speed = (mps) => unit(mps.toFixed(1), "m/s");
const known = (x, words) => (x === null ? "–" : words(x));
const share = (x) => (x === 0 ? "0" : x < 0.001 ? x.toExponential(0).replace("-", "−") : unit((100 * x).toFixed(1), "%"));

// Of the last slots of one direction; what is not known is left out.
function wayWords(f) {
  return [["", f.throughput_bps, rate], ["SNR ", f.snr_db, decibels], ["EVM ", f.evm_db, decibels], ["FER ", f.fer, share],
    ["BER ", f.ber ?? f.raw_ber, share]].filter(([, x]) => x !== null).map(([name, x, words]) => name + words(x)).join(" · ");
}

export class Users {
  // tell(words, command): sends it; choose(id)
  constructor(tell, choose) {
    Object.assign(this, { tell, choose, list: $("users"), tiles: new Map() });
  }

  // Anew for each start of a daemon. allowed: the page may tell it to locate a user or not.
  build(ids, allowed) {
    this.tiles = new Map(ids.map((id) => [id, this.tile(id, allowed)]));
    this.list.replaceChildren(...[...this.tiles.values()].map((t) => t.li));
  }

  tile(id, allowed) {
    const name = element("button", "plain user-name", `user ${id}`), state = element("span", "state");
    const fix = element("p", "facts"), link = element("p", "facts quiet");
    name.id = `user-${id}`;
    name.title = "figures, responses and curves of this user";
    name.addEventListener("click", () => this.choose(id));
    const head = element("div", "user-head", name, state);
    const box = allowed ? this.permit(id, head) : null;
    return { li: element("li", "", head, fix, link), name, state, fix, link, box };
  }

  permit(id, head) {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.id = `permit-${id}`;
    box.addEventListener("change", () => {
      const allow = box.checked;
      box.checked = !allow; // until the daemon says so
      this.tell(allow ? `locate user ${id}` : `do not locate user ${id}`, { cmd: "permit", user: id, allow });
    });
    const label = element("label", "permit", box, "locate");
    label.title = "whether this user is located, if it permits it";
    head.append(label);
    return box;
  }

  // What the daemon says of them; connected: it can be told.
  show(health, connected) {
    for (const user of health?.users ?? []) {
      const tile = this.tiles.get(user.id);
      if (!tile) continue;
      if (user.state !== "asked" || tile.state.textContent === "") this.consent(tile.state, user.state); // asked: what came of it follows
      if (!tile.box) continue;
      tile.box.checked = user.allowed;
      tile.box.disabled = !connected;
    }
  }

  consent(element, state) {
    put(element, STATES[state] ?? state);
    element.className = `state ${GOOD.includes(state) ? "good" : ["waiting", "asked"].includes(state) ? "quiet" : "warn"}`;
  }

  draw(model) {
    for (const [id, tile] of this.tiles) {
      const chosen = id === model.focus;
      tile.name.setAttribute("aria-pressed", String(chosen));
      put(tile.fix, this.fixWords(model, id, chosen));
      put(tile.link, chosen ? this.linkWords(model.links.get(id)) : this.rateWords(model.links.get(id)));
      tile.link.hidden = tile.link.textContent === "";
    }
  }

  fixWords(model, id, chosen) {
    const fixes = model.fixes.filter((f) => f.header.user === id), last = fixes.at(-1);
    if (!last) return "no position";
    const of = model.rate(id, RATE_S), best = Math.max(...last.header.paths.filter((p) => p.used).map((p) => p.snr_db));
    const error = last.error === null ? "" : `error ${length(last.error)}`;
    return [`position ${age((performance.now() - last.heardMs) / 1000)} old`, of === null || !chosen ? "" : `${of.toFixed(1)}/s`,
      Number.isFinite(best) && chosen ? `E/N0 ${unit(best.toFixed(0), "dB")}` : "", `±${length(last.header.ellipse95_m[0])}`, error].filter(Boolean).join(" · ");
  }

  linkWords(h) {
    if (!h) return "";
    const lines = [`↓ ${h.down_scheme} · ${wayWords(h.figures.down)}`, `↑ ${h.up_found ? h.up_scheme : "not heard"} · ${wayWords(h.figures.up)}`];
    if (h.aim !== "none") lines.push(`beam ${known(h.beam_gain_db, decibels)} · aim costs ${known(h.pointing_loss_db, decibels)} at ±${known(h.aim_sigma_m, length)}, ${known(h.speed_mps, speed)}`);
    if (h.traffic?.dropped_queue > 0 || h.traffic?.queued > 0) lines.push(`queue ${h.traffic.queued} of ${h.traffic.queue} · ${h.traffic.dropped_queue} dropped`);
    return lines.join("\n");
  }

  rateWords(h) {
    return h ? `↓ ${known(h.figures.down.throughput_bps, rate)} · ↑ ${h.up_found ? known(h.figures.up.throughput_bps, rate) : "not heard"}` : "";
  }
}
