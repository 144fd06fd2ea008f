/**
 * The plotting layer of the page. Everything is drawn from typed arrays that
 * come straight from the worker; see each function for what it takes.
 * @module
 */
export { tensorPlots } from './tensor.js';
export { scatter, familyMark } from './scatter.js';
export { bars, mix } from './bars.js';
export { numberLine } from './numberline.js';
export { lines } from './lines.js';
export { columns } from './columns.js';
export { layers } from './layers.js';
export { front } from './front.js';
export { sparkline } from './spark.js';
