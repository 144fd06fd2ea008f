/**
 * A pen that writes SVG: the twin of CanvasPen, method for method.
 * @module
 */

/** Writes the same drawing as SVG. */
export class SvgPen {
  /** @param {number} w @param {number} h @param {import('./theme.js').Theme} theme @param {CanvasPen} ruler measures text */
  constructor(w, h, theme, ruler) { this.w = w; this.h = h; this.theme = theme; this.ruler = ruler; this.out = []; this.ids = 0; this.dpr = 1; }

  snap(v) { return Math.round(v - 0.5) + 0.5; }

  hair(x1, y1, x2, y2, s) {
    if (x1 === x2) x1 = x2 = this.snap(x1); else y1 = y2 = this.snap(y1);
    this.line(x1, y1, x2, y2, s);
  }

  line(x1, y1, x2, y2, s) { this.#path(`M${r2(x1)} ${r2(y1)}L${r2(x2)} ${r2(y2)}`, s); }

  uprights(xs, y1, y2, s) { this.#path([...xs].map(x => `M${r2(this.snap(x))} ${r2(y1)}V${r2(y2)}`).join(''), s); }

  path(p, s) { if (p.length >= 4) this.#path(points(p, s.close), s); }

  rect(x, y, w, h, s) { this.#add('rect', { x, y, width: Math.max(0, w), height: Math.max(0, h) }, s); }

  dot(x, y, r, s) { this.#add('circle', { cx: x, cy: y, r }, s); }

  text(x, y, str, s = {}) {
    const [, weight, size] = this.theme.fonts[s.font ?? 'tick'].match(/^(\d+) ([\d.]+)px/);
    const halo = s.halo ? { 'paint-order': 'stroke', stroke: s.halo, 'stroke-width': 4, 'stroke-linejoin': 'round' } : {};
    const at = { x, y, 'text-anchor': s.align ?? 'start', 'font-size': size, 'font-weight': weight, fill: s.fill ?? this.theme.muted, ...halo };
    this.out.push(tag('text', at, esc(str)));
  }

  clip(x, y, w, h, draw) {
    const id = 'c' + this.ids++;
    this.out.push(tag('clipPath', { id }, tag('rect', { x, y, width: Math.max(0, w), height: h })), `<g clip-path="url(#${id})">`);
    draw();
    this.out.push('</g>');
  }

  hatch(p, stroke, slope = 1) {
    if (p.length < 6) return;
    const id = 'h' + this.ids++, patternTransform = `rotate(${slope > 0 ? 45 : -45})`;
    const at = { id, width: 3.5, height: 3.5, patternUnits: 'userSpaceOnUse', patternTransform };
    this.out.push(tag('pattern', at, tag('rect', { width: 1.5, height: 3.5, fill: stroke })));
    this.#path(points(p, true), { fill: `url(#${id})` });
  }

  image(img, x, y, width, height) {
    const href = img.toDataURL('image/png');
    this.out.push(tag('image', { x, y, width, height, preserveAspectRatio: 'none', 'image-rendering': 'pixelated', href }));
  }

  ramp(x, y, w, h, stops, stroke) {
    const id = 'g' + this.ids++, last = stops.length - 1;
    this.out.push(tag('linearGradient', { id }, stops.map((s, i) => tag('stop', { offset: i / last, 'stop-color': s })).join('')));
    this.rect(x, y, w, h, { fill: `url(#${id})`, stroke });
  }

  measure(str, font) { return this.ruler.measure(str, font); }

  /** The whole drawing on its paper. @param {string} title @returns {string} */
  toString(title) {
    const { w, h, theme: t } = this, viewBox = `0 0 ${r2(w)} ${r2(h)}`;
    const at = { xmlns: 'http://www.w3.org/2000/svg', width: w, height: h, viewBox, 'font-family': t.sans };
    return tag('svg', at, tag('title', {}, esc(title)) + tag('rect', { width: '100%', height: '100%', fill: t.paper }) + this.out.join(''));
  }

  #path(d, s) { if (d) this.#add('path', { d }, s); }

  #add(name, at, s) {
    const line = s.stroke ? { stroke: s.stroke, 'stroke-width': s.width ?? 1 } : {}, dash = s.dash ? { 'stroke-dasharray': s.dash.join(' ') } : {};
    this.out.push(tag(name, { ...at, fill: s.fill ?? 'none', ...line, ...dash, ...(s.alpha != null ? { opacity: s.alpha } : {}) }));
  }
}

const r2 = v => String(Math.round(v * 100) / 100);

const esc = s => String(s).replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

function tag(name, at, inner = '') {
  const list = Object.entries(at).map(([k, v]) => ` ${k}="${typeof v === 'number' ? r2(v) : esc(v)}"`).join('');
  return inner ? `<${name}${list}>${inner}</${name}>` : `<${name}${list}/>`;
}

function points(p, close) {
  let d = `M${r2(p[0])} ${r2(p[1])}`;
  for (let i = 2; i < p.length; i += 2) d += `L${r2(p[i])} ${r2(p[i + 1])}`;
  return close ? d + 'Z' : d;
}
