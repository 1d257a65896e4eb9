// SPDX-License-Identifier: GPL-3.0-or-later
// Ties the link, the model and the views together; says how old what is shown is.
import { Cycle, History, Responses, cycleLegend } from "./charts.js";
import { Controls } from "./controls.js";
import { Link } from "./link.js";
import { Model } from "./model.js";
import { counters, figures, identity, logLines, makePaths, namePaths, paths } from "./panel.js";
import { Plan } from "./plan.js";
import { Surface } from "./surfaces.js";
import { Users } from "./users.js";

const STALE_MS = 2000, SILENT_MS = 3000, CLOCK_MS = 200;
const $ = (id) => document.getElementById(id);
const model = new Model();
const plan = new Plan();
const views = [new Responses(), new History(), new Cycle()];
const surfaces = [new Surface(0), new Surface(1)];
const controls = new Controls((command) => link.ask(command));
const users = new Users((words, command) => controls.tell(words, command), (id) => {
  model.chosen = id;
  users.draw(model);
  dirty = true;
});
// The true place moves with every frame, all else with the cycles.
let dirty = true, moved = true, asking = false, hello = null;
makePaths();

// --- the scene and the patterns are asked for: at a start of the daemon, and when its users change ----

async function describe() {
  if (asking || (model.scene && !model.usersChanged) || !link.open) return;
  asking = true;
  const run = model.run, answer = await link.ask({ cmd: "describe" });
  asking = false;
  if (!answer.ok || run !== model.run) return;
  model.scene = answer;
  build();
  cycleLegend(answer);
  namePaths(answer.surfaces.map((s) => s.name));
  document.querySelectorAll(".surface-name").forEach((e, i) => (e.textContent = answer.surfaces[i % 2].name));
  $("room").textContent = `${(answer.carrier_hz / 1e9).toFixed(2)} GHz, ${(answer.rate_hz / 1e6).toFixed(0)} MHz, ${answer.gated ? "gated time" : "real time"}`;
  dirty = true;
}

function build() {
  controls.build(model.scene, hello.commands);
  users.build(model.scene.users, hello.commands && model.scene.commands.includes("permit"));
}

// The pattern if it is here; else it is asked for.
function pattern(i) {
  const surface = model.scene?.surfaces[i], profile = model.profileOf(i) ?? 0;
  const key = `${i}/${profile}`;
  if (!surface || !link.open) return model.patterns.get(key);
  if (!model.patterns.has(key)) {
    model.patterns.set(key, null);
    const patterns = model.patterns;
    link.ask({ cmd: "pattern", surface: surface.name, profile }).then((answer) => {
      if (answer.ok) patterns.set(key, answer);
      else setTimeout(() => patterns.delete(key), 1000);
      dirty = true;
    });
  }
  return model.patterns.get(key);
}

// --- how fresh it is -------------------------------------------------------------------------------

const seconds = (ms) => (ms < 10000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);

function chip(words, name) {
  const e = $("state");
  if (e.textContent !== words) e.textContent = words;
  e.className = `chip ${name}`;
}

function fixAge() {
  const fix = model.fixes.at(-1);
  return fix ? `last fix ${seconds(performance.now() - fix.heardMs)} ago` : "no fix";
}

function freshness() {
  const age = model.heardMs === undefined ? null : performance.now() - model.heardMs;
  const health = model.last.health;
  const stale = age === null || age > STALE_MS;
  document.body.classList.toggle("stale", stale);
  $("age").textContent = age === null ? "" : `heard ${seconds(age)} ago, ${fixAge()}`;
  if (link.asking) chip("locked", "warn");
  else if (!link.open) chip("bridge away, trying again", "bad");
  else if (age === null) chip("waiting for the daemon", "warn");
  else if (age > SILENT_MS) chip("the daemon is silent", "bad");
  else if (health?.state === "paused") chip("paused", "warn");
  else if (health?.state === "background") chip("capturing the empty room", "warn");
  else chip(health?.state ?? "running", "good");
  note(age, health);
  controls.show(health, link.open && !stale);
  users.show(health, link.open && !stale);
  users.draw(model);
  recording(health?.recorder);
}

// Of one user; of several each has a tile.
const ALONE = { no_permit: "The user does not permit to be located.", withheld: "The user is not located: withheld here.",
  silent: "Nobody answers." };

// What the plan cannot show.
function note(age, health) {
  const last = model.cycles.at(-1);
  const words = link.asking ? "This page needs its token."
    : !link.open ? "The bridge does not answer. Trying again."
    : age === null ? "Nothing heard yet."
    : age > SILENT_MS ? `The daemon is silent: what is shown is ${seconds(age)} old.`
    : health?.state === "paused" ? `Paused for ${Math.ceil(health.paused_s)} s more.`
    : last?.outcome === "capture" || health?.state === "background" ? "Capturing the empty room."
    : model.scene?.users.length === 1 ? ALONE[last?.response] ?? ""
    : "";
  const e = $("plan-note");
  if (e.textContent !== words) e.textContent = words;
  e.hidden = words === "";
}

function recording(r) {
  const e = $("recording"), on = ["starting", "recording", "closing"].includes(r?.state);
  e.hidden = !on;
  if (on) e.textContent = `● recording${r.bytes ? ` ${(r.bytes / 1e6).toFixed(0)} MB` : ""}`;
}

// --- drawing ------------------------------------------------------------------------------------------

function draw() {
  if (dirty || moved) plan.draw(model);
  moved = false;
  if (dirty) {
    dirty = false;
    for (const view of views) view.draw(model);
    surfaces.forEach((surface, i) => surface.draw(model, pattern(i)));
    figures(model);
    paths(model);
    identity(model);
    counters(model);
    logLines(model);
    $("truth-key").hidden = model.truths.length === 0;
    const cycle = model.cycles.at(-1);
    $("cycle-number").textContent = cycle ? `${cycle.cycle} at ${cycle.time_s.toFixed(1)} s` : "";
  }
  requestAnimationFrame(draw);
}

function askToken() {
  const dialog = $("token-dialog");
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve($("token").value), { once: true }));
}

const link = new Link({
  record(record) {
    if (model.take(record, performance.now())) describe();
    if (["truth", "pixels", "faults"].includes(record.topic)) moved = true;
    else dirty = true;
  },
  open(said) {
    hello = said;
    if (model.scene) build();
    describe();
  },
  close() { dirty = true; },
  token: askToken,
});

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  dirty = true;
}
const dark = matchMedia("(prefers-color-scheme: dark)");
setTheme(localStorage.getItem("theme") ?? (dark.matches ? "dark" : "light"));
dark.addEventListener("change", () => localStorage.getItem("theme") ?? setTheme(dark.matches ? "dark" : "light"));
$("theme").addEventListener("click", () => {
  const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("theme", name);
  setTheme(name);
});
addEventListener("resize", () => (dirty = true));
setInterval(() => {
  freshness();
  if (model.run) describe();
}, CLOCK_MS);
requestAnimationFrame(draw);
window.mirador = { model, link }; // for tests, and for the curious
