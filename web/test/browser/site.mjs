// Starts the built site and a browser for a test file; fails it on what no
// page of ours may do: an error on the console, a request to elsewhere.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const dir = process.env.FEWBITS_DATA || join(dirname(root), "shared", "data");

/** A real file of the data folder; undefined where the folder is missing (never in CI). */
export function data(...path) {
  const file = join(dir, ...path);
  if (existsSync(file)) return file;
  if (process.env.CI) throw new Error(`${file} is missing`);
  return undefined;
}

export const noData = existsSync(dir) ? false : "no folder of real files (set FEWBITS_DATA)";

/** Serves the site; resolves to its address and a function that stops it. */
export function serve() {
  const site = process.env.FEWBITS_SITE || join(root, ".cache/site");
  const command = process.env.FEWBITS_SERVE || join(root, ".cache/serve");
  const child = spawn(command, ["-addr", "127.0.0.1:0", "-dir", site], { stdio: ["ignore", "pipe", "inherit"] });
  return new Promise((ok, fail) => {
    let text = "";
    child.on("error", fail);
    child.on("exit", (code) => fail(new Error(`the server ended with ${code}`)));
    child.stdout.on("data", (d) => {
      text += d;
      const at = /https?:\/\/[^\s]+/.exec(text);
      if (at) ok({ url: at[0].replace(/\/?$/, "/"), stop: () => new Promise((done) => { child.removeAllListeners("exit"); child.on("exit", done); child.kill(); }) });
    });
  });
}

// Debian's Chromium draws its address bar's lists as pages of their own, which
// takes a fifth of the processor in a test. A second list takes the place of the
// first, so what playwright-core turns off is here too.
const OFF = [
  "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "WebUIOmniboxPopupDebug", "PreloadTopChromeWebUI",
  "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
  "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
];
export const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", `--disable-features=${OFF}`];

/** A browser and the site, shared by the tests of a file. */
export async function start() {
  const server = await serve();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ARGS });
  return {
    url: server.url,
    browser,
    async stop() { await browser.close(); await server.stop(); },
  };
}

/**
 * Opens the site at a hash, runs f(page) and checks the page's manners.
 * ready: wait for the engine; allow: parts of console errors that are meant;
 * block: a pattern of requests that fail; elsewhere: origins that may be asked.
 * @param {{url: string, browser: import("playwright-core").Browser}} site
 */
export async function visit(site, hash, f, { ready = true, allow = [], block = null, elsewhere = [], ...options } = {}) {
  const context = await site.browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", acceptDownloads: true, ...options });
  const page = await context.newPage();
  if (block) await context.route(block, (r) => r.abort());
  const faults = [];
  page.on("console", (m) => { if (m.type() === "error" && !allow.some((a) => m.text().includes(a))) faults.push(`console: ${m.text()}`); });
  page.on("pageerror", (e) => faults.push(`error: ${e.message}`));
  page.on("request", (r) => { if (![site.url, ...elsewhere].some((o) => r.url().startsWith(o)) && !/^(blob|data):/.test(r.url())) faults.push(`request to ${r.url()}`); });
  try {
    await page.goto(site.url + hash);
    if (ready) await page.waitForSelector("#stage[data-ready=true]", { timeout: 30_000 });
    await f(page, context);
    assert.deepEqual(faults, []);
  } finally {
    await context.close();
  }
}

/** Waits until the text of a locator matches. */
export async function says(locator, pattern, timeout = 15_000) {
  const until = Date.now() + timeout;
  let text = "";
  for (;;) {
    text = (await locator.textContent({ timeout }).catch(() => "")) || "";
    if (pattern.test(text)) return text;
    if (Date.now() > until) assert.fail(`waited for ${pattern}, there stands ${JSON.stringify(text)}`);
    await new Promise((r) => setTimeout(r, 50));
  }
}

/** The rows of a figure's data dialog. */
export async function dataOf(page, figure) {
  await figure.getByRole("button", { name: /^Data of/ }).click();
  await page.locator("dialog[open] tbody tr").first().waitFor();
  const rows = await page.locator("dialog[open] tbody tr").evaluateAll((r) => r.map((tr) => [...tr.cells].map((c) => c.textContent)));
  await page.keyboard.press("Escape");
  return rows;
}
