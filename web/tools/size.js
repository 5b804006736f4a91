// What a first visit costs, compressed as CloudFront does it; fails above the limit. The runtime and the model come only when asked for.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT = 200_000;
const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const ON_DEMAND = /(^|\/)(litert_wasm|worker|licences)[^/]*$/;

const rows = readdirSync(DIST, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => {
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    return { name: path.slice(DIST.length), bytes: bytes.length, compressed: gzipSync(bytes, { level: 9 }).length };
  })
  .map((row) => ({ ...row, first: !ON_DEMAND.test(row.name) }))
  .sort((one, other) => Number(other.first) - Number(one.first) || other.compressed - one.compressed);

for (const { name, bytes, compressed, first } of rows) {
  const when = first ? "first load" : "on demand";
  process.stdout.write(
    `${when}  ${String(bytes).padStart(9)} B  ${String(compressed).padStart(8)} B compressed  ${name}\n`,
  );
}
const total = rows.filter(({ first }) => first).reduce((sum, { compressed }) => sum + compressed, 0);
process.stdout.write(`first load: ${total} bytes compressed, at most ${LIMIT}\n`);
process.exitCode = total > 0 && total <= LIMIT ? 0 : 1;
