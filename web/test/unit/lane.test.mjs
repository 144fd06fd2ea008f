import { afterEach, beforeEach, test } from "node:test";
import assert from "node:assert/strict";

/** Every Worker that was started, in order. It does nothing by itself: the test plays its part. */
let workers = [], refuse = null;
globalThis.location = { origin: "https://page.example" };
globalThis.Worker = class {
  constructor(url, options) {
    if (refuse) throw refuse;
    Object.assign(this, { url: String(url), options, sent: [], gone: false });
    workers.push(this);
  }
  postMessage(message, transfer = []) {
    if (message.args === "uncloneable") throw new DOMException("cannot be cloned", "DataCloneError");
    this.sent.push(structuredClone(message, { transfer }));
  }
  terminate() { this.gone = true; }

  says(data) { this.onmessage?.({ data }); }
  up() { this.says({ ready: true }); return this; }
  /** The calls that it was sent, as op:args. */
  get calls() { return this.sent.slice(1).map((m) => (m.args === "{}" ? m.op : `${m.op}:${m.args}`)); }
  get last() { return this.sent.at(-1); }
  answers(json = "1", arrays = {}) { this.says({ id: this.last.id, json, arrays }); }
  fails(error) { this.says({ id: this.last.id, error }); }
  dies(error) { this.says({ died: true, error }); }
  breaks(message) { this.onerror?.({ message, preventDefault() {} }); }
};
const { Died, Lane, Superseded } = await import("../../js/lane.js");

let lane, unhandled;
const onUnhandled = (e) => unhandled.push(e);
beforeEach(() => {
  workers = [];
  unhandled = [];
  refuse = null;
  process.on("unhandledRejection", onUnhandled);
  lane = new Lane("module", "name");
});
afterEach(async () => {
  lane.close();
  await turn();
  process.off("unhandledRejection", onUnhandled);
  assert.deepEqual(unhandled, []);
  assert.ok(workers.every((w) => w.gone), "a worker was left running");
});

const turn = () => new Promise((r) => setTimeout(r));
const now = () => workers.at(-1);

/** A promise whose end can be looked at: "" while it is open. */
function watch(promise) {
  const w = { end: "" };
  w.done = promise.then((r) => { w.end = `ok ${r.json}`; w.value = r; }, (e) => { w.end = `${e.name}: ${e.message}`; w.error = e; });
  return w;
}
const call = (...args) => watch(lane.call(...args));

test("calls run one at a time, in order, once the worker is ready", async () => {
  assert.deepEqual(Object.keys(workers[0].sent[0]), ["module", "lock", "helpers"]);
  assert.deepEqual(workers[0].options, { type: "module", name: "name" });
  const a = call("a"), b = call("b", { x: 1 }), c = call("c", '{"y":2}');
  assert.equal(lane.pending, 3);
  assert.deepEqual(now().calls, []);
  now().up();
  assert.deepEqual(now().calls, ["a"]);
  now().answers('"one"');
  assert.deepEqual(now().calls, ["a", 'b:{"x":1}']);
  now().fails("no such thing");
  now().answers("3");
  await Promise.all([a.done, b.done, c.done]);
  assert.deepEqual([a.end, b.end, c.end], ['ok "one"', "Error: no such thing", "ok 3"]);
  assert.deepEqual(now().calls, ["a", 'b:{"x":1}', 'c:{"y":2}']);
  assert.equal(lane.pending, 0);
  assert.equal(workers.length, 1);
});

test("latest drops what waits with the same op, and nothing else", async () => {
  now().up();
  const running = call("draw", {}, { latest: true });
  const old = call("draw", { n: 1 }, { latest: true }), plain = call("draw", { n: 2 }), other = call("pick", {}, { latest: true });
  const fresh = call("draw", { n: 3 }, { latest: true });
  await old.done;
  assert.ok(old.error instanceof Superseded);
  assert.deepEqual([running.end, plain.end, other.end, fresh.end], ["", "", "", ""]);
  for (let i = 0; i < 4; i++) now().answers();
  await fresh.done;
  assert.deepEqual(now().calls, ["draw", 'draw:{"n":2}', "pick", 'draw:{"n":3}']);
});

test("values are copied when called, and stay the caller's", async () => {
  const values = new Float32Array([0, 1, 2, 3, 4, 5]).subarray(1, 4);
  const c = call("quantize", {}, { values });
  values[0] = 99;
  now().up();
  assert.deepEqual([...now().last.values], [1, 2, 3]);
  assert.equal(now().last.values.buffer.byteLength, 12, "more was sent than was asked for");
  assert.equal(values.length, 3);
  now().answers();
  await c.done;
});

test("aborting what waits leaves the worker alone", async () => {
  const early = new AbortController(), later = new AbortController(), never = AbortSignal.abort(new Error("before"));
  const none = call("none", {}, { signal: never });
  await none.done;
  assert.equal(none.end, "Error: before");
  const starting = call("starting", {}, { signal: early.signal });
  early.abort(new Error("while it starts"));
  await starting.done;
  assert.equal(starting.end, "Error: while it starts");
  now().up();
  const first = call("first"), second = call("second", {}, { signal: later.signal }), third = call("third");
  later.abort();
  now().answers();
  now().answers();
  await Promise.all([first.done, second.done, third.done]);
  assert.equal(second.error.name, "AbortError");
  assert.deepEqual(now().calls, ["first", "third"]);
  assert.equal(workers.length, 1);
});

test("aborting what is done does nothing, and the signal is let go", async () => {
  now().up();
  const controller = new AbortController();
  let bound = 0;
  const add = controller.signal.addEventListener.bind(controller.signal), remove = controller.signal.removeEventListener.bind(controller.signal);
  controller.signal.addEventListener = (...a) => { bound++; add(...a); };
  controller.signal.removeEventListener = (...a) => { bound--; remove(...a); };
  const one = call("one", {}, { signal: controller.signal });
  now().answers();
  await one.done;
  await turn();
  assert.equal(bound, 0);
  controller.abort();
  assert.equal(one.end, "ok 1");
  assert.equal(workers.length, 1);
});

test("aborting what runs starts a fresh worker, told again what it must know, before the next call", async () => {
  now().up();
  lane.remember("open", { name: "f" }, { file: "file" });
  lane.remember("load", { index: 3 });
  lane.remember("open", { name: "f" }, { file: "file" });
  lane.remember("load", { index: 4 }, { values: new Float32Array([7]) });
  const controller = new AbortController();
  const running = call("long", {}, { signal: controller.signal }), next = call("next");
  const old = now(), { id } = old.last;
  controller.abort();
  await running.done;
  assert.equal(running.error.name, "AbortError");
  assert.equal(workers.length, 2);
  assert.ok(old.gone);
  old.says({ id, json: '"stale"', arrays: {} });
  old.says({ ready: true });
  old.dies("stale");
  assert.equal(workers.length, 2);
  assert.deepEqual(now().calls, []);
  now().up();
  assert.deepEqual(now().calls, ['open:{"name":"f"}']);
  assert.equal(now().last.file, "file");
  now().answers();
  assert.deepEqual(now().calls.slice(1), ['load:{"index":4}']);
  assert.deepEqual([...now().last.values], [7]);
  assert.equal(lane.pending, 1);
  now().answers();
  now().answers('"next"');
  await next.done;
  assert.equal(next.end, 'ok "next"');
  // And once more: what was told again is not used up.
  lane.forget("load");
  call("long");
  lane.cancel();
  now().up().answers();
  assert.deepEqual(now().calls, ['open:{"name":"f"}']);
  await turn();
});

test("what was loaded from an earlier file is told with that file", async () => {
  now().up();
  lane.remember("open", { f: 1 });
  lane.remember("load", { index: 3 });
  lane.remember("open", { f: 2 }); // and no tensor of it yet
  now().dies("x");
  now().up();
  const c = call("analyze");
  for (let i = 0; i < 4; i++) now().answers();
  await c.done;
  assert.deepEqual(now().calls, ['open:{"f":1}', 'load:{"index":3}', 'open:{"f":2}', "analyze"]);
  lane.remember("load", { index: 0 });
  now().dies("x");
  now().up();
  const d = call("analyze");
  for (let i = 0; i < 3; i++) now().answers();
  await d.done;
  assert.deepEqual(now().calls, ['open:{"f":2}', 'load:{"index":0}', "analyze"]);
});

test("cancel stops the call under way, whichever that is", async () => {
  lane.cancel();
  const starting = call("starting");
  lane.cancel();
  await starting.done;
  assert.equal(starting.error.name, "AbortError");
  assert.equal(workers.length, 1);
  now().up();
  lane.remember("open");
  const running = call("running"), waiting = call("waiting");
  lane.cancel();
  await running.done;
  assert.equal(running.error.name, "AbortError");
  now().up(); // it is told again what it knew
  lane.cancel();
  await waiting.done;
  assert.equal(waiting.error.name, "AbortError");
  assert.equal(workers.length, 2, "telling again was stopped");
  now().answers();
  const last = call("last");
  now().answers();
  await last.done;
  assert.equal(last.end, "ok 1");
});

for (const [how, die] of [["says so", (w) => w.dies("out of memory")], ["breaks", (w) => w.breaks("out of memory")], ["cannot be read", (w) => w.onmessageerror({})]]) {
  test(`a worker that dies fails its call and is started again: ${how}`, async () => {
    now().up();
    lane.remember("open");
    for (let n = 1; n <= 6; n++) {
      const busy = call("big"), next = call("small");
      die(now());
      await busy.done;
      assert.match(busy.end, /the worker stopped while it was busy with "big" \((out of memory|its answer cannot be read)\); it was started again/);
      assert.equal(workers.length, n + 1);
      assert.ok(workers[n - 1].gone);
      now().up().answers();
      now().answers('"fine"');
      await next.done;
      assert.equal(next.end, 'ok "fine"');
      assert.deepEqual(now().calls, ["open", "small"]);
    }
  });
}

test("a worker that dies while it is told again drops that, and says so once", async () => {
  now().up();
  lane.remember("open");
  lane.remember("load");
  const busy = call("big");
  now().dies("out of memory");
  await busy.done;
  const first = call("first"), second = call("second");
  now().up().answers();
  assert.equal(now().last.op, "load");
  now().dies("out of memory again");
  now().up();
  assert.deepEqual(now().calls, ["open"]);
  now().answers();
  await first.done;
  assert.match(first.end, /the worker was started again, and then "load" failed: .*out of memory again/);
  now().answers();
  await second.done;
  assert.equal(second.end, "ok 1");
});

test("what cannot be told again takes with it what builds on it", async () => {
  now().up();
  lane.remember("open");
  lane.remember("load");
  now().dies("x");
  now().up();
  const first = call("first"), second = call("second");
  now().fails("the file is gone");
  await first.done;
  assert.match(first.end, /"open" failed: the file is gone/);
  assert.deepEqual(now().calls, ["open", "second"]);
  now().answers();
  await second.done;
  lane.remember("load");
  now().dies("x");
  now().up();
  assert.deepEqual(now().calls, ["load"]);
  now().answers();
});

test("a worker that never comes up is not started for ever", async () => {
  const waiting = [call("a"), call("b")];
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(waiting.map((w) => w.end), ["", ""]);
    assert.equal(workers.length, i + 1);
    now().breaks("");
  }
  assert.equal(workers.length, 4);
  now().breaks("");
  await Promise.all(waiting.map((w) => w.done));
  const later = call("c");
  await later.done;
  for (const w of [...waiting, later]) assert.equal(w.end, "Died: the worker cannot run here: it could not be started");
  assert.equal(workers.length, 4);
});

test("a worker that ends by itself is not started for ever, unless it has answered since", async () => {
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 3; i++) now().up().dies("bored");
    const c = call("c");
    now().up().answers();
    await c.done;
    assert.equal(c.end, "ok 1");
  }
  for (let i = 0; i < 4; i++) now().up().dies("bored");
  const c = call("c");
  await c.done;
  assert.equal(c.end, "Died: the worker cannot run here: bored");
});

test("where no worker may be started, calls say why", async () => {
  refuse = new DOMException("forbidden by policy", "SecurityError");
  const other = new Lane("module", "other");
  await assert.rejects(other.call("a"), /the worker cannot run here: forbidden by policy/);
  const busy = call("busy");
  now().up();
  now().dies("x");
  await busy.done;
  assert.match(busy.end, /the worker cannot run here: forbidden by policy/);
  await assert.rejects(lane.call("a"), /forbidden by policy/);
});

test("what cannot be sent fails, and the next call runs", async () => {
  now().up();
  const bad = call("bad", "uncloneable"), good = call("good");
  await bad.done;
  assert.match(bad.end, /DataCloneError/);
  now().answers();
  await good.done;
  assert.equal(good.end, "ok 1");
  await assert.rejects(lane.call("bad", { n: 1n }), TypeError);
});

test("a worker that goes without a word is noticed by its lock", async () => {
  const asked = [];
  const given = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { configurable: true, value: { locks: { request: (name, f) => new Promise((ok) => asked.push({ name, free: () => ok(f()) })) } } });
  try {
    now().says({ ready: true, held: true });
    assert.deepEqual(asked.map((a) => a.name), [workers[0].sent[0].lock]);
    const busy = call("big"), next = call("small");
    asked[0].free();
    await busy.done;
    assert.ok(busy.error instanceof Died);
    assert.match(busy.end, /the worker stopped while it was busy with "big" \(it was closed\)/);
    assert.equal(workers.length, 2);
    assert.notEqual(workers[1].sent[0].lock, workers[0].sent[0].lock);
    now().says({ ready: true, held: true });
    lane.cancel(); // the lock of a worker that was stopped is free as well, and that is no news
    await next.done;
    now().up();
    asked[1].free();
    const last = call("last");
    await turn();
    assert.equal(workers.length, 3);
    now().answers();
    await last.done;
    assert.equal(last.end, "ok 1");
  } finally {
    Object.defineProperty(globalThis, "navigator", given ?? { configurable: true, value: undefined });
  }
});

test("a lane takes over what another one knows", async () => {
  now().up();
  lane.remember("open", { f: 1 }, { file: "file" });
  lane.remember("imatrix", { m: 1 });
  const other = new Lane("module", "other");
  other.learn(lane);
  lane.remember("open", { f: 2 });
  const c = watch(other.call("make"));
  now().up();
  for (let i = 0; i < 3; i++) now().answers();
  await c.done;
  assert.deepEqual(now().calls, ['open:{"f":1}', 'imatrix:{"m":1}', "make"]);
  assert.equal(workers[1].sent[1].file, "file");
  const d = watch(other.call("make"));
  now().answers();
  await d.done;
  assert.equal(now().last.op, "make", "it is told once");
  other.close();
});

test("close fails what runs and what waits, and what comes after", async () => {
  now().up();
  lane.remember("open");
  const calls = [call("running"), call("waiting"), call("waiting too")];
  lane.close();
  lane.close();
  await Promise.all(calls.map((c) => c.done));
  const after = call("after");
  await after.done;
  for (const c of [...calls, after]) assert.equal(c.end, "Error: the engine is closed");
  lane.cancel();
  now().dies("late");
  now().says({ ready: true });
  assert.equal(workers.length, 1);
  assert.equal(lane.pending, 0);
});

test("closing while the worker starts", async () => {
  const c = call("c");
  lane.close();
  now().up();
  await c.done;
  assert.equal(c.end, "Error: the engine is closed");
  assert.deepEqual(now().calls, []);
});

test("mates take what waits for one another", async () => {
  const mates = [];
  lane.close();
  lane = new Lane("module", "one", mates);
  const one = now(), other = new Lane("module", "two", mates), two = now();
  const controller = new AbortController();
  const calls = ["slow", "a", "b"].map((op) => call(op)), aborted = call("c", {}, { signal: controller.signal }), taken = call("d", {}, { signal: controller.signal });
  one.up();
  two.up();
  assert.deepEqual([one.calls, two.calls], [["slow"], ["a"]]);
  two.answers('"two"');
  two.answers('"two"');
  assert.deepEqual(two.calls, ["a", "b", "c"]);
  controller.abort(new Error("enough")); // one runs at the mate, one waits here
  await Promise.all([aborted.done, taken.done]);
  assert.deepEqual([aborted.end, taken.end], ["Error: enough", "Error: enough"]);
  assert.ok(two.gone && !one.gone);
  one.answers('"one"');
  await Promise.all(calls.map((c) => c.done));
  assert.deepEqual(calls.map((c) => c.end), ['ok "one"', 'ok "two"', 'ok "two"']);
  other.close();
});

test("a script of another origin comes through a blob", () => {
  assert.match(workers[0].url, /^blob:/);
});

test("drop gives way to a newer call of its op while it runs, and the newer one does not wait for the page", async () => {
  now().up();
  const stale = call("draw", { n: 1 }, { latest: true, drop: true });
  const { id } = now().last;
  const fresh = call("draw", { n: 2 }, { latest: true });
  assert.deepEqual(now().calls, ['draw:{"n":1}', 'draw:{"n":2}']);
  assert.equal(now().last.stop, id);
  now().says({ id, stopped: true });
  await stale.done;
  assert.match(stale.end, /^Superseded/);
  assert.equal(fresh.end, "");
  now().answers("2");
  await fresh.done;
  assert.equal(fresh.end, "ok 2");
});

test("a call that overtook another is told again to a worker that takes the place of a dead one", async () => {
  now().up();
  const stale = call("draw", { n: 1 }, { latest: true, drop: true }), fresh = call("draw", { n: 2 }, { latest: true });
  now().dies("out of memory");
  await stale.done;
  assert.match(stale.end, /^Died/);
  now().up();
  assert.deepEqual(now().calls, ['draw:{"n":2}']);
  now().answers("2");
  await fresh.done;
  assert.equal(fresh.end, "ok 2");
});
