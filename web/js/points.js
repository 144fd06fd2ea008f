// Numbers on a line that are dragged, or moved by the arrow keys: a handle each,
// below a number line. They keep their order.
import { el } from "./lesson-parts.js";

/** The number line keeps so much free at either end. */
const padOf = (width) => Math.min(24, width / 12);

export class Points {
  #box; #control; #change; #values; #button; #to; #lo = -1; #hi = 1;

  /** @param {Element} figure @param {{value: string, label: string, min: number, max: number}} control @param {(text: string) => void} change */
  constructor(figure, control, change) {
    this.#control = control;
    this.#change = change;
    this.#box = el("div", { class: "w-points", role: "group", "aria-label": control.label });
    figure.append(this.#box);
    this.show(control.value);
    new ResizeObserver(() => this.#place()).observe(this.#box);
  }

  /** Shows other numbers. @param {string} text parted by blanks */
  show(text) {
    this.#values = text.split(" ").map(Number);
    if (this.#box.children.length !== this.#values.length) {
      this.#box.replaceChildren(...this.#values.map((_, i) => this.#handle(i)));
    }
    this.#place();
  }

  /** A button that moves all of them at once. @param {{name: string, value: string}} [to] */
  next(to) {
    if (!to) return;
    if (!this.#button) {
      this.#button = el("button", { type: "button" }, to.name);
      this.#button.addEventListener("click", () => { this.show(this.#to); this.#change(this.#to); });
      this.#box.after(this.#button);
    }
    this.#to = to.value;
    this.#button.disabled = to.value === this.#values.join(" ");
  }

  /** What the line covers. @param {{lo: number, hi: number}} line */
  span({ lo, hi }) {
    if (lo === this.#lo && hi === this.#hi) return;
    this.#lo = lo;
    this.#hi = hi;
    this.#place();
  }

  #handle(i) {
    const h = el("div", { role: "slider", tabindex: "0", "aria-label": `Level ${i + 1} of ${this.#values.length}`, "aria-orientation": "horizontal" });
    let held = false;
    h.addEventListener("pointerdown", (e) => { if (e.button === 0) { held = true; h.setPointerCapture(e.pointerId); } });
    h.addEventListener("pointermove", (e) => {
      if (!held) return;
      const r = this.#box.getBoundingClientRect(), pad = padOf(r.width);
      this.#move(i, this.#lo + (e.clientX - r.left - pad) / (r.width - 2 * pad) * (this.#hi - this.#lo));
    });
    for (const type of ["pointerup", "pointercancel"]) h.addEventListener(type, () => { held = false; });
    h.addEventListener("keydown", (e) => {
      const dir = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[e.key];
      if (!dir || e.ctrlKey || e.metaKey || e.altKey) return;
      e.preventDefault();
      this.#move(i, this.#values[i] + dir * (e.shiftKey ? 0.05 : 0.01));
    });
    return h;
  }

  #move(i, v) {
    const { min, max } = this.#control, lo = this.#values[i - 1] ?? min, hi = this.#values[i + 1] ?? max;
    v = Math.max(lo, min, Math.min(hi, max, Math.round(v * 1000) / 1000));
    if (v === this.#values[i]) return;
    this.#values[i] = v;
    this.#place();
    this.#change(this.#values.join(" "));
  }

  #place() {
    const width = this.#box.clientWidth, pad = padOf(width), { min, max } = this.#control;
    this.#values.forEach((v, i) => {
      const h = this.#box.children[i];
      h.style.setProperty("--x", `${pad + (v - this.#lo) / (this.#hi - this.#lo || 1) * (width - 2 * pad)}px`);
      h.setAttribute("aria-valuenow", v);
      h.setAttribute("aria-valuemin", this.#values[i - 1] ?? min);
      h.setAttribute("aria-valuemax", this.#values[i + 1] ?? max);
    });
  }
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
.w-points { position: relative; height: 2.75rem; touch-action: pan-y; } .w-points [role=slider] { position: absolute; left: var(--x); top: 0; width: 24px; margin-left: -12px; height: 2.5rem; cursor: ew-resize; touch-action: none; } .w-points [role=slider]:nth-child(even) { top: .25rem; }
.w-points [role=slider]::before { content: ""; position: absolute; left: 11px; top: 0; width: 2px; height: .75rem; background: var(--ink); } .w-points [role=slider]::after { content: ""; position: absolute; left: 6px; top: .75rem; width: 12px; height: 12px; border: 1.5px solid var(--ink); border-radius: 50%; background: var(--recon); } .w-points [role=slider]:nth-child(even)::before { height: 1.25rem; } .w-points [role=slider]:nth-child(even)::after { top: 1.25rem; }
.w-points [role=slider]:focus-visible { outline: 2px solid var(--focus); z-index: 1; } @media (forced-colors: active) { .w-points [role=slider]::before, .w-points [role=slider]::after { forced-color-adjust: none; } }
`);
document.adoptedStyleSheets.push(sheet);
