import "../wasm/wasm_exec.js";
import { compile, Fewbits } from "./fewbits.js";
import { Superseded } from "./lane.js";
import { drawLayout } from "./layout.js";
import { drawRows } from "./model.js";
import { all, byId, route } from "./rooms.js";
import { bindShell } from "./shell.js";
import { views } from "./views.js";

// The host of the page's Go: it starts the engine and the app after the first
// paint, carries requests to the workers, and keeps what they answer, so that
// large arrays go from worker to plot without passing through Go.

const results = new Map(); // id → {json, arrays}: the latest of each side, and exports
const files = [];          // chosen files by ref − 1
const parts = new Map();   // id → parts of a file under way
let engine, plots, lastDraw = "";

/** After the first paint: what is on the page is readable before anything is loaded. */
const painted = new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))));

function keepFile(file) { return files.push(file); }

function parsed(id) {
  const r = results.get(id);
  if (!r) return null;
  r.meta ??= JSON.parse(r.json);
  return { meta: r.meta, arrays: r.arrays };
}

/** An analysis with the opened weight moved since. */
function merged(id, pickID) {
  const a = id && parsed(id);
  if (!a) return null;
  const p = pickID && parsed(pickID);
  return p ? { meta: { ...a.meta, ...p.meta }, arrays: { ...a.arrays, ...p.arrays } } : a;
}

/**
 * Marks the end of the next frame, in which the plots are drawn, in the
 * browser's timeline: "fewbits:drawn", with the answers that are shown.
 */
function markDrawn(detail) {
  requestAnimationFrame(() => setTimeout(() => {
    performance.clearMarks("fewbits:drawn"); // one is enough to keep
    performance.mark("fewbits:drawn", { detail });
  }));
}

/** Only what is drawn is drawn again; the other answers go. */
function prune(keep) {
  for (const id of results.keys()) if (!keep.includes(id)) results.delete(id);
}

let appRuns;
/** A file may be chosen before the app runs: it waits. */
const running = new Promise((resolve) => { appRuns = resolve; });

globalThis.fewbitsHost = {
  /** The app runs: give it the engine's formats when they are there. */
  ready() { appRuns(); engine.then(({ formats }) => globalThis.fewbitsPage.booted(JSON.stringify(formats)), fatal); },

  /** ref names a chosen file, made a call whose parts come along as one. */
  send(id, laneName, op, args, ref, made, latest, remember) {
    engine.then(async (fb) => {
      const lane = fb.lane(laneName);
      const file = ref ? files[ref - 1] : made ? new Blob(parts.get(made)) : null;
      try {
        const r = await lane.call(op, args, { file, latest, onEvent: (json, arrays) => progress(id, json, arrays) });
        if (remember) lane.remember(op, args, { file });
        if (Object.keys(r.arrays).length) results.set(id, r);
        globalThis.fewbitsPage.reply(id, r.json);
      } catch (e) {
        parts.delete(id);
        globalThis.fewbitsPage.fault(id, e.message, e instanceof Superseded || e.name === "AbortError");
      }
    }, fatal);
  },

  cancel(lane) { engine.then((fb) => fb.lane(lane).cancel()); },

  /** Stops a worker that is not needed any more. */
  end(lane) { engine.then((fb) => fb.end(lane)); },

  /** Forgets the parts of a converted file. */
  drop(id) { parts.delete(id); },

  draw(a, aPick, b, bPick, split, show) {
    prune([a, aPick, b, bPick]);
    plots?.then((p) => { p.draw(merged(a, aPick), merged(b, bPick), { split, show }); markDrawn({ a, b }); });
  },

  layout(side, id) {
    const r = id && parsed(id);
    if (!r) return;
    const figure = byId("layout");
    const key = `${side} ${id} ${figure.clientWidth}`;
    if (key === lastDraw) return;
    lastDraw = key;
    drawLayout(figure, r.meta.opened, side === "b");
  },

  /** Offers the bytes of an answer, or the parts of a converted file, as a file. */
  save(id, name, type) {
    const list = parts.get(id) || [results.get(id)?.arrays.bytes];
    const url = URL.createObjectURL(new Blob(list, { type }));
    const a = Object.assign(document.createElement("a"), { href: url, download: name });
    a.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    if (!parts.has(id)) results.delete(id);
  },

  address(hash) { if (location.hash !== hash) history.replaceState(null, "", hash); },
  tensorRows(json) { drawRows(JSON.parse(json)); },

  /** Puts text on the clipboard; the button of that id says so. */
  async copy(id, text) {
    const button = byId(id);
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it and copy by hand";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  },

  dim(yes) { plots?.then((p) => p.dim(yes)); },
  openDialog(id) { byId(id).showModal(); },
  reveal(el) { const list = el.closest(".list"); list.scrollTop = Math.max(0, el.offsetTop - list.offsetTop - list.clientHeight / 2); },
  byId,
  all,
  shown(view) {
    route(view);
    if (view === "tensor") plots?.then((p) => p.resize());
  },
  ...views,
  ...bindShell({ running, keepFile, retheme: () => { plots?.then((p) => p.retheme()); lastDraw = ""; } }),
};

/** What a long call sends before its answer: progress, and parts of the file that it makes. */
function progress(id, json, arrays) {
  if (arrays.part) {
    if (!parts.has(id)) parts.set(id, []);
    parts.get(id).push(new Blob([arrays.part])); // a Blob may live on disk
  }
  if (json) globalThis.fewbitsPage.progress(id, JSON.stringify(json));
}

function fatal(e) {
  for (const el of all(".news [role=status]")) el.hidden = true;
  for (const id of ["t-alert", "m-alert", "c-alert"]) {
    const el = byId(id);
    if (!el) continue;
    el.textContent = `The engine cannot start: ${e.message}. Reload the page; if that does not help, try a current Firefox, Chrome or Safari.`;
    el.hidden = false;
  }
}

/** One program for the page and its workers, compiled once. */
const program = painted.then(compile);

async function startEngine() {
  const fb = new Fewbits(await program);
  fb.formats = JSON.parse((await fb.lane("a").call("formats", {})).json);
  return fb;
}

async function startApp() {
  const go = new Go();
  const instance = await WebAssembly.instantiate(await program, go.importObject);
  go.run(instance).then(() => fatal(new Error("the page's program has stopped")));
}

async function startPlots() {
  await painted;
  const { tensorPlots } = await import("./plots/tensor.js");
  return tensorPlots(byId("plots"), {
    onPick: (row, col) => globalThis.fewbitsPage?.pick(row, col),
    onPickValue: (x) => globalThis.fewbitsPage?.value(x),
    onSplit: (part) => globalThis.fewbitsPage?.split(Math.round(100 * part)),
  });
}

/** The small pictures beside the samples, once the first result is there. */
async function startSparks() {
  const [fb, { sparkline }] = await Promise.all([engine, import("./plots/spark.js")]);
  const { arrays } = await fb.lane("b").call("sparks", {});
  for (const svg of all("[data-spark]")) sparkline(svg, arrays[svg.dataset.spark]);
}

engine = startEngine();
plots = startPlots();
engine.catch(fatal);
plots.catch(fatal);
startApp().catch(fatal);
startSparks().catch(() => {}); // the list reads without them
