import "../wasm/wasm_exec.js";
import { compile, compileProducts, Fewbits } from "./fewbits.js";
import { Died, Superseded, workers } from "./lane.js";
import { drawLayout } from "./layout.js";
import { all, byId, route } from "./rooms.js";
import { bindShell } from "./shell.js";
import { views } from "./views.js";

// The host of the page's Go: it starts the engine and the app after the first
// paint, carries requests to the workers, and keeps what they answer, so that
// large arrays go from worker to plot without passing through Go.

const results = new Map(); // id → {json, arrays}: the latest of each side, and exports
const files = [];          // chosen files by ref − 1
const stores = new Map();  // id → where a file goes that is being made
const opens = new Map();   // lane → the open that it was asked for last
let early = 0; // the store that a worker was started for that has no work yet
let address = null; // that is yet to be written
let engine, up, whole, plots, lastDraw = "", drawRows, rows; // up is the engine once it is there; rows are of Model's table: what draws it, and what was drawn last

const wholeProgram = () => (whole ??= compile(true).catch((e) => { whole = null; throw e; }));

let products;
/** What times products: a program of its own for relaxed SIMD, else the whole one. */
const productsProgram = async () => (await (products ??= compileProducts()?.catch(() => (products = null)))) ?? wholeProgram();

/** After the first paint: what is on the page is readable before anything is loaded. */
const painted = new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve))));

/** The program was asked for: what is less pressing is asked for after it. */
let asked;
const programAsked = new Promise((resolve) => { asked = resolve; });

/** Calls f with the engine: at once where it is there, so that a worker is at work while the page is drawn; in order in any case. */
function withEngine(f) {
  if (up) f(up);
  else engine.then(f, fatal);
}

/** A worker that makes a file knows what the one knows that planned it. */
const maker = (fb, name) => fb.lane(name, [], "job");

/** What was opened, with what was made of it at the end. */
const both = (file, made) => [...(Array.isArray(file) ? file : [{ name: "", file }]), { name: "", file: made }];

function keepFile(file) { return files.push(file); }

/** Offers a file to be saved. */
function offer(file, name) {
  const url = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

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
  afterFrame(() => {
    performance.clearMarks("fewbits:drawn"); // one is enough to keep
    performance.mark("fewbits:drawn", { detail });
  });
}

/** Calls f when the next frame is painted. */
const afterFrame = (f) => requestAnimationFrame(() => setTimeout(f));

/**
 * Calls f when a frame is painted and nothing more pressing is left to do, such as
 * an answer to a slider: what reads a size then makes nothing be laid out for it.
 */
const later = (f) => requestAnimationFrame(() => (globalThis.requestIdleCallback ? requestIdleCallback(() => f(), { timeout: 200 }) : setTimeout(f)));

/** Only what is drawn is drawn again; the other answers go. */
function prune(keep) {
  for (const id of results.keys()) if (!keep.includes(id)) results.delete(id);
}

let appRuns;
/** A file may be chosen before the app runs: it waits. */
const running = new Promise((resolve) => { appRuns = resolve; });

/** What makes reports and opens them, with what it needs of this module. */
const report = (f) => import("./report.js").then(({ Reports }) => f(new Reports({
  engine, program: wholeProgram, plots, offer, keepFile, file: (ref) => files[ref - 1], made: (id) => stores.get(id)?.finish(), address: () => address?.hash ?? location.hash,
})));
addEventListener("click", ({ target }) => {
  const what = target.closest?.("[data-report]")?.dataset.report;
  if (what) report((r) => r.make(what));
});

globalThis.fewbitsHost = {
  /** The app runs: give it the engine's formats when they are there. */
  ready() { appRuns(); engine.then(({ formats }) => globalThis.fewbitsPage.booted(JSON.stringify(formats)), fatal); },

  /**
   * ref names a chosen file, kept a store whose file comes along; into is one
   * that takes the bytes of the answer, from at on, or where the answer says,
   * before Go hears of it. It
   * will read bytes from to to of its file.
   */
  send(id, laneName, op, args, ref, kept, latest, remember, into, at, from, to, drop) {
    if (into) early = 0;
    withEngine(async (fb) => {
      try {
        if (op === "open") opens.set(laneName, id);
        const lane = laneName.startsWith("job-") ? maker(fb, laneName) : fb.lane(laneName);
        const made = kept && await stores.get(kept).finish(), file = ref ? (made ? both(files[ref - 1], made) : files[ref - 1]) : made || null;
        if (op === "speed-open") lane.use(await productsProgram());
        else if (/-open$|^budget-/.test(op) || op === "export" && args.includes('"np-')) lane.use(await wholeProgram());
        const ask = () => lane.call(op, args, { file, latest, drop, reads: to > from ? [from, to] : undefined });
        let r = await ask();
        if (r.json.startsWith('{"whole":true')) { // only that program reads it
          lane.use(await wholeProgram());
          if (opens.get(laneName) !== id) throw new Superseded("another file was opened in the meantime");
          r = await ask();
        }
        if (into && r.arrays.bytes) await stores.get(into).write(at < 0 ? JSON.parse(r.json).at : at, r.arrays.bytes);
        else if (Object.keys(r.arrays).length) results.set(id, r);
        if (remember) lane.remember(op, args, { file });
        globalThis.fewbitsPage.reply(id, r.json);
      } catch (e) {
        globalThis.fewbitsPage.fault(id, e.message, e instanceof Superseded || e.name === "AbortError", e instanceof Died);
      }
    });
  },

  /** Asks the worker of the lessons; a file may come along. */
  async teach(op, args, file) {
    const lane = (await engine).lane("learn");
    lane.use(await wholeProgram());
    return JSON.parse((await lane.call(op, args, { file })).json);
  },

  /** Stops a worker that is not needed any more. */
  end(lane) { withEngine((fb) => fb.end(lane)); },

  workers,

  room() { store().then((s) => s.room()).then(({ free, picker }) => globalThis.fewbitsPage.room(free, picker)); },

  /** Finds where to keep a file of so many bytes. */
  keep(id, name, size, straight, alone) {
    const page = globalThis.fewbitsPage, off = new AbortController();
    if (!alone) {
      early = id;
      engine.then((fb) => early === id && maker(fb, "job-1")); // there is one in any case: it starts meanwhile
    }
    stores.set(id, { discard: () => off.abort() });
    store().then((s) => s.open(name, size, straight, off.signal)).then((s) => {
      if (!s) return page.fault(id, "", false, false); // nothing was picked
      stores.set(id, s);
      page.stored(id, workers(), s.kept);
    }, (e) => page.fault(id, e.message, false, false));
  },

  /** Forgets a file that was made, or is being made. */
  drop(id) {
    stores.get(id)?.discard();
    stores.delete(id);
    if (early === id) {
      early = 0;
      this.end("job-1");
    }
  },

  draw(a, aPick, b, bPick, split, show) {
    prune([a, aPick, b, bPick]);
    plots?.then((p) => { p.draw(merged(a, aPick), merged(b, bPick), { split, show }); markDrawn({ a, b }); });
  },

  take: keepFile,

  /** Makes files of the arrays of an answer, and lets go of others. */
  adopt(id, name, other, forget) {
    for (const ref of forget) files[ref - 1] = null;
    if (!name) return;
    const { bytes, legacy } = results.get(id).arrays;
    results.delete(id);
    globalThis.fewbitsPage.flow("files", keepFile(new File([bytes], name)), legacy ? keepFile(new File([legacy], other)) : 0);
  },
  saveFile(ref) { if (files[ref - 1]) offer(files[ref - 1], files[ref - 1].name); },
  flowFigures(id) {
    const r = parsed(id);
    results.delete(id);
    views.figures(r);
  },

  /** Draws an importance matrix's weights of one tensor. */
  weights(id) {
    const r = parsed(id);
    results.delete(id);
    views.columns({ ...r.meta, weights: r.arrays.weights });
  },

  layout(side, id) {
    const r = id && parsed(id);
    if (!r) return;
    const figure = byId("layout");
    const width = figure.clientWidth, key = `${side} ${id} ${width}`;
    if (key === lastDraw) return;
    lastDraw = key;
    drawLayout(figure, width, r.meta.opened, side === "b");
  },

  /** Offers the bytes of an answer, or a file that was made, as a file. */
  async save(id, name, type) {
    try {
      const made = await stores.get(id)?.finish();
      offer(made ?? new Blob([results.get(id).arrays.bytes], { type }), name);
    } catch (e) {
      globalThis.fewbitsPage.unfound(`${name} cannot be saved: ${e.message}; see to the room on this machine and make it again`, stores.has(id) ? "model" : "tensor");
    }
    results.delete(id);
  },

  /** Writes the address, unless the person went elsewhere in the meantime. */
  address(hash) {
    address ??= { from: location.hash };
    address.hash = hash;
    if (address.waits) return;
    address.waits = true;
    afterFrame(() => {
      const { from, hash } = address;
      address = null;
      if (location.hash === from && hash !== from) history.replaceState(null, "", hash);
    });
  },
  tensorRows(json) { rows = json; drawRows?.(JSON.parse(json)); },

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
  reveal(el) {
    later(() => {
      const list = el.closest(".list");
      if (list) list.scrollTop = Math.max(0, el.offsetTop - list.offsetTop - list.clientHeight / 2);
    });
  },
  later,
  byId,
  all,
  shown(view) {
    const stage = byId("stage"), within = stage.contains(document.activeElement);
    route(view);
    if (within && !stage.contains(document.activeElement)) stage.focus({ preventScroll: true }); // what had it left with its view
    if (view === "model" && !drawRows) import("./model.js").then((m) => { ({ drawRows } = m); if (rows) drawRows(JSON.parse(rows)); });
    if (view === "tensor") plots?.then((p) => p.resize());
  },
  ...views,
  ...bindShell({ running, keepFile, report, retheme: () => { plots?.then((p) => p.retheme()); lastDraw = ""; } }),
};

const store = () => import("./store.js");
addEventListener("pagehide", (e) => { if (!e.persisted) for (const s of stores.values()) s.discard(); });

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
const program = painted.then(() => { const compiled = compile(false); asked(); return compiled; });

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
  await programAsked;
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
engine.then((fb) => { up = fb; }, () => {});
plots = startPlots();
engine.catch(fatal);
plots.catch(fatal);
startApp().catch(fatal);
startSparks().catch(() => {}); // the list reads without them
// What tabs left behind that are gone is seen to, if there is anything.
navigator.storage?.getDirectory?.().then((d) => d.getDirectoryHandle("fewbits")).then(store).then((s) => s.sweep()).catch(() => {});
