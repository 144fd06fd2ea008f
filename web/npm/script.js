/**
 * Fewbits from a plain script element, on a page of any origin:
 *
 *   <script src="https://…/fewbits/files/script.js"></script>
 *   <script>fewbits.open().then(async (fb) => { … })</script>
 */
{
  const module = new URL("fewbits.js", document.currentScript.src).href;
  globalThis.fewbits = { open: async (options) => (await import(module)).open(options) };
}
