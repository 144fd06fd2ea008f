// The model saved as other projects keep it: what is asked for, how far it is,
// and how to load it. Loaded when there is a model.

import { byId } from "./rooms.js";

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
#x-form { display: flex; flex-wrap: wrap; gap: var(--s3); align-items: end; } #x-form .field { display: grid; grid-template-columns: minmax(0, 1fr); gap: var(--s1); min-width: 7rem; } #x-form .field :is(select, input) { width: 100%; } #x-form [hidden] { display: none; } #x-form .check { display: flex; gap: var(--s2); align-items: center; min-height: 2rem; }
#x-save { font-weight: 600; } #x-sec p { margin: var(--s2) 0 0; } #x-sec p:empty { display: none; } #x-news #x-line { height: 1.4em; overflow: hidden; white-space: nowrap; text-overflow: ellipsis; } #x-news .acts { align-items: center; flex-wrap: wrap; min-height: 2.6rem; } @media (max-width: 640px) { #x-news #x-line { height: 2.8em; white-space: normal; } #x-news .acts { min-height: 44px; } }
.x-bar { height: 6px; margin-top: var(--s2); background: var(--hair); } .x-bar i { display: block; height: 100%; width: var(--w, 0%); background: var(--ink); } .x-bar[hidden] { display: block !important; visibility: hidden; }
#x-made { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 2fr); gap: var(--s4) var(--s5); margin-top: var(--s3); align-items: start; } #x-made[hidden] { display: none; } #x-made > * { min-width: 0; } #x-made > .x-all { grid-column: 1 / -1; margin: 0; }
#x-made table { width: 100%; } #x-made td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; white-space: normal; } #x-made td.num { white-space: nowrap; } #x-made pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: var(--s1) 0; }
@media (max-width: 900px) { #x-made { grid-template-columns: minmax(0, 1fr); } }
@media (forced-colors: active) { .x-bar, .x-bar i { forced-color-adjust: none; } }`);
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

/** What each project takes: formats, and the options of all of them; what it is called. A test holds it against the command. */
const PROJECTS = {
  gptq: { name: "GPTQ", help: "AutoGPTQ's and GPTQModel's layout, which transformers, vLLM and ExLlama read. Embedding and output layer stay in 16 bits.", formats: ["INT4", "INT8", "INT3", "INT2"], takes: { group: 128, sym: true }, method: "GPTQ" },
  gptq_v2: { name: "GPTQ, version 2", help: "The same with zero points as they are, so that those of asymmetric grids may be 0.", formats: ["INT4", "INT8", "INT3", "INT2"], takes: { group: 128, sym: true }, method: "GPTQ" },
  awq: { name: "AWQ", help: "AutoAWQ's GEMM layout. The codes are plain rounding, unless AWQ has run on the model.", formats: ["INT4"], takes: { group: 128, sym: false }, method: "AWQ" },
  bitsandbytes: { name: "bitsandbytes", help: "As transformers saves a model that it loaded in 4 or 8 bits.", formats: ["NF4", "FP4", "INT8"], takes: { block: 64, nested: false }, bare: ["INT8"] },
  "compressed-tensors": { name: "compressed-tensors", help: "As LLM Compressor writes it, mostly for vLLM.", formats: ["INT4", "INT8", "FP8_E4M3", "NVFP4"], takes: { group: 128, sym: true }, bare: ["INT8", "FP8_E4M3", "NVFP4"], method: "" },
  mlx: { name: "MLX", help: "For Apple's machines, as mlx_lm.convert writes it; embedding and output layer are quantized, too.", formats: ["INT4", "INT8", "INT6", "INT5", "INT3", "INT2"], takes: { group: 64 } },
  hqq: { name: "HQQ", help: "Zero points that are not whole, found by a few steps of optimization and without a text.", formats: ["INT4", "INT8", "INT3", "INT2"], takes: { group: 64, axis: false } },
};
const TITLES = { NF4: "NF4", FP4: "FP4", FP8_E4M3: "FP8 (E4M3)", NVFP4: "NVFP4" };
const LABELS = { sym: "Symmetric", nested: "Quantize scales, too", axis: "Groups down columns" };

byId("x-sec").innerHTML = `<section class="sec hr" aria-labelledby="x-h"><header><h2 id="x-h">As a checkpoint of another project</h2><span class="note">A folder as Hugging Face's libraries load it, in one zip file. Its files are those that the command writes.</span></header>
<form id="x-form"><div class="field"><label for="x-as">Project</label><select id="x-as">${Object.entries(PROJECTS).map(([v, p]) => `<option value="${v}">${p.name}</option>`).join("")}</select></div>
<div class="field"><label for="x-codes">Codes</label><select id="x-codes"></select></div>
<div class="field"><label for="x-format">Stored as</label><select id="x-format"></select></div>
<div class="field" data-x="group"><label for="x-group">Group (−1: a row)</label><input type="number" id="x-group" min="-1" step="1" required></div><div class="field" data-x="block"><label for="x-block">Block</label><select id="x-block">${[64, 128, 256, 512, 1024].map((n) => `<option>${n}</option>`).join("")}</select></div>
${["sym", "nested", "axis"].map((k) => `<label class="check" data-x="${k}"><input type="checkbox" id="x-${k}"><span>${LABELS[k]}</span></label>`).join("")}
<button class="first" id="x-save">Save as a checkpoint</button><button type="button" id="x-straight" hidden>Save it straight to a file</button></form>
<p class="help" id="x-help"></p>
<div id="x-news"><p id="x-line"><span role="status" id="x-status" hidden></span></p><div class="acts"><button type="button" id="x-cancel" hidden>Cancel</button><button type="button" class="first" id="x-download" hidden>Download</button><span class="note" id="x-far"></span></div><p role="alert" id="x-alert" tabindex="-1" hidden></p>
<div class="x-bar" role="progressbar" id="x-bar" aria-label="Writing the checkpoint" aria-valuemin="0" aria-valuemax="100" hidden><i></i></div></div>
<div id="x-made" hidden><p class="x-all" id="x-says"></p>
<div><h3 class="note">Its files</h3><table><caption class="vh">Files of the checkpoint</caption><thead><tr><th scope="col">File</th><th scope="col" class="num">Bytes</th></tr></thead><tbody></tbody></table><div id="x-notes"></div></div>
<div><h3 class="note">To load it, where it was saved</h3><pre tabindex="0" role="region" aria-label="Lines that load the checkpoint"><code id="x-load"></code></pre><div class="acts"><button type="button" class="plain" id="x-copy" aria-label="Copy the lines that load the checkpoint">Copy</button></div>
<div id="x-cmd"><h3 class="note">The same with the command</h3><pre><code id="x-command"></code></pre><div class="acts"><button type="button" class="plain" id="x-copy-cmd" aria-label="Copy the command that writes the checkpoint">Copy</button></div></div></div></div></section>`;

const section = byId("x-sec");
const at = Object.fromEntries([...section.querySelectorAll('[id^="x-"]')].map((e) => [e.id.slice(2), e]));
const tell = (...v) => globalThis.fewbitsPage.checkpoint(...v);
let seen = {};

/** The project that is chosen, and the method whose codes it may take. */
const project = () => PROJECTS[at.as.value];
const takesRun = () => seen.run && (project().method === seen.run.format || project().method === "");
const decided = () => at.codes.value === "run";

function fitProject() {
  const p = project(), had = at.format.value;
  at.format.replaceChildren(...p.formats.map((f) => new Option(TITLES[f] ?? f, f)));
  if (p.formats.includes(had)) at.format.value = had;
  for (const [k, v] of Object.entries(p.takes)) {
    if (typeof v === "boolean") at[k].checked = v;
    else at[k].value = v;
  }
  fitCodes();
}

/** Plain rounding, or what a method decided where one has run. */
function fitCodes() {
  const had = at.codes.value, list = [new Option(at.as.value === "hqq" ? "optimized, without a text" : "rounded to nearest", "")];
  if (takesRun()) list.push(new Option(`${seen.run.format}'s, by ${seen.run.text}`, "run"));
  at.codes.replaceChildren(...list);
  if (had === "run" && takesRun()) at.codes.value = had;
  fitOptions();
}

function fitOptions() {
  const p = project(), bare = p.bare?.includes(at.format.value);
  at.format.disabled = decided();
  for (const k of ["group", "block", "sym", "nested", "axis"]) {
    const there = k in p.takes && !bare && !decided();
    section.querySelector(`[data-x="${k}"]`).hidden = !there;
    at[k].disabled = !there;
  }
  const run = p.method === undefined ? "" : takesRun() ? (decided() ? ` Bits and groups are those that ${seen.run.format} had: ${seen.run.options?.bits} bits, group ${seen.run.options?.group}.` : "") : ` Where ${p.method || "GPTQ or AWQ"} has run under What flows through it, its codes can be saved, too.`;
  at.help.textContent = p.help + run;
}
at.as.addEventListener("change", fitProject);
at.codes.addEventListener("change", fitOptions);
at.format.addEventListener("change", fitOptions);

/** What is asked for, as wire.CheckpointArgs. */
function asked() {
  const options = {}, { takes } = project();
  for (const [k, v] of Object.entries(takes)) {
    if (at[k].disabled) continue;
    const now = typeof v === "boolean" ? at[k].checked : +at[k].value;
    if (now !== v) options[k] = k === "axis" ? "0" : String(now);
  }
  const as = at.as.value, format = decided() ? seen.run.format : at.format.value;
  return { as, format, folder: folderOf(as, format), ...(decided() ? { decided: true } : { options }) };
}

/** What the folder is called: "tale-small-gptq-int4", in signs that every system takes. */
function folderOf(as, format) {
  const base = seen.file.split("/").pop().replace(/\.(gguf|safetensors|index\.json|json|zip|pt|pth|bin)$/i, "").replace(/-\d{5}-of-\d{5}$/, "").replace(/[^\w.-]/g, "_").replace(/^\.+|\.+$/g, "");
  const f = format.toLowerCase();
  return `${base || "model"}-${as}${as.startsWith(f) ? "" : `-${f}`}`;
}

const save = (straight) => tell("save", JSON.stringify(asked()), straight);
at.form.addEventListener("submit", (e) => { e.preventDefault(); save(false); });
at.straight.addEventListener("click", () => { if (at.form.reportValidity()) save(true); });
at.cancel.addEventListener("click", () => tell("cancel"));
at.download.addEventListener("click", () => tell("download"));
at.copy.addEventListener("click", () => globalThis.fewbitsHost.copy("x-copy", at.load.textContent));
at["copy-cmd"].addEventListener("click", () => globalThis.fewbitsHost.copy("x-copy-cmd", at.command.textContent));

const group = (n) => n.toLocaleString("en");
const count = (n, what) => `${group(n)} ${what}${n === 1 ? "" : "s"}`;
function size(n) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  while (n >= 1024 && units.length > 1) { n /= 1024; units.shift(); }
  return `${+n.toFixed(1)} ${units[0]}`;
}
/** An argument as a shell takes it. */
const quoted = (s) => (/^[\w.+-]+$/.test(s) && s[0] !== "-" ? s : `'${(s[0] === "-" ? "./" : "") + s.replaceAll("'", "'\\''")}'`);

/** What came of it, in a sentence or two. */
function says(last, plan) {
  const { lost } = last, bits = (8 * last.bytes / Math.max(1, last.values)).toFixed(2);
  const loss = lost.Values > 0 ? `SQNR ${(10 * Math.log10(lost.XSq / lost.ErrSq)).toFixed(1)} dB over the quantized ones` : "scales are folded into what comes before, so that what was lost shows only in what the model says";
  const skipped = last.skipped ? ` ${count(last.skipped, "tensor")} stay as they are: ${last.why}.` : "";
  return `${last.as}: ${count(last.quantized, "tensor")} quantized, ${bits} bits a weight in all, ${size(plan.size)} in ${count(plan.files.length, "file")}; ${loss}.${skipped}`;
}

/** What writes the same folder; "" where the text is in no file. */
function commandOf({ name, format, as, folder, options }, by) {
  if (by && !by.inFile) return "";
  const text = by ? ` -calib ${quoted(by.text)} -ctx ${by.open.context} -chunks ${by.open.chunks}` : "";
  const given = by ? { sym: "false", ...by.options } : options ?? {}; // else the layout says
  const words = ["bits", "group", "sym", "act-order", "static-groups", "mse", "damp", "block", "duo", "clip", "nested", "axis"].filter((k) => given[k]).map((k) => ` ${k}=${given[k]}`);
  return `fewbits quantize ${quoted(name)} -to ${format.toLowerCase()} -as ${as}${text}${words.join("")} -o ${folder}`;
}
const cell = (text, num) => Object.assign(document.createElement("td"), { textContent: text, className: num ? "num" : "" });

/** Draws what wasm/app/checkpoint_js.go says. */
export function draw(v) {
  const { run, working } = seen, had = document.activeElement, percent = Math.floor(100 * v.share), plan = v.plan && JSON.parse(v.plan), archive = v.asked ? `${v.asked.folder}.zip` : "";
  seen = v;
  if (JSON.stringify(v.run) !== JSON.stringify(run)) fitCodes();
  for (const b of [at.save, at.straight]) b.disabled = !v.ready;
  at.straight.hidden = !v.picker;
  at.status.textContent = v.status;
  at.status.hidden = !v.status;
  at.far.textContent = v.working ? `${percent} %${plan ? `, ${size(v.written)} of ${size(plan.size)} written` : ""}` : "";
  const fresh = v.fault && at.alert.textContent !== v.fault;
  at.alert.textContent = v.fault;
  at.alert.hidden = !v.fault;
  at.cancel.hidden = !v.working;
  at.download.hidden = !v.offered;
  at.save.className = v.offered ? "" : "first";
  at.download.textContent = `Download ${archive}`;
  at.bar.hidden = !v.working;
  at.bar.setAttribute("aria-valuenow", percent);
  at.bar.setAttribute("aria-valuetext", `${percent} %`);
  at.bar.style.setProperty("--w", `${percent}%`);
  drawMade(v, plan, archive);
  // What has the focus and goes hands it over.
  if (fresh) at.alert.focus({ preventScroll: true });
  else if (v.working && !working && [at.save, at.straight].includes(had)) at.cancel.focus({ preventScroll: true });
  else if (!v.working && working && had === at.cancel) (v.offered ? at.download : at.save).focus({ preventScroll: true });
}

function drawMade(v, plan, archive) {
  at.made.hidden = !v.made;
  if (!v.made) return;
  at.says.textContent = says(JSON.parse(v.last), plan);
  at.made.querySelector("tbody").replaceChildren(...plan.files.map((f) => {
    const tr = document.createElement("tr");
    tr.append(cell(f.name), cell(group(f.size), true));
    return tr;
  }));
  at.notes.replaceChildren(...(plan.notes ?? []).map((text) => Object.assign(document.createElement("p"), { className: "note", textContent: text })));
  at.load.textContent = `unzip '${archive}'\n${plan.load}`;
  const line = commandOf(v.asked, v.by);
  at.cmd.hidden = !line;
  at.command.textContent = line;
}

fitProject();
