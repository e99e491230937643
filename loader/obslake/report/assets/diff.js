// Differences of two texts, by lines and then by words.

const MOST_PARTS = 4000;

/** Return [[kind, text]…] with kinds "same", "removed", "added". */
export function diff(before, after, split = /(?<=\n)/) {
  const [a, b] = [before.split(split), after.split(split)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const changed = common(a.slice(start, a.length - end), b.slice(start, b.length - end));
  const parts = [...a.slice(0, start).map((text) => ["same", text]), ...changed, ...a.slice(a.length - end).map((text) => ["same", text])];
  return join(parts);
}

/** Return the differences by words, for texts of one line. */
export function wordDiff(before, after) {
  return diff(before, after, /(?<=[^\p{L}\p{N}])|(?=[^\p{L}\p{N}])/u);
}

function common(a, b) {
  // Texts that have little in common would take the square of their length.
  if (a.length * b.length > MOST_PARTS ** 2) return [...a.map((text) => ["removed", text]), ...b.map((text) => ["added", text])];
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? lengths[(i + 1) * width + j + 1] + 1 : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const parts = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      parts.push(["same", a[i]]);
      i += 1;
      j += 1;
    } else if (j === b.length || (i < a.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) {
      parts.push(["removed", a[i]]);
      i += 1;
    } else {
      parts.push(["added", b[j]]);
      j += 1;
    }
  }
  return parts;
}

function join(parts) {
  const joined = [];
  for (const [kind, text] of parts) {
    if (joined.at(-1)?.[0] === kind) joined.at(-1)[1] += text;
    else joined.push([kind, text]);
  }
  return joined;
}
