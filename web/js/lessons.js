// The lessons beyond the first: their text, which is a file each, their widgets
// and their exercises, which the engine describes. Loaded when one is opened.
import { byId } from "./rooms.js";
import { recall } from "./shell.js";
import { cells, code, el, grid, terms, trouble } from "./lesson-parts.js";
import { Points } from "./points.js";

const embedded = "embed" in document.documentElement.dataset;
const article = byId("lesson-more");
const texts = new Map(); // id → promise of a lesson's text
let open = "", wanted, plots;
let off = new AbortController(); // of what the open lesson listens to

const textOf = (id) => {
  if (!texts.has(id)) {
    texts.set(id, fetch(new URL(`../lessons/${id}.html`, import.meta.url)).then((r) => {
      if (!r.ok) throw new Error(`the server answers ${r.status}`);
      return r.text();
    }).catch((e) => { texts.delete(id); throw e; }));
  }
  return texts.get(id);
};

/** Shows a lesson; exercise and seed name a variation of one in it. first: the page was opened there, so the focus stays where it is. */
export async function lesson(id, exercise, seed, first = false) {
  const again = open === id;
  byId("lesson-levels").hidden = true;
  article.hidden = false;
  wanted = { exercise, seed };
  if (again) return vary();
  open = id;
  off.abort();
  off = new AbortController();
  article.setAttribute("aria-busy", "true");
  let text;
  try { text = await textOf(id); } catch (e) {
    if (open !== id) return;
    open = "";
    article.removeAttribute("aria-busy");
    article.replaceChildren(el("p", { role: "alert" }, ...trouble("The text of this lesson could not be fetched", e, () => lesson(id, exercise, seed, first))));
    return;
  }
  if (open !== id) return; // another one was opened in the meantime
  article.innerHTML = text;
  article.removeAttribute("aria-busy");
  article.setAttribute("aria-label", article.querySelector("h1").textContent);
  exercises = [...article.querySelectorAll("[data-exercise]")].map((form) => new Exercise(form, id));
  const widgets = [...article.querySelectorAll("[data-widget]")];
  for (const box of widgets) LABS.includes(box.dataset.widget) ? lab(box, off.signal) : new Widget(box, off.signal);
  if (exercises.every((x) => x.done)) solved(id); // or there is nothing to solve
  vary();
  const word = id === "words" && entry && byId(`word-${entry}`);
  entry = "";
  if (word) {
    word.tabIndex = -1;
    word.focus();
    word.scrollIntoView({ block: "center" });
  } else if (!first && !wanted.exercise) {
    scrollTo({ top: 0 });
    article.querySelector("h1").focus({ preventScroll: true });
  }
}

let exercises = [];

const LABS = ["lab", "tale"]; // what trains a network goes on between requests: it has a part of its own

/** Sets up a lab, or says why there is none. */
async function lab(box, signal) {
  try {
    await (await import("./lab.js"))[box.dataset.widget](box, signal);
  } catch (e) {
    if (!signal.aborted) box.replaceChildren(el("p", { role: "alert" }, ...trouble("The lab could not be fetched", e, () => { box.replaceChildren(); lab(box, signal); })));
  }
}

/** The page's program may be yet to run. */
function solved(id, patience = 100) {
  if (globalThis.fewbitsPage?.solved) globalThis.fewbitsPage.solved(id);
  else if (patience) setTimeout(() => solved(id, patience - 1), 100);
}

/** Shows the variation that the address names. */
function vary() {
  for (const x of exercises) {
    const named = x.id === wanted.exercise;
    if (named || !x.made) x.make(named ? wanted.seed : 0);
    if (named && !x.seen) {
      x.seen = true;
      x.form.scrollIntoView({ block: "start" });
    }
    if (embedded && wanted.exercise) x.form.hidden = !named;
  }
}

/** What the tooltip of a term needs: to stay on the page, and to go at Escape wherever the focus is. */
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape") for (const word of article.querySelectorAll(".gloss:hover, .gloss:focus-within")) word.classList.add("shut");
});
/** A term leads to its entry among the words. */
let entry = "";
article.addEventListener("click", ({ target }) => { entry = target.closest?.(".gloss > a")?.dataset.word ?? ""; });
for (const type of ["pointerover", "focusin"]) {
  article.addEventListener(type, (e) => {
    const word = e.target.closest?.(".gloss");
    if (!word) return;
    const tip = word.lastElementChild, room = article.getBoundingClientRect();
    tip.style.setProperty("--shift", "0px");
    const at = tip.getBoundingClientRect(), over = at.right - Math.min(room.right, innerWidth) + 8;
    tip.style.setProperty("--shift", `${-Math.max(0, Math.min(over, at.left - room.left))}px`);
  });
}
for (const type of ["pointerout", "focusout"]) article.addEventListener(type, (e) => e.target.closest?.(".gloss")?.classList.remove("shut"));

/** The name of the model that is open in Model, for the lines that load it. */
const ownFile = () => (byId("m-facts").hidden ? "" : byId("m-name").textContent);

/** A widget: controls as the engine describes them, and its figures. */
class Widget {
  #box; #id; #off; #values = {}; #parts = []; #said = []; #busy = false; #again = false; #inputs = {}; #points = {};

  constructor(box, signal) {
    this.#box = box;
    this.#id = box.dataset.widget;
    this.#off = signal;
    this.alert = el("p", { role: "alert", hidden: true });
    this.row = el("div", { class: "w-controls" }, el("p", { class: "note" }, "The engine is being fetched …"));
    this.out = el("div", { class: "w-parts" });
    this.live = el("p", { class: "vh", "aria-live": "polite" });
    box.append(this.row, this.alert, this.out, this.live);
    this.#ask();
  }

  /** Asks for the figure; while one is on its way only the latest is asked for next. */
  async #ask(said = false) {
    if (this.#busy) { this.#again = true; return; }
    this.#busy = true;
    const first = !this.#parts.length;
    try {
      const r = await globalThis.fewbitsHost.teach("figure", { id: this.#id, values: this.#values, controls: first });
      if (this.#off.aborted) return;
      if (first) this.#controls(r.controls ?? []);
      await this.#draw(r.parts);
      this.alert.hidden = true;
      const says = r.parts.map((p) => p.say), news = says.find((text, i) => text !== this.#said[i]);
      this.#said = says;
      if (said && news) this.#say(news);
    } catch (e) {
      if (this.#off.aborted) return;
      this.alert.replaceChildren(...trouble("It cannot be drawn", e, () => this.#ask()));
      this.alert.hidden = false;
    } finally {
      this.#busy = false;
      if (this.#again && !this.#off.aborted) { this.#again = false; this.#ask(true); }
    }
  }

  /** Says what is seen now, when the moving has stopped. */
  #say(text) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { this.live.textContent = text; }, 600);
  }

  #set(id, value) {
    this.#values[id] = value;
    this.#rest();
    this.#ask(true);
  }

  /** What does not count as the others stand cannot be moved. */
  #rest() {
    for (const c of this.list) {
      if (c.only) for (const input of this.row.querySelectorAll(`#w-${this.#id}-${c.id}, [data-exact="${c.id}"]`)) input.disabled = this.#values[c.only.id] !== c.only.value;
    }
  }

  #controls(list) {
    this.list = list;
    for (const c of list) {
      c.first = c.value;
      if (c.id === "file") c.value = ownFile() || c.value;
    }
    this.row.replaceChildren(...list.map((c) => {
      this.#values[c.id] = c.value;
      return this.#control(c);
    }));
    this.row.append(el("button", { type: "button", class: "plain", onclick: () => {
      for (const c of list) this.#inputs[c.id]?.(c.value);
      for (const c of list) this.#values[c.id] = c.value;
      this.#rest();
      this.#ask(true);
    } }, "Reset"));
    this.#rest();
    if (list.some((c) => c.kind === "text" && c.value !== c.first)) this.#again = true;
  }

  #control(c) {
    const id = `w-${this.#id}-${c.id}`;
    if (c.kind === "points") {
      this.#points[c.id] = c;
      return "";
    }
    if (c.kind === "choice") {
      const select = el("select", { id, onchange: () => this.#set(c.id, select.value) }, ...c.options.map((o) => el("option", { value: o.value }, o.label)));
      select.value = c.value;
      this.#inputs[c.id] = (v) => { select.value = v; };
      return el("div", { class: "w-choice" }, el("label", { for: id }, c.label), select);
    }
    if (c.kind === "text") {
      const input = el("input", { id, type: "text", value: c.value, spellcheck: "false", autocomplete: "off", oninput: () => this.#set(c.id, input.value) });
      this.#inputs[c.id] = (v) => { input.value = v; };
      return el("div", { class: "w-text" }, el("label", { for: id }, c.label), input);
    }
    const at = { min: c.min, max: c.max, step: c.step, value: c.value };
    const range = el("input", { id, type: "range", ...at }), box = el("input", { type: "number", "data-exact": c.id, "aria-label": `${c.label}, exact`, ...at });
    const fill = () => range.style.setProperty("--f", `${100 * (range.value - c.min) / (c.max - c.min)}%`);
    range.addEventListener("input", () => { box.value = range.value; fill(); this.#set(c.id, range.value); });
    box.addEventListener("input", () => { if (box.value !== "" && Number.isFinite(+box.value)) { range.value = box.value; fill(); this.#set(c.id, box.value); } });
    box.addEventListener("blur", () => { box.value = Math.max(c.min, Math.min(c.max, +box.value || 0)); });
    this.#inputs[c.id] = (v) => { range.value = v; if (document.activeElement !== box) box.value = v; fill(); };
    fill();
    return el("div", { class: "w-slide" }, el("label", { for: id }, c.label), range, el("span", { class: "w-box" }, box, c.unit ? ` ${c.unit}` : ""));
  }

  async #draw(parts) {
    const kind = (p) => ["line", "lines", "bars", "grid", "bits", "terms", "code"].find((k) => p[k]?.length !== 0 && p[k]) ?? "terms";
    const same = parts.length === this.#parts.length && parts.every((p, i) => this.#parts[i].kind === kind(p) && this.#parts[i].name === p.name);
    if (!same) {
      for (const p of this.#parts) p.plot?.destroy();
      this.#parts = parts.map((p) => frame(p, kind(p)));
      this.out.replaceChildren(...this.#parts.map((p) => p.root));
    }
    if (parts.some((p) => p.line || p.lines || p.bars)) plots ??= await import("./plots/index.js");
    parts.forEach((p, i) => this.#part(this.#parts[i], p));
  }

  #part(at, p) {
    const moved = this.#points[p.moves];
    if (moved) {
      at.points ??= new Points(at.root, moved, (text) => this.#set(moved.id, text));
      this.#inputs[moved.id] = (text) => at.points.show(text);
      at.points.span(p.line);
      at.points.next(p.next);
    }
    const move = p.moves && !moved && ((x) => {
      const v = String(+x.toPrecision(4));
      this.#inputs[p.moves]?.(v);
      this.#set(p.moves, v);
    });
    const show = (kind, data, opts) => {
      if (at.plot) at.plot.draw(data, opts);
      else at.plot = plots[kind](at.root, data, opts);
    };
    switch (at.kind) {
      case "line": return show("numberLine", { ...p.line, sentence: p.say }, move ? { onMove: move } : {});
      case "lines": return show("lines", p.lines, { xName: p.lines.xName, yName: p.lines.yName, mark: p.lines.mark, sentence: p.say });
      case "bars":
        at.box.style.setProperty("--rows", p.bars.rows.length);
        return show("bars", p.bars.rows.map((r) => ({ ...r, roof: p.bars.roof })), { unit: p.bars.unit, digits: p.bars.digits, roofName: p.bars.roofName, sentence: p.say });
    }
    at.said.textContent = p.say;
    at.box.replaceChildren({ grid, bits: cells, terms, code }[at.kind](p[at.kind], p.name));
  }
}

/** A figure with a name, a sentence, and a box for its picture. */
function frame(p, kind) {
  const drawn = kind === "line" || kind === "lines" || kind === "bars", said = el("span", { "data-sentence": true });
  const box = el("div", { class: drawn ? `cv h-${kind === "line" ? "line" : `w-${kind}`}` : `w-${kind}` });
  const head = el("figcaption", {}, el("b", {}, p.name), said, drawn && el("button", { type: "button", class: "plain", "data-data": true }, "data"));
  return { kind, name: p.name, said, box, root: el("figure", { class: p.wide ? "plot wide" : "plot", "aria-label": p.name }, head, box), plot: null };
}

/** An exercise that is different for every seed. */
class Exercise {
  #seed = 0; #hints = 0; #turn = 0;

  constructor(form, lesson) {
    this.form = form;
    this.id = form.dataset.exercise;
    this.lesson = lesson;
    this.done = (recall("fewbits.lessons") ?? "").split(" ").includes(`/${this.id}`);
    form.addEventListener("submit", (e) => { e.preventDefault(); this.#check(); });
  }

  async make(seed, focus = false) {
    this.made = true;
    this.#seed = seed;
    this.#hints = 0;
    const turn = ++this.#turn;
    let q;
    try { q = await globalThis.fewbitsHost.teach("ask", { id: this.id, seed }); } catch (e) {
      this.form.replaceChildren(el("p", { role: "alert" }, ...trouble("The exercise cannot be made", e, () => this.make(seed, true))));
      this.made = false;
      return;
    }
    if (turn !== this.#turn) return;
    this.#show(q);
    if (focus) this.fields[0].focus();
  }

  #show(q) {
    const head = `x-${this.id}`, address = `#/learn/${this.lesson}?exercise=${this.id}&seed=${this.#seed}`;
    this.form.setAttribute("aria-labelledby", head);
    this.fields = q.fields.map((f, i) => field(f, `${head}-${i}`));
    this.notes = q.fields.map((_, i) => el("small", { id: `${head}-${i}-s` }));
    this.fields.forEach((f, i) => f.addEventListener("input", () => this.#mark(i, null)));
    this.verdict = el("div", { class: "verdict", role: "status" }, el("span", { class: "note" }, "A wrong answer costs nothing; it says what probably went wrong."));
    this.form.replaceChildren(
      el("h2", {}, el("span", { id: head }, `Exercise: ${q.title.charAt(0).toLowerCase()}${q.title.slice(1)}`), this.mark = el("small", { class: "x-done", hidden: !this.done }, "solved")), el("p", {}, q.text),
      el("div", { class: "row" },
        ...(q.given ?? []).map((g) => el("div", { class: "given" }, el("span", {}, g.label), el("b", {}, g.value))),
        ...this.fields.map((f, i) => el("div", { class: "answer" }, el("label", { for: f.id }, q.fields[i].label), f, this.notes[i])),
        el("div", { class: "press" }, el("button", { type: "submit", class: "first" }, "Check"), el("button", { type: "button", onclick: () => this.#hint() }, "Hint"),
          el("button", { type: "button", onclick: () => this.#another() }, "Another one"))),
      this.verdict,
      el("details", { class: "x-share" }, el("summary", {}, "Link and embed"), ...share(address, q.title, `lesson="${this.lesson}" exercise="${this.id}" seed="${this.#seed}"`)));
  }

  #mark(i, ok) {
    const f = this.fields[i];
    f.dataset.ok = ok === null ? "" : ok ? "1" : "0";
    f.setAttribute("aria-invalid", String(ok === false));
    f.setAttribute("aria-describedby", `${f.id}-s`);
    this.notes[i].textContent = ok === null ? "" : ok ? "right" : "not yet";
  }

  /** Writes a verdict anew even where its words are the same, so that it is said again. */
  #say(v) {
    this.verdict.className = `verdict ${v.kind}`;
    this.verdict.replaceChildren(el("b", {}, v.head), ...v.lines.map((l) => el("span", {}, l)));
  }

  async #check() {
    if (!this.fields) return;
    const v = await this.#ask({ answers: this.fields.map((f) => f.value) });
    if (!v) return;
    v.fields.forEach((ok, i) => this.#mark(i, ok));
    this.#say(v);
    if (v.kind !== "right") return;
    if (!this.done) globalThis.fewbitsPage.solved(`/${this.id}`);
    this.done = true;
    this.mark.hidden = false;
    if (exercises.every((x) => x.done)) solved(this.lesson);
  }

  async #hint() {
    const v = await this.#ask({ hint: ++this.#hints });
    if (v) this.#say(v);
  }

  async #ask(args) {
    const turn = this.#turn;
    try {
      const v = await globalThis.fewbitsHost.teach("check", { id: this.id, seed: this.#seed, ...args });
      return turn === this.#turn && v;
    } catch (e) {
      this.#say({ kind: "wrong", head: "It cannot be checked.", lines: [e.message] });
      return null;
    }
  }

  #another() {
    this.seen = true;
    const seed = (this.#seed + 1) % 2 ** 30;
    this.make(seed, true);
    globalThis.fewbitsPage.exercise(this.id, seed);
  }
}

/** The link of an exercise, and how it stands in a page of one's own. */
function share(address, title, at) {
  const base = new URL(".", location.href);
  return [
    el("p", { class: "note" }, el("a", { href: embedded ? base + address : address, target: embedded && "_blank" }, "Link to this one"), ". In a page of your own:"),
    code(`<script type="module" src="${base}fewbits-exercise.js"></script>\n<fewbits-exercise ${at}></fewbits-exercise>\n\n<iframe src="${base}embed${address}" width="640" height="420" title="${title}"></iframe>`, "what embeds it"),
  ];
}

/** Fills in what is left out of the first lesson, which is part of the page. */
export const shareFirst = (box) => box.append(...share("#/learn/levels", "How many values?", 'lesson="levels"'));

function field(f, id) {
  if (f.options?.length) return el("select", { id }, el("option", { value: "" }, "choose"), ...f.options.map((o, i) => el("option", { value: i }, o)));
  return el("input", { id, type: "text", inputmode: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
}

// In a frame of another page: it is told how high the exercise is.
if (embedded && parent !== self) {
  const tell = () => {
    const height = Math.max(...[...document.querySelectorAll(".exercise")].map((e) => e.getBoundingClientRect().bottom + scrollY));
    if (height > 0) parent.postMessage({ fewbits: "height", height: Math.ceil(height) }, "*");
  };
  new ResizeObserver(tell).observe(byId("stage"));
}
