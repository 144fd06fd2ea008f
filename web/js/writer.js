// Writes one file of the Origin Private File System: {folder, name, lock, size} opens
// it, {at, bytes} writes, {done} closes it. Each is answered by its id.
let file;

/** What is sent to a closed port is gone at once; a collector would come by much later. */
const { port1: bin, port2 } = new MessageChannel();
port2.close();

addEventListener("message", async ({ data: { id, folder, name, lock, size, at, bytes, done } }) => {
  try {
    if (name) {
      // Held as long as this worker lives: one that is killed says nothing else.
      await new Promise((ok) => { navigator.locks.request(lock, () => { ok(); return new Promise(() => {}); }); });
      const there = await (await navigator.storage.getDirectory()).getDirectoryHandle(folder);
      file = await (await there.getFileHandle(name, { create: true })).createSyncAccessHandle();
      file.truncate(size); // fails now where there is no room
    } else if (done) {
      file.flush();
      file.close();
    } else {
      for (let n = 0, { length } = bytes; n < length;) {
        const wrote = file.write(n ? bytes.subarray(n) : bytes, { at: at + n });
        if (!(wrote > 0)) throw new Error("the disk takes no more");
        n += wrote;
      }
      bin.postMessage(0, [bytes.buffer]);
    }
    postMessage({ id });
  } catch (e) {
    const full = e.name === "QuotaExceededError" ? "the browser's storage is full" : e.message;
    postMessage({ id, error: `the file cannot be written at byte ${at ?? 0}: ${full}` });
  }
});
