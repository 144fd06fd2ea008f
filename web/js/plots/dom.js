/**
 * The few things that the plots do to the document.
 * @module
 */

/** Makes an element. @param {string} tag @param {Record<string, string>} [at] @param {...(Node|string)} kids @returns {HTMLElement} */
export function el(tag, at = {}, ...kids) {
  const e = document.createElement(tag);
  for (const k in at) e.setAttribute(k, at[k]);
  e.append(...kids);
  return e;
}

// _x_ is a variable; the underscore inside of FP8_E4M3 is its own.
const VARIABLE = /(?<!\w)_([^_\s]+)_(?!\w)/;

/** Writes "_x_ becomes 3" with x in italics. @param {Element} e @param {string} s */
export function setRich(e, s) {
  e.replaceChildren(...s.split(VARIABLE).map((t, i) => (i % 2 ? el('i', {}, t) : t)));
}

/** The same without the marks. @param {string} s @returns {string} */
export const plain = s => s.split(VARIABLE).join('');

/** Runs f in the next frame, once however often it is asked. @param {() => void} f @returns {() => void} */
export function coalesce(f) {
  let id = 0;
  const ask = () => { id ||= requestAnimationFrame(() => { id = 0; f(); }); };
  ask.cancel = () => { cancelAnimationFrame(id); id = 0; };
  return ask;
}

/**
 * Runs f at once, and in the next frame what it is asked for until then.
 * @param {() => void} f @returns {() => void}
 */
export function atOnce(f) {
  let drawn = false, again = false;
  return () => {
    if (drawn) { again = true; return; }
    drawn = true;
    requestAnimationFrame(() => { drawn = false; if (again) { again = false; f(); } });
    f();
  };
}

/**
 * Shows a short text over a plot, to the right of x or, where that has no
 * room, to the left; '' hides it.
 * @param {HTMLElement} tip @param {number} width of the box @param {string} text
 * @param {number} [x] @param {number} [y] its top @param {number} [back] how far left of x it ends on the other side
 */
export function showTip(tip, width, text, x = 0, y = 0, back = 0) {
  tip.hidden = !text;
  if (!text) return;
  if (tip.textContent !== text) tip.textContent = text;
  const w = tip.offsetWidth, left = x + w <= width ? x : x - back - w;
  tip.style.transform = `translate(${Math.round(Math.max(0, Math.min(width - w, left)))}px, ${Math.round(Math.max(0, y))}px)`;
}
