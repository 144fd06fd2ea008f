/** The WebAssembly program at a URL, compiled. */
export async function load(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the engine cannot be loaded: ${url.pathname} answers ${response.status}`);
  const type = response.headers.get("Content-Type") || "";
  return type.startsWith("application/wasm") ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** A worker's script must come from the page's own origin: where the one at a URL does not, a blob that imports it does. */
export const near = (url) => (url.origin === location.origin ? url : URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" })));
