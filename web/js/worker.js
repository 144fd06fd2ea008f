import "../wasm/wasm_exec.js";

// The first message brings the compiled engine; each one after it is a call.
// What is sent back is transferred, not copied.
addEventListener("message", ({ data }) => {
  if (data.module) return start(data);
  if (data.stop) {
    stop = data.stop;
    told?.();
  }
  if (data.id) before = before.then(() => answer(data));
});
addEventListener("messageerror", () => died("what was sent to it cannot be read"));

async function start({ module, lock, helpers = 0 }) {
  try {
    if (helpers) globalThis.fewbitsHelpers = crew(module, helpers);
    const go = new Go(), held = hold(lock);
    globalThis.fewbitsReady = async () => postMessage({ ready: true, held: await held });
    const instance = await WebAssembly.instantiate(module, go.importObject);
    memory = instance.exports.mem;
    await go.run(instance); // ends only when Go has: out of memory, a fatal error
    died(reason());
  } catch (e) {
    died(e.message);
  }
}

/** Holds a lock for good; false where there are none. Whoever gets it next knows that this worker is gone. */
const hold = (name) => new Promise((ok) => {
  (navigator.locks?.request(name, () => { ok(true); return new Promise(() => {}); }) ?? Promise.reject()).catch(() => ok(false));
});

const reader = new FileReaderSync();
const { port1: bin, port2 } = new MessageChannel();
port2.close();
let memory;

/** Lets go of an array that nobody will look at: what is sent to a closed port is gone at once, a collector would come by 100 MB later. */
globalThis.fewbitsFree = (buffer) => bin.postMessage(0, [buffer]);

/** Reads bytes [from, to) of a file to a place in the engine's memory, and says how many there were. */
globalThis.fewbitsRead = (file, from, to, at) => {
  source = file;
  const there = held?.file === file && held.from <= from && to - held.from <= held.bytes.length;
  const bytes = there ? held.bytes.subarray(from - held.from, to - held.from) : new Uint8Array(reader.readAsArrayBuffer(file.slice(from, to)));
  const { length } = bytes;
  new Uint8Array(memory.buffer, at, length).set(bytes);
  if (!there) fewbitsFree(bytes.buffer);
  return length;
};

// A file is slow to answer: what the next call will read is asked for before
// this one is at work, and is there when it is done.
let source, held, ahead; // the file that was read last; {file, from, bytes} of it; a promise of that

/** Never fails: what is not there is read when it is needed, and that says why not. */
const readAhead = (file, [from, to]) => file.slice(from, to).arrayBuffer().then((b) => ({ file, from, bytes: new Uint8Array(b) }), () => null);

// Long work comes in slices. Between two of them what was sent meanwhile is heard.
const { port1: turn, port2: turned } = new MessageChannel();
const heard = () => new Promise((ok) => { turned.onmessage = ok; turn.postMessage(0); });
let stop = 0; // nobody waits any more for the calls up to this one
let before = Promise.resolve(); // the call before is answered

/** next: the bytes that the call after this one will read. */
async function answer({ id, op, args, file, values, next }) {
  let a;
  try {
    held = await ahead;
    ahead = next && source && readAhead(source, next);
    a = globalThis.fewbitsEngine(op, args, file, values);
    while (a?.more && id > stop) {
      await (a.wait ? news() : heard());
      if (id > stop) a = globalThis.fewbitsMore();
    }
  } catch (e) {
    return died(e.message); // a trap: nothing in the engine's memory can be relied on
  }
  if (held) fewbitsFree(held.bytes.buffer);
  held = null;
  if (a?.more) globalThis.fewbitsHelpers?.drop();
  if (!a) died(reason());
  else if (a.more) postMessage({ id, stopped: true });
  else if (a.error !== undefined) postMessage({ id, error: a.error });
  else postMessage({ id, json: a.json, arrays: a.arrays }, [...new Set(Object.values(a.arrays).map((x) => x.buffer))]);
}

// What takes long is shared with other workers, which begin when they are first
// needed. They have this script too, and end with this worker.
let told; // goes on with what waits for them
const news = () => new Promise((ok) => { told = ok; });

function crew(module, most) {
  const list = [], up = [], asked = new Map(); // id of a call to helpers → id that the helper knows it by
  let count = 0;
  const lost = () => {
    if (!list.length) return;
    for (const w of list) w.terminate();
    list.length = up.length = all.most = 0;
    asked.clear();
    globalThis.fewbitsLost();
    told?.();
  };
  const begin = () => {
    const lock = `fewbits-helper-${Math.random()}`;
    let w;
    try {
      w = new Worker(script(), { type: "module", name: `${self.name}, helper ${list.length + 1}` });
    } catch {
      return lost(), all.most = 0;
    }
    list.push(w);
    w.onerror = (e) => { e.preventDefault(); lost(); };
    w.onmessageerror = lost;
    w.onmessage = ({ data: { ready, held, died, id, json, arrays, error } }) => {
      if (died) return lost();
      if (ready) {
        if (held) navigator.locks.request(lock, lost);
        return void up.push(w);
      }
      if (!asked.has(id)) return;
      const of = asked.get(id);
      asked.delete(id);
      globalThis.fewbitsTake(of, json ?? "", arrays, error);
      told?.();
    };
    w.postMessage({ module, lock });
  };
  const all = {
    most,
    ready() {
      while (list.length < all.most) begin();
      return up.length;
    },
    call(k, of, op, args, values) {
      asked.set(++count, of);
      up[k].postMessage({ id: count, op, args, values }, values ? [values.buffer] : []);
    },
    drop() {
      if (asked.size) for (const w of up) w.postMessage({ stop: count });
      asked.clear();
    },
  };
  return all;
}

/** This script, for a worker of this one, as near() of begin.js: a worker loads a single script. */
function script() {
  const url = new URL(import.meta.url);
  return url.origin === location.origin ? url : URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
}

/** This worker is of no more use. */
function died(why) { postMessage({ died: true, error: why }); }

// Go says why it ends on its standard error, in pieces.
let said = "";
const write = fs.writeSync, decoder = new TextDecoder();
fs.writeSync = function (fd, bytes) {
  if (said.length < 4096) said += decoder.decode(bytes, { stream: true });
  return write.call(fs, fd, bytes);
};
const reason = () => /^(?:fatal error|panic): (.*)/m.exec(said)?.[1] || "the engine has ended";
