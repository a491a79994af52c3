// Bundles the page. `node build.mjs [OUT]` writes into OUT, by default the package's own web folder.
// The built files are committed, so that nobody needs node to use the page; tests/page rebuilds
// them and compares.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "../src/retake/web"));
await mkdir(out, { recursive: true });

await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.tsx" },
  outdir: out,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome109", "firefox115", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  loader: { ".woff2": "file" },
  // A name without a hash: the server answers with an ETag, and the wheel keeps one file.
  assetNames: "[name]",
  legalComments: "none",
  logLevel: "warning",
});
for (const name of ["index.html", "favicon.svg"]) {
  await copyFile(join(here, "static", name), join(out, name));
}

// What the bundle holds of others goes out with their licences.
const holds = ["preact", "@preact/signals", "@preact/signals-core", "@fontsource-variable/inter"];
const texts = await Promise.all(
  holds.map(async (name) => {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const licence = await readFile(join(folder, "LICENSE"), "utf8");
    return `${name} ${version}\n\n${licence.trim()}\n`;
  }),
);
await writeFile(join(out, "licences.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
