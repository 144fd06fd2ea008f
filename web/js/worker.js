import "../wasm/wasm_exec.js";

// The first message brings the compiled engine; each one after it is a call.
// What is sent back is transferred, not copied.
addEventListener("message", ({ data }) => { if (data.module) start(data.module); else answer(data); });
addEventListener("messageerror", () => died("what was sent to it cannot be read"));

async function start(module) {
  try {
    const go = new Go();
    globalThis.fewbitsReady = () => postMessage({ ready: true });
    const instance = await WebAssembly.instantiate(module, go.importObject);
    await go.run(instance); // ends only when Go has: out of memory, a fatal error
    died(reason());
  } catch (e) {
    died(e.message);
  }
}

function answer({ id, op, args, file, values }) {
  const emit = ({ json, arrays }) => reply({ id, event: true, json, arrays });
  let a;
  try {
    a = globalThis.fewbitsEngine(op, args, file, values, emit);
  } catch (e) {
    return died(e.message); // a trap: nothing in the engine's memory can be relied on
  }
  if (!a) died(reason());
  else if (a.error !== undefined) postMessage({ id, error: a.error });
  else reply({ id, json: a.json, arrays: a.arrays });
}

function reply(message) {
  postMessage(message, [...new Set(Object.values(message.arrays).map((a) => a.buffer))]);
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
