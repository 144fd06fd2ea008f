// The host's part for Compare and Learn: their plots, what is kept, and what
// was pressed before the page's program ran.
import { all, byId } from "./rooms.js";
import { recall, remember } from "./shell.js";

const drawn = new Map(); // id of the figure → its plot
let module;

const plots = () => (module ??= import("./plots/index.js"));

/** Draws a plot where it is not drawn yet, else shows other data in it. */
async function show(id, kind, data, opts) {
  const p = await plots();
  const plot = drawn.get(id);
  if (plot) return plot.draw(data, opts);
  const figure = byId(id);
  figure.querySelector(".stand-in")?.remove();
  drawn.set(id, p[kind](figure, data, opts));
}

const form = byId("l-form");
let early = false, flowing;
form.addEventListener("submit", (e) => {
  e.preventDefault();
  if (!globalThis.fewbitsPage?.line) early = true;
});

const lesson = (...at) => import("./lessons.js").then((m) => m.lesson(...at), () => unread(at));

/**
 * What shows lessons could not be fetched: says so, and tries again when asked.
 * Some browsers fetch nothing again that has failed once: where the server
 * answers and it still fails, the page begins anew.
 */
function unread(at, again) {
  if (!location.hash.startsWith(`#/learn/${at[0]}`)) return; // another one was opened in the meantime
  const p = document.createElement("p"), button = Object.assign(document.createElement("button"), { type: "button", textContent: "Try again" });
  p.setAttribute("role", "alert");
  p.append(`This lesson could not be fetched: ${navigator.onLine ? "the server cannot be reached" : "this device is offline"}. What you have done is kept. Check the connection, then try again. `, button);
  button.addEventListener("click", () => import("./lessons.js").then((m) => m.lesson(...at), async () => {
    if (await fetch(location.href, { method: "HEAD", cache: "no-store" }).then((r) => r.ok, () => false)) location.reload();
    else unread(at, true);
  }));
  const article = byId("lesson-more");
  article.hidden = false;
  article.replaceChildren(p);
  if (again) button.focus();
}

/** Draws by a module, which is loaded once there is something to draw. */
function lazily(load) {
  let draw;
  return (json) => {
    if (draw) draw(JSON.parse(json));
    else load().then((m) => { draw = m.draw; draw(JSON.parse(json)); });
  };
}

/** A lesson's text needs no program: it is shown before there is one. */
function readEarly(first) {
  const at = /^#\/learn\/([a-z0-9-]+)(?:\?exercise=([a-z0-9-]+)&seed=(\d+))?/.exec(location.hash);
  if (at && at[1] !== "levels" && !globalThis.fewbitsPage && all(`[data-entry="${at[1]}"]`)[0]) {
    byId("lesson-levels").hidden = true;
    lesson(at[1], at[2] ?? "", +(at[3] ?? 0), first);
  }
  delete document.documentElement.dataset.lesson;
}
readEarly(true);
addEventListener("hashchange", () => readEarly(false));
if ("embed" in document.documentElement.dataset) import("./lessons.js");

// The first exercise is part of the page; how it is embedded is written when it is asked for.
byId("l-share").addEventListener("toggle", ({ target }) => {
  if (target.open && !target.children[1]) import("./lessons.js").then((m) => m.shareFirst(target), () => { target.open = false; });
});

// Progress that was saved as a file.
byId("l-load").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  target.value = "";
  if (file) globalThis.fewbitsPage.progress(await file.slice(0, 4096).text());
});

export const views = {
  recall,
  remember,
  /** Whether Check was pressed before anyone could answer. */
  askedEarly: () => early,

  /** Writes a text in which what follows a ± is small. */
  inexact(id, text) {
    const part = (tag, textContent) => Object.assign(document.createElement(tag), { textContent });
    byId(id).replaceChildren(...text.split(/( ± [\d.]+(?: × 10[⁻\d⁰-⁹¹²³]+)?)/).map((s, i) => part(i % 2 ? "small" : "span", s)));
  },

  scatter(json) {
    const { points, ...opts } = JSON.parse(json);
    show("c-rd", "scatter", points, { yName: undefined, ...opts, onPick: (name) => globalThis.fewbitsPage.way(name) });
  },

  bars(json) {
    const { bars, ...opts } = JSON.parse(json);
    show("c-speed", "bars", bars, opts);
  },

  /** Draws a plot of Compare: kind is that of plots/index.js; what is pressed in it opens in Tensor. */
  plot(kind, id, json) {
    const { data, ...opts } = JSON.parse(json);
    show(id, kind, data, { ...opts, onPick: (name) => globalThis.fewbitsPage.way(name) });
  },

  /** Fetches a file that comes with the page, and takes it as one that was chosen. */
  async sample(name) {
    const tell = (ref, size, fault) => globalThis.fewbitsPage.sample(name, ref, size, fault);
    try {
      const response = await fetch(new URL(`../samples/${name}`, import.meta.url));
      if (!response.ok) throw new Error(`${name} answers ${response.status}`);
      const file = new File([await response.blob()], name);
      tell(globalThis.fewbitsHost.take(file), file.size, "");
    } catch (e) {
      tell(0, 0, e.message);
    }
  },

  /** Shows a lesson beyond the first; exercise and seed name a variation of one in it. */
  lesson,

  numberLine(json) {
    show("l-line", "numberLine", JSON.parse(json), { onMove: (x) => globalThis.fewbitsPage.line(x) });
  },

  columns(weights) { show("i-plot", "columns", weights); },

  layers(json) {
    const { layers, ...opts } = JSON.parse(json);
    show("k-plot", "layers", layers, { ...opts, onPick: (text) => globalThis.fewbitsPage.filter(text) });
  },

  /** Draws what was measured on a text, and what the models say. */
  measure: lazily(() => import("./measure.js")),

  /** Draws the size budget of a model. */
  budget: lazily(() => import("./budget.js")),

  /** Draws what flows through the model, and the figures of one of its stages. */
  flow: lazily(() => (flowing ??= import("./flow.js"))),
  figures(stage) { flowing?.then(({ figures }) => figures(stage)); },

  /** Draws the model as other projects keep it. */
  checkpoint: lazily(() => import("./checkpoint.js")),

  /** Draws each family's mark beside its name. */
  async familyMarks() {
    const { familyMark } = await plots();
    for (const svg of all("svg[data-family]")) familyMark(svg, svg.dataset.family);
  },

  /** The page is about to change its address in place: Back shall come here. */
  step() { history.pushState(null, "", location.href); },

  saveText(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  },
};
