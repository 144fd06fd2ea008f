// Opens a report again: goes back to the state that it is of, and says what is
// not the same.

import { byId } from "./rooms.js";
import { title } from "./report-page.js";

const POLL = 300, PATIENCE = 60_000; // ms

const page = () => globalThis.fewbitsPage;
const pause = (ms) => new Promise((ok) => setTimeout(ok, ms));

/** Shows a report's dialog and does what it says. @param {object} r @param {import("./report.js").Reports} reports */
export function reopen(r, reports) {
  const box = new Box(title(r));
  const run = r.what === "model" ? model(r, reports, box) : tensor(r, reports, box);
  run.catch((e) => { if (!box.closed) box.verdict(`This cannot be done again here: ${e.message}`, false); });
}

/** The dialog: lines with marks, a verdict, and sometimes something to do. */
class Box {
  constructor(name) {
    const d = this.dialog = document.createElement("dialog");
    d.className = "again";
    d.setAttribute("aria-labelledby", "again-h");
    d.innerHTML = '<h2 id="again-h"></h2><p class="note"></p><dl></dl><div class="ask"></div><p role="status"></p><form method="dialog" class="acts"><button>Close</button></form>';
    [this.head, this.note, this.list, this.asks, this.status] = d.children;
    this.head.textContent = name;
    this.closed = false;
    d.addEventListener("close", () => { this.closed = true; d.remove(); });
    document.body.append(d);
    d.showModal();
  }

  say(text) { this.status.textContent = text; }

  /** A line: what, and whether it is the same; then and now where not. */
  line(what, same, text) {
    const dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = what;
    dd.textContent = same === null ? text : `${same ? "the same" : "not the same"}${text ? `: ${text}` : ""}`;
    if (same === false) dd.className = "bad";
    this.list.append(dt, dd);
  }

  verdict(text, good) {
    this.say(text);
    this.dialog.dataset.verdict = good ? "same" : "other";
  }

  /** Asks for a file; resolves to it. */
  file(text) {
    return new Promise((ok) => {
      const label = document.createElement("label"), input = document.createElement("input");
      label.textContent = text;
      input.type = "file";
      label.append(" ", input);
      input.addEventListener("change", () => { if (input.files[0]) { label.remove(); ok(input.files[0]); } });
      this.asks.append(label);
      input.focus();
    });
  }

  /** A button; resolves when it is pressed. */
  press(text) {
    return new Promise((ok) => {
      const b = Object.assign(document.createElement("button"), { type: "button", className: "first", textContent: text });
      b.addEventListener("click", () => { b.remove(); ok(); });
      this.asks.append(b);
      b.focus();
    });
  }

  /** Calls f until it gives something, or the dialog is closed. */
  async until(f, what, patience = PATIENCE) {
    for (const end = Date.now() + patience; !this.closed;) {
      const v = await f();
      if (v) return v;
      if (Date.now() > end) throw new Error(`${what} takes too long, or failed; see the news`);
      await pause(POLL);
    }
    throw new Error("it was closed");
  }
}

/** Goes to an address in place, as a link does. */
function go(hash) {
  if (location.hash === hash) page().went(hash);
  else location.hash = hash;
}

async function tensor(r, reports, box) {
  const { input, runs } = r, { file, source } = input;
  box.note.textContent = `Made ${r.made ?? "some time ago"} with Fewbits ${r.engine.version}${r.engine.where === "command" ? ", on a command line" : ""}.`;
  const hash = restored(r);
  if (source.kind === "file" && file) await opened(file, reports, box);
  else if (source.kind === "values" && !source.text) throw new Error("its numbers are not in the report. Open them as a file, and compare the hashes in a new report");
  box.say("Going back to its state …");
  if (!byId("t-dismiss").hidden) byId("t-dismiss").click();
  go(hash);
  const now = await box.until(() => reached(reports, runs[0], input), "Going back");
  if (box.closed) return;
  const same = now.input.sha256 === input.sha256;
  box.line("Input", same, same ? `SHA-256 ${input.sha256.slice(0, 16)}…` : `${input.values === now.input.values ? "other values" : `${now.input.values} values, not ${input.values}`}, SHA-256 ${now.input.sha256.slice(0, 16)}…, then ${input.sha256.slice(0, 16)}…`);
  let bytes = true;
  for (const [i, then] of runs.entries()) {
    const is = now.runs.find((x) => x.format === then.format && (runs.length === 1 || x === now.runs[i]));
    if (!is) { box.line(then.format, null, then.options && i ? "not compared: it is not shown" : "not shown"); continue; }
    const equal = is.sha256 === then.sha256;
    bytes &&= equal;
    box.line(`${then.format}, bytes`, equal, equal ? `${is.bytes.toLocaleString("en-US")} of them, SHA-256 ${is.sha256.slice(0, 16)}…` : `${is.bytes} bytes, then ${then.bytes}`);
    if (then.importance && is.importance?.sha256 !== then.importance.sha256) box.line("Importance", false, is.importance ? "other weights" : `none; ${then.importance.file ?? "every column alike"} then`);
  }
  box.verdict(!same ? "The input is not the same as that of the report." : bytes ? "The input is the same, and so is every byte that came out." : "The input is the same, but the bytes that came out are not.", same && bytes);
}

/** The address of a report; one that the command made has none. */
function restored({ address, input, runs: [a, b] }) {
  const q = new URLSearchParams();
  if (address?.startsWith("#/tensor")) {
    for (const [k, v] of new URLSearchParams(address.split("?")[1] ?? "")) q.set(k, v);
  } else {
    q.set("from", input.source.kind);
    q.set("name", input.name);
    if (input.file) q.set("file", input.file.name);
    for (const [at, run] of [["", a], ["b.", b]]) {
      if (!run) continue;
      q.set(at ? "b" : "format", run.stored ? "stored" : run.format);
      for (const [k, v] of Object.entries(run.options)) q.set(at + k, v);
    }
    if (!b) q.set("b", "");
  }
  if (input.source.kind === "values" && input.source.text) q.set("numbers", input.source.text);
  q.delete("url"); // nothing is asked of a server for a report
  if (!q.size) q.set("format", a.format); // all else is as the page begins
  return `#/tensor?${q}`;
}

/** Waits for the file that a tensor comes from, unless it is open. */
async function opened(file, reports, box) {
  const open = async () => (await reports.side("a").catch(() => null))?.input.file;
  const is = await open();
  if (is?.name === file.name && is.size === file.size) return;
  const given = await box.file(`Open ${file.name} (${file.size.toLocaleString("en-US")} bytes${file.url ? `, from ${file.url}` : ""}), from which it was made:`);
  if (given.size !== file.size) box.line("File", false, `${given.name} has ${given.size.toLocaleString("en-US")} bytes`);
  go("#/tensor");
  page().file(reports.host.keepFile(given), given.name, "tensor", "");
  box.say(`Reading ${given.name} …`);
  await box.until(async () => byId("t-alert").hidden && (await open())?.name === given.name, `Reading ${given.name}`);
}

/** What is shown, once it is of the input's shape and in the run's format. */
async function reached(reports, run, input) {
  const alert = byId("t-alert");
  if (!alert.hidden && alert.textContent) throw new Error(alert.textContent);
  const now = await reports.tensor().catch(() => null), is = now?.runs[0];
  if (!is || is.format !== run.format || String(now.input.shape) !== String(input.shape) || input.source.kind !== now.input.source.kind) return null;
  return Object.entries(run.options).every(([k, v]) => is.options[k] === v) ? now : null;
}

/** What the page says of the model. */
const state = () => JSON.parse(page().report() || "null");

async function model(r, reports, box) {
  const { files: [file], model: m } = r;
  box.note.textContent = `Made ${r.made ?? "some time ago"} with Fewbits ${r.engine.version}.`;
  go("#/model");
  await pause(0);
  const base = file.name.split("/").pop();
  let now = state();
  if (!now || now.name !== base || now.size !== file.size && r.files.length === 1) {
    const given = await box.file(`Open ${base} (${file.size.toLocaleString("en-US")} bytes${file.url ? `, from ${file.url}` : ""}), from which it was made:`);
    page().file(reports.host.keepFile(given), given.name, "model", "");
    now = await box.until(() => { const s = state(); return s?.name === given.name && s; }, `Reading ${given.name}`);
  }
  box.say("Going back to its recipe …");
  await choose(m, box);
  const plan = await box.until(() => { const s = state(); return s && same(s.model, m) && s; }, "The plan", 5000).catch(() => state());
  const odd = m.tensors.filter((t) => plan.model.tensors.find((x) => x.name === t.name)?.to !== t.to);
  box.line("Plan", !odd.length && plan.model.size === m.size, odd.length ? `${odd.length} tensors have another type, ${odd[0].name} first` : `${m.tensors.length} tensors, ${m.size.toLocaleString("en-US")} bytes`);
  if (m.matrix && !plan.model.matrix) box.line("Importance", false, `add ${m.matrix.name} under Importance first`);
  box.say(`Reading ${now.name} to its end for its hash …`);
  const input = await reports.files(plan.ref, plan.name, plan.size, plan.url, () => {});
  const known = file.sha256 && input[0].sha256, equal = known && r.files.every((f, i) => f.sha256 === input[i]?.sha256);
  box.line("Input", known ? equal : null, known ? (equal ? `SHA-256 ${file.sha256.slice(0, 16)}…` : `SHA-256 ${input[0].sha256.slice(0, 16)}…, then ${file.sha256.slice(0, 16)}…`) : "not compared: it was not read to its end");
  if (known && !equal) return box.verdict("The input is not the same as that of the report.", false);
  if (!m.made?.sha256) return box.verdict("The state is as it was. The report has no file that was made, to compare with.", !odd.length);
  box.say("The state is as it was. Quantize, to compare what comes out.");
  await box.press("Quantize and compare");
  byId("m-quantize").click();
  box.say("Quantizing …");
  const made = await wait(box);
  const [out] = await reports.hash(await reports.host.made(made.kept), made.model.made.name, (t) => box.say(t));
  const whole = out.sha256 === m.made.sha256;
  box.line("File made", whole, whole ? `SHA-256 ${out.sha256.slice(0, 16)}…` : `SHA-256 ${out.sha256.slice(0, 16)}…, then ${m.made.sha256.slice(0, 16)}…`);
  box.verdict(whole ? "The input is the same, and so is every byte of the file that was made." : "The file that was made is not the same as that of the report.", whole);
}

/** Waits for a file to be made, however long that takes. */
async function wait(box) {
  for (;;) {
    const s = state(), alert = byId("m-alert");
    if (s?.kept) return s;
    if (!alert.hidden && alert.textContent) throw new Error(alert.textContent);
    if (box.closed) throw new Error("it was closed");
    await pause(POLL);
  }
}

const same = (a, b) => a.tensors.length === b.tensors.length && a.tensors.every((t, i) => t.to === b.tensors[i].to);

/** Chooses a recipe and the types of single tensors as a person does. */
async function choose(m, box) {
  const select = byId("recipe"), names = [...select.options].map((o) => o.value);
  const name = [m.pure && `${m.recipe.replace(/_M$/, "")}, pure`, m.pure && m.recipe.replace(/_M$/, ""), m.recipe].find((n) => n && names.includes(n));
  if (!name) throw new Error(`the recipe ${m.recipe} is not to be had for this file`);
  select.value = name;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await box.until(() => state(), "The plan");
  const { model } = state();
  for (const t of m.tensors) {
    const i = model.tensors.findIndex((x) => x.name === t.name);
    if (i >= 0 && model.tensors[i].to !== t.to) page().type(model.tensors[i].index, t.to);
  }
}
