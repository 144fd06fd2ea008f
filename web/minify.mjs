// node web/minify.mjs FOLDER: makes every .js file below it small, in place.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { minify } from "terser";

const folder = process.argv[2];
for (const name of await readdir(folder, { recursive: true })) {
  if (!name.endsWith(".js")) continue;
  const path = join(folder, name);
  const { code } = await minify(await readFile(path, "utf8"), { module: true, compress: { passes: 2 }, format: { comments: /@license|^!/ } });
  await writeFile(path, code + "\n");
}
