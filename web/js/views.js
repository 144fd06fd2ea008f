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
let early = false;
form.addEventListener("submit", (e) => {
  e.preventDefault();
  if (!globalThis.fewbitsPage?.line) early = true;
});

export const views = {
  recall,
  remember,
  /** Whether Check was pressed before anyone could answer. */
  askedEarly: () => early,

  scatter(json) {
    const { points, ...opts } = JSON.parse(json);
    show("c-rd", "scatter", points, { yName: undefined, ...opts, onPick: (name) => globalThis.fewbitsPage.way(name) });
  },

  bars(json) {
    const { bars, ...opts } = JSON.parse(json);
    show("c-speed", "bars", bars, opts);
  },

  numberLine(json) {
    show("l-line", "numberLine", JSON.parse(json), { onMove: (x) => globalThis.fewbitsPage.line(x) });
  },

  columns(weights) { show("i-plot", "columns", weights); },

  layers(json) {
    const { layers, ...opts } = JSON.parse(json);
    show("k-plot", "layers", layers, { ...opts, onPick: (text) => globalThis.fewbitsPage.filter(text) });
  },

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
