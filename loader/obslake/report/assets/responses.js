// How a response is read: its class decides its colour and the words in front of it.

import { oneLine } from "./dom.js";

const ABSTAINS = new Set(["timeout", "crash", "not_serializable", "not_executed", "skipped", "other"]);

/** The words for each class of responses, for legends. */
export const CLASSES = {
  winner: "agrees with the consensus",
  other: "another response",
  tied: "one of the tied responses",
  exception: "exception, or a test that did not pass",
  abstained: "timeout, crash or no text: does not vote",
  missing: "not executed",
};

const BEGINNINGS = [
  ["$EXCEPTION", "exception"],
  ["$CUT@", "instance"],
  ["$TIMEOUT", "timeout"],
  ["$CRASH", "crash"],
  ["$N/A", "not_serializable"],
  ["$*", "not_executed"],
];

/** Return the kind of a response; oracles and changes have none and are read by their text. */
export function kindOf(kind, text) {
  if (kind) return kind;
  const [, found] = BEGINNINGS.find(([start]) => text.startsWith(start)) ?? [];
  if (found) return found;
  if (text === "{}" || text === "") return "void";
  // Values are JSON: a word without quotes is the verdict of a test report.
  if (/^(passed|failed|error)(@|$)/.test(text)) return "verdict";
  return /^skipped(@|$)/.test(text) ? "skipped" : "value";
}

/** Return whether an answer is an exception, or says that a test did not pass. */
export function fails({ kind, text }) {
  return kind === "exception" || (kind === "verdict" && !/^passed(@|$)/.test(text));
}

/** Return whether a kind of response is a vote. */
export function votes(kind) {
  return !ABSTAINS.has(kind);
}

/** Return a response in words, as [note, text]: the note says what it is if the text alone does not. */
export function words(kind, text) {
  const [, name = "", ...rest] = text.split("@");
  const detail = rest.join("@");
  switch (kind) {
    case "exception":
      return ["raises", detail ? `${name}: ${detail}` : name || text];
    case "void":
      return ["returns nothing", text === "{}" ? "" : text];
    case "instance":
      return ["object", detail ? `${name} made in step ${detail}` : text];
    case "timeout":
      return ["timed out", name];
    case "crash":
      return ["crashed", name];
    case "not_serializable":
      return ["not serializable", [name, detail].filter(Boolean).join(": ")];
    case "not_executed":
      return ["not executed", ""];
    case "skipped":
      return ["skipped", name];
    case "verdict":
      return [text.split("@")[0], detail && name ? `${name}: ${detail}` : detail || name];
    default:
      if (text.startsWith("$TRUNCATED@")) return ["too long to keep", `SHA-256 ${name}`];
      return text === "null" ? ["null", ""] : ["", text];
  }
}

/** Return a response in one line. */
export function summary(kind, text) {
  const [note, rest] = words(kind, text);
  return [note, oneLine(rest)].filter(Boolean).join(" ");
}
