// Reports of runs: made of what a view shows, saved as JSON or as a page, and
// opened again. What they hold is described in quant/report.

import { byId } from "./rooms.js";
import { readable } from "./report-page.js";
import { reopen } from "./report-open.js";

/**
 * @typedef {object} Host
 * @property {Promise<import("./fewbits.js").Fewbits>} engine
 * @property {() => Promise<WebAssembly.Module>} program  the whole one, which hashes
 * @property {Promise<object>} plots  of Tensor
 * @property {(blob: Blob, name: string) => void} offer
 * @property {(file: Blob|object[]) => number} keepFile
 * @property {(ref: number) => Blob|object[]} file
 * @property {(id: number) => Promise<Blob>} made
 * @property {() => string} address  what follows the page's own
 */

const BUILD = /\/a\/([0-9a-f]+)\//.exec(import.meta.url)?.[1];

/** What makes and opens reports. */
export class Reports {
  /** @param {Host} host */
  constructor(host) { this.host = host; }

  /** Makes a report of the view that is open, "page" or "json", and offers it. */
  async make(as) {
    const model = document.documentElement.dataset.route === "model";
    const wait = busy("Report", "Making the report …");
    wait.signal.addEventListener("abort", () => this.host.engine.then((fb) => fb.end("report")));
    try {
      const r = model ? await this.model((say) => { wait.say(say); }) : await this.tensor();
      if (wait.signal.aborted) return;
      const name = `${stem(model ? r.files[0].name : `${r.input.name}-${r.runs[0].format}`)}-report`;
      if (as === "json") return this.host.offer(new Blob([JSON.stringify(r, null, 1) + "\n"], { type: "application/json" }), `${name}.json`);
      const html = readable(r, model ? [] : await (await this.host.plots).pictures(["hist", "stair", "err", "scale", "zero"]));
      this.host.offer(new Blob([html], { type: "text/html" }), `${name}.html`);
    } catch (e) {
      if (!wait.signal.aborted) globalThis.fewbitsPage.unfound(`The report cannot be made: ${e.message}`, model ? "model" : "tensor");
    } finally {
      wait.close();
    }
  }

  /** Opens a report, of either form. */
  async open(file) {
    try {
      let text = await file.text();
      const html = /<pre id="report">([^]*?)<\/pre>/.exec(text);
      if (html) text = html[1].replace(/&(lt|gt|quot|amp);/g, (_, name) => ({ lt: "<", gt: ">", quot: '"', amp: "&" })[name]);
      const r = JSON.parse(text);
      if (r.report !== "fewbits" || !(r.version >= 1)) throw new Error("it is JSON, but no report");
      if (r.version > 1) throw new Error(`it is of version ${r.version}, and this page reads version 1; reload the page to get a newer one`);
      if (!(r.what === "tensor" ? r.input && r.runs?.length : r.what === "model" && r.model && r.files?.length)) throw new Error("it says neither what became of a tensor nor of a model");
      reopen(r, this);
    } catch (e) {
      globalThis.fewbitsPage.unfound(`${file.name} is no report that can be opened: ${e.message}`, document.documentElement.dataset.route);
    }
  }

  /** The report of what Tensor shows: side A, and B where there is one. */
  async tensor() {
    const a = await this.side("a"), b = byId("side-b").value ? await this.side("b").catch(() => null) : null;
    if (b && b.input.sha256 === a.input.sha256) a.runs.push(b.runs[0]);
    const url = /[?&]url=([^&]*)/.exec(this.host.address())?.[1];
    if (url && a.input.file) a.input.file.url = decodeURIComponent(url.replaceAll("+", " "));
    return stamped({ ...a, address: this.host.address(), command: a.runs[0].command });
  }

  /** What the worker of one side knows of its run. */
  async side(name) {
    const lane = (await this.host.engine).lane(name);
    lane.use(await this.host.program());
    return JSON.parse((await lane.call("report")).json);
  }

  /** The report of what Model shows; say is told what is read. */
  async model(say = () => {}) {
    const text = globalThis.fewbitsPage.report();
    if (!text) throw new Error("there is no plan for a model yet: open one");
    const { name, size, url, ref, kept, choice, command, matrix, model } = JSON.parse(text);
    for (const t of model.tensors) delete t.index;
    const files = await this.files(ref, name, size, url, say);
    if (matrix) [model.matrix] = await this.hash(this.host.file(matrix), model.matrix.name, say);
    if (kept) {
      const made = await this.host.made(kept);
      if (made) [model.made] = await this.hash(made, model.made.name, say);
    }
    const { engine } = JSON.parse((await this.hashed({}, null)).json);
    return stamped({ report: "fewbits", version: 1, what: "model", engine, files, model: { ...model, choice }, address: this.host.address(), command });
  }

  /** The files of a model with their hashes; what lies on a server is not read for that. */
  async files(ref, name, size, url, say) {
    const file = this.host.file(ref);
    if (Array.isArray(file) && file.some((f) => f.url)) return file.map((f) => ({ name: f.name, size: f.size, url: f.url }));
    return url ? [{ name, size, url }] : this.hash(file, name, say);
  }

  async hash(file, name, say) {
    say(`Reading ${name} to its end for its hash …`);
    return JSON.parse((await this.hashed({ name }, file)).json).files;
  }

  async hashed(args, file) {
    const fb = await this.host.engine, lane = fb.lane("report");
    lane.use(await this.host.program());
    try { return await lane.call("report-open", args, { file }); } finally { fb.end("report"); }
  }
}

function stamped(r) {
  r.made = new Date().toISOString().replace(/\.\d+Z/, "Z");
  if (BUILD) r.engine.build = BUILD;
  return r;
}

/** A name that every system takes. */
const stem = (s) => s.replace(/\.\w{1,11}$/, "").replace(/[^\w.-]+/g, "_") || "run";

/** A dialog that says what is done, after a moment, and can be cancelled. */
export function busy(title, text) {
  const d = document.createElement("dialog"), off = new AbortController();
  d.setAttribute("aria-label", title);
  d.innerHTML = "<h2></h2><p role=status></p><form method=dialog class=acts><button>Cancel</button></form>";
  d.firstChild.textContent = title;
  const p = d.children[1];
  p.textContent = text;
  d.addEventListener("close", () => { off.abort(); d.remove(); });
  const soon = setTimeout(() => { document.body.append(d); d.showModal(); }, 400);
  return { signal: off.signal, say: (t) => { p.textContent = t; }, close: () => { clearTimeout(soon); if (d.open) d.close(); } };
}
