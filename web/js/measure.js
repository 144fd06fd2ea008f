// What Model measures on a text: what a person gives it, how far it is, and
// what came of it. Loaded when there is a model.

import sent from "fewbits:llama-sent";
import { workers } from "./lane.js";
import { byId } from "./rooms.js";

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
.f-warn { border-left: 3px solid var(--bad); padding-left: var(--s3); max-width: 46rem; }
.q-two { display: grid; grid-template-columns: minmax(0, 16rem) minmax(0, 1fr); gap: var(--s4) var(--s5); align-items: start; }
.q-two .acts { align-items: center; } .q-two textarea { min-height: 6rem; } .q-line { min-height: 1.5rem; }
.q-bar { height: 6px; background: var(--hair); } .q-bar i { display: block; height: 100%; width: var(--w, 0%); background: var(--ink); } .q-bar[hidden] { display: block !important; visibility: hidden; }
.q-out { display: grid; gap: var(--s2); align-content: start; } .q-out p:empty { display: none; } .q-out table { width: 100%; table-layout: fixed; } .q-out th { white-space: normal; vertical-align: bottom; } .q-out th:first-child { width: 30%; } .q-out td { vertical-align: top; font-variant-numeric: tabular-nums; } .q-out td small { display: block; } .q-out td:first-child { overflow-wrap: anywhere; white-space: normal; } .q-out tr.last td { font-weight: 600; } .q-out tr.last small { font-weight: 400; }
#p-form .seg { max-width: 26rem; } #p-why { max-width: 46rem; min-height: 1.45em; } .p-two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: var(--s3) var(--s5); margin-top: var(--s3); min-height: 8rem; align-content: start; } .p-two h3 { overflow-wrap: anywhere; } .said { font: 1rem/1.55 var(--serif); white-space: pre-wrap; overflow-wrap: anywhere; min-height: 6em; } .said .note { font-size: inherit; } .said mark { background: none; color: var(--recon-text); text-decoration: underline dotted; text-underline-offset: .2em; }
#q-alert, #p-alert { padding: var(--s1) var(--s2); } #p-alert { margin-top: var(--s3); max-width: 46rem; }
@media (max-width: 900px) { .q-two { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 640px) { #p-why { min-height: 2.9em; } .q-out table, .q-out tbody, .q-out tr, .q-out td { display: block; } .q-out thead { display: none; } .q-out tr { padding: var(--s1) 0; border-bottom: 1px solid var(--hair); } .q-out td { border: 0; height: auto; padding: 1px 0; display: flex; justify-content: space-between; gap: var(--s3); text-align: right; } .q-out td:first-child { display: block; text-align: left; } .q-out td[data-th]::before { content: attr(data-th); color: var(--muted); font-weight: 400; } .q-out td.no { display: none; } .q-out td small { display: none; } .q-out td:first-child small { display: block; } }
@media (forced-colors: active) { .q-bar, .q-bar i { forced-color-adjust: none; } }
`);
document.adoptedStyleSheets.push(sheet);

const HEADS = ["Model", "Perplexity", "Change", "KL divergence, nats", "Same top token"];
const section = byId("q-sec");
section.innerHTML = `<section class="sec hr" aria-labelledby="q-h"><header><h2 id="q-h">What it lost</h2><span class="note">How surprised a model is by a text, and how far what was made of it strays from the original on the way.</span></header>
<div class="q-two"><form class="stack" id="q-form">
<div class="field"><label for="q-text">Text</label><select id="q-text" class="wide"><option value="">Built-in stories</option><option value="own">A text of your own</option></select></div>
<div class="stack" id="q-own" hidden><textarea id="q-paste" rows="4" spellcheck="false" aria-label="Text to read" placeholder="Paste a text: a few thousand words say more than a few hundred"></textarea><div class="drop"><label>Open a text file<input type="file" id="q-file" accept=".txt,.md,.raw,.csv,text/*"></label><span class="note" id="q-name"></span></div></div>
<div class="field"><label for="q-most">Read</label><select id="q-most" class="wide"><option value="2048">2,048 tokens at most</option><option value="8192">8,192 tokens at most</option><option value="0">all of it</option></select></div>
<div class="acts"><button class="first" id="q-go">Measure</button><button type="button" id="q-cancel" hidden>Cancel</button></div></form>
<div class="q-out"><p class="q-line"><span role="status" id="q-status" hidden></span> <span class="note" id="q-far"></span></p><p role="alert" id="q-alert" tabindex="-1" hidden></p>
<div class="q-bar" role="progressbar" id="q-progress" aria-label="Measuring" aria-valuemin="0" aria-valuemax="100" hidden><i></i></div>
<p class="help note" id="q-why"></p><p class="note" id="q-note"></p><p class="f-warn" id="q-same" hidden>Methods or an importance matrix were calibrated on this very text: what was made by them may look better here than on a text that they have not seen.</p><pre id="q-command" hidden></pre><div id="q-results" hidden><table><caption class="vh">What each file makes of the text</caption><thead><tr>${HEADS.map((h, i) => `<th scope="col"${i ? ' class="num"' : ""}>${h}</th>`).join("")}</tr></thead><tbody></tbody></table></div></div></div></section>
<section class="sec hr" aria-labelledby="p-h"><header><h2 id="p-h">Run it here</h2><span class="note">How the original goes on with a prompt, and how what was made of it does: the most likely token each time. Where they part is marked.</span></header>
<form class="stack" id="p-form"><div class="field"><label for="p-prompt">Prompt</label><textarea id="p-prompt" class="wide" rows="2" spellcheck="false">Once upon a time</textarea></div>
<div class="field"><span class="lab" id="p-lab">Run with</span><div class="seg wide" role="radiogroup" aria-labelledby="p-lab" aria-describedby="p-why"><label><input type="radio" name="p-with" value="own" checked>Fewbits</label><label><input type="radio" name="p-with" value="llama">llama.cpp, ${(sent / 1e6).toFixed(1)} MB once</label></div><span class="help" id="p-why"></span></div>
<div class="acts"><button class="first" id="p-go">Run</button><button type="button" id="p-stop" hidden>Stop</button><button type="button" id="p-other" hidden>Run with Fewbits</button><span role="status" class="note" id="p-status" hidden></span></div></form>
<p role="alert" id="p-alert" tabindex="-1" hidden></p><div class="p-two" id="p-said"></div></section>`;

/** What is longer is refused, by the page's Go, which says so. */
const MOST = 2 ** 20;
const part = (prefix) => Object.fromEntries([...section.querySelectorAll(`[id^="${prefix}-"]`)].map((e) => [e.id.slice(2), e]));
const at = part("q"), say = part("p");
const page = () => globalThis.fewbitsPage;
let file = null;

const name = () => { at.name.textContent = file ? file.name : "plain text, up to 1 MiB"; };
name();
at.text.addEventListener("change", () => { at.own.hidden = !at.text.value; });
at.paste.addEventListener("input", () => { file = null; name(); });
at.file.addEventListener("change", (e) => {
  e.stopPropagation(); // it is no model
  [file = null] = at.file.files;
  at.paste.value = "";
  at.file.value = "";
  name();
});
at.cancel.addEventListener("click", () => page().unmeasure());
at.form.addEventListener("submit", async (e) => {
  e.preventDefault();
  try {
    const { text, name, inFile } = await chosen();
    at.same.hidden = !seen.has(text);
    page().measure(text, name, inFile, +at.most.value, workers());
  } catch (err) {
    fault(err.message);
  }
});

const seen = new Set(); // own texts that were calibrated on

/** Takes note of a text that was calibrated on; "" forgets them all. */
export function saw(text) {
  if (text) seen.add(text);
  else {
    seen.clear();
    at.same.hidden = true;
  }
}

/** The text that is chosen, "" for the built-in one. */
export async function chosen() {
  if (!at.text.value) return { text: "", name: "the built-in stories", inFile: false };
  const text = file ? await file.slice(0, MOST + 1).text() : at.paste.value;
  if (!text) throw new Error("there is no text yet: paste one, or open a file");
  return { text, name: file?.name ?? "the pasted text", inFile: !!file };
}

function fault(why, alert = at.alert) {
  const fresh = why && alert.textContent !== why;
  alert.textContent = why;
  alert.hidden = !why;
  if (fresh) alert.focus({ preventScroll: true });
}

/** Why this browser cannot run llama.cpp: wllama's program has a memory of 64 bits. */
const unable = (() => {
  try {
    new WebAssembly.Memory({ address: "i64", initial: 1n });
    return "";
  } catch {
    return "It needs a browser with 64-bit WebAssembly memory: Chrome from 133 on, or Firefox from 134 on.";
  }
})();

const [own, llama] = say.form.elements["p-with"];
const ABOUT = {
  own: "The forward pass that also measures above; nothing is fetched.",
  llama: "llama.cpp itself, compiled to WebAssembly (wllama) and fetched from this site at the first run. It holds each model whole in memory.",
};
let now = { llama: 0 }, ownNot = "", asked; // as it was drawn last; what was run with last

/** Shows what is chosen, or why it is no choice. */
function drawChoice() {
  const original = now.llama & 1, made = now.llama & 2; // that llama.cpp can run
  const not = { own: ownNot, llama: unable || (original || made ? "" : "It runs whole models in GGUF files of up to 3 GiB: quantize this one first.") };
  own.disabled = !!not.own;
  llama.disabled = !!not.llama;
  if (own.disabled !== llama.disabled) (own.disabled ? llama : own).checked ||= (own.disabled ? own : llama).checked;
  const about = [ABOUT[llama.checked ? "llama" : "own"]];
  if (llama.checked && made && !original) about.push("The original, which is no GGUF file or too large for it, Fewbits runs.");
  if (not.own) about.push(`Fewbits cannot: ${not.own}`);
  else if (not.llama) about.push(`llama.cpp cannot: ${not.llama}`);
  say.why.textContent = own.disabled && llama.disabled ? not.own : about.join(" ");
  say.go.disabled = !now.ready || own.disabled && llama.disabled;
}

own.addEventListener("change", drawChoice);
llama.addEventListener("change", drawChoice);
say.form.addEventListener("submit", (e) => { e.preventDefault(); page().say(say.prompt.value, asked = llama.checked ? "llama" : "say-open"); });
say.other.addEventListener("click", () => { own.checked = true; say.form.requestSubmit(); });
say.prompt.addEventListener("keydown", (e) => { if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) say.form.requestSubmit(); });
say.stop.addEventListener("click", () => page().hush());

/** News is there only where there is some: the view has other news. */
function news(e, text) {
  e.hidden = !text;
  e.textContent = text;
}

/** Shows one button in place of another, which hands the focus over. */
function swap(one, other, otherShown) {
  const had = document.activeElement;
  one.hidden = otherShown;
  other.hidden = !otherShown;
  if (had === one && otherShown) other.focus();
  if (had === other && !otherShown) one.focus();
}

const cell = (tag, text, under) => {
  const e = Object.assign(document.createElement(tag), { textContent: text });
  if (under) e.append(Object.assign(document.createElement("small"), { textContent: under }));
  return e;
};

let drawn = "";

/** Draws what wasm/app/measure_js.go says. */
export function draw(v) {
  at.go.disabled = !v.ready || !!v.why;
  ownNot = v.why;
  swap(at.go, at.cancel, v.running);
  drawSaid({ ...v.say, ready: v.ready });
  news(at.status, v.status);
  at.far.textContent = v.far;
  at.why.textContent = v.why || (v.rows.length || v.running ? "" : "Nothing is measured yet. It takes from a second to minutes, with the size of the model.");
  at.progress.hidden = !v.running;
  at.progress.setAttribute("aria-valuenow", v.percent);
  at.progress.setAttribute("aria-valuetext", [`${v.percent} %`, v.far].filter(Boolean).join(", "));
  at.progress.style.setProperty("--w", `${v.percent}%`);
  fault(v.fault);
  const rows = JSON.stringify([v.rows, v.note, v.command]);
  if (rows === drawn) return;
  drawn = rows;
  at.results.hidden = !v.rows.length;
  at.note.textContent = v.note;
  at.command.textContent = v.command;
  at.command.hidden = !v.command;
  at.results.querySelector("tbody").replaceChildren(...v.rows.map((r, i) => {
    const tr = document.createElement("tr");
    if (i && i === v.rows.length - 1) tr.className = "last";
    tr.append(cell("td", r.name, r.what), ...[[r.perplexity], [r.more], [r.kl, r.most], [r.same]].map(([text, under], j) => {
      const td = cell("td", text, under);
      td.className = text === "–" ? "num no" : "num";
      td.dataset.th = HEADS[j + 1];
      return td;
    }));
    return tr;
  }));
}

/** What is drawn where it failed: what is no matter of the models names none, and what said nothing takes no room. */
function failed({ fault: why, texts }) {
  if (!why) return { fault: why, texts };
  why = why.replace(/^.* cannot go on: (?=llama\.cpp could not)/, "");
  if (asked === "llama") why = why.replace(/^.*: the worker cannot run here: (.*)$/, "llama.cpp could not be fetched or started: $1. See to the connection and try again, or run it with Fewbits");
  return { fault: why, texts: texts.some((t) => t.text) ? texts : [] };
}

/** Draws what the models go on with; where what was made leaves the original, it is marked. */
function drawSaid(v) {
  now = v;
  const { running, status, prompt } = v, { fault: why, texts } = failed(v);
  swap(say.go, say.stop, running);
  drawChoice();
  say.other.hidden = !why || asked !== "llama" || own.disabled;
  news(say.status, status);
  fault(why, say.alert);
  while (say.said.children.length > texts.length) say.said.lastChild.remove();
  while (say.said.children.length < texts.length) {
    const div = document.createElement("div");
    div.append(document.createElement("h3"), Object.assign(document.createElement("p"), { className: "said" }), Object.assign(document.createElement("p"), { className: "note" }));
    div.children[1].append(document.createElement("span"), document.createElement("span"), document.createElement("mark"));
    say.said.append(div);
  }
  const all = texts.map((t) => [...t.text]), [first, other] = all;
  let same = first?.length;
  if (other) {
    const least = Math.min(first.length, other.length);
    same = 0;
    while (same < least && first[same] === other[same]) same++;
    if (same === least && !(texts[0].done && texts[1].done)) same = Infinity; // one of them is ahead
  }
  texts.forEach((t, i) => {
    const [head, body, note] = say.said.children[i].children, [before, plain, off] = body.children, cut = i ? same : Infinity;
    head.textContent = t.name;
    head.title = t.what;
    before.textContent = prompt;
    before.className = "note";
    plain.textContent = all[i].slice(0, cut).join("");
    off.textContent = all[i].slice(cut).join("");
    note.textContent = [t.what, t.text || running ? t.speed : "", t.with === "llama" ? "llama.cpp" : "Fewbits"].filter(Boolean).join(" · ");
  });
}
