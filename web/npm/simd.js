/** Fails where the program of that name is asked for: it is the one without SIMD. */
export function need(name) {
  if (name === "fewbits-portable") throw new Error("this browser has no SIMD in WebAssembly: every one since 2023 has");
  return true;
}
