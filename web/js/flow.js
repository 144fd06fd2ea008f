// What flows through a model, drawn: activations, what is done about their
// outliers, pairs of bits, and methods that go by them. Loaded when there is a
// model.

import { byId } from "./rooms.js";
import { chosen, saw } from "./measure.js";

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
#f-text:empty { display: none; } .f-part { display: grid; gap: var(--s3); margin-top: var(--s4); padding-top: var(--s4); border-top: 1px solid var(--hair); } .f-part > h3 + p { margin-top: calc(-1 * var(--s2)); } .f-part > * { min-width: 0; }
.f-form { display: flex; flex-wrap: wrap; gap: var(--s3); align-items: end; } .f-form .field { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--s1); min-width: 7rem; } .f-form .field :is(select, input) { width: 100%; } .f-form .field:not(.slide) input { max-width: 7rem; } .f-form .field[hidden] { display: none; } .f-form .check { display: flex; gap: var(--s2); align-items: center; min-height: 2rem; } .f-form .check[hidden] { display: none; }
.f-form .slide { grid-template-columns: minmax(8rem, 14rem) 4.5rem; } .f-form .slide label { grid-column: 1 / -1; }
.f-news { min-height: 2.2rem; } .f-news p:empty { display: none; } .f-bar { height: 6px; background: var(--hair); } .f-bar i { display: block; height: 100%; width: var(--w, 0%); background: var(--ink); } .f-bar[hidden] { display: block !important; visibility: hidden; }
.f-two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: var(--s4) var(--s5); } #f-sec figure.plot > figcaption [data-sentence] { display: block; overflow: visible; white-space: normal; height: auto; min-height: 5.6em; } #f-errors [data-sentence] { min-height: 2.8em !important; }
.f-part figure > figcaption { flex-wrap: wrap; row-gap: 0; } .f-part figure > figcaption b { flex: 1; } .f-part figure > figcaption [data-sentence] { order: 3; flex: 0 0 100%; } .f-part .cv { height: 11rem; }
.f-table { overflow-x: auto; } .f-table :is(td, th):first-child { min-width: 12rem; } .f-table table { width: 100%; } .f-table td { vertical-align: top; font-variant-numeric: tabular-nums; white-space: normal; } .f-table small { display: block; } .f-table tr.last td { font-weight: 600; } .f-table tr.last small { font-weight: 400; }
@media (max-width: 640px) { .f-table :is(table, tbody, tr, td) { display: block; } .f-table thead { position: absolute; clip-path: inset(50%); } .f-table tr { padding: var(--s2) 0; border-bottom: 1px solid var(--hair); } .f-table td { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 var(--s3); height: auto; padding: 2px 0; border: 0; } .f-table td small { flex: 0 0 100%; text-align: right; } .f-table td:first-child small { text-align: left; } .f-table td[data-th]::before { content: attr(data-th); color: var(--muted); font-weight: 400; } }
.f-part pre { white-space: pre-wrap; overflow-wrap: anywhere; } .f-part .acts { flex-wrap: wrap; }`);
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

const options = (list) => list.map(([v, t = v]) => `<option value="${v}">${t}</option>`).join("");
const select = (id, label, list) => `<div class="field" data-f="${id}"><label for="f-${id}">${label}</label><select id="f-${id}">${options(list)}</select></div>`;
const number = (id, label, attrs) => `<div class="field" data-f="${id}"><label for="f-${id}">${label}</label><input type="number" id="f-${id}" ${attrs}></div>`;
const check = (id, label, on = "") => `<label class="check" data-f="${id}"><input type="checkbox" id="f-${id}" ${on}><span>${label}</span></label>`;
const slide = (id, label, attrs, value) => `<div class="field slide" data-f="${id}"><label for="f-${id}">${label}</label><input type="range" id="f-${id}" ${attrs} value="${value}"><input type="number" id="f-${id}-n" aria-label="${label}, exact" ${attrs} value="${value}"></div>`;
const figure = (id, name, none) => `<figure class="plot" id="f-${id}" aria-labelledby="f-${id}-h"><figcaption><b id="f-${id}-h">${name}</b><span data-sentence>${none}</span><button type="button" class="plain" data-data aria-label="Data of ${name}">data</button></figcaption><div class="cv"></div></figure>`;
const news = (id) => `<div class="f-news" id="f-${id}-news"><p><span role="status" hidden></span> <span class="note"></span> <button type="button" hidden>Cancel</button></p><p role="alert" tabindex="-1" hidden></p><div class="f-bar" role="progressbar" aria-label="Reading the text" aria-valuemin="0" aria-valuemax="100" hidden><i></i></div></div>`;
const table = (id, caption, heads) => `<div class="f-table scroll" id="f-${id}" tabindex="0" role="region" aria-label="${caption}" hidden><table><caption class="vh">${caption}</caption><thead><tr>${heads.map((h, i) => `<th scope="col"${i ? ' class="num"' : ""}>${h}</th>`).join("")}</tr></thead><tbody></tbody></table></div>`;

const section = byId("f-sec");
section.innerHTML = `<section class="sec hr" aria-labelledby="f-h"><header><h2 id="f-h">What flows through it</h2><span class="note">A text goes through the model. What the inputs of its layers look like decides how well it can be rounded.</span></header>
<div class="f-form">${select("most", "Calibrate on", [["2048", "2,048 tokens at most"], ["4096", "4,096 tokens at most"], ["8192", "8,192 tokens at most"], ["0", "all of the text"]])}<p class="note">of the text that is chosen under What it lost.<br><span id="f-text"></span></p></div>
<p class="help note" id="f-why"></p>

<div class="f-part"><h3>Methods that look first</h3><p class="note">They read the text, see which inputs matter, and choose codes by that; beside them stands plain rounding to the same bits and groups.</p>
<form class="f-form" id="f-method-form">${select("method", "Method", [["GPTQ"], ["AWQ"], ["HQQ"], ["SmoothQuant"], ["LLM.int8", "LLM.int8()"]])}
${select("bits", "Bits", [["2"], ["3"], ["4"], ["5"], ["6"], ["8"]])}${number("group", "Group", 'min="-1" step="1" value="32"')}${check("sym", "Symmetric")}${check("act-order", "Act-order")}${check("static-groups", "Static groups")}${check("seq", "True-sequential", "checked")}${select("axis", "Groups run", [["1", "along rows"], ["0", "down columns"]])}${select("round-zero", "Whole zero at first", [["", "in 4 bits only"], ["true", "yes"], ["false", "no"]])}${check("mse", "Shrink grids (mse)")}${number("damp", "Damp", 'min="0.0001" max="1" step="any" value="0.01"')}${number("block", "Block", 'min="1" step="1" value="128"')}${check("duo", "Weigh weights too (duo)")}${check("clip", "Clip", "checked")}${number("alpha", "Alpha", 'min="0" max="1" step="0.05" value="0.5"')}${select("granularity", "Scales", [["channel", "a row"], ["tensor", "a tensor"]])}${number("threshold", "Threshold", 'min="0" step="0.5" value="6"')}
<button class="first" id="f-run">Run GPTQ</button></form>
<p class="f-warn" id="f-few" hidden></p><p class="f-warn" id="f-same" hidden></p>
${news("method")}
${figure("errors", "Error of each matrix", "Nothing has run yet: a method draws its error beside that of rounding as it goes.")}
${table("runs", "What methods lose", ["Method", "Perplexity", "KL divergence, nats", "KL of rounding", "Same top token"])}
<div class="acts"><button type="button" id="f-save" hidden>Download</button> <span class="note" id="f-saved"></span></div><pre id="f-command" hidden></pre>
<div class="acts"><button type="button" id="f-collect">Collect importance from this text</button><button type="button" class="plain" id="f-m-gguf" hidden>Download matrix (GGUF)</button><button type="button" class="plain" id="f-m-dat" hidden>Download matrix (.dat)</button> <span class="note" id="f-m-note">As llama-imatrix does; the plan above goes by it then.</span></div></div>

<div class="f-part"><h3>Activations</h3><form class="f-form" id="f-look-form"><button class="first" id="f-look">Look at activations</button>${select("layer", "Layer", [["0"]])}${select("stage", "Input of", [["0", "attention"], ["1", "attention output"], ["2", "feed-forward"], ["3", "feed-forward down"]])}${select("order", "Channels", [["place", "by place"], ["size", "by size"]])}</form>
${news("look")}
<div class="f-two">${figure("channels", "Range of each channel", "No activations were looked at yet.")}${figure("tokens", "Range of each token", "No activations were looked at yet.")}${figure("values", "Values and clipping ranges", "No activations were looked at yet.")}</div></div>

<div class="f-part"><h3>Outliers: move them or keep them</h3><p class="note">SmoothQuant divides each input by a number and multiplies the weights by it. LLM.int8() keeps inputs that reach the threshold in 16 bits.</p>
<div class="f-form">${slide("a", "Alpha of SmoothQuant", 'min="0" max="1" step="0.01"', "0.5")}${slide("t", "Threshold of LLM.int8()", 'min="0" max="20" step="0.1"', "6")}</div>
<div class="f-two">${figure("before", "Largest magnitudes before", "No activations were looked at yet.")}${figure("after", "Largest magnitudes after", "No activations were looked at yet.")}${figure("w8a8", "Error of this layer in INT8", "No activations were looked at yet.")}</div></div>

<div class="f-part"><h3>Weights and activations in few bits</h3><form class="f-form" id="f-scheme-form">${select("w", "Weights", [["", "as they are (W16)"], ["INT8", "INT8, a scale a row"], ["INT4", "INT4, a scale a row"], ["INT4/32", "INT4, groups of 32"], ["INT3/32", "INT3, groups of 32"], ["FP8_E4M3", "FP8 E4M3"], ["Q8_0"], ["Q4_0"]])}${select("act", "Activations", [["8", "INT8 (A8)"], ["6", "INT6 (A6)"], ["4", "INT4 (A4)"], ["0", "as they are (A16)"]])}${select("gran", "A scale", [["token", "a token"], ["tensor", "a tensor"], ["channel", "a channel"]])}${select("range", "Found", [["", "for each product (dynamic)"], ["minmax", "beforehand: min/max"], ["average", "beforehand: moving average"], ["percentile", "beforehand: percentile 99.9"], ["entropy", "beforehand: entropy"], ["mse", "beforehand: least squares"]])}${check("asym", "Asymmetric")}<button class="first" id="f-try">Measure this pair</button></form>
${news("scheme")}
${table("schemes", "What pairs of bits lose", ["Weights and activations", "Perplexity", "KL divergence, nats", "Same top token"])}</div></section>`;

const at = Object.fromEntries([...section.querySelectorAll('[id^="f-"]')].map((e) => [e.id.slice(2), e]));
const page = () => globalThis.fewbitsPage;
const TAKES = { GPTQ: ["bits", "group", "sym", "act-order", "static-groups", "seq", "mse", "damp", "block"], AWQ: ["bits", "group", "sym", "seq", "duo", "clip"], HQQ: ["bits", "group", "axis", "round-zero"], SmoothQuant: ["alpha", "granularity"], "LLM.int8": ["threshold"] };
const DEFAULT = { damp: "0.01", block: "128", alpha: "0.5", granularity: "channel", threshold: "6", clip: "true", axis: "1" };
const WITH = { method: "method", matrix: "method", look: "look", scheme: "scheme" };

const minus = (s) => s.replace("-", "−");
const fix = (v, n) => (Number.isFinite(v) ? minus(v.toFixed(n)) : "–");
const sig = (v, n = 3) => minus(String(+v.toPrecision(n)));
const group = (n) => n.toLocaleString("en");
const share = (f) => `${sig(100 * f, 3)} %`;
const span = ([v, e], n) => `${fix(v, n)} ± ${fix(e, n)}`;
/** A divergence, to two digits of its error. */
const nats = ([v, e]) => span([v, e], e > 0 ? Math.max(4, Math.min(9, 1 - Math.floor(Math.log10(e)))) : 4);
const per = ([v, e], n = 1) => `${fix(100 * v, n)} ± ${fix(100 * e, n)} %`;

let read = ""; // an own text that is being calibrated on

/** Begins a job on the text that is chosen. */
async function begin(job) {
  try {
    const { text, name, inFile } = await chosen();
    read = job.kind === "method" || job.kind === "matrix" ? text : "";
    page().flow("run", JSON.stringify(job), text, name, inFile, +at.most.value);
  } catch (e) {
    say(WITH[job.kind], { fault: e.message });
  }
}

function methodOptions() {
  const out = {};
  for (const name of TAKES[at.method.value]) {
    if (name === "seq") continue; // how the model is walked through, and no option of the method
    const e = at[name], v = e.type === "checkbox" ? String(e.checked) : e.value;
    if (v !== "" && v !== (DEFAULT[name] ?? "false")) out[name] = v;
  }
  return out;
}

function fitMethod() {
  const takes = TAKES[at.method.value];
  for (const name of new Set(Object.values(TAKES).flat())) section.querySelector(`[data-f="${name}"]`).hidden = !takes.includes(name);
  at.run.textContent = `Run ${at.method.selectedOptions[0].textContent}`;
}
at.bits.value = "3";
fitMethod();
at.method.addEventListener("change", fitMethod);
at["method-form"].addEventListener("submit", (e) => { e.preventDefault(); begin({ kind: "method", format: at.method.value, options: methodOptions(), parallel: TAKES[at.method.value].includes("seq") && !at.seq.checked }); });
at["look-form"].addEventListener("submit", (e) => { e.preventDefault(); begin({ kind: "look" }); });
at["scheme-form"].addEventListener("submit", (e) => {
  e.preventDefault();
  const [format, rows] = at.w.value.split("/"), bits = +at.act.value, int = /^INT/.test(format);
  begin({ kind: "scheme", format, options: int ? (rows ? { granularity: "group", group: rows } : { granularity: "channel" }) : {}, bits, asymmetric: at.asym.checked, granularity: bits ? at.gran.value : "", range: bits ? at.range.value : "" });
});
at.collect.addEventListener("click", () => begin({ kind: "matrix" }));
at.save.addEventListener("click", () => page().flow("save", +at.save.dataset.at));
at["m-gguf"].addEventListener("click", () => page().flow("save", -1));
at["m-dat"].addEventListener("click", () => page().flow("save", -2));
for (const b of section.querySelectorAll(".f-news button")) b.addEventListener("click", () => page().flow("cancel"));

/** Which ranges a scale may have: the scale of a token is not known before the token is. */
function fitScheme() {
  const off = at.act.value === "0";
  for (const id of ["gran", "range", "asym"]) at[id].disabled = off;
  for (const o of at.range.options) o.disabled = o.value !== "" && (at.gran.value === "token" || at.gran.value === "channel" && !["minmax", "average"].includes(o.value));
  if (at.range.selectedOptions[0]?.disabled) at.range.value = "";
}
for (const id of ["act", "gran"]) at[id].addEventListener("change", fitScheme);
fitScheme();

let stage = null; // {meta, arrays} that is drawn
const ask = () => page().flow("stage", +at.layer.value, +at.stage.value, +at.a.value, +at.t.value);
for (const id of ["layer", "stage"]) at[id].addEventListener("change", ask);
at.order.addEventListener("change", () => drawStage());
for (const id of ["a", "t"]) {
  const [one, exact] = [at[id], at[`${id}-n`]];
  const moved = (from, to) => from.addEventListener("input", () => { if (from.value !== "") { to.value = from.value; drawMoved(); ask(); } });
  moved(one, exact);
  moved(exact, one);
}

/** News of one part. */
function say(part, { status = "", fault = "", far = "", percent = -1 }) {
  for (const name of ["method", "look", "scheme"]) {
    const box = at[`${name}-news`], [state, note] = box.querySelectorAll("span"), cancel = box.querySelector("button"), alert = box.querySelector("[role=alert]"), bar = box.querySelector("[role=progressbar]"), on = name === part;
    state.textContent = on ? status : "";
    state.hidden = !on || !status;
    note.textContent = on ? far : "";
    const had = document.activeElement === cancel, busy = on && percent >= 0, start = at[{ method: "run", look: "look", scheme: "try" }[name]];
    const from = !cancel.hidden;
    cancel.hidden = !busy;
    if (busy && !from && (document.activeElement === document.body || box.parentElement.contains(document.activeElement))) cancel.focus({ preventScroll: true });
    if (had && !busy) start.focus({ preventScroll: true });
    const fresh = on && fault && alert.textContent !== fault;
    alert.textContent = on ? fault : "";
    alert.hidden = !on || !fault;
    if (fresh) alert.focus({ preventScroll: true });
    bar.hidden = !busy;
    bar.setAttribute("aria-valuenow", Math.max(0, percent));
    bar.setAttribute("aria-valuetext", `${Math.max(0, percent)} %`);
    bar.style.setProperty("--w", `${Math.max(0, percent)}%`);
  }
}

const drawn = new Map();
const plots = import("./plots/index.js");

/** Draws lines in a figure, or other ones. */
async function lines(id, data, opts) {
  const p = await plots, plot = drawn.get(id);
  if (plot) plot.draw(data, opts);
  else drawn.set(id, p[opts.bars ? "bars" : "lines"](at[id], data, opts));
}

const key = {};
/** Whether v is other than it was drawn last. */
const changed = (name, v) => { const s = JSON.stringify(v); return key[name] !== s && (key[name] = s, true); };

/** Draws what wasm/app/flow_js.go says. */
export function draw(v) {
  if (changed("model", v.model)) forget();
  const off = !v.ready;
  for (const id of ["run", "collect", "look", "try"]) at[id].disabled = off;
  at.why.textContent = v.why;
  const o = v.open;
  at.text.textContent = v.text ? `Last read: ${group(o.chunks)} chunks of ${group(o.context)} tokens of ${v.text}; measured on ${group(o.measured)} chunks ${o.follow ? "that follow in it" : "of other built-in stories"}.` : "Quality is measured on what follows in it, or on other built-in stories.";
  if (read && !v.running && v.status.startsWith("Done")) {
    saw(read);
    read = "";
  }
  warn(at.few, v.text ? fewWords(o) : "");
  warn(at.same, o.seen > 0.5 ? `${sig(100 * o.seen, 2)} % of what quality is measured on stood in the text that is calibrated on, in runs of 8 tokens and more: methods may look better here than on a text that they have not seen.` : "");
  const percent = v.running ? Math.floor(100 * v.done / Math.max(1, v.total)) : -1;
  say(WITH[v.job], { status: v.status, fault: v.fault, percent, far: v.running && v.total ? `${percent} %` : "" });
  if (o.layers && at.layer.options.length !== o.layers) at.layer.replaceChildren(...Array.from({ length: o.layers }, (_, i) => new Option(i, i)));
  if (changed("trace", [v.method, v.trace])) drawTrace(v.method, v.trace ?? []);
  if (changed("runs", [v.runs, v.matrix])) drawRuns(v.runs, v.matrix, v.file);
  if (changed("schemes", v.schemes)) drawSchemes(v.schemes);
}

function warn(e, text) {
  e.textContent = text;
  e.hidden = !text;
}

/** Why GPTQ has too little to go by, by the rank that its Hessians can have at most. */
function fewWords(o) {
  const [have, columns, what] = o.first < o.width ? [o.first, o.width, "inputs reach the first layer"] : [o.contexts, o.widest, "contexts reach the layers"];
  if (!(have < columns)) return "";
  return `Little text for GPTQ: ${group(have)} different ${what}, whose matrices have ${columns === o.width ? "" : "up to "}${group(columns)} columns. In ${group(columns - have)} directions it has nothing to go by but damping, and may lose more than rounding: give it a longer or more varied text.`;
}

/** Another model: nothing is known of it. */
function forget() {
  stage = null;
  saw("");
  for (const [id, plot] of drawn) {
    plot.destroy();
    at[id].querySelector("[data-sentence]").textContent = "Nothing was read yet.";
  }
  drawn.clear();
}

function drawTrace(method, trace) {
  if (!trace.length && !drawn.has("errors")) return;
  // A step goes to the next matrix: the last one ends where another would begin.
  const x = Array.from({ length: trace.length + 1 }, (_, i) => i + 1), ends = (list) => list.concat(list.slice(-1)), own = trace.map((t) => 100 * t.error), plain = trace.map((t) => 100 * t.rounding);
  const less = trace.filter((t) => t.error < t.rounding).length, last = trace.at(-1);
  const sum = (list) => list.reduce((a, b) => a + b, 0);
  const sentence = last ? `${method} loses less than rounding in ${less} of ${group(trace.length)} matrices, on average ${sig(sum(own) / own.length)} % of the output against ${sig(sum(plain) / plain.length)} %; last ${last.name.replace(/\.weight$/, "")}.` : "The first matrix is under way.";
  lines("errors", { x, series: [{ name: method, y: ends(own), tone: "recon", step: true }, { name: "rounding", y: ends(plain), tone: "b", step: true }] }, { xName: "matrix", yName: "error of the output, %", sentence });
}

const cell = (text, under, num) => {
  const td = Object.assign(document.createElement("td"), { textContent: text });
  if (num) td.className = "num";
  if (under) td.append(Object.assign(document.createElement("small"), { className: "note", textContent: under }));
  return td;
};

function rows(box, list, cells) {
  box.hidden = !list.length;
  const heads = [...box.querySelectorAll("th")].map((th) => th.textContent);
  box.querySelector("tbody").replaceChildren(...list.map((r, i) => {
    const tr = document.createElement("tr");
    if (i === list.length - 1) tr.className = "last";
    tr.append(...cells(r));
    for (const td of [...tr.cells].slice(1)) td.dataset.th = heads[td.cellIndex];
    return tr;
  }));
}

/** An argument as a shell takes it. */
const quoted = (s) => (/^[\w.@%+:,/-]+$/.test(s) ? s : `'${s.replaceAll("'", "'\\''")}'`);

/** Does on the command line what a run did. */
const commandOf = (r, model) => `fewbits quantize ${quoted(model)} -to ${r.format.toLowerCase()} -calib ${quoted(r.text)} -ctx ${r.open.context} -chunks ${r.open.chunks} -store f16${r.parallel ? " -parallel" : ""}${Object.entries(r.options ?? {}).map(([k, v]) => ` ${k}=${v}`).join("")} -o ${quoted(r.name)}`;

function drawRuns(runs, matrix, model) {
  rows(at.runs, runs, (r) => {
    const [ppl, kl, same, ref] = r.lost, [pppl, pkl, psame] = r.plain;
    const what = [...(r.used ?? []), `${sig(r.codeBits, 3)} bits a weight`].join(", ");
    return [cell(r.format, `${what}; ${group(r.open.measured)} chunks of ${group(r.open.context)} tokens of ${r.open.follow ? `what follows of ${r.text}` : "built-in stories"}`), cell(span(ppl, 3), `rounding ${fix(pppl[0], 3)}, original ${fix(ref[0], 3)}`, true), cell(nats(kl), "", true), cell(nats(pkl), kl[0] > 0 ? `${sig(pkl[0] / kl[0], 3)} times` : "", true), cell(per(same), `rounding ${fix(100 * psame[0], 1)} %`, true)];
  });
  const i = runs.findLastIndex((r) => r.file), has = i >= 0;
  at.save.hidden = !has;
  at.save.dataset.at = i;
  at.save.textContent = has ? `Download ${runs[i].name}` : "Download";
  at.saved.textContent = has ? "GGUF. Its weights are what the codes stand for, stored as F16: no type of such a file holds the codes themselves. The command writes the same bytes." : "";
  at.command.hidden = !(has && runs[i].inFile);
  at.command.textContent = has && runs[i].inFile ? commandOf(runs[i], model) : "";
  at["m-gguf"].hidden = at["m-dat"].hidden = !matrix;
  at["m-note"].textContent = matrix ? `${matrix} is in use: the plan above goes by it.` : "As llama-imatrix does; the plan above goes by it then.";
}

function drawSchemes(list) {
  rows(at.schemes, list, (r) => {
    const [ppl, kl, same, ref] = r.lost, o = r.options ?? {}, format = r.format ?? "";
    const w = format ? `${format}${o.group ? `, groups of ${o.group}` : o.granularity ? ", a scale a row" : ""}` : "weights as they are";
    const a = r.bits ? `INT${r.bits}${r.asymmetric ? ", asymmetric" : ""}, a scale a ${r.granularity}, ${r.range ? `static by ${{ minmax: "min/max", average: "moving average", mse: "least squares" }[r.range] ?? r.range}` : "dynamic"}` : "activations as they are";
    const bits = /\d+/.exec(format)?.[0] ?? 16;
    return [cell(`W${bits}A${r.bits || 16}`, `${w}; ${a}`), cell(span(ppl, 3), `original ${fix(ref[0], 3)}`, true), cell(nats(kl), "", true), cell(per(same), "", true)];
  });
}

/** Draws a stage: {meta, arrays} of wire.FlowStage. */
export function figures(s) {
  stage = s;
  drawStage();
}

const most = ({ least, most: top }) => Float64Array.from(top, (v, i) => Math.max(v, -least[i], 0));
const median = (list) => { const s = Float64Array.from(list).sort(); return s[s.length >> 1] || 0; };
const index = (n) => Float64Array.from({ length: n }, (_, i) => i);

function drawStage() {
  if (!stage) return;
  const { meta: m, arrays } = stage, tops = arrays.tokens, n = tops.length;
  drawMoved();
  const high = tops.reduce((a, b) => Math.max(a, b), 0), low = tops.reduce((a, b) => Math.min(a, b), Infinity);
  lines("tokens", { x: index(n), series: [{ name: "largest magnitude", y: tops, tone: "orig", step: true }] }, { xName: "token", yName: "largest |x|", sentence: `${group(n)} tokens of ${m.name}: their largest values go from ${sig(low)} to ${sig(high)}, ${sig(high / (median(tops) || 1), 2)} times the median at most.` });
  const bins = arrays.bins, count = bins.reduce((a, b) => a + b, 0), x = Float64Array.from({ length: bins.length + 1 }, (_, i) => (2 * i / bins.length - 1) * m.limit);
  const marks = m.ranges.flatMap((r) => [{ x: r.hi, name: r.name }, { x: r.lo, name: "" }]);
  const ends = m.ranges.map((r) => `${r.name} ±${sig(Math.max(r.hi, -r.lo))}`).join(", ");
  lines("values", { x, series: [{ name: "values", y: Float64Array.from(x, (_, i) => Math.log10(1 + (bins[i] ?? 0))), tone: "orig", step: true, fill: true }] }, { xName: "value", yName: "log₁₀ of the values + 1", marks, sentence: `${group(count)} values. For INT8 the calibrators clip at ${ends}.` });
}

/** Decimals that tell values of that size apart. */
const places = (v) => (v > 0 ? Math.max(2, Math.min(8, 2 - Math.floor(Math.log10(v)))) : 2);

/** Draws what goes by the sliders, from what is here: the worker's errors follow. */
function drawMoved() {
  if (!stage) return;
  const { meta: m, arrays } = stage, a = most(arrays), w = arrays.weights, n = a.length, alpha = +at.a.value, limit = +at.t.value;
  const kept = Array.from(a, (v) => limit > 0 && v >= limit), out = kept.filter(Boolean).length;
  const order = [...index(n)];
  if (at.order.value === "size") order.sort((i, j) => a[j] - a[i]);
  const x = index(n), by = (list) => Float64Array.from(order, (i) => list[i]), axis = at.order.value === "size" ? "channel, by size" : "channel";
  const top = order.reduce((b, i) => (a[i] > a[b] ? i : b), 0);
  const mark = limit > 0 ? [{ name: "threshold", y: new Float64Array(n).fill(limit), tone: "ink" }] : [];
  lines("channels", { x, series: [{ name: "inputs", y: by(a), tone: "orig", step: true, fill: true }, { name: "kept in 16 bits", y: Float64Array.from(order, (i) => (kept[i] ? a[i] : 0)), tone: "recon", step: true, fill: true }, ...mark].filter((s) => out || s.name !== "kept in 16 bits") }, { xName: axis, yName: "largest |x|", sentence: `Channel ${group(top)} reaches ${sig(a[top])}, ${sig(a[top] / (median(a) || 1), 2)} times the median of ${group(n)}; ${out ? `${group(out)} ${out === 1 ? "reaches" : "reach"} the threshold of ${sig(limit)}: ${share(out / n)} stay in 16 bits` : `none reaches the threshold of ${sig(limit)}`}.` });
  const t = Float64Array.from(a, (v, i) => Math.max(v ** alpha / Math.max(w[i], 1e-5) ** (1 - alpha), 1e-5));
  const one = (acts, weights) => [{ name: "activations", y: by(acts), tone: "orig", step: true }, { name: "weights", y: by(weights), tone: "b", step: true }];
  const spread = (list) => sig(Math.max(...list) / (median(list) || 1), 2);
  lines("before", { x, series: one(a, w) }, { xName: axis, yName: "largest magnitude", sentence: `Activations: the largest channel is ${spread(a)} times the median; weights: ${spread(w)} times.` });
  const after = Float64Array.from(a, (v, i) => v / t[i]), weights = Float64Array.from(w, (v, i) => v * t[i]);
  lines("after", { x, series: one(after, weights) }, { xName: axis, yName: "largest magnitude", sentence: `With alpha ${sig(alpha)} activations are ${spread(after)} times their median at most, weights ${spread(weights)} times.` });
  const late = m.alpha !== alpha || m.threshold !== limit;
  lines("w8a8", [{ name: "as it is", value: 100 * m.plain }, { name: "SmoothQuant", value: 100 * m.smooth, now: m.smooth <= m.mixed && m.smooth < m.plain }, { name: "LLM.int8()", value: 100 * m.mixed, now: m.mixed < m.smooth && m.mixed < m.plain }], { bars: true, unit: "% of the output", digits: places(100 * Math.max(m.plain, m.smooth, m.mixed)), sentence: late ? "The error for these settings is on its way." : `Weights and activations in INT8, on ${group(m.sampled)} tokens: ${sig(100 * m.plain)} % of the output is lost; with SmoothQuant at alpha ${sig(m.alpha)} ${sig(100 * m.smooth)} %, with LLM.int8() at ${sig(m.threshold)} ${sig(100 * m.mixed)} % (${group(m.outliers)} channels in 16 bits).` });
}
