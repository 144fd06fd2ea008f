// The lab of the lesson on training with few bits: a small network learns in
// the worker, a slice of steps at a time, and here is drawn how it stands.
import { choice, el, trouble } from "./lesson-parts.js";

export { tale } from "./lab-tale.js";

const SLICE = 10; // steps between two pictures
const nats = (v) => v.toFixed(3), percent = (v) => `${(100 * v).toFixed(1)} %`;

/** Sets up the lab in its place in the text. @param {Element} box @param {AbortSignal} off ends it */
export async function lab(box, off) {
  const [task, taskRow] = choice("lab-task", "Task", [["spirals", "two spirals"], ["digits", "drawn digits"]]);
  const [bits, bitsRow] = choice("lab-bits", "Bits of a weight", [[2, "2"], [3, "3"], [4, "4"], [8, "8"], [0, "ternary: −1, 0, 1"], ["8 4 3 2 0", "all, beside one another"]]);
  const [acts, actsRow] = choice("lab-acts", "Activations", [[0, "floats"], [8, "8 bits"], [4, "4 bits"], [2, "2 bits"]]);
  const seed = el("input", { id: "lab-seed", type: "number", min: 0, max: 999999, value: 1 });
  const start = el("button", { type: "button", class: "first" }, "Start"), step = el("button", { type: "button" }, "Step"), reset = el("button", { type: "button" }, "Reset");
  const status = el("p", { role: "status", class: "lab-status" }, "The engine is being fetched …"), alert = el("p", { role: "alert", hidden: true });
  const figure = (name, kind) => el("figure", { class: "plot", "aria-label": name }, el("figcaption", {}, el("b", {}, name), el("span", { "data-sentence": true }), kind && el("button", { type: "button", class: "plain", "data-data": true }, "data")), el("div", { class: kind ?? "lab-maps" }));
  const curves = figure("The loss as it learns", "cv h-w-lines"), maps = figure("What each network believes of the plane"), reads = figure("What each network reads"), table = el("div", { class: "w-grid" });
  box.append(
    el("div", { class: "w-controls" }, taskRow, bitsRow, actsRow, el("div", { class: "w-choice" }, el("label", { for: "lab-seed" }, "Seed"), seed)),
    el("div", { class: "acts" }, start, step, reset), status, alert, maps, reads, el("div", { class: "w-parts" }, curves, table));
  const { lines } = await import("./plots/index.js");
  if (off.aborted) return;
  let plot, points = [], digits = [], running = false, turn = 0, state = null, busy = Promise.resolve();

  const many = () => bits.value.includes(" ");

  const say = (v) => {
    const half = v.all / 2, phase = v.done < half ? "as floats" : many() ? "with few bits" : `with ${bits.selectedOptions[0].textContent}${bits.value === "0" ? "" : " bits"}`;
    return v.done === 0 ? "Nothing is learnt yet: press Start." : v.done >= v.all ? `Done: ${many() ? `floats find ${percent(v.runs[0].accuracy)}; the table has all others` : v.runs.map((r) => `${r.name} ${r.bits < 0 ? "find" : "finds"} ${percent(r.accuracy)}`).join(", ")}.` : `Step ${v.done} of ${v.all}, ${phase}.`;
  };

  function draw(v) {
    const text = say(v), far = Math.floor(v.done / 100); // news every hundred steps, not at each
    if (!running || v.done >= v.all || far !== Math.floor((state?.done ?? 0) / 100)) status.textContent = text;
    state = v;
    maps.hidden = !v.side;
    if (v.side) drawMaps(maps, v, points);
    reads.hidden = !digits.length;
    if (digits.length) drawReads(reads, v, digits);
    const losses = v.runs.filter((r) => r.loss), shown = many() ? losses.filter((r) => r.bits < 4) : losses, n = Math.max(0, ...losses.map((r) => r.loss.length));
    const series = shown.map((r, i) => ({ name: r.name, tone: many() ? ["orig", "ink", "recon", "b"][i] : r.bits < 0 ? "orig" : "recon", y: Array.from({ length: n }, (_, i) => r.loss[i] ?? NaN) }));
    const rounded = !many() && v.runs[1];
    if (rounded) series.push({ name: rounded.name, tone: "ink", y: Array.from({ length: n }, () => rounded.nats) });
    const data = { x: Array.from({ length: n }, (_, i) => (i + 0.5) * 5), series };
    const ends = [...shown.map((r) => `${r.name} ended at ${nats(r.loss.at(-1))}`), ...(rounded ? [`${rounded.name} stays at ${nats(rounded.nats)}, on new ones`] : [])];
    const opts = { xName: "step", yName: "loss, nats", sentence: n ? `${ends.join("; ")}.` : "No step was made yet." };
    if (plot) plot.draw(data, opts); else plot = lines(curves, data, opts);
    table.replaceChildren(tableOf(v.runs));
  }

  const ask = (op, args) => {
    busy = busy.then(async () => {
      try {
        const v = await globalThis.fewbitsHost.teach(op, args);
        if (off.aborted) return;
        if (v.points) ({ points } = v);
        if (v.digits) ({ digits } = v);
        alert.hidden = true;
        draw(v);
      } catch (e) {
        pause();
        if (off.aborted) return;
        alert.replaceChildren(...trouble("The lab has stopped", e, open));
        alert.hidden = false;
      }
    });
    return busy;
  };

  function pause() { running = false; start.textContent = "Start"; }

  const open = () => {
    pause();
    points = [];
    digits = [];
    return ask("lab-open", { task: task.value, bits: bits.value.split(" ").map(Number), activations: +acts.value, seed: Math.max(0, Math.floor(+seed.value) || 0) });
  };

  async function run() {
    if (state?.done >= state?.all) await open();
    running = true;
    start.textContent = "Pause";
    const mine = ++turn; // a run that was paused and is still on its way does not go on beside this one
    const slice = matchMedia("(prefers-reduced-motion: reduce)").matches ? 10 * SLICE : SLICE;
    while (running && mine === turn && !off.aborted && state && state.done < state.all) {
      await ask("lab-step", { steps: slice });
      await new Promise((r) => requestAnimationFrame(r));
    }
    if (running && mine === turn) pause();
  }

  start.addEventListener("click", () => {
    if (!running) return run();
    pause();
    status.textContent = say(state);
  });
  step.addEventListener("click", () => { pause(); ask("lab-step", { steps: SLICE }); });
  reset.addEventListener("click", open);
  for (const e of [task, bits, acts, seed]) e.addEventListener("change", open);
  off.addEventListener("abort", () => { pause(); plot?.destroy(); });
  await open();
}

function tableOf(runs) {
  const row = (cell, texts) => el("tr", {}, ...texts.map((t, i) => el(i ? cell : "th", i ? { class: "num", ...(cell === "th" ? { scope: "col" } : {}) } : { scope: cell === "th" ? "col" : "row" }, t)));
  return el("table", {}, el("caption", { class: "vh" }, "How each network does on points that it has not seen"), el("thead", {}, row("th", ["Network", "found", "loss, nats"])), el("tbody", {}, ...runs.map((r) => row("td", [r.name, percent(r.accuracy), nats(r.nats)]))));
}

/** A square a network: how sure it is of either class everywhere, with the points on it. */
function drawMaps(figure, v, points) {
  const box = figure.lastElementChild;
  box.classList.toggle("many", v.runs.length > 3);
  if (box.children.length !== v.runs.length) {
    box.replaceChildren(...v.runs.map((r) => el("div", {}, el("canvas", { width: 240, height: 240, role: "img" }), el("span", {}, r.name))));
  }
  figure.querySelector("[data-sentence]").textContent = `Blue is one spiral's side, orange the other's, pale is undecided. ${v.runs.length > 3 ? "Of each width there is the rounded network and the trained one" : v.runs.map((r) => `${r.name}: ${percent(r.accuracy)} of new points are on the right side`).join("; ")}.`;
  const css = getComputedStyle(document.documentElement), rgb = (name) => css.getPropertyValue(name).trim();
  const [a, b, paper, ink] = ["--div-n1", "--div-p1", "--paper", "--ink"].map(rgb);
  v.runs.forEach((r, i) => {
    const canvas = box.children[i].firstElementChild, ctx = canvas.getContext("2d"), cell = canvas.width / v.side;
    box.children[i].lastElementChild.textContent = r.name;
    canvas.setAttribute("aria-label", `${r.name}: ${percent(r.accuracy)} of new points are on the right side`);
    ctx.globalAlpha = 1;
    ctx.fillStyle = paper;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    for (let k = 0; k < r.map.length; k++) {
      const p = (r.map.charCodeAt(k) - 65) / 25;
      ctx.globalAlpha = Math.abs(2 * p - 1);
      ctx.fillStyle = p < 0.5 ? a : b;
      ctx.fillRect((k % v.side) * cell, Math.floor(k / v.side) * cell, cell + 0.5, cell + 0.5);
    }
    ctx.globalAlpha = 1;
    const at = (z) => (z / v.reach + 1) / 2 * canvas.width;
    for (const d of points) {
      ctx.beginPath();
      ctx.arc(at(d.x), canvas.height - at(d.y), 2.5, 0, 2 * Math.PI);
      ctx.fillStyle = d.class ? paper : ink;
      ctx.strokeStyle = ink;
      ctx.fill();
      ctx.stroke();
    }
  });
}

/** Digits that nobody has learnt from, and below each what a network takes it for; mistakes are marked. */
function drawReads(figure, v, digits) {
  const right = (i) => String(i % 10), box = figure.lastElementChild;
  let table = box.querySelector("table");
  if (!table) {
    const picture = (text, i) => {
      const canvas = el("canvas", { width: 8, height: 8, role: "img", "aria-label": `a drawn ${right(i)}` }), ctx = canvas.getContext("2d"), image = ctx.createImageData(8, 8);
      for (let k = 0; k < 64; k++) image.data.set([0, 0, 0, (text.charCodeAt(k) - 65) * 10.2], 4 * k);
      ctx.putImageData(image, 0, 0);
      return el("th", { scope: "col" }, canvas);
    };
    table = el("table", { class: "lab-reads" }, el("caption", { class: "vh" }, "What each network reads of the same drawings"), el("thead", {}, el("tr", {}, el("td"), ...digits.map(picture))), el("tbody"));
    box.className = "w-grid";
    box.replaceChildren(el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "What each network reads" }, table));
  }
  table.lastElementChild.replaceChildren(...v.runs.map((r) => el("tr", {}, el("th", { scope: "row" }, r.name), ...[...r.reads].map((c, i) => el("td", { class: c === right(i) ? "" : "off" }, c)))));
  const wrong = v.runs.map((r) => `${r.name}: ${[...r.reads].filter((c, i) => c !== right(i)).length}`);
  figure.querySelector("[data-sentence]").textContent = `Digits that nobody has learnt from; mistakes are marked.${wrong.length > 3 ? "" : ` Of ${digits.length}, wrong are: ${wrong.join(", ")}.`}`;
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
.lab-maps.many { grid-template: auto auto / none; grid-auto-columns: minmax(0, 1fr); grid-auto-flow: column; gap: var(--s3); } .lab-maps.many > :first-child { grid-row: span 2; }
@media (max-width: 760px) { .lab-maps.many { grid-template: none / repeat(2, minmax(0, 1fr)); grid-auto-flow: row; } .lab-maps.many > :first-child { grid-row: auto; grid-column: span 2; width: 50%; } }
.lab-reads { table-layout: fixed; min-width: 46rem; } .lab-reads :is(th, td):not(:first-child) { text-align: center; padding: 2px; } .lab-reads th:first-child { width: 8rem; } .lab-reads thead td { width: 8rem; } .lab-reads canvas { width: 1.75rem; height: 1.75rem; image-rendering: pixelated; background: #fff; border: 1px solid var(--hair); forced-color-adjust: none; } .lab-reads td.off { font-weight: 700; text-decoration: underline; background: color-mix(in srgb, var(--recon-fill) 60%, transparent); }
.lab-maps { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 15rem)); gap: var(--s4); min-height: 17rem; } .lab-maps > div { display: grid; gap: var(--s1); align-content: start; font-size: var(--t-note); } .lab-maps canvas { width: 100%; height: auto; aspect-ratio: 1; border: 1px solid var(--hair); forced-color-adjust: none; }
.lab-status { min-height: 1.5rem; } @media (max-width: 560px) { [data-widget=tale] .lab-status { min-height: 4.5rem; } } .lesson p.lab-status { font: var(--t-ui)/1.5 var(--sans); margin: 0; } #lab-seed, #tale-seed { width: 6rem; }
`);
document.adoptedStyleSheets.push(sheet);
