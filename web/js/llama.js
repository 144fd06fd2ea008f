// A worker in which llama.cpp itself goes on with a prompt: wllama, which is
// llama.cpp compiled to WebAssembly, behind the calls of a lane, as worker.js
// has them. Its files are this site's own; it is asked for nothing else.

import whole from "fewbits:llama";

/** What is longer is no beginning of a text: as the engine has it. */
const MOST = 16 << 10;

addEventListener("message", ({ data }) => {
  if (data.lock) hold(data.lock).then((held) => postMessage({ ready: true, held }));
  if (data.id) calls[data.op](data).then((json) => postMessage({ id: data.id, json: JSON.stringify(json), arrays: {} }), (e) => postMessage({ id: data.id, error: e.message }));
});

/** As in worker.js: whoever gets the lock next knows that this worker is gone. */
const hold = (name) => new Promise((ok) => {
  (navigator.locks?.request(name, () => { ok(true); return new Promise(() => {}); }) ?? Promise.reject()).catch(() => ok(false));
});

const said = { text: "", tokens: 0, done: false, news: "loading llama.cpp" };
let fault = null, fresh, asked, knows; // fresh: there is something that was not told yet

function tell(some) {
  Object.assign(said, some);
  fresh = true;
  asked?.();
}

const calls = {
  async llama({ args, file }) {
    const { name, prompt, tokens } = JSON.parse(args), bytes = new TextEncoder().encode(prompt).length;
    if (!prompt) throw new Error("there is no prompt to go on with; write the beginning of a text");
    if (bytes > MOST) throw new Error(`the prompt has ${bytes} bytes; up to ${MOST} are read`);
    run(Array.isArray(file) ? file : [{ name, file }], prompt, bytes, tokens).catch((e) => { fault = e; asked?.(); });
    return said;
  },

  /** What was said, once there is more of it than was told. */
  async say() {
    if (!fresh && !fault) {
      knows?.();
      await new Promise((ok) => { asked = ok; });
    }
    if (fault) throw fault;
    fresh = false;
    return said;
  },
};

async function run(files, prompt, bytes, tokens) {
  const { Wllama, url } = await program(), told = [];
  const note = (...lines) => told.push(lines.filter((l) => typeof l === "string").join(" "));
  let crashed;
  const crash = new Promise((ok, no) => { crashed = no; });
  const failed = (...lines) => {
    note(...lines);
    if (lines[0] instanceof Event) crashed(new Error(lines[0].message || "its worker could not be started")); // it says nothing else
  };
  const wllama = new Wllama({ default: url }, { logger: { debug() {}, log() {}, warn: note, error: failed } });
  wllama.setCompat(null); // what stands in for it in other browsers lies elsewhere
  const models = await sources(files);
  try {
    await Promise.race([crash, wllama.loadModel(models, {
      n_ctx: 256 * Math.ceil((bytes + 2 + tokens) / 256), // no token is shorter than a byte
      n_parallel: 1, n_ubatch: 128, warmup: false, n_gpu_layers: 0, log_level: 3,
      n_threads: 1, // more of them wait for each other in a loop, and with a busy machine that is slower
    })]);
    if (!wllama.getLoadedContextInfo().success) throw new Error("the model could not be loaded");
    tell({ news: "reading the prompt" });
    await new Promise((ok) => { knows = ok; }); // the page counts the time from there on
    await Promise.race([crash, wllama.createCompletion({
      prompt, max_tokens: tokens, temperature: 0, stream: true,
      onData({ choices: [c], usage }) {
        if (c?.text) tell({ text: said.text + c.text, tokens: said.tokens + 1, news: "" });
        if (usage) said.tokens = usage.completion_tokens;
      },
    })]);
    tell({ done: true, news: "" });
  } catch (e) {
    throw new Error(because(String(e?.message ?? e), told));
  }
}

/** What a person is told where llama.cpp fails; its own words come before. */
function because(message, told) {
  const said = told.join("\n"), arch = /unknown model architecture: '(.*)'/.exec(said)?.[1];
  if (arch) return `this llama.cpp does not know models of the architecture ${arch}`;
  if (/(failed|unable) to alloc|bad_alloc|enlarge memory|out of memory/i.test(said + message)) return "llama.cpp has no room for it in the memory of a page; a smaller type, or a shorter prompt, takes less";
  return `llama.cpp says: ${/error loading model: (.*)/.exec(said)?.[1] ?? message.split("\n")[0]}`;
}

/** wllama and the address of its program, which is read to its end: it then comes out of the browser's cache. */
async function program() {
  const url = new URL("../wasm/wllama.wasm", import.meta.url);
  try {
    const [module] = await Promise.all([import("../vendor/wllama.js"), read(await fetch(url), whole, "llama.cpp")]);
    return { Wllama: module.Wllama, url: url.href };
  } catch (e) {
    throw new Error(`llama.cpp could not be fetched: ${navigator.onLine ? e.status ?? "the server cannot be reached" : "this device is offline"}. See to the connection and try again, or run it with Fewbits`);
  }
}

/** The bytes of an answer; says how far it is. */
async function read(response, size, what) {
  if (!response.ok) throw Object.assign(new Error(`${what} answers ${response.status}`), { status: `the server answers ${response.status}` });
  const parts = [], reader = response.body.getReader();
  for (let at = 0, last = -1; ;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts);
    parts.push(value);
    at += value.length;
    const percent = Math.floor(100 * at / size);
    if (percent > last) tell({ news: `loading ${what}, ${last = percent} %` });
  }
}

/**
 * The files of a model as wllama reads them: those of this machine from where
 * they lie, a part at a time; of what lies on a server there is a copy.
 */
const sources = (files) => Promise.all(files.filter(({ name }) => files.length === 1 || /\.gguf$/i.test(name)).map(async (f) => {
  if (!f.url) return new Part(f.file, f.name);
  const r = await fetch(f.url, { credentials: "omit", referrerPolicy: "no-referrer" }).catch(() => { throw new Error(`${f.url} does not answer`); });
  const tag = r.headers.get("ETag") || r.headers.get("Last-Modified") || "", blob = await read(r, f.size, f.name);
  if (blob.size !== f.size || f.tag && tag && tag !== f.tag) throw new Error(`${f.url} changed while it was read; open it again`);
  return new Part(blob, f.name);
}));

/** A file that says how much of it was read, in whatever order. */
class Part {
  #blob; #read = 0; #percent = 0;

  constructor(blob, name) {
    this.#blob = blob;
    this.name = name;
    this.size = blob.size;
  }

  #reads(n) {
    const percent = Math.min(99, Math.floor(100 * (this.#read += n) / this.size));
    if (percent > this.#percent) tell({ news: `loading the model, ${this.#percent = percent} %` });
  }

  slice(from, to) {
    const part = this.#blob.slice(from, to);
    this.#reads(part.size);
    return part;
  }

  stream() { return this.#blob.stream().pipeThrough(new TransformStream({ transform: (bytes, out) => { this.#reads(bytes.length); out.enqueue(bytes); } })); }
}
