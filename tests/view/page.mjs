// SPDX-License-Identifier: GPL-3.0-or-later
// The live page, as somebody at a demo uses it. Everything is waited for by its condition, with limits
// that only something broken exceeds; where seconds count they are the room's.
//   node page.mjs BUILD CHROMIUM
// Screenshots of the main states land in BUILD/view-shots.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [build, browserPath] = process.argv.slice(2);
const { chromium } = await import(join(build, "npm/node_modules/playwright-core/index.mjs"));
const LONG_MS = 120000;
const folder = mkdtempSync(join(tmpdir(), "mirador-test-page-"));
const running = new Set();

function run(program, ...args) {
  const child = spawn(join(build, "bin", program), args, { stdio: ["ignore", "pipe", "inherit"] });
  child.text = "";
  child.stdout.on("data", (data) => (child.text += data));
  running.add(child);
  child.on("exit", () => running.delete(child));
  return child;
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, condition, limitMs = LONG_MS) {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(50)) {
    const value = await condition();
    if (value) return value;
  }
  throw new Error(`never: ${what}`);
}

// A demo without end; the folder of its sockets is known under a name that stays.
async function startDemo(...args) {
  const demo = run("mirador", "demo", "--seconds", "0", "--json", "--keep", ...args);
  return demo;
}

const stateOf = (pid) => {
  // The daemon's command line names its sockets.
  for (const other of readdirSync("/proc").filter((p) => /^\d+$/.test(p))) {
    try {
      const words = readFileSync(`/proc/${other}/cmdline`, "utf8").split("\0");
      const parent = readFileSync(`/proc/${other}/stat`, "utf8").split(") ")[1].split(" ")[1];
      if (Number(parent) !== pid || !words[0].endsWith("/miradord")) continue;
      const endpoint = words.find((w) => w.startsWith("control.endpoint=ipc://"));
      return { pid: Number(other), folder: endpoint.slice("control.endpoint=ipc://".length, -"/control.sock".length) };
    } catch { /* gone meanwhile */ }
  }
  return null;
};

async function daemonOf(demo) {
  const daemon = await until("a daemon", () => stateOf(demo.pid));
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

async function controlsReachTheDaemon(page) {
  await page.uncheck("#permit-1", { force: true }).catch(() => {}); // shown when the daemon says so
  await here(page, () => mirador.model.last.health.users[0].allowed === false);
  await here(page, () => mirador.model.cycles.at(-1).response === "withheld");
  await until("the box", async () => !(await page.isChecked("#permit-1")));
  await shot(page, "withheld");
  await page.check("#permit-1", { force: true }).catch(() => {});
  await here(page, () => mirador.model.last.health.users[0].allowed && mirador.model.cycles.at(-1).outcome === "done");
  await page.click("#pause");
  await here(page, () => mirador.model.last.health.paused_s > 0);
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

async function records(page) {
  await page.click("#record");
  await page.locator("#recording").waitFor({ state: "visible", timeout: LONG_MS });
  await here(page, () => mirador.model.last.health.recorder.cycles > 2);
  await page.click("#record");
  await here(page, () => mirador.model.last.health.recorder.state === "idle");
  await page.locator("#recording").waitFor({ state: "hidden", timeout: LONG_MS });
}

async function auditTells(daemon) {
  const audit = readFileSync(join(daemon.folder, "bs/audit.log"), "utf8");
  for (const words of [/command by local \(page \d+ of 127\.0\.0\.1\): .*"permit".*: ok/, /"pause","seconds":600.*: ok/, /"seconds":-5.*: arg/])
    assert.match(audit, words);
}

// kill -9 of the daemon; another one comes up behind the same sockets.
async function comesBack(page, demo, daemon) {
  const before = await page.evaluate(() => mirador.model.run);
  process.kill(daemon.pid, "SIGKILL");
  await until("the words", async () => (await text(page, "state")) === "the daemon is silent");
  assert.equal(await page.locator("#plan-note").isVisible(), true);
  const refused = await page.evaluate(() => mirador.link.ask({ cmd: "status" }));
  assert.equal(refused.ok, false);
  await shot(page, "silent");
  await kill(demo, "SIGINT");
  rmSync(daemon.folder, { recursive: true, force: true });
  const next = await startDemo("--headless", "--seed", "5");
  const other = await daemonOf(next);
  await here(page, (run) => mirador.model.run !== run && mirador.model.scene && mirador.model.fixes.length > 2, before);
  await until("the chip", async () => (await text(page, "state")) === "running");
  assert.equal(await page.evaluate(() => (mirador.link.ask({ cmd: "status" }))).then((a) => a.ok), true);
  return { next, other };
}

// Whoever has no token sees nothing; a wrong one is asked for again; the address bar never keeps it.
async function asksForItsToken(browser, address) {
  const [bare, token] = address.split("#token=");
  assert.match(token, /^[0-9a-f]{64}$/);
  const page = await openPage(browser, bare);
  const dialog = page.locator("#token-dialog");
  for (const words of ["wrong", token]) {
    await dialog.waitFor({ timeout: LONG_MS });
    assert.equal(await text(page, "state"), "locked");
    assert.equal(await page.evaluate(() => mirador.model.run), null);
    await page.fill("#token", words);
    await page.keyboard.press("Enter");
  }
  await here(page, () => mirador.model.scene);
  assert.equal(page.url(), bare);
  await page.context().close();
}

async function fitsAPhone(browser, address) {
  const page = await openPage(browser, address, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  await here(page, () => mirador.model.scene && mirador.model.fixes.length > 5);
  await sleep(300);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `nothing sticks out: ${wide} px`);
  await shot(page, "phone", true);
  await page.context().close();
}

// Everything that can be told is reached by Tab, and has a name.
async function worksByKeyboard(page) {
  const names = new Set();
  await page.evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    names.add(await page.evaluate(() => document.activeElement.id));
  }
  for (const id of ["theme", "pause", "background", "permit-1", "hold-0", "hold-1"]) assert.ok(names.has(id), `Tab reaches ${id}`);
  const nameless = await page.evaluate(() => [...document.querySelectorAll("button, select, input, canvas")]
    .filter((e) => !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length)).map((e) => e.id));
  assert.deepEqual(nameless, []);
}

async function all(browser) {
  let demo = await startDemo("--port", "0", "--ris", "tracked", "--set", "bs.ris.beams_side=2", "--seed", "2");
  let daemon = await daemonOf(demo);
  const line = await until("the page's address", () => demo.text.split("\n").find((l) => l.includes('"page"')));
  const own = JSON.parse(line).address;
  // A second bridge, which outlives the demo.
  run("mirador-view", "-s", "listen.port=0", "-s", `listen.address_file=${folder}/page`, "-s", `listen.token_file=${folder}/token`,
    ...["telemetry", "control", "truth"].flatMap((n) => ["-s", `daemon.${n}=ipc://${folder}/${n}.sock`]));
  const address = await until("the second bridge", () => existsSync(join(folder, "page")) && readFileSync(join(folder, "page"), "utf8"));
  const page = await openPage(browser, own);
  await step("the page comes with the demo, first fix and rate", () => comesWithTheDemo(page));
  await step("plan and responses move on", () => movesOn(page));
  await shot(page, "light");
  await page.click("#theme");
  await until("dark", () => page.evaluate(() => document.documentElement.dataset.theme === "dark"));
  await sleep(300);
  await shot(page, "dark");
  await step("maps of the surfaces change", () => surfacesChange(page));
  await step("controls reach the daemon and come back", () => controlsReachTheDaemon(page));
  await step("recording starts and stops", () => records(page));
  await step("the audit log tells who", () => auditTells(daemon));
  await step("keyboard and names", () => worksByKeyboard(page));
  await step("the token", () => asksForItsToken(browser, own));
  await step("phone", () => fitsAPhone(browser, own));
  await page.context().close();
  const other = await openPage(browser, address, { viewport: { width: 1920, height: 1080 } });
  await here(other, () => mirador.model.fixes.length > 5);
  assert.ok(await other.evaluate(() => mirador.model.fixes.length > 30), "a late page has the track");
  await here(other, () => [...mirador.model.patterns.values()].some((p) => p));
  await shot(other, "projector");
  await step("the daemon killed and started anew", async () => {
    const back = await comesBack(other, demo, daemon);
    [demo, daemon] = [back.next, back.other];
  });
  await shot(other, "back");
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
