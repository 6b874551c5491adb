// `make editor`: bundles editor.mjs into one file beside the other fixed files, and the licences of what is in it.
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";

const target = "../../src/isthmus/web/static/";
const { metafile } = await build({
  entryPoints: ["editor.mjs"],
  outfile: `${target}editor.js`,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  legalComments: "none",
  charset: "utf8",
  metafile: true,
  banner: { js: "/* CodeMirror 6 and what it is made of; licences in editor-licences.txt. Built by `make editor`. */" },
});

const packages = new Set();
for (const path of Object.keys(metafile.inputs)) {
  const found = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/);
  if (found) packages.add(found[1]);
}
const notices = new Map();
for (const name of [...packages].sort()) {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8"));
  const text = readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim();
  notices.set(text, [...(notices.get(text) ?? []), `${name} ${version}`]);
}
const parts = [...notices].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`);
writeFileSync(`${target}editor-licences.txt`, parts.join(`\n${"-".repeat(78)}\n\n`));
