// Where a file goes that is made in parts: the browser's own storage, a file
// that the person picked, or memory. What is written never passes the page's Go.

/**
 * @typedef {object} Store
 * @property {"opfs"|"file"|"memory"} kept
 * @property {(at: number, bytes: Uint8Array) => Promise<void>} write  the bytes are given away; parts come in any order
 * @property {() => Promise<Blob>} finish  what was written; it stays until discard
 * @property {(leaving?: boolean) => void} discard  forgets it; what a person picked stays once it is finished
 */

const FOLDER = "fewbits";
const lockOf = (name) => `fewbits-store-${name}`;

/** What there is room for: see Room in wasm/app/page. */
export async function room() {
  const picker = !!globalThis.showSaveFilePicker;
  try {
    await navigator.storage.getDirectory();
    const { quota, usage } = await navigator.storage.estimate();
    return { free: quota > 0 ? Math.max(0, quota - usage) : -1, picker };
  } catch {
    return { free: 0, picker };
  }
}

/**
 * Opens a store for a file of so many bytes.
 * @param {AbortSignal} signal  it is not wanted any more
 * @returns {Promise<Store|null>} null where the person picked nothing, or it is not wanted
 */
export async function open(name, size, straight, signal) {
  const store = straight ? await picked(name, size) : await opfs(size, signal) ?? memory();
  if (signal.aborted) store?.discard();
  if (!store || signal.aborted) return null;
  let file;
  return { ...store, finish: () => (file ??= store.finish()) };
}

/** Removes what tabs left that are gone; of those that live a lock says so. */
export async function sweep() {
  try {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER);
    for await (const name of folder.keys()) {
      await navigator.locks.request(lockOf(name), { ifAvailable: true }, (lock) => lock && folder.removeEntry(name));
    }
  } catch { /* there is none, or it may not be looked at */ }
}

/**
 * The Origin Private File System, through a worker: only there a file can be
 * written in place. Null where there is none, or no room in it.
 */
async function opfs(size, signal) {
  await sweep();
  const name = `${Date.now()}-${Math.random()}`.replace("0.", "");
  let folder, letGo;
  try {
    folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
    await new Promise((ok, fail) => {
      navigator.locks.request(lockOf(name), () => { ok(); return new Promise((r) => { letGo = r; }); }).catch(fail);
    });
  } catch {
    return null;
  }
  const writer = new Worker(new URL("./writer.js", import.meta.url), { type: "module", name: "writer" });
  const asked = new Map(); // id → what waits for the answer
  let id = 0, gone = null;
  const fail = (why) => {
    gone ??= new Error(why);
    for (const { no } of asked.values()) no(gone);
    asked.clear();
  };
  writer.onerror = (e) => { e.preventDefault(); fail(`the file cannot be written: ${e.message || "its writer could not be started"}`); };
  writer.onmessage = ({ data }) => {
    const { ok, no } = asked.get(data.id) ?? {};
    asked.delete(data.id);
    if (data.error === undefined) ok?.();
    else no?.(new Error(data.error));
  };
  const ask = (message, transfer = []) => new Promise((ok, no) => {
    if (gone) return no(gone);
    asked.set(++id, { ok, no });
    writer.postMessage({ id, ...message }, transfer);
  });
  const discard = async () => {
    fail("the file was dropped");
    writer.terminate();
    for (let i = 0; i < 50; i++) { // the writer's handle keeps it for a moment
      try {
        await folder.removeEntry(name);
        break;
      } catch (e) {
        if (e.name === "NotFoundError") break;
        await new Promise((r) => setTimeout(r, 20));
      }
    }
    letGo();
  };
  signal.addEventListener("abort", discard);
  try {
    if (signal.aborted) throw signal.reason;
    const lock = `${lockOf(name)}-writer`;
    await ask({ folder: FOLDER, name, lock, size });
    navigator.locks.request(lock, () => fail("the file cannot be written: its writer was stopped"));
  } catch {
    discard();
    return null;
  }
  return {
    kept: "opfs",
    write: (at, bytes) => ask({ at, bytes }, [bytes.buffer]),
    async finish() {
      await ask({ done: true });
      writer.terminate();
      return (await folder.getFileHandle(name)).getFile();
    },
    discard,
  };
}

/** A file where the person wants it; what was there stays as it was until all is written. */
async function picked(name, size) {
  let handle;
  try {
    handle = await globalThis.showSaveFilePicker({ suggestedName: name });
  } catch (e) {
    if (e.name === "AbortError") return null;
    throw e;
  }
  const fresh = (await handle.getFile()).size === 0;
  let out;
  const discard = async () => {
    const w = out;
    out = null;
    await w?.abort(new Error("the file was dropped"));
    if (fresh) await handle.remove?.();
  };
  try {
    out = await handle.createWritable();
    await out.truncate(size);
  } catch (e) {
    discard().catch(() => {});
    throw e;
  }
  return {
    kept: "file",
    write: (position, data) => out.write({ type: "write", position, data }),
    async finish() {
      const w = out;
      out = null;
      await w.close();
      return handle.getFile();
    },
    discard() { if (out) discard().catch(() => {}); },
  };
}

/** Memory, or what the browser makes of it: it may put large parts on disk. */
function memory() {
  let parts = [];
  return {
    kept: "memory",
    async write(at, bytes) { parts.push([at, new Blob([bytes])]); },
    async finish() { return new Blob(parts.sort((a, b) => a[0] - b[0]).map((p) => p[1])); },
    discard() { parts = []; },
  };
}
