// The lab that trains a language model on with few bits: the small demo model is
// fetched when it starts, learns in the worker, a step at a time, and here is
// drawn how well it reads stories that it has not seen.
import { choice, el, trouble } from "./lesson-parts.js";

const MODEL = new URL("../samples/tale-small.gguf", import.meta.url);
const perplexity = (v) => v.toFixed(3);

let model; // promise of its file

const fetched = () => (model ??= fetch(MODEL).then((r) => {
  if (!r.ok) throw new Error(`the server answers ${r.status}`);
  return r.blob();
}).catch((e) => { model = undefined; throw e; }));

/** Sets up the lab in its place in the text. @param {Element} box @param {AbortSignal} off ends it */
export async function tale(box, off) {
  const [bits, bitsRow] = choice("tale-bits", "Bits of a weight", [[2, "2"], [0, "ternary: −1, 0, 1"], [3, "3"], [4, "4"]]);
  const [group, groupRow] = choice("tale-group", "One scale for", [[0, "a row"], [64, "64 weights"], [32, "32 weights"]]);
  const [steps, stepsRow] = choice("tale-steps", "Steps", [[60, "60"], [30, "30"], [120, "120"], [240, "240"]]);
  const seed = el("input", { id: "tale-seed", type: "number", min: 0, max: 999999, value: 1 });
  const start = el("button", { type: "button", class: "first" }, "Start"), reset = el("button", { type: "button" }, "Reset");
  const status = el("p", { role: "status", class: "lab-status" }), alert = el("p", { role: "alert", hidden: true });
  const bar = el("div", { role: "progressbar", class: "meter", "aria-label": "Steps taken", "aria-valuemin": 0, "aria-valuenow": 0 }, el("i"));
  const figure = el("figure", { class: "plot", "aria-label": "Perplexity as it learns" }, el("figcaption", {}, el("b", {}, "Perplexity as it learns"), el("span", { "data-sentence": true }), el("button", { type: "button", class: "plain", "data-data": true }, "data")), el("div", { class: "cv h-w-lines" }));
  const table = el("div", { class: "w-grid" });
  box.append(
    el("div", { class: "w-controls" }, bitsRow, groupRow, stepsRow, el("div", { class: "w-choice" }, el("label", { for: "tale-seed" }, "Seed of the stories"), seed)),
    el("div", { class: "acts" }, start, reset), status, bar, alert, el("div", { class: "w-parts" }, figure, table));
  const { lines } = await import("./plots/index.js");
  if (off.aborted) return;
  let plot, state = null, running = false, turn = 0; // a turn is one training: what comes of one before is dropped

  const name = () => bits.selectedOptions[0].textContent.split(":")[0] + (bits.value === "0" ? " weights" : " bits");

  function draw() {
    const v = state, n = v?.at.length ?? 0, flat = (y) => Array.from({ length: n }, () => y), now = v?.trained.at(-1);
    const data = { x: v?.at ?? [], series: v ? [{ name: "rounded", tone: "ink", y: flat(v.rounded) }, { name: "floats", tone: "orig", y: flat(v.float) }, { name: "trained", tone: "recon", y: v.trained }] : [] };
    const sentence = v ? `${name()}: rounded ${perplexity(v.rounded)}, after ${v.at.at(-1)} steps ${perplexity(now)}; the floats have ${perplexity(v.float)}.` : "No step was made yet.";
    if (plot) plot.draw(data, { xName: "step", yName: "perplexity", sentence }); else plot = lines(figure, data, { xName: "step", yName: "perplexity", sentence });
    table.replaceChildren(tableOf(v, now));
    const done = v?.done ?? 0, all = v?.all ?? +steps.value;
    bar.setAttribute("aria-valuemax", all);
    bar.setAttribute("aria-valuenow", done);
    bar.style.setProperty("--w", `${100 * done / all}%`);
  }

  const say = () => {
    const v = state, now = v?.trained.at(-1), won = v && 100 * (v.rounded - now) / (v.rounded - v.float);
    if (!v) return "Press Start: the small demo model, 1.2 MB, is fetched, rounded, and trained on.";
    if (v.done < v.all) return `Step ${v.done} of ${v.all}: perplexity ${perplexity(now)}.`;
    const made = v.rounded - v.float < 0.02 ? "" : won > 0 ? ` Training won back ${won.toFixed(0)} % of what rounding lost.` : " Training won nothing back.";
    return `Done: floats ${perplexity(v.float)}, rounded ${perplexity(v.rounded)}, trained ${perplexity(now)}.${made}`;
  };

  function rest() { running = false; start.textContent = "Start"; }

  function clear() {
    turn++;
    rest();
    state = null;
    alert.hidden = true;
    status.textContent = say();
    draw();
  }

  /** The training in this worker, from its beginning. */
  async function open(mine) {
    status.textContent = "The model is being fetched …";
    const blob = await fetched();
    if (mine !== turn || !running) return null;
    status.textContent = "It is measured and rounded …";
    return globalThis.fewbitsHost.teach("tale-open", { bits: +bits.value, group: +group.value, steps: +steps.value, seed: Math.max(0, Math.floor(+seed.value) || 0) }, blob);
  }

  async function run() {
    if (state?.done >= state?.all) clear();
    const mine = ++turn; // a run that was paused and is still on its way does not go on beside this one
    running = true;
    start.textContent = "Pause";
    alert.hidden = true;
    try {
      for (let last = -1; running && mine === turn && !off.aborted && !(state?.done >= state?.all);) {
        const v = state ? await globalThis.fewbitsHost.teach("tale-step", { steps: 1 }) : await open(mine);
        if (mine !== turn || off.aborted) return;
        if (!v) break;
        state = v;
        draw();
        const tenth = Math.floor(10 * v.done / v.all); // news ten times, not at each step
        if (running && tenth !== last) status.textContent = say();
        last = tenth;
      }
      status.textContent = say();
    } catch (e) {
      if (mine !== turn || off.aborted) return;
      state = null;
      status.textContent = "";
      alert.replaceChildren(...trouble("The lab has stopped", e, run));
      alert.hidden = false;
    }
    if (running && mine === turn) rest();
  }

  start.addEventListener("click", () => {
    if (!running) return run();
    rest();
    status.textContent = say();
  });
  reset.addEventListener("click", clear);
  for (const e of [bits, group, steps, seed]) e.addEventListener("change", clear);
  off.addEventListener("abort", () => { turn++; rest(); plot?.destroy(); });
  clear();
}

function tableOf(v, now) {
  const row = (cell, texts) => el("tr", {}, ...texts.map((t, i) => el(i ? cell : "th", i ? { class: "num", ...(cell === "th" ? { scope: "col" } : {}) } : { scope: cell === "th" ? "col" : "row" }, t)));
  const rows = [["floats, before", v?.float], ["rounded", v?.rounded], ["trained", v && v.done ? now : undefined]];
  return el("table", {}, el("caption", { class: "vh" }, "How each reads stories that it has not learnt from"), el("thead", {}, row("th", ["Model", "perplexity"])), el("tbody", {}, ...rows.map(([name, p]) => row("td", [name, p === undefined ? "–" : perplexity(p)]))));
}
