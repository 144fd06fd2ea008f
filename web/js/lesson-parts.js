// The parts of a lesson's figure that are text, and so need no plot: a table of
// numbers with shades, fields of bits, a formula with its numbers, code to copy.

/** Makes an element with attributes, listeners ("onclick") and children. */
export function el(tag, at = {}, ...kids) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(at)) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v === true) e.setAttribute(k, "");
    else if (v !== false && v !== undefined) e.setAttribute(k, v);
  }
  e.append(...kids.filter((k) => k !== undefined && k !== false));
  return e;
}

/** A choice among [value, text] with its label: the select, and the row that has both. */
export function choice(id, label, options) {
  const s = el("select", { id }, ...options.map(([value, text]) => el("option", { value }, text)));
  return [s, el("div", { class: "w-choice" }, el("label", { for: id }, label), s)];
}

/** Whether it is the way to the server that failed; each browser has its own words for that. */
const unreached = (e) => /fetch|network|load failed|loading.* module|importing a module/i.test(e.message);

/**
 * What went wrong, what to do about it, and a button that tries again. What was
 * not fetched once some browsers will not fetch again: where the server answers
 * and it still fails, the page begins anew.
 * @param {string} what @param {Error} e @param {() => any} again
 */
export function trouble(what, e, again) {
  const lost = unreached(e), why = !lost ? e.message : navigator.onLine ? "the server cannot be reached" : "this device is offline";
  const onclick = async () => {
    if (lost && tried.has(what) && await fetch(location.href, { method: "HEAD", cache: "no-store" }).then((r) => r.ok, () => false)) return location.reload();
    tried.add(what);
    again();
  };
  return [`${what}: ${why}. ${lost ? "What you have done is kept. Check the connection, then try again. " : ""}`, el("button", { type: "button", onclick }, "Try again")];
}
const tried = new Set(); // what was tried again already

const make = (tag, className = "", text = "") => Object.assign(document.createElement(tag), { className, textContent: text });

/** A table; a shade from −1 to 1 colours a cell by size and sign. @param {{columns: string[], rows: object[]}} g */
export function grid(g, name) {
  const table = document.createElement("table"), head = document.createElement("tr"), body = document.createElement("tbody");
  table.append(make("caption", "vh", name));
  for (const c of ["", ...g.columns]) {
    const th = make(c ? "th" : "td", "num", c);
    if (c) th.scope = "col";
    head.append(th);
  }
  const thead = document.createElement("thead");
  thead.append(head);
  for (const r of g.rows) {
    const tr = make("tr", r.now ? "now" : ""), th = make("th", "", r.head);
    th.scope = "row";
    tr.append(th, ...r.cells.map((c) => {
      const td = make("td", `num${c.mark ? " mark" : ""}${c.shade ? (c.shade > 0 ? " more" : " less") : ""}`, c.text);
      if (c.shade) td.style.setProperty("--shade", `${Math.round(100 * Math.min(1, Math.abs(c.shade)))}%`);
      return td;
    }));
    body.append(tr);
  }
  table.append(thead, body);
  const box = make("div", "scroll");
  box.tabIndex = 0;
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", name);
  box.append(table);
  return box;
}

/** Fields of bits beside one another, each named. */
export function cells(fields) {
  const row = make("div", "w-fields");
  for (const f of fields) {
    const field = make("div", `w-field ${f.role}`), bits = make("div", "w-bitrow");
    bits.setAttribute("aria-hidden", "true");
    for (const b of f.bits) bits.append(make("i", b === "1" ? "one" : "", b));
    field.append(make("b", "", f.name), bits, make("span", "vh", f.bits), make("span", "", f.text));
    row.append(field);
  }
  return row;
}

/** A formula with its numbers, a line each. */
export function terms(list) {
  const box = document.createElement("div");
  let p = make("p");
  for (const t of list) {
    p.append(make("span", t.role ? `t-${t.role}` : "", t.text));
    if (t.break) {
      box.append(p);
      p = make("p");
    }
  }
  if (p.childNodes.length) box.append(p);
  return box;
}

/** Code with a button that copies it. */
export function code(text, name) {
  const box = document.createElement("div"), pre = make("pre", "", text), button = make("button", "plain", "Copy");
  pre.tabIndex = 0;
  button.type = "button";
  button.setAttribute("aria-label", `Copy ${name}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch { button.textContent = "Select it and copy by hand"; }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  box.append(pre, button);
  return box;
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
.widget { border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); padding: var(--s3) 0; margin: var(--s4) 0 var(--s5); display: grid; gap: var(--s3); min-height: 24rem; align-content: start; }
.w-controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: var(--s2) var(--s5); align-items: center; }
.w-slide { display: grid; grid-template-columns: 8.5rem minmax(4rem, 1fr) auto; gap: var(--s3); align-items: center; } .w-box { white-space: nowrap; } .w-box input { width: 4.75rem; }
.w-choice, .w-text { display: grid; grid-template-columns: 8.5rem minmax(0, 1fr); gap: var(--s3); align-items: center; } .w-choice select, .w-text input { width: 100%; min-width: 0; }
.w-controls > button { justify-self: start; }
.w-parts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: var(--s4) var(--s5); align-items: start; }
.w-parts > figure.plot:first-child:nth-last-child(odd), .w-parts > figure.wide { grid-column: 1 / -1; }
.widget figure.plot > figcaption { flex-wrap: wrap; } .widget figure.plot > figcaption b { flex: 1; white-space: normal; } .widget figure.plot > figcaption [data-sentence] { order: 3; flex: 1 0 100%; white-space: normal; min-height: 2.8em; }
.h-w-lines { height: 15rem; } .h-w-bars { height: calc(2.5rem + var(--rows, 6) * 2rem); }
.w-terms p { font: var(--t-ui)/1.9 var(--sans); margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; } .w-terms span[class^=t-] { font-weight: 600; padding: 0 2px; } .w-terms .t-x { color: var(--orig-text); } .w-terms .t-xhat { color: var(--recon-text); } .w-terms .t-scale { color: var(--side-b-text); } .w-terms .t-zero { color: var(--other-text); } .w-terms .t-code { background: var(--accent-wash); }
.w-grid table { font-variant-numeric: tabular-nums; } .w-grid th[scope=row] { border-color: var(--hair); color: var(--ink); font-weight: 400; text-align: left; white-space: nowrap; padding: 0 var(--s3) 0 0; } .w-grid tr.now th, .w-grid tr.now td { font-weight: 600; box-shadow: inset 0 -2px var(--accent); } .w-grid td.mark { outline: 2px solid var(--ink); outline-offset: -2px; }
.w-grid :is(td, th).num { padding-right: 6px; } .w-points + button { justify-self: start; } .w-slide input:disabled { opacity: .45; } .w-slide:has(:disabled) { color: var(--muted); } .lesson .x-done { margin-left: var(--s2); font: 600 var(--t-note) var(--sans); color: var(--good); } .w-grid td.more { background: color-mix(in srgb, var(--recon-fill) var(--shade), transparent); } .w-grid td.less { background: color-mix(in srgb, var(--orig-fill) var(--shade), transparent); }
.w-fields { display: flex; flex-wrap: wrap; gap: var(--s3); font-size: var(--t-note); } .w-field { display: grid; gap: 2px; align-content: start; } .w-field b { font-weight: 600; } .w-bitrow { display: flex; flex-wrap: wrap; } .w-bitrow i { min-height: 1.75rem; font: var(--t-ui)/1.75rem var(--mono); width: 1.25rem; text-align: center; border: 1px solid var(--line); margin-left: -1px; } .w-bitrow i.one { font-weight: 700; } .w-bitrow i:first-child { margin-left: 0; } .w-field.sign i { background: var(--bad-wash); } .w-field.exponent i, .w-field.scale i { background: var(--side-b-fill); } .w-field.mantissa i, .w-field.code i { background: var(--accent-wash); } .w-field.zero i { background: var(--orig-fill); }
.w-code pre, .x-share pre { white-space: pre-wrap; overflow-wrap: anywhere; font: var(--t-note)/1.5 var(--mono); background: var(--sunk); padding: var(--s3); margin: 0 0 var(--s1); }
.gloss { position: relative; } .gloss > a { color: inherit; text-decoration: underline; text-decoration-style: dotted; text-decoration-color: var(--line); text-underline-offset: .2em; } .gloss > [role=tooltip] { position: absolute; z-index: 5; left: 0; top: 100%; width: min(19rem, 78vw); display: none; padding: var(--s2) var(--s3); background: var(--raised); border: 1px solid var(--line); border-radius: var(--r2); font: var(--t-note)/1.5 var(--sans); color: var(--muted); transform: translateX(var(--shift, 0)); } .gloss > [role=tooltip] b { display: block; color: var(--ink); } .gloss:hover:not(.shut) > [role=tooltip], .gloss:focus-within:not(.shut) > [role=tooltip] { display: block; }
.lesson ul, .lesson ol { font: var(--t-body)/var(--lh-body) var(--serif); margin: 0 0 var(--s3); padding-left: 1.25rem; } .lesson ul li, .lesson ol li { margin-bottom: var(--s1); } .lesson h1:focus { outline: none; } .lesson code { font: .9em var(--mono); } .lesson > table { font-size: var(--t-ui); margin-bottom: var(--s3); } .lesson .x-share p { margin: var(--s2) 0; } .exercise .row select { height: 2.25rem; max-width: 100%; } .exercise .answer select { width: min(22rem, 100%); } .exercise .given { font-size: var(--t-ui); } .exercise [data-exercise] , form[data-exercise] { min-height: 22.5rem; } form[data-exercise] .given b { width: auto; min-width: 3rem; text-align: left; } form[data-exercise] .press { flex-wrap: wrap; } form[data-exercise] .verdict { margin-top: var(--s3); }
.lesson blockquote { margin: 0 0 var(--s3) var(--s5); } .lesson blockquote p { margin-bottom: var(--s1); }
.lesson .pn { margin-top: var(--s5); }
@media (max-width: 560px) { form[data-exercise] { min-height: 31rem; } .w-slide { grid-template-columns: minmax(0, 1fr) auto; } .w-slide label { grid-column: 1 / -1; } .w-choice, .w-text { grid-template-columns: minmax(0, 1fr); gap: var(--s1); } .exercise .answer { min-width: 0; max-width: 100%; } }
@media (forced-colors: active) { .w-bitrow i.one { background: Highlight; color: HighlightText; } }
`);
document.adoptedStyleSheets.push(sheet);
