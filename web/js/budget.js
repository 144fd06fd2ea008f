// The size budget of Model: a slider in the rail, and below the table what
// sizes lose, what text checks it, and the mix as lines. Loaded when there is a model.

import { byId } from "./rooms.js";

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
#b-rail .acts { margin-top: var(--s2); align-items: center; } #b-rail p:empty { display: none; } #b-rail [role=alert] { padding: var(--s1) var(--s2); }
.b-two { display: grid; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); gap: var(--s4) var(--s5); align-items: start; } .b-two .cv { height: 3rem; } #b-sec.on .cv { height: 19rem; } .b-none { padding-top: var(--s2); }
.b-out { display: grid; gap: var(--s2); align-content: start; } .b-out p:empty { display: none; } .b-out .acts { align-items: center; } .b-out table { width: 100%; table-layout: fixed; } .b-out th { white-space: normal; vertical-align: bottom; } .b-out th { width: 21%; } .b-out th:first-child { width: 30%; } .b-out th:nth-child(2) { width: 11%; } .b-out th:last-child { width: 17%; } .b-out td.num { white-space: nowrap; } .b-out td:first-child { white-space: normal; } .b-out td { vertical-align: top; height: auto; padding-top: 3px; padding-bottom: 3px; font-variant-numeric: tabular-nums; } .b-out td small { display: block; }
.b-out pre { max-height: 14rem; overflow: auto; } .b-out summary { cursor: pointer; }
.b-bar { height: 6px; background: var(--hair); } .b-bar i { display: block; height: 100%; width: var(--w, 0%); background: var(--ink); } .b-bar[hidden] { display: block !important; visibility: hidden; }
@media (max-width: 900px) { .b-two { grid-template-columns: minmax(0, 1fr); } }
@media (forced-colors: active) { .b-bar, .b-bar i { forced-color-adjust: none; } }
`);
document.adoptedStyleSheets.push(sheet);

const bar = (id, name) => `<div class="b-bar" role="progressbar" id="${id}" aria-label="${name}" aria-valuemin="0" aria-valuemax="100" hidden><i></i></div>`;
byId("b-rail").innerHTML = `<div class="field"><label for="budget">Size budget, MiB</label><a class="why" href="#/learn" aria-label="Why: size budget">why</a>
<div class="ctl"><input type="range" id="budget" disabled><input type="number" id="b-exact" aria-label="Size budget, exact" step="0.01" disabled></div><span class="help" id="b-help"></span></div>
<div class="acts"><button type="button" id="b-go">Measure for a budget</button><button type="button" id="b-cancel" hidden>Cancel</button></div>${bar("b-progress", "Measuring for a budget")}
<p class="note"><span role="status" id="b-status" hidden></span> <span id="b-far"></span></p><p role="alert" id="b-alert" tabindex="-1" hidden></p>`;
byId("b-sec").innerHTML = `<section class="sec hr" aria-labelledby="b-h"><header><h2 id="b-h">What each size loses</h2><span class="note">The mix of types that loses least at each size, and what recipes lose. A recipe's mark chooses it.</span></header>
<div class="b-two"><figure class="plot" id="b-plot" aria-labelledby="b-b"><figcaption><b id="b-b">Loss at each size</b><span data-sentence></span><button type="button" class="plain" data-data aria-label="Data of Loss at each size">data</button></figcaption><div class="cv"><p class="note b-none">Measure for a budget, beside the recipe, and this shows what each size loses.</p></div></figure>
<div class="b-out"><h3>By what the model predicts</h3><p class="note" id="b-why"></p><div class="acts"><button type="button" id="b-check">Check by KL</button><button type="button" id="b-stop" hidden>Cancel</button><span class="note" id="b-checkfar"></span></div>${bar("b-checkbar", "Checking by KL")}
<div id="b-judged" hidden><table><caption class="vh">KL divergence from the original, nats a token</caption><thead><tr><th scope="col">Model</th><th scope="col" class="num">MiB</th><th scope="col" class="num">KL predicted</th><th scope="col" class="num">KL measured</th><th scope="col" class="num">Same top token</th></tr></thead><tbody></tbody></table></div>
<details id="b-text" hidden><summary>The mix as lines for --tensor-type-file</summary><pre tabindex="0" role="region" aria-label="Lines of the mix"><code id="b-lines"></code></pre><div class="acts"><button type="button" class="plain" id="b-save">Save</button><button type="button" class="plain" id="b-copy" aria-label="Copy the lines of the mix">Copy</button></div></details></div></div></section>`;

const $ = (id) => byId(id);
const at = Object.fromEntries(["budget", "b-exact", "b-help", "b-go", "b-cancel", "b-progress", "b-status", "b-far", "b-alert", "b-why", "b-check", "b-stop", "b-checkfar", "b-checkbar", "b-judged", "b-text", "b-lines", "b-save", "b-copy"].map((id) => [id.replace("b-", ""), $(id)]));
const tell = (...v) => globalThis.fewbitsPage.budget(...v);
const workers = () => Math.min(6, navigator.hardwareConcurrency || 2);
let seen, plot, drawn = "";

const room = () => $("b-sec").classList.add("on"); // at once: later it would move what is below
at.go.addEventListener("click", () => { room(); tell("measure", workers()); });
for (const b of [at.cancel, at.stop]) b.addEventListener("click", () => tell("cancel"));
at.budget.addEventListener("input", () => tell("move", +at.budget.value));
at.exact.addEventListener("change", () => { if (at.exact.value) tell("move", +at.exact.value); });
at.check.addEventListener("click", async () => {
  const { chosen } = await import("./measure.js");
  try {
    const { text, name } = await chosen();
    tell("check", text, name, workers());
  } catch (e) {
    fault(e.message);
  }
});
at.save.addEventListener("click", () => globalThis.fewbitsHost.saveText(seen.file, "text/plain", `${seen.lines.join("\n")}\n`));
at.copy.addEventListener("click", () => globalThis.fewbitsHost.copy("b-copy", `${seen.lines.join("\n")}\n`));

function fault(why) {
  const fresh = why && at.alert.textContent !== why;
  at.alert.textContent = why;
  at.alert.hidden = !why;
  if (fresh && document.activeElement !== at.budget) at.alert.focus({ preventScroll: true });
}

/** Shows one button in place of another, which hands the focus over. */
function swap(one, other, otherShown) {
  const had = document.activeElement;
  one.hidden = otherShown;
  other.hidden = !otherShown;
  if (had === one && otherShown) other.focus();
  if (had === other && !otherShown) (one.disabled ? at.budget : one).focus();
}

function progress(el, shown, percent, far) {
  el.hidden = !shown;
  el.setAttribute("aria-valuenow", percent);
  el.setAttribute("aria-valuetext", [`${percent} %`, far].filter(Boolean).join(", "));
  el.style.setProperty("--w", `${percent}%`);
}

/** Draws what wasm/app/budget_js.go says. */
export function draw(v) {
  seen = v;
  at.go.disabled = !v.ready;
  at.check.disabled = !v.canCheck;
  at.go.textContent = v.known ? "Measure again" : "Measure for a budget";
  slide(v);
  at.help.textContent = v.help;
  at.status.hidden = !v.status;
  at.status.textContent = v.status;
  at.far.textContent = v.checking ? "" : v.far;
  at.checkfar.textContent = v.checking ? v.far : "";
  swap(at.go, at.cancel, v.running && !v.checking);
  swap(at.check, at.stop, v.checking);
  progress(at.progress, v.running && !v.checking, v.percent, v.far);
  progress(at.checkbar, v.checking, v.percent, v.far);
  at.why.textContent = v.check;
  fault(v.fault);
  at.text.hidden = !v.lines.length;
  at.lines.textContent = v.lines.join("\n");
  table(v.judged);
  if (v.plot) figure(v.plot);
}

function slide(v) {
  at.budget.disabled = at.exact.disabled = !v.known || v.running;
  if (!v.known) return;
  for (const el of [at.budget, at.exact]) { el.min = v.min; el.max = v.max; }
  at.budget.step = v.step;
  at.budget.style.setProperty("--f", `${v.max > v.min ? Math.round(100 * (v.value - v.min) / (v.max - v.min)) : 0}%`);
  at.budget.setAttribute("aria-valuetext", `${v.value.toFixed(2)} MiB, ${v.bits}`);
  if (document.activeElement !== at.budget) at.budget.value = v.value;
  if (document.activeElement !== at.exact) at.exact.value = v.value.toFixed(2);
}

function table(rows) {
  const text = JSON.stringify(rows);
  if (text === drawn) return;
  drawn = text;
  at.judged.hidden = !rows.length;
  at.judged.querySelector("tbody").replaceChildren(...rows.map((r) => {
    const tr = document.createElement("tr");
    tr.append(...r.map((s, i) => {
      const [text, under] = s.split(" ± "), td = Object.assign(document.createElement("td"), { textContent: text, className: i ? "num" : "" });
      if (under) td.append(Object.assign(document.createElement("small"), { textContent: `± ${under}` }));
      return td;
    }));
    return tr;
  }));
}

async function figure({ sentence, yName, ...data }) {
  const opts = { sentence, yName, onPick: (name) => globalThis.fewbitsPage.budget("recipe", name) };
  if (plot) return (await plot).draw(data, opts);
  const el = byId("b-plot");
  plot = import("./plots/index.js").then(({ front }) => {
    room();
    el.querySelector(".b-none").remove();
    const box = el.querySelector(".cv");
    box.setAttribute("aria-label", "Loss at each size");
    return front(el, data, opts);
  });
}
