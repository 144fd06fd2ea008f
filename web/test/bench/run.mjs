// node run.mjs WASM_EXEC PROGRAM [ARGUMENT…]: runs a Go program built for wasm. It prints to
// standard output.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [exec, program, ...args] = process.argv.slice(2);
await import(pathToFileURL(exec).href);
const go = new globalThis.Go();
go.argv = ["program", ...args];
go.exit = (code) => { process.exitCode = code; };
const { instance } = await WebAssembly.instantiate(await readFile(program), go.importObject);
await go.run(instance);
