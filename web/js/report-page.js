// A report as a page of its own: one file without scripts, in the colours of
// the system's theme, that prints well. The report itself stands in it.

const esc = (s) => String(s).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
const int = (n) => Number(n).toLocaleString("en-US");
const minus = (s) => s.replace("-", "−");
const num = (v, digits = 4) => (v == null ? "–" : minus(v === 0 || Math.abs(v) >= 1e-3 && Math.abs(v) < 1e6 ? String(+v.toPrecision(digits)) : v.toExponential(digits - 1)));
const fixed = (v, d) => (v == null ? "–" : minus(v.toFixed(d)));
const pm = (e, f = num) => `${f(e.value)} <small>± ${num(e.error, 2)}</small>`;
const bytes = (n) => (n < 1024 ? `${n} B` : n < 2 ** 20 ? `${fixed(n / 1024, 1)} KiB` : n < 2 ** 30 ? `${fixed(n / 2 ** 20, 2)} MiB` : `${fixed(n / 2 ** 30, 2)} GiB`);
const shape = (s) => (s.length ? s.map(int).join(" × ") : "a single number");
const hash = (s) => (s ? `<code class="hash">${esc(s)}</code>` : "not read to its end");

/** The report as HTML. @param {object} r @param {{name: string, svg: string}[]} plots */
export function readable(r, plots) {
  const body = r.what === "model" ? model(r) : tensor(r, plots);
  const json = JSON.stringify(r, null, 1);
  return `<!doctype html>
<html lang="en">
<meta name="generator" content="Fewbits">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${esc(title(r))} · Fewbits report</title>
<style>${STYLE}</style>
<main>
<header><p class="note">Fewbits report</p><h1>${esc(title(r))}</h1><p class="lead">${body.lead}</p></header>
${body.html}
<section><h2>To run it again</h2>
${r.command ? `<h3>On a command line</h3><pre><code>${esc(r.command)}</code></pre>` : ""}
${body.hint ? `<p>${body.hint}</p>` : ""}
<p>Save the JSON below and give it to <code>fewbits rerun report.json</code>, which says whether the input and the bytes are the same; or drop it, or this file, on the page of Fewbits, which goes back to this state and compares.</p>
${r.address && r.address !== "#/model" ? `<h3>In the page</h3><p>Its address ends in <code class="hash">${esc(r.address)}</code></p>` : ""}
</section>
<section><h2>Made with</h2>${list([
  ["Time", esc(r.made ?? "–")], ["Fewbits", esc(r.engine.version) + (r.engine.build ? `, build ${esc(r.engine.build)}` : "")], ["Kernels", esc(r.engine.kernels)], ["Where", r.engine.where === "page" ? "in a browser's tab" : "on a command line"],
])}</section>
<section class="json"><details><summary>The report as JSON</summary><pre id="report">${esc(json)}</pre></details></section>
</main>
`;
}

/** What a report is called. */
export const title = (r) => (r.what === "model" ? `${r.files[0].name} as ${r.model.choice ?? r.model.recipe}` : `${r.input.name} as ${r.runs.map(called).join(" and ")}`);

const called = (run) => (run.stored ? `${run.format}, as stored` : run.format);

const list = (rows) => `<dl>${rows.filter((r) => r && r[1] !== undefined && r[1] !== "").map(([k, v]) => `<dt>${k}</dt><dd>${v}</dd>`).join("")}</dl>`;

/** Rows of cells; right says which columns are of numbers. */
function table(head, rows, right = (i) => i > 0) {
  const cell = (tag) => (v, i) => (v === "" ? "<td></td>" : `<${tag}${right(i) ? ' class="num"' : ""}${tag === "th" ? ' scope="col"' : ""}>${v}</${tag}>`);
  return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${head.map(cell("th")).join("")}</tr></thead><tbody>${rows.map((r) => `<tr>${r.map(cell("td")).join("")}</tr>`).join("")}</tbody></table></div>`;
}

function tensor(r, plots) {
  const { input, runs } = r, [a] = runs;
  const lead = `${shape(input.shape)}, ${int(input.values)} values, in ${num(a.bitsPerWeight)} bits each${a.metrics ? `: ${a.metrics.sqnr == null ? "nothing was lost" : `the signal is ${fixed(a.metrics.sqnr, 2)} dB over the error`}` : ""}.`;
  const side = (i) => (runs.length > 1 ? `${"AB"[i]} ` : "");
  const row = (name, f) => [name, ...runs.map((q) => f(q))];
  const lost = (name, f) => row(name, (q) => (q.metrics ? f(q.metrics) : "not known"));
  const options = [...new Set(runs.flatMap((q) => Object.keys(q.options)))];
  const html = `<section><h2>What came out</h2>${table(["", ...runs.map((q, i) => `<b class="${"ab"[i]}">${side(i)}${esc(called(q))}</b>`)], [
    row("Bits a weight", (q) => num(q.bitsPerWeight)), row("Size", (q) => `${bytes(q.bytes)} <small>${int(q.bytes)} B</small>`), row("Ratio to float32", (q) => `${fixed(32 / q.bitsPerWeight, 2)}×`),
    lost("SQNR, dB", (m) => (m.sqnr == null ? "no error" : fixed(m.sqnr, 2))), lost("RMSE", (m) => num(m.rmse)), lost("RMSE over RMS", (m) => (m.relRmse == null ? "–" : `${num(100 * m.relRmse)} %`)),
    lost("Largest error", (m) => num(m.maxAbs)), lost("Cosine", (m) => num(m.cosine, 7)),
    lost("Of the squared error", (m) => (m.rounding == null ? "–" : `${fixed(100 * m.rounding, 1)} % rounding, ${fixed(100 * m.clipping, 1)} % clipping`)),
    ...(runs.some((q) => q.metrics?.nonFinite) ? [lost("Not finite, left out", (m) => int(m.nonFinite))] : []),
    ...options.map((o) => row(`Option <code>${esc(o)}</code>`, (q) => esc(q.options[o] ?? "–"))),
    ...(runs.some((q) => q.importance) ? [row("Importance", (q) => importance(q.importance))] : []),
    row("SHA-256 of the bytes", (q) => hash(q.sha256)),
  ])}</section>
${plots.length ? `<section class="plots">${plots.map((p) => `<figure aria-label="${esc(p.name)}">${p.svg}</figure>`).join("")}</section>` : ""}
<section><h2>What went in</h2>${list([
  ["Tensor", esc(input.name)], ["Shape", shape(input.shape)], ["Type", esc(input.type)], ["From", from(input)], ["SHA-256 of the values", `${hash(input.sha256)} <small>as little-endian float32</small>`],
])}</section>`;
  const hint = [input.file ? "" : "Get the input first: Download, Original.", a.importance?.kind === "alike" ? "The command line leaves out that every column counts the same; <code>fewbits rerun</code> sees to it." : "",
    runs[1]?.command ? `B: <code class="hash">${esc(runs[1].command)}</code>` : ""].filter(Boolean).join(" ");
  return { lead, html, hint };
}

function importance(m) {
  if (!m) return "none";
  return `${m.kind === "alike" ? "every column the same" : esc(m.file)}, ${int(m.count)} weights <small>SHA-256</small> ${hash(m.sha256)}`;
}

function from({ source, file }) {
  if (file) return `${esc(file.name)}, ${bytes(file.size)}${file.url ? `, ${esc(file.url)}` : ""}`;
  if (source.kind === "sample") return `built-in sample “${esc(source.name)}”, ${int(source.rows)} × ${int(source.cols)}, seed ${source.seed}`;
  return source.text ? "numbers that were pasted; they stand in the JSON below" : "numbers that were pasted";
}

function model(r) {
  const m = r.model, was = m.tensors.reduce((s, t) => s + t.shape.reduce((a, b) => a * b, 1), 0);
  const lead = `${int(m.tensors.length)} tensors with ${int(was)} weights, in ${num(m.bitsPerWeight)} bits each: ${bytes(m.size)}${m.made ? "" : ", planned and not yet made"}.`;
  const html = `<section><h2>Files</h2>${table(["File", "Size", "SHA-256"], [
    ...r.files.map((f) => [`In: ${esc(f.name)}${f.url ? ` <small>${esc(f.url)}</small>` : ""}`, bytes(f.size), hash(f.sha256)]),
    ...(m.matrix ? [[`Importance: ${esc(m.matrix.name)}`, bytes(m.matrix.size), hash(m.matrix.sha256)]] : []),
    m.made ? [`Out: ${esc(m.made.name)}`, bytes(m.made.size), hash(m.made.sha256)] : ["Out: not yet made", bytes(m.size), "–"],
  ], (i) => i === 1)}</section>
<section><h2>Mix</h2>${mix(m.tensors)}</section>
${m.measured?.length ? `<section><h2>Measured</h2>${measured(m.measured)}</section>` : ""}
${m.budget ? `<section><h2>Budget</h2>${budget(m.budget)}</section>` : ""}
<section><h2>Tensors</h2>${table(["Tensor", "Shape", "Was", "Became", "Bytes", "SQNR, dB", "Why"], m.tensors.map((t) => [
    esc(t.name), shape(t.shape), esc(t.from), `${esc(t.to)}${m.types?.[t.name] ? " <small>by hand</small>" : ""}`, int(t.bytes), t.sqnr == null ? "–" : fixed(t.sqnr, 2), `<small class="why">${esc(t.why ?? "–")}</small>`]), (i) => [1, 4, 5].includes(i))}</section>`;
  return { lead, html, hint: "" };
}

/** How many bytes each type takes, as a bar and a table. */
function mix(tensors) {
  const by = new Map();
  for (const t of tensors) {
    const g = by.get(t.to) ?? { tensors: 0, weights: 0, bytes: 0 };
    g.tensors++;
    g.weights += t.shape.reduce((a, b) => a * b, 1);
    g.bytes += t.bytes;
    by.set(t.to, g);
  }
  const groups = [...by].map(([type, g]) => ({ type, ...g, bits: 8 * g.bytes / (g.weights || 1) })).sort((a, b) => b.bits - a.bits), all = groups.reduce((s, g) => s + g.bytes, 0) || 1;
  let x = 0;
  const bars = groups.map((g, i) => {
    const w = 480 * g.bytes / all, at = x;
    x += w;
    return `<rect x="${at.toFixed(1)}" y="0" width="${Math.max(0.5, w - 1).toFixed(1)}" height="24" fill="var(--ty-${Math.min(5, i)})"/>${w > 46 ? `<text x="${(at + 3).toFixed(1)}" y="40" class="tick">${esc(g.type)}</text>` : ""}`;
  });
  return `<figure><svg class="own" viewBox="0 0 480 46" role="img" aria-label="Bytes by type: ${esc(groups.map((g) => `${g.type} ${fixed(100 * g.bytes / all, 1)} %`).join(", "))}">${bars.join("")}</svg></figure>
${table(["Type", "Tensors", "Weights", "Bytes", "Share", "Bits a weight"], groups.map((g) => [esc(g.type), int(g.tensors), int(g.weights), int(g.bytes), `${fixed(100 * g.bytes / all, 1)} %`, num(g.bits)]))}`;
}

function measured(rows) {
  const says = table(["", "Text", "Tokens", "Perplexity", "Against the original", "KL, nats a token", "Same top token"], rows.map((m) => [
    esc(m.what), esc(m.text), int(m.scored), pm(m.perplexity), m.strayed ? `× ${pm(m.strayed.ratio, (v) => fixed(v, 4))}` : "–", m.strayed ? pm(m.strayed.kl) : "–",
    m.strayed ? `${fixed(100 * m.strayed.sameTop.value, 1)} <small>± ${num(100 * m.strayed.sameTop.error, 2)}</small> %` : "–"]), (i) => i > 1);
  return `${errorBars(rows)}${says}<p class="note">Counted as llama-perplexity does; ± is a standard error.</p>`;
}

/** Perplexities with their standard errors, one below the other. */
function errorBars(rows) {
  const lo = Math.min(...rows.map((m) => m.perplexity.value - m.perplexity.error)), hi = Math.max(...rows.map((m) => m.perplexity.value + m.perplexity.error));
  if (!(hi > lo)) return "";
  const X = (v) => (150 + 320 * (v - lo) / (hi - lo)).toFixed(1), h = 22 * rows.length;
  const marks = rows.map((m, i) => {
    const { value, error } = m.perplexity, y = 22 * i + 11, tone = m.what === "original" ? "orig" : "recon";
    return `<text x="0" y="${y + 4}" class="tick">${esc(m.what.length > 24 ? m.what.slice(0, 23) + "…" : m.what)}</text><path d="M${X(value - error)} ${y}H${X(value + error)}M${X(value - error)} ${y - 4}v8M${X(value + error)} ${y - 4}v8" stroke="var(--${tone})" fill="none"/><circle cx="${X(value)}" cy="${y}" r="4" fill="var(--${tone})"/>`;
  });
  return `<figure><svg class="own" viewBox="0 0 480 ${h + 20}" role="img" aria-label="Perplexity with standard errors">${marks.join("")}<path d="M150 ${h + 1}H470" stroke="var(--hair)"/><text x="150" y="${h + 15}" class="tick">${num(lo)}</text><text x="470" y="${h + 15}" class="tick" text-anchor="end">${num(hi)} perplexity</text></svg></figure>`;
}

function budget(b) {
  const facts = list([["At most", bytes(b.limit)], ["The mix takes", bytes(b.bytes)], ["Losses by", b.text ? `what the model predicts in ${esc(b.text)}` : `errors of the weights${b.by ? `, weighted by ${esc(b.by)}` : ""}`], ["Nothing that fits loses less", b.exact ? "proved" : "not proved"]]);
  if (!b.judged?.length) return facts;
  return facts + table(["", "Bytes", "KL, nats a token", "Same top token", "Tokens"], b.judged.map((j) => [esc(j.Name ?? j.name), int(j.bytes), `${num(j.kl)} <small>± ${num(j.klError, 2)}</small>`, `${fixed(100 * j.sameTop, 1)} %`, int(j.scored)]));
}

const LIGHT = "--paper:#fdfcf9;--raised:#fff;--sunk:#f0ede6;--ink:#1c1a17;--muted:#5c5850;--hair:#dfdbd2;--line:#8b867b;--accent:#f4c430;--orig:#0072b2;--orig-text:#00639c;--orig-fill:#bcd9ea;--recon:#d55e00;--recon-text:#a84a00;--recon-fill:#f9e0cd;--side-b:#009e73;--side-b-text:#00704f;--side-b-fill:#e6f6f0;--side-b-band:#bde6da;--other:#a8578a;--other-text:#8e4173;--div-0:#f7f5f0;--ty-0:#00224e;--ty-1:#2a3f6d;--ty-2:#575d6d;--ty-3:#7d7c78;--ty-4:#a59c74;--ty-5:#d2c060";
const DARK = "--paper:#151412;--raised:#211f1c;--sunk:#0f0e0d;--ink:#ece8df;--muted:#aca69a;--hair:#35322d;--line:#7d776c;--accent:#f4c430;--orig:#3d9bd4;--orig-text:#66b5e6;--orig-fill:#153e57;--recon:#e5721b;--recon-text:#f49350;--recon-fill:#55300f;--side-b:#1aa97f;--side-b-text:#3fc79c;--side-b-fill:#0e4534;--side-b-band:#105641;--other:#cc79a7;--other-text:#dd97bd;--div-0:#1c1b19;--ty-0:#f3eee2;--ty-1:#d0c9b9;--ty-2:#aea798;--ty-3:#8d887f;--ty-4:#6f7180;--ty-5:#5d678c";

const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media screen and (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:14px/1.45 -apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:64rem;margin:0 auto;padding:1.5rem}
h1,h2,h3{font-family:Charter,"Palatino Linotype",Georgia,"Liberation Serif",serif;margin:0;overflow-wrap:anywhere}
h1{font-size:1.875rem;line-height:1.25;font-weight:600}
h2{font-size:1.25rem;margin-bottom:.75rem;font-weight:600}
h3{font:600 .75rem/1.4 inherit;color:var(--muted);margin:.75rem 0 .25rem}
.lead{font-size:1.0625rem;margin:.5rem 0 0}
.note,small{color:var(--muted);font-size:.75rem}
section{border-top:1px solid var(--hair);padding:1rem 0 1.25rem;margin-top:1.25rem}
dl{display:grid;grid-template-columns:minmax(8rem,12rem) minmax(0,1fr);gap:.3rem 1rem;margin:0}
dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--hair);text-align:left;vertical-align:baseline}
th{font-weight:400;color:var(--muted)}
.num{text-align:right}
th:last-child,td:last-child{padding-right:0}
b.a{color:var(--recon-text)}b.b{color:var(--side-b-text)}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.8125rem}
.hash{overflow-wrap:anywhere;word-break:break-all;font-size:.75rem}
pre{background:var(--sunk);padding:.6rem .75rem;white-space:pre-wrap;overflow-wrap:anywhere;margin:.25rem 0}
figure{margin:0 0 .75rem}
svg{max-width:100%;height:auto;display:block}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1rem 1.5rem}
.plots svg{width:100%}
svg.own{width:100%;max-width:40rem}
.why{display:inline-block;min-width:12rem}
.tick{font-size:11px;fill:var(--muted)}
summary{cursor:pointer}
@media print{body{font-size:11px}main{max-width:none;padding:0}section{break-inside:avoid-page}.json,.plots{break-inside:auto}figure,tr{break-inside:avoid}details:not([open]){display:none}a{color:inherit}}
`.replaceAll("\n", "");
