// SPDX-License-Identifier: GPL-3.0-or-later
// Figures, paths, counters and alarms: everything that is text.

const $ = (id) => document.getElementById(id);

function put(id, words, unit = "") {
  const element = $(id), key = words + unit;
  if (element.dataset.shown === key) return;
  element.dataset.shown = key;
  element.textContent = words;
  if (!unit) return;
  const small = document.createElement("span");
  small.className = "unit";
  small.textContent = unit;
  element.append(small);
}

const length = (m) => (m === null || m === undefined ? ["–"] : m < 1 ? [(100 * m).toFixed(1), "cm"] : [m.toFixed(2), "m"]);

export function figures(model) {
  const fix = model.fixOf(model.focus), several = model.scene?.users.length > 1, fresh = fix && fix.t > model.now - 2, h = fix?.header;
  put("f-error", ...(fresh ? length(fix.error) : ["–"]));
  const errors = model.fixes.filter((f) => f.header.user === model.focus).map((f) => f.error).filter((e) => e !== null).sort((a, b) => a - b);
  put("f-error-sub", errors.length ? `median ${length(errors[errors.length >> 1]).join(" ")} of ${errors.length}` : "no truth here");
  put("f-ellipse", fresh ? h.ellipse95_m.map((v) => (100 * v).toFixed(0)).join(" × ") : "–", fresh ? "cm" : "");
  put("f-whose", several ? `, user ${model.focus}` : "");
  const rate = model.rate();
  put("f-rate-sub", several ? "of all users" : "in a second of its time");
  put("f-rate", rate === null ? "–" : rate.toFixed(1), rate === null ? "" : "/s");
  put("f-latency", fresh ? h.latency_ms.toFixed(1) : "–", fresh ? "ms" : "");
  const l = model.last.health?.latency_ms;
  put("f-latency-sub", l ? `mean ${l.mean.toFixed(1)}, p99 ${l.p99.toFixed(1)}` : "answer to fix");
}

// What the daemon calls each path; docs/telemetry.md. A: of the user's own signal.
const PATHS = [["L1", "static", "echo"], ["L2", "ris1", "echo over RIS 1"], ["L3", "ris2", "echo over RIS 2"],
  ["A1", "static", "answer"], ["A2", "ris1", "answer over RIS 1"], ["A3", "ris2", "answer over RIS 2"]];

export function makePaths() {
  for (const [name, colour, words] of PATHS) {
    const li = document.createElement("li"), bar = document.createElement("span"), fill = document.createElement("i");
    const label = document.createElement("span"), db = document.createElement("span"), short = document.createElement("b");
    [label.className, bar.className, db.className] = ["name", "bar", "db"];
    short.textContent = name;
    label.append(short, ` ${words}`);
    bar.style.color = short.style.color = `var(--${colour})`;
    bar.append(fill);
    li.append(label, bar, db);
    li.dataset.path = name;
    $("snr").append(li);
  }
}

export function namePaths([one, two]) {
  for (const li of $("snr").children) {
    const words = PATHS.find(([name]) => name === li.dataset.path)[2].replace("RIS 1", one).replace("RIS 2", two);
    li.querySelector(".name").lastChild.textContent = ` ${words}`;
  }
}

// What walls add to a length in the mean, and how far it is trusted.
function weight(path) {
  const walls = path.walls_m == null ? "" : `, of it walls ${path.walls_m.toFixed(2)} m`;
  return path.sigma_used_m == null ? walls : `${walls} ± ${path.sigma_used_m.toFixed(2)} m`;
}

export function paths(model) {
  const fix = model.fixOf(model.focus), list = fix?.t > model.now - 2 ? fix.header.paths : [];
  for (const li of $("snr").children) {
    const path = list.find((p) => p.name === li.dataset.path);
    li.classList.toggle("unused", !path?.used);
    li.querySelector("i").style.width = `${path ? Math.max(0, Math.min(100, path.snr_db)) : 0}%`;
    li.querySelector(".db").textContent = path ? `${path.snr_db.toFixed(1)} dB` : "–";
    li.title = path ? `${path.length_m.toFixed(3)} m${weight(path)}, ${path.used ? "used" : "not used"}` : "not found";
  }
}

const plural = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

// How paths are told apart; where they may be mistaken, how often they were: by the truth, where there is one.
export function identity(model) {
  const judged = model.last.judged, h = model.fixOf(model.focus)?.header, how = model.last.health?.identity;
  put("identity", how === "coded" ? "told apart by the surfaces' codes"
    : how !== "steering" ? ""
    : judged ? `told apart by steering: ${plural(judged.steered, "position")}, ${judged.misidentified} with a misidentified path`
    : h?.identity === "steering" && h.dof > 0 ? `told apart by steering: χ² ${h.chi2.toFixed(2)} of ${plural(h.dof, "degree")} of freedom`
    : "told apart by steering");
}

export function logLines(model) {
  const ul = $("log"), latest = model.log[0], key = latest ? `${latest.run}/${latest.seq}` : "";
  if (ul.dataset.shown === key) return;
  ul.dataset.shown = key;
  ul.replaceChildren(...model.log.map(logLine));
}

function logLine(header) {
  const li = document.createElement("li"), time = document.createElement("time");
  const more = header.suppressed ? ` (${header.suppressed} lines left out before)` : "";
  li.className = { error: "bad", warn: "warn" }[header.level] ?? "";
  time.textContent = new Date(1000 * header.unix_s).toLocaleTimeString("en-GB");
  li.append(time, ` ${header.level === "info" ? "" : `${header.level}: `}${header.text}${more}`);
  return li;
}

const RADIO_FAULTS = ["rx_overflows", "rx_sequence_errors", "rx_late_commands", "rx_timeouts", "rx_gaps", "tx_lates",
  "tx_underflows", "tx_sequence_errors", "unlocked", "losses"];

function counts(h) {
  const r = h.response;
  return [
    ["cycles", h.cycles], ["fixes", h.fixes], ["fixes refused", h.refused_fixes, true],
    ["answers permitted", r.permitted], ["without permission", r.no_permit + (r.withheld ?? 0)], ["silent", r.silent],
    ["damaged or not genuine", r.damaged + r.refused, true],
    ["radio: late, lost, overflow", RADIO_FAULTS.reduce((s, k) => s + (h.radio[k] ?? 0), 0), true],
    ["surfaces: late, lost", h.ris.late + h.ris.nacks + h.ris.lost, true],
    ["cycles skipped", h.cycles_skipped, true], ["telemetry dropped", h.telemetry_dropped, true],
    ["deadlines missed", Object.values(h.deadlines).reduce((s, d) => s + d.missed, 0), true],
  ];
}

export function counters(model) {
  const h = model.last.health;
  if (!h) return;
  const body = $("counters").tBodies[0];
  counts(h).forEach(([words, value, bad], i) => {
    const row = body.rows[i] ?? body.insertRow();
    if (!row.cells.length) {
      const th = document.createElement("th");
      th.scope = "row";
      row.append(th, document.createElement("td"));
    }
    if (row.cells[0].textContent !== words) row.cells[0].textContent = words;
    const text = String(value);
    if (row.cells[1].textContent !== text) row.cells[1].textContent = text;
    row.cells[1].className = bad && value > 0 ? "bad" : "";
  });
  alarms(model, h);
}

const ALARMS = {
  file_damaged: "the calibration file is damaged", refused: "a stored calibration is refused",
  delay_contradicted: "the stored delay contradicts the leak", delay_drift: "the radio's delay has drifted",
  delay_old: "the delay's calibration is old", channels_old: "the channels' calibration is old",
  channels_match: "the channels no longer match", temperature: "the temperature has changed since calibration",
  background_changed: "the empty room has changed", background_wanted: "there is no picture of the empty room",
};

function alarms(model, h) {
  const list = (h.calib?.alarms ?? []).map((a) => ["warn", ALARMS[a] ?? a]);
  const recorder = h.recorder;
  if (recorder?.alarm) list.push(["bad", `recorder: ${recorder.alarm}: ${recorder.why}`]);
  for (const board of model.last.ris?.boards ?? [])
    if (!board.ok) list.push(["bad", `${board.name}: ${board.text || board.fault}`]);
  const faults = model.cycles.at(-1)?.faults ?? [];
  if (faults.length) list.push(["bad", `this cycle: ${faults.join(", ")}`]);
  for (const user of h.users ?? [])
    if (!user.allowed) list.push(["warn", `user ${user.id} is not located: withheld here`]);
  if (!list.length) list.push(["good", "no alarm"]);
  const key = JSON.stringify(list), ul = $("alarms");
  if (ul.dataset.shown === key) return;
  ul.dataset.shown = key;
  ul.replaceChildren(...list.map(([name, words]) => {
    const li = document.createElement("li");
    li.className = name;
    li.textContent = words;
    return li;
  }));
}
