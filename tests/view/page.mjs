// SPDX-License-Identifier: GPL-3.0-or-later
// The live page, as somebody at a demo uses it. Everything is waited for by its condition, with limits
// that only something broken exceeds; where seconds count they are the room's.
//   node page.mjs BUILD CHROMIUM
// Screenshots of the main states land in BUILD/view-shots.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [build, browserPath] = process.argv.slice(2);
const { chromium } = await import(join(build, "npm/node_modules/playwright-core/index.mjs"));
const LONG_MS = 120000, CLICK_MS = 10000;
const folder = mkdtempSync(join(tmpdir(), "mirador-test-page-"));
const running = new Set();
let ended = ""; // a program that should not have

function run(program, ...args) {
  const env = { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: "" }; // no demo of ours meets what others left
  const child = spawn(program.startsWith("/") ? program : join(build, "bin", program), args, { env, stdio: ["ignore", "pipe", "inherit"] });
  child.text = "";
  child.stdout.on("data", (data) => (child.text += data));
  running.add(child);
  child.on("exit", (code) => {
    running.delete(child);
    if (code && !child.doomed) ended = `${program} ended with ${code}`;
  });
  return child;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, condition, limitMs = LONG_MS) {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(50)) {
    const value = await condition();
    if (value) return value;
    if (ended) throw new Error(`${ended} before: ${what}`);
  }
  throw new Error(`never: ${what}`);
}

// A demo without end, twice as fast as the room, with all that takes time at its start made short.
function startDemo(...args) {
  const sets = ["bs.background.cycles=4", "bs.ris.region_grid=5", "bs.ris.timeout_ms=4000"];
  return run("mirador", "demo", "--seconds", "0", "--json", "--keep", "--speed", "2", ...sets.flatMap((s) => ["--set", s]), ...args);
}

// {pid, words} of the demo's own process of that program with an argument that begins so, or null.
function childOf(demo, program, argument = "") {
  for (const other of readdirSync("/proc").filter((p) => /^\d+$/.test(p))) {
    try {
      const words = readFileSync(`/proc/${other}/cmdline`, "utf8").split("\0");
      const parent = readFileSync(`/proc/${other}/stat`, "utf8").split(") ")[1].split(" ")[1];
      if (Number(parent) === demo.pid && words[0].endsWith(`/${program}`) && words.some((w) => w.startsWith(argument))) return { pid: Number(other), words };
    } catch { /* gone meanwhile */ }
  }
  return null;
}

// The daemon's command line names its sockets.
async function daemonOf(demo) {
  const key = "control.endpoint=ipc://";
  const { pid, words } = await until("a daemon", () => childOf(demo, "miradord", key));
  const daemon = { pid, folder: words.find((w) => w.startsWith(key)).slice(key.length, -"/control.sock".length) };
  for (const name of ["telemetry", "control", "truth"]) {
    await until(`${name} socket`, () => existsSync(join(daemon.folder, `${name}.sock`)));
    rmSync(join(folder, `${name}.sock`), { force: true });
    symlinkSync(join(daemon.folder, `${name}.sock`), join(folder, `${name}.sock`));
  }
  return daemon;
}

async function kill(child, signal) {
  if (!running.has(child)) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await ended;
}

// --- the browser: every request and every word on the console is looked at

const complaints = [];

async function openPage(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (m) => m.type() !== "log" && complaints.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => complaints.push(e.stack));
  page.on("request", (r) => new URL(r.url()).origin === new URL(address).origin || complaints.push(`request to ${r.url()}`));
  page.on("websocket", (w) => new URL(w.url()).host === new URL(address).host || complaints.push(`socket to ${w.url()}`));
  await page.goto(address);
  return page;
}

const shot = (page, name, fullPage = false) => page.screenshot({ path: join(build, "view-shots", `${name}.png`), fullPage });
const text = (page, id) => page.locator(`#${id}`).textContent();
const here = (page, f, arg) => page.waitForFunction(f, arg, { timeout: LONG_MS });
const pixels = (page, id) => page.evaluate((i) => document.getElementById(i).toDataURL(), id);

async function step(name, act) {
  const begun = Date.now();
  await act();
  console.log(`ok ${((Date.now() - begun) / 1000).toFixed(1)} s  ${name}`);
}

// docs/examples/live_track.py beside the page. Resolves to what it wrote, or to why it could not be tried.
function pythonExample() {
  const python = "/usr/bin/python3";
  if (spawnSync(python, ["-c", "import zmq, numpy"]).status !== 0)
    return { missing: `not tried: ${python} has no zmq or numpy (Debian: python3-zmq, python3-numpy)` };
  const example = join(dirname(fileURLToPath(import.meta.url)), "../../docs/examples/live_track.py");
  const child = run(python, example, `ipc://${folder}/telemetry.sock`, "--seconds", "3", "--csv", join(folder, "track.csv"));
  return { done: new Promise((resolve) => child.once("exit", (code) => resolve({ code, text: child.text }))) };
}

// It says what the page was told: the same positions, none lost.
async function agrees(page, example) {
  if (example.missing) {
    console.log(`   ${example.missing}`);
    return;
  }
  const { code, text: said } = await example.done;
  assert.equal(code, 0, said);
  const rows = readFileSync(join(folder, "track.csv"), "ascii").trim().split("\n").map((line) => line.split(",").map(Number));
  assert.ok(rows.length >= 3, said);
  await here(page, (t) => mirador.model.fixes.at(-1).t >= t - 1e-9, rows.at(-1)[0]); // the bridge sends in ticks
  const fixes = await page.evaluate(() => mirador.model.fixes.map((f) => [f.t, f.header.user, ...f.header.position_m]));
  for (const row of rows) assert.ok(fixes.some((fix) => fix.every((x, k) => Math.abs(x - row[k]) < 1e-9)), `a fix of the page: ${row.slice(0, 5)}`);
  for (const line of said.trim().split("\n")) assert.match(line, / s {2}user 1 .* m {2}peaks at .* m {2}0 lost$/);
}

// Two frames later everything that was to be drawn is.
const drawn = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

// --- what must hold

async function comesWithTheDemo(page) {
  await here(page, () => mirador.model.scene && mirador.model.fixes.length >= 15);
  const seen = await page.evaluate(() => {
    const { model } = mirador, id = model.scene.users[0];
    const entered = model.truths.find((t) => t.users.some((u) => u.id === id && u.present))?.t;
    return { entered, first: model.fixes[0].t, rate: (model.fixes.length - 1) / (model.fixes.at(-1).t - model.fixes[0].t),
      errors: model.fixes.filter((f) => f.error !== null).map((f) => f.error) };
  });
  console.log(`   first fix ${(seen.first - seen.entered).toFixed(2)} s after the user walked in, ${seen.rate.toFixed(2)} fixes/s`);
  assert.ok(seen.first - seen.entered <= 3, "first fix within 3 s of room time");
  assert.ok(seen.rate >= 4, "4 fixes in a second of room time");
  assert.ok(seen.errors.length > 10 && Math.max(...seen.errors) < 2, "errors against the truth");
  assert.match(await text(page, "f-error"), /^\d+(\.\d+)?c?m$/);
  assert.match(await text(page, "state"), /running/);
  assert.match(await text(page, "age"), /heard \d/);
}

async function movesOn(page) {
  const plan = await pixels(page, "plan"), cir = await pixels(page, "cir");
  const n = await page.evaluate(() => mirador.model.fixes.at(-1).header.cycle);
  await here(page, (c) => mirador.model.fixes.at(-1).header.cycle >= c + 3, n);
  await until("another plan", async () => (await pixels(page, "plan")) !== plan);
  await until("other responses", async () => (await pixels(page, "cir")) !== cir);
}

// A surface held at one profile, then at another: its map changes with it.
async function hold(page, profile) {
  await page.selectOption("#hold-0", String(profile));
  await here(page, (n) => mirador.model.last.health.held[0] === n && mirador.model.profileOf(0) === n
    && mirador.model.patterns.get(`0/${n}`), profile);
  await until("its words", async () => new RegExp(`profile ${profile} of .*held`).test(await text(page, "surface0-text")));
  return pixels(page, "surface0");
}

async function surfacesChange(page) {
  const [first, second] = [await hold(page, 1), await hold(page, 3)];
  assert.notEqual(first, second, "another map");
  await until("an answer", async () => /done, answered in \d+ ms/.test(await text(page, "told")));
  await page.selectOption("#hold-0", "-1");
  await here(page, () => mirador.model.last.health.held[0] === -1);
}

// How paths are told apart, and where they may be mistaken how often they were.
async function tellsPathsApart(page) {
  const order = (mode) => page.evaluate((m) => mirador.link.ask({ cmd: "identity", mode: m }), mode).then((a) => assert.equal(a.ok, true));
  const words = () => text(page, "identity");
  assert.equal(await words(), "told apart by the surfaces' codes");
  await order("steering");
  await here(page, () => mirador.model.last.judged?.steered >= 5);
  await until("the count", async () => /^told apart by steering: \d+ positions, \d+ with a misidentified path$/.test(await words()));
  console.log(`   ${await words()}`);
  await shot(page, "steering", true);
  const unjudged = await page.evaluate(async () => {
    const { identity } = await import("./panel.js"), { model } = mirador;
    const { judged, ...last } = model.last;
    identity({ last, focus: model.focus, fixOf: () => ({ header: { identity: "steering", chi2: 1.234, dof: 2 } }) });
    return document.getElementById("identity").textContent;
  });
  assert.equal(unjudged, "told apart by steering: χ² 1.23 of 2 degrees of freedom", "without truth");
  await order("coded");
  await until("codes", async () => (await words()) === "told apart by the surfaces' codes");
}

// A click of a person: the place is in sight and hit by the mouse. Then the daemon says so.
async function press(page, id, said, arg) {
  await page.click(`#${id}`, { timeout: CLICK_MS });
  await here(page, said, arg);
}

async function permits(page) {
  await press(page, "permit-1", () => mirador.model.last.health.users[0].allowed === false);
  await here(page, () => mirador.model.cycles.at(-1).response === "withheld");
  await here(page, () => !mirador.model.fixOf(1) && !mirador.model.powers.has(1)); // nor where the user was
  await until("the box", async () => !(await page.isChecked("#permit-1")));
  await here(page, () => document.getElementById("plan-note").textContent.includes("withheld") && !document.getElementById("plan-note").hidden);
  await shot(page, "withheld");
  await press(page, "permit-1", () => mirador.model.last.health.users[0].allowed && mirador.model.cycles.at(-1).outcome === "done");
  await until("the box", () => page.isChecked("#permit-1"));
}

async function pauses(page) {
  await press(page, "pause", () => mirador.model.last.health.paused_s > 0);
  await until("the chip", async () => (await text(page, "state")) === "paused");
  await shot(page, "paused");
  const cycle = await page.evaluate(() => mirador.model.cycles.at(-1).cycle);
  await page.focus("#pause");
  await page.keyboard.press("Enter"); // by keyboard
  await here(page, (c) => mirador.model.last.health.paused_s === 0 && mirador.model.cycles.at(-1).cycle > c + 2, cycle);
  const refused = await page.evaluate(() => mirador.link.ask({ cmd: "pause", seconds: -5 }));
  assert.equal(refused.ok, false);
  assert.match(refused.error, /seconds/);
}

// Somebody is in the room: the order is carried out, and the capture given up.
async function takesNoEmptyRoom(page) {
  const before = await page.evaluate(() => mirador.model.last.health.background.refused);
  await press(page, "background", (n) => mirador.model.last.health.background.refused > n, before);
  await until("the words", async () => /not taken, somebody has answered/.test(await text(page, "told")));
}

async function records(page) {
  await press(page, "record", () => mirador.model.last.health.recorder.state === "recording");
  await page.locator("#recording").waitFor({ state: "visible", timeout: LONG_MS });
  await here(page, () => mirador.model.last.health.recorder.cycles > 0);
  await press(page, "mark", () => /^mark: done/.test(document.getElementById("told").textContent));
  const marked = await page.evaluate(() => mirador.model.last.health.recorder.cycles);
  await here(page, (n) => mirador.model.last.health.recorder.cycles > n + 1, marked); // the cycle after it is the marked one
  const prefix = await page.evaluate(() => mirador.model.last.health.recorder.prefix);
  await press(page, "record", () => mirador.model.last.health.recorder.state === "idle");
  await page.locator("#recording").waitFor({ state: "hidden", timeout: LONG_MS });
  const meta = readdirSync(dirname(prefix)).filter((f) => f.startsWith(basename(prefix)) && f.endsWith(".sigmf-meta"))
    .map((f) => readFileSync(join(dirname(prefix), f), "utf8")).join();
  assert.match(meta, /from the page/, "the mark is in the recording");
}

// The crosses on the map are what the daemon found.
async function showsBrokenPixels(page) {
  await here(page, () => [...mirador.model.pixels.values()].some((p) => p.header.failed.length > 0));
  const found = await page.evaluate(() => [...mirador.model.pixels].map(([name, p]) => [name, p.header.failed.length, p.header.unknown]));
  for (const [name, failed] of found) {
    const i = await page.evaluate((n) => mirador.model.scene.surfaces.findIndex((x) => x.name === n), name);
    await until("its words", async () => /\d+ broken/.test(await text(page, `surface${i}-text`)));
    console.log(`   ${name}: ${failed} broken`);
  }
}

async function auditTells(daemon) {
  const audit = readFileSync(join(daemon.folder, "bs/audit.log"), "utf8");
  const told = [/"permit","user":1,"allow":false.*: ok/, /"permit","user":1,"allow":true.*: ok/, /"pause","seconds":600.*: ok/, /"pause","seconds":0.*: ok/,
    /"pause","seconds":-5.*: arg/, /"background","cycles":10.*: ok/, /"hold".*"profile":3.*: ok/, /"hold".*"profile":null.*: ok/,
    /"record","do":"start".*: ok/, /"record","do":"mark".*: ok/, /"record","do":"stop".*: ok/];
  for (const words of told) assert.match(audit, words);
  assert.match(audit, /command by local \(page \d+ of 127\.0\.0\.1\): /);
}

// The controller of the surfaces stops answering for a while.
async function tellsOfFaults(page, demo) {
  const { pid } = childOf(demo, "mirador-ris");
  process.kill(pid, "SIGSTOP");
  try {
    await here(page, () => mirador.model.last.ris.boards.some((b) => !b.ok) && mirador.model.cycles.at(-1).faults.length > 0);
    await until("an alarm", async () => /ris/.test(await page.locator("#alarms .bad").first().textContent({ timeout: CLICK_MS })));
    await shot(page, "fault", true);
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await here(page, () => mirador.model.last.ris.boards.every((b) => b.ok) && mirador.model.cycles.at(-1).outcome === "done");
  await until("no alarm", async () => (await text(page, "alarms")) === "no alarm");
}

// kill -9 of the bridge; another one comes up at the same address. The browser itself complains of the connections that fail.
async function survivesTheBridge(page, bridge, again) {
  const quiet = complaints.length;
  bridge.doomed = true;
  await kill(bridge, "SIGKILL");
  await until("the words", async () => /bridge away/.test(await text(page, "state")));
  assert.equal(await page.isDisabled("#pause"), true);
  await shot(page, "away");
  again();
  await until("the chip", async () => (await text(page, "state")) === "running");
  await until("the controls", () => page.isEnabled("#pause"));
  const own = complaints.splice(quiet).filter((c) => !/WebSocket connection to '\S+' failed/.test(c));
  complaints.push(...own);
}

// kill -9 of the daemon; another one comes up behind the same sockets.
async function comesBack(page, demo, daemon) {
  const before = await page.evaluate(() => mirador.model.run);
  demo.doomed = true;
  process.kill(daemon.pid, "SIGKILL");
  const next = startDemo("--headless", "--seed", "5", "--users", "3", "--link"); // starts while the page waits
  await until("the words", async () => (await text(page, "state")) === "the daemon is silent");
  assert.equal(await page.locator("#plan-note").isVisible(), true);
  const refused = await page.evaluate(() => mirador.link.ask({ cmd: "status" }));
  assert.equal(refused.ok, false);
  await shot(page, "silent");
  await kill(demo, "SIGINT");
  rmSync(daemon.folder, { recursive: true, force: true });
  const other = await daemonOf(next);
  await here(page, (run) => mirador.model.run !== run && mirador.model.scene && mirador.model.fixes.length > 2, before);
  await until("the chip", async () => (await text(page, "state")) === "running");
  assert.equal(await page.evaluate(() => (mirador.link.ask({ cmd: "status" }))).then((a) => a.ok), true);
  return { next, other };
}

// Each user has its tile; figures and curves are of the one that is chosen.
async function tellsUsersApart(page) {
  await here(page, () => mirador.model.scene.users.length === 3 && mirador.model.scene.users.every((id) => mirador.model.fixes.filter((f) => f.header.user === id).length > 1 && mirador.model.links.get(id)?.figures.down.fer !== null && mirador.model.links.get(id)?.figures.up.raw_ber !== null));
  for (const id of await page.evaluate(() => mirador.model.scene.users)) {
    await page.click(`#user-${id}`, { timeout: CLICK_MS });
    await here(page, (n) => mirador.model.focus === n && document.getElementById("f-whose").textContent === `, user ${n}`, id);
    const words = await page.locator("#users li", { has: page.locator(`#user-${id}`) }).innerText();
    await here(page, () => [...document.querySelectorAll("#users, #user-card")].every((e) => e.scrollHeight <= e.clientHeight)); // nothing to scroll
    for (const part of [/position [\d.]+\ss old/, /±\d/, /\d\/s/, /E\/N0 \d+\sdB/, /↓ .*bit\/s .*SNR \d.*EVM −\d.*FER \d.*BER \d/, /↑ .*bit\/s .*SNR \d.*EVM −\d.*FER \d.*BER \d/, /beam \d.*aim costs \d.*m\/s/]) assert.match(words, part);
  }
  const windows = await page.evaluate(() => mirador.model.scene.cycle.windows.map((w) => w.name));
  for (const name of ["downlink", "uplink"]) assert.ok(windows.includes(name), name);
  assert.match(await text(page, "window-keys"), /downlink.*uplink.*guards/);
  await shot(page, "users");
  await page.setViewportSize({ width: 390, height: 844 });
  await here(page, () => document.documentElement.scrollWidth <= 390);
  await shot(page, "users-phone", true);
}

// Nothing of where a user was is shown once the user has withdrawn or left, not to a page that comes later either. The others stay.
async function forgetsWhoIsNotToBeFound(page, browser, address, daemon) {
  const isForgotten = (id) => !mirador.model.fixOf(id) && !mirador.model.links.has(id) && !mirador.model.powers.has(id);
  const words = (id) => page.locator("#users li", { has: page.locator(`#user-${id}`) }).innerText();
  assert.deepEqual(await page.evaluate(() => {
    const model = new mirador.model.constructor();
    const hear = (user, forgotten) => model.take({ topic: "cycle", header: { user, forgotten, paths: [{ name: "L1", length_m: 9 }] }, ageMs: 0 }, 0);
    for (const [user, forgotten] of [[1, false], [2, false], [2, true]]) hear(user, forgotten);
    return [...model.cycles, model.last.cycle].map((c) => Boolean(c.paths));
  }), [true, false, false, false], "lengths of paths without a position");
  assert.deepEqual(await page.evaluate(() => {
    const model = new mirador.model.constructor();
    const hear = (topic, header) => model.take({ topic, header, ageMs: 0 }, 0);
    for (const user of [1, 2, 3]) hear("fix", { user, time_s: 1, position_m: [1, 2, 1] });
    hear("health", { users: [{ id: 1, forgotten: false }, { id: 2, forgotten: true }] });
    return [1, 2, 3].map((id) => Boolean(model.fixOf(id)));
  }), [true, false, false], "by health, one who is not told of and one who has left");
  const { status, stderr } = spawnSync(join(build, "bin", "mirador"), ["ue", "withdraw", "-e", `ipc://${daemon.folder}/ue2-control.sock`]);
  assert.equal(status, 0, String(stderr));
  await here(page, isForgotten, 2);
  await until("its tile", async () => /no position$/.test((await words(2)).trim()));
  const late = await openPage(browser, address);
  await here(late, () => mirador.model.fixOf(1) && mirador.model.links.has(1) && mirador.model.fixOf(3) && mirador.model.links.has(3));
  assert.ok(await late.evaluate(isForgotten, 2), "a page that comes later");
  await late.context().close();
  assert.equal(await page.evaluate(() => mirador.link.ask({ cmd: "users", do: "remove", user: 3 })).then((a) => a.ok), true);
  await here(page, isForgotten, 3);
  await here(page, () => mirador.model.scene.users.length === 2 && mirador.model.fixOf(1) && mirador.model.links.has(1));
  await until("its tile", async () => /position [\d.]+\ss old[^]*beam \d/.test(await words(1)));
}

// Whoever has no token sees nothing; a wrong one is asked for again; the address bar never keeps it. On a phone,
// where nothing sticks out either.
async function asksForItsToken(browser, address) {
  const [bare, token] = address.split("#token=");
  assert.match(token, /^[0-9a-f]{64}$/);
  const page = await openPage(browser, bare, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  const dialog = page.locator("#token-dialog");
  for (const words of ["wrong", token]) {
    await dialog.waitFor({ timeout: LONG_MS });
    await here(page, () => document.getElementById("state").textContent === "locked");
    assert.equal(await page.evaluate(() => mirador.model.run), null);
    await page.fill("#token", words, { timeout: CLICK_MS });
    await page.keyboard.press("Enter");
  }
  await here(page, () => mirador.model.scene && mirador.model.fixes.length > 5);
  assert.equal(page.url(), bare);
  await drawn(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `nothing sticks out: ${wide} px`);
  await shot(page, "phone", true);
  await page.context().close();
}

// Everything that can be told is reached by Tab, and has a name.
async function worksByKeyboard(page) {
  await page.evaluate(() => {
    document.activeElement.blur();
    window.reached = new Set();
    addEventListener("focusin", (event) => reached.add(event.target.id));
  });
  for (let i = 0; i < 20; i++) await page.keyboard.press("Tab");
  const names = new Set(await page.evaluate(() => [...reached]));
  for (const id of ["theme", "user-1", "permit-1", "pause", "background", "record", "mark", "hold-0", "hold-1", "log"]) assert.ok(names.has(id), `Tab reaches ${id}`);
  const nameless = await page.evaluate(() => [...document.querySelectorAll("button, select, input, canvas")]
    .filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length)).map((e) => e.id));
  assert.deepEqual(nameless, []);
}

async function all(browser) {
  let demo = startDemo("--port", "0", "--ris", "tracked", "--set", "bs.ris.beams_side=2", "--seed", "2", "--pixels", "1",
    "--set", "bs.pixels.pilots=54", "--set", "bs.pixels.ris=ris1", "--set", "room.users[0].enter_s=7", "--set", "room.ris[0].failures=[{kind: dead, elements: [17, 18, 33, 34]}]");
  let daemon = await daemonOf(demo);
  const line = await until("the page's address", () => demo.text.split("\n").find((l) => l.includes('"page"')));
  const own = JSON.parse(line).address;
  // A second bridge, which outlives the demo.
  const startBridge = (port) => run("mirador-view", "-s", `listen.port=${port}`, "-s", `listen.address_file=${folder}/page`, "-s",
    `listen.token_file=${folder}/token`, ...["telemetry", "control", "truth"].flatMap((n) => ["-s", `daemon.${n}=ipc://${folder}/${n}.sock`]));
  const bridge = startBridge(0);
  const address = await until("the second bridge", () => existsSync(join(folder, "page")) && readFileSync(join(folder, "page"), "utf8"));
  const page = await openPage(browser, own);
  await here(page, () => mirador.model.scene && mirador.model.cycles.length > 3);
  await drawn(page);
  await shot(page, "start");
  await step("the page comes with the demo, first fix and rate", () => comesWithTheDemo(page));
  await step("plan and responses move on", () => movesOn(page));
  await shot(page, "light", true);
  await page.click("#theme", { timeout: CLICK_MS });
  await here(page, () => document.documentElement.dataset.theme === "dark");
  await drawn(page);
  await shot(page, "dark", true);
  const example = pythonExample();
  await step("maps of the surfaces change", () => surfacesChange(page));
  await step("how paths are told apart", () => tellsPathsApart(page));
  await step("the Python example", () => agrees(page, example));
  await step("permission", () => permits(page));
  await step("pause", () => pauses(page));
  await step("recording and mark", () => records(page));
  await step("the empty room", () => takesNoEmptyRoom(page));
  await step("the audit log tells who", () => auditTells(daemon));
  await step("keyboard and names", () => worksByKeyboard(page));
  await page.context().close();
  await step("the token, on a phone", () => asksForItsToken(browser, own));
  const other = await openPage(browser, address, { viewport: { width: 1920, height: 1080 } });
  await here(other, () => mirador.model.fixes.length > 30 && [...mirador.model.patterns.values()].some((p) => p)); // a late page has the track
  await step("broken pixels", () => showsBrokenPixels(other));
  await drawn(other);
  await shot(other, "projector");
  await step("a fault of the surfaces", () => tellsOfFaults(other, demo));
  await step("the bridge killed and started anew", () => survivesTheBridge(other, bridge, () => startBridge(new URL(address).port)));
  await step("the daemon killed and started anew", async () => {
    const back = await comesBack(other, demo, daemon);
    [demo, daemon] = [back.next, back.other];
  });
  await step("several users and their links", () => tellsUsersApart(other));
  await step("who withdraws or leaves is forgotten", () => forgetsWhoIsNotToBeFound(other, browser, address, daemon));
  assert.deepEqual(complaints, []);
  await kill(demo, "SIGINT");
  rmSync(daemon.folder, { recursive: true, force: true });
}

let code = 0;
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--disable-gpu"] });
try {
  await all(browser);
} catch (e) {
  console.error(e);
  code = 1;
}
await browser.close();
for (const child of [...running]) await kill(child, "SIGINT");
rmSync(folder, { recursive: true, force: true });
process.exit(code);
