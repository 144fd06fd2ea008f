/**
 * A small drawing vocabulary with two hands: one draws on a canvas, the other
 * writes SVG. Plots draw with a pen, so a picture saved is the picture seen.
 * All lengths are CSS pixels.
 * @module
 */

/**
 * @typedef {{stroke?: string, fill?: string, width?: number, dash?: number[], alpha?: number, close?: boolean}} Style
 * @typedef {{font?: 'tick'|'note'|'lab'|'title', fill?: string, align?: 'start'|'middle'|'end', halo?: string}} TextStyle
 */

const widths = new Map();

/** Draws on a 2D context. Between begin and end it leaves the context's own state untouched. */
export class CanvasPen {
  /** @param {CanvasRenderingContext2D} ctx @param {number} dpr @param {import('./theme.js').Theme} theme */
  constructor(ctx, dpr, theme) { this.ctx = ctx; this.dpr = dpr; this.theme = theme; }

  begin() { const c = this.ctx; c.save(); c.setTransform(this.dpr, 0, 0, this.dpr, 0, 0); c.lineJoin = 'round'; c.globalAlpha = 1; }

  end() { this.ctx.restore(); }

  /** The nearest place where a line of that width fills whole device pixels. */
  snap(v, width = 1) { const lw = Math.max(1, Math.round(width * this.dpr)); return (Math.round(v * this.dpr - lw / 2) + lw / 2) / this.dpr; }

  /** An upright or level line, sharp. */
  hair(x1, y1, x2, y2, s) {
    const w = Math.max(1, Math.round((s.width ?? 1) * this.dpr)) / this.dpr;
    if (x1 === x2) x1 = x2 = this.snap(x1, s.width); else y1 = y2 = this.snap(y1, s.width);
    this.line(x1, y1, x2, y2, { ...s, width: w });
  }

  line(x1, y1, x2, y2, s) { this.#style(s); const c = this.ctx; c.beginPath(); c.moveTo(x1, y1); c.lineTo(x2, y2); c.stroke(); }

  /** Upright lines at each x, in one stroke. */
  uprights(xs, y1, y2, s) {
    const c = this.ctx;
    this.#style(s); c.beginPath();
    for (const x of xs) { const v = this.snap(x); c.moveTo(v, y1); c.lineTo(v, y2); }
    c.stroke();
  }

  /** A polyline of [x0, y0, x1, y1 …]. */
  path(p, s) {
    if (p.length < 4) return;
    const c = this.ctx;
    this.#style(s); this.#trace(p, s.close);
    if (s.fill) { c.fillStyle = s.fill; c.fill(); }
    if (s.stroke) c.stroke();
  }

  rect(x, y, w, h, s) {
    const c = this.ctx;
    this.#style(s);
    if (s.fill) { c.fillStyle = s.fill; c.fillRect(x, y, w, h); }
    if (s.stroke) c.strokeRect(x, y, w, h);
  }

  dot(x, y, r, s) {
    const c = this.ctx;
    this.#style(s); c.beginPath(); c.arc(x, y, r, 0, 2 * Math.PI);
    if (s.fill) { c.fillStyle = s.fill; c.fill(); }
    if (s.stroke) c.stroke();
  }

  /** @param {number} x @param {number} y baseline @param {string} str @param {TextStyle} s */
  text(x, y, str, s = {}) {
    const c = this.ctx;
    c.globalAlpha = 1; c.font = this.theme.fonts[s.font ?? 'tick'];
    c.textAlign = s.align === 'middle' ? 'center' : s.align === 'end' ? 'right' : 'left';
    if (s.halo) { c.setLineDash([]); c.lineWidth = 4; c.strokeStyle = s.halo; c.strokeText(str, x, y); }
    c.fillStyle = s.fill ?? this.theme.muted;
    c.fillText(str, x, y);
  }

  clip(x, y, w, h, draw) { const c = this.ctx; c.save(); c.beginPath(); c.rect(x, y, Math.max(0, w), h); c.clip(); draw(); c.restore(); }

  /** Slanted lines inside a closed shape. @param {number} slope 1 or −1 */
  hatch(p, stroke, slope = 1) {
    if (p.length < 6) return;
    const c = this.ctx;
    let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
    for (let i = 0; i < p.length; i += 2) {
      x0 = Math.min(x0, p[i]); x1 = Math.max(x1, p[i]);
      y0 = Math.min(y0, p[i + 1]); y1 = Math.max(y1, p[i + 1]);
    }
    const h = y1 - y0, [from, to] = slope > 0 ? [y1, y0] : [y0, y1];
    c.save(); this.#trace(p, true); c.clip(); this.#style({ stroke, width: 1.5 }); c.beginPath();
    for (let x = Math.floor((x0 - h) / 5) * 5; x < x1; x += 5) { c.moveTo(x, from); c.lineTo(x + h, to); }
    c.stroke(); c.restore();
  }

  /** A canvas stretched over a box, its pixels kept square. */
  image(img, x, y, w, h) { const c = this.ctx; c.globalAlpha = 1; c.imageSmoothingEnabled = false; c.drawImage(img, x, y, w, h); }

  /** A level gradient through evenly spaced stops. */
  ramp(x, y, w, h, stops, stroke) {
    const g = this.ctx.createLinearGradient(x, 0, x + w, 0);
    stops.forEach((s, i) => g.addColorStop(i / (stops.length - 1), s));
    this.rect(x, y, w, h, { fill: g, stroke });
  }

  measure(str, font = 'tick') {
    const f = this.theme.fonts[font], key = f + str;
    let w = widths.get(key);
    if (w === undefined) {
      if (widths.size > 4000) widths.clear();
      this.ctx.font = f;
      widths.set(key, w = this.ctx.measureText(str).width);
    }
    return w;
  }

  #trace(p, close) {
    const c = this.ctx;
    c.beginPath();
    c.moveTo(p[0], p[1]);
    for (let i = 2; i < p.length; i += 2) c.lineTo(p[i], p[i + 1]);
    if (close) c.closePath();
  }

  #style(s) {
    const c = this.ctx;
    c.globalAlpha = s.alpha ?? 1; c.lineWidth = s.width ?? 1; c.setLineDash(s.dash ?? []);
    if (s.stroke) c.strokeStyle = s.stroke;
  }
}

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
