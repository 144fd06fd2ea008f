import { worker as begin } from "./parts.js";

/** A waiting call that a newer one of its kind made needless. */
export class Superseded extends Error { name = "Superseded"; }

/** A call whose worker died in it; another worker took its place. */
export class Died extends Error { name = "Died"; }

/** How many workers may share a task, as far as the machine goes. */
export const workers = () => Math.min(6, globalThis.navigator?.hardwareConcurrency || 2);

/** How many workers a worker may have do some of its work: each has the program and what it is to work on in its memory. */
const HELPERS = 3;

/** So many times a worker may die in a row without anything to do. */
const MAX_DEATHS = 3;

/**
 * One worker and what waits for it: one call runs, the others queue, in order.
 *
 * A worker that dies, or whose call is aborted, is started again and told again
 * what it must know (see remember) before its next call. The call that it died
 * in fails with an error that says so.
 */
export class Lane {
  #module; #name; #mates;
  #worker = null;
  #up = false;      // the worker takes calls
  #running = null;  // the call that the worker has
  #next = null;     // the one that it has beside, in whose favour it drops that
  #waiting = [];
  #untold = [];     // what the worker is yet to be told again
  #known = new Map(); // op → what is to be told again, in the order of first mention
  #lost = null;     // why something could not be told again
  #ended = null;    // why there is no worker any more
  #deaths = 0;
  #count = 0;

  /** mates: lanes whose calls any of them may take; the lane joins them. */
  constructor(module, name, mates = []) {
    this.#module = module;
    this.#name = name;
    this.#mates = mates;
    mates.push(this);
    this.#start();
  }

  get module() { return this.#module; }

  /** Runs another program from now on; a call under way begins again in it. */
  use(module) {
    if (module === this.#module || this.#ended) return;
    this.#module = module;
    const job = this.#running;
    this.#restart();
    if (job && !job.again) this.#waiting.unshift(job);
  }

  /** How many calls run or wait. */
  get pending() { return this.#waiting.length + (this.#next ? 1 : 0) + (this.#running && !this.#running.again ? 1 : 0); }

  /**
   * Sends a call. Values are copied now: what becomes of them later is no matter.
   * One with `latest` drops those of the same op that have it and still wait; one
   * with `drop` is dropped so even while it runs, and where a tensor is loaded.
   * @param {string} op
   * @param {object|string} [args]  an object, or its JSON
   * @param {{file?: Blob, values?: Float32Array, latest?: boolean, drop?: boolean, signal?: AbortSignal, reads?: number[]}} [with_]
   *   reads: from and to of the bytes of its file that it will read, for a worker that has time before
   * @returns {Promise<{json: string, arrays: Object<string, Float32Array|Uint8Array>}>}
   */
  call(op, args = {}, { file = null, values = null, latest = false, drop = false, signal, reads } = {}) {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#ended) return Promise.reject(this.#ended);
    let abort;
    return new Promise((resolve, reject) => {
      const job = { lane: this, id: ++this.#count, op, args: text(args), file, values: values && values.slice(), latest, drop, reads, resolve, reject };
      abort = () => job.lane.#abort(job, signal.reason);
      signal?.addEventListener("abort", abort);
      if (latest) this.#supersede(op);
      this.#waiting.push(job);
      if (latest || op === "load") this.#overtake(job);
      this.#pump();
    }).finally(() => signal?.removeEventListener("abort", abort));
  }

  /**
   * Keeps a call that succeeded, to be told again to a fresh worker; the latest
   * of each op counts. One of an op first mentioned later builds on those of the
   * ops before it, as loading a tensor builds on opening its file.
   */
  remember(op, args = {}, { file = null, values = null } = {}) {
    const known = [...this.#known.values()], place = known.findIndex((k) => k.op === op);
    const before = story(place < 0 ? known : known.slice(0, place));
    this.#known.set(op, { op, args: text(args), file, values: values && values.slice(), before, at: ++this.#count });
  }

  /** Drops what was remembered. */
  forget(op) { this.#known.delete(op); }

  /** Takes over what another lane remembers; the worker is told before its first call. */
  learn(other) {
    for (const [op, k] of other.#known) this.#known.set(op, k);
    this.#count = Math.max(this.#count, other.#count);
    this.#untold = story([...this.#known.values()]);
  }

  /** Stops the call under way, if any. */
  cancel(reason = new DOMException("cancelled", "AbortError")) {
    const job = this.#running && !this.#running.again ? this.#running : this.#waiting[0];
    if (job) this.#abort(job, reason);
  }

  /** Stops the worker. What runs or waits fails. */
  close() { this.#end(new Error("the engine is closed")); }

  #supersede(op) {
    const old = this.#waiting.filter((w) => w.latest && w.op === op);
    this.#waiting = this.#waiting.filter((w) => !old.includes(w));
    for (const w of old) w.reject(new Superseded(`a newer ${JSON.stringify(op)} took its place`));
  }

  /** Gives the worker a call that makes what it is at needless: to wait for its answer would be to wait for the page. */
  #overtake(job) {
    const now = this.#running;
    if (!now?.drop || this.#next || job.op !== now.op && job.op !== "load") return;
    if (this.#waiting[0] !== job || job.values) return this.#worker.postMessage({ stop: now.id });
    this.#waiting.shift();
    if (this.#send(job, null, now.id)) this.#next = job;
  }

  #abort(job, reason) {
    if (job === this.#next) {
      this.#next = null;
      this.#running.reject(new Superseded(`${JSON.stringify(job.op)} took its place`));
      this.#restart();
    } else if (job === this.#running) this.#restart();
    else if (this.#waiting.includes(job)) this.#waiting = this.#waiting.filter((w) => w !== job);
    else return;
    job.reject(reason);
  }

  #start() {
    this.#up = false;
    this.#untold = story([...this.#known.values()]);
    try {
      const worker = this.#worker = begin(this.#name);
      const mine = (f) => (e) => { if (worker === this.#worker) f(e); };
      const lock = `fewbits-worker-${Math.random()}`;
      worker.onmessage = mine(({ data }) => {
        if (data.held) free(lock).then(mine(() => this.#died("it was closed")));
        this.#receive(data);
      });
      worker.onmessageerror = mine(() => this.#died("its answer cannot be read"));
      worker.onerror = mine((e) => { e.preventDefault(); this.#died(e.message || "it could not be started"); });
      worker.postMessage({ module: this.#module, lock, helpers: Math.min(HELPERS, workers() - 1) });
    } catch (e) {
      this.#end(new Error(`the worker cannot run here: ${e.message}`));
    }
  }

  #restart() {
    this.#worker.terminate();
    this.#running = null;
    if (this.#next) this.#waiting.unshift(this.#next);
    this.#next = null;
    this.#start();
  }

  #end(reason) {
    this.#ended ??= reason;
    this.#worker?.terminate();
    this.#worker = null;
    this.#up = false;
    const jobs = [this.#running, this.#next, ...this.#waiting];
    this.#running = this.#next = null;
    this.#waiting = [];
    this.#known.clear();
    for (const job of jobs) job?.reject(this.#ended);
  }

  #died(why) {
    const job = this.#running;
    if (!job && ++this.#deaths > MAX_DEATHS) return this.#end(new Died(`the worker cannot run here: ${why}`));
    this.#restart();
    job?.reject(this.#ended ?? new Died(`the worker stopped while it was busy with ${JSON.stringify(job.op)} (${why}); it was started again`));
  }

  #receive({ id, ready, died, stopped, error, json, arrays }) {
    if (died) return this.#died(error);
    if (ready) {
      this.#up = true;
      return this.#pump();
    }
    const job = this.#running;
    if (!job || job.id !== id) return;
    this.#running = this.#next;
    this.#next = null;
    this.#deaths = 0;
    if (stopped) job.reject(new Superseded(`${JSON.stringify(job.op)} was needless`));
    else if (error === undefined) job.resolve({ json, arrays });
    else job.reject(new Error(error));
    this.#pump();
  }

  #pump() {
    if (!this.#up || this.#running) return;
    const known = this.#untold.shift();
    const job = known ? this.#again(known) : this.#waiting.shift() ?? this.#help();
    if (!job) return;
    if (!known && this.#lost) {
      job.reject(this.#lost);
      this.#lost = null;
      return this.#pump();
    }
    if (this.#send(job, known)) this.#running = job;
    else this.#pump();
  }

  /** stop: the call that the worker is to drop for it. */
  #send(job, known, stop) {
    const { id, op, args, file, values } = job;
    try {
      this.#worker.postMessage({ id, op, args, file, values, stop, next: this.#waiting[0]?.reads }, values && !known ? [values.buffer] : []);
      return true;
    } catch (e) {
      job.reject(e);
      return false;
    }
  }

  /** What waits for a mate. */
  #help() {
    const job = this.#mates.find((m) => m.#waiting.length)?.#waiting.shift();
    return job && Object.assign(job, { lane: this, id: ++this.#count });
  }

  /** The call that tells something again. What cannot be told is dropped, with what builds on it, and the next call fails. */
  #again(known) {
    const reject = (e) => {
      const gone = (k) => k === known || k.before.includes(known);
      for (const [op, k] of this.#known) if (gone(k)) this.#known.delete(op);
      this.#untold = this.#untold.filter((k) => !gone(k));
      this.#lost = new Error(`the worker was started again, and then ${JSON.stringify(known.op)} failed: ${e.message}`);
    };
    return { ...known, id: ++this.#count, again: true, resolve() {}, reject };
  }
}

/**
 * Waits until nobody holds a lock. A worker holds one as long as it lives:
 * one that closes itself, or is killed, says nothing else.
 */
const free = (lock) => navigator.locks.request(lock, () => {});

/** What a fresh worker is told so that it knows these: each after what it was built on. */
function story(known) {
  const list = [];
  const tell = (k) => { if (list.findLast((x) => x.op === k.op) !== k) list.push(k); };
  for (const k of known.sort((a, b) => a.at - b.at)) [...k.before, k].forEach(tell);
  return list;
}

const text = (args) => (typeof args === "string" ? args : JSON.stringify(args));
