// The page of a lineage in one environment: what its revisions changed.

import { count, data, h, middle, ofStep, oneLine, percent, quantity, search, select, title } from "./dom.js";
import { wordDiff } from "./diff.js";
import { picture, table } from "./overview.js";
import { kindOf, summary, words } from "./responses.js";
import { go, state } from "./state.js";

const FEW = 100;
const MOST_NAMED = 70;

const MARKS = {
  p: "right",
  f: "wrong",
  x: "timed out or crashed",
  e: "exception",
  v: "answered; nothing says what is right",
};

export class Changes {
  constructor(parts, home, href) {
    this.href = href;
    this.lineage = parts.lineage;
    this.tones = new Map(parts.classes);
    this.revisions = parts.revisions ?? [];
    this.slices = parts.slices ?? [];
    this.parts = parts;
    this.changes = h("section", {});
    this.element = h(
      "main",
      {},
      h("p", { class: "up" }, h("a", { href: home }, "All problems")),
      title(this.lineage.lineage, data(this.lineage.environment), " · ", data(this.lineage.data_set)),
      this.last(),
      parts.set_aside && h("p", { class: "note" }, `${quantity(parts.set_aside.n, "run")} in this environment ${parts.set_aside.n > 1 ? "are" : "is"} set aside; the latest: `, data(parts.set_aside.runs[0].run), ": ", data(parts.set_aside.runs[0].reason), "."),
      parts.drift && h("div", { class: "plots" }, picture({ about: "Changes by revision; the list below has them", svg: parts.drift })),
      this.changes,
      this.failures(),
      this.strips(),
      this.unstable(),
      this.slower(),
      this.history(),
    );
  }

  /** Describe the run that ends the history. */
  last() {
    const slice = this.slices.at(-1);
    if (!slice) return null;
    return h("p", { class: "facts" }, "Last run: ", data(slice.run), ` at ${slice.at} UTC of `, data(this.name(slice.revision)), slice.commit && [" · commit ", data(slice.commit.slice(0, 12))], slice.branch && [" · branch ", data(slice.branch)], slice.pipeline && [" · pipeline ", data(slice.pipeline)], `. ${quantity(slice.tests, "test")}, ${quantity(slice.steps, "step")}: ${count(slice.right)} right, ${count(slice.wrong)} wrong, ${count(slice.steps - slice.right - slice.wrong)} without a known right response.`);
  }

  name(revision) {
    const { revision: name, implementation } = this.revisions[revision];
    return name ?? implementation;
  }

  /** Name a stimulus, with a link to it on the page of its problem. */
  stimulus({ problem, test, step, revision }, room = Infinity) {
    const name = [data(middle(test, room)), ofStep(step)];
    const page = this.parts.pages[problem];
    const href = page && this.href(page, { rows: "all", test, step: step ?? 0, impl: this.revisions[revision]?.implementation });
    const named = h(href ? "a" : "span", { href: href || null, title: room < test.length ? oneLine(test, 500) : null }, name);
    // Tests of CI systems often have the name of their class in front.
    return test.startsWith(problem) ? named : [named, " ", h("span", { class: "note" }, data(middle(problem, room)))];
  }

  update() {
    const now = state();
    const last = this.revisions.length - 1;
    const revision = this.revisions[now.revision] ? Number(now.revision) : last;
    const rows = (this.parts.changes ?? []).filter((row) => row.revision === revision);
    const wanted = (now.q ?? "").toLowerCase();
    const found = rows.filter((row) => (!now.change || row.change === now.change) && `${row.problem} ${row.test} ${row.before ?? ""} ${row.after ?? ""}`.toLowerCase().includes(wanted));
    const counts = this.revisions[revision]?.changes ?? {};
    const kinds = [...this.tones.keys()].filter((kind) => counts[kind]);
    const total = kinds.reduce((sum, kind) => sum + counts[kind], 0);
    const view = JSON.stringify([revision, now.change, now.q, now.changes]);
    if (view === this.view) return;
    this.view = view;
    const shown = now.changes === "all" ? found : found.slice(0, FEW);
    const controls = h(
      "div",
      { class: "controls" },
      this.revisions.length > 1 && select("Revision", this.revisions.map((each, n) => [String(n), oneLine(each.revision ?? each.implementation, 60)]).reverse(), String(revision), (value) => go({ revision: value })),
      kinds.length > 0 && select("Change", [["", "all"], ...kinds.map((kind) => [kind, `${kind} (${count(counts[kind])})`])], now.change ?? "", (value) => go({ change: value })),
      search("Find", now.q ?? "", (q) => go({ q })),
    );
    const typing = this.changes.contains(document.activeElement) && document.activeElement.type;
    this.changes.replaceChildren(
      h("h2", {}, "Changes since the revision before"),
      controls,
      h("p", { class: "counted", role: "status" }, this.said(revision, found, total, rows)),
      h("ol", { class: "differences" }, shown.map((row) => this.change(row))),
      shown.length < found.length ? h("p", {}, h("button", { type: "button", click: () => go({ changes: "all" }) }, `Show all ${count(found.length)}`)) : "",
    );
    if (typing === "search") controls.querySelector("input").focus();
  }

  said(revision, found, total, rows) {
    if (revision === 0) return "There is no revision before this one.";
    const cut = rows.length < total ? ` The page has the ${count(rows.length)} most severe; the mart behavior_changes has all.` : "";
    return `${count(found.length)} of ${quantity(total, "change")}.${cut}`;
  }

  failures() {
    const rows = (this.parts.failures ?? []).map((each) => [data(summary(kindOf(each.kind, each.message), each.message)), each.tests, each.steps, h("ul", { class: "names" }, each.examples.map((one) => h("li", {}, this.stimulus({ ...one, revision: this.slices.at(-1)?.revision }))))]);
    return h("section", {}, h("h2", {}, "Wrong responses of the last run, by message"), rows.length ? table("Wrong responses by message", ["Response", "Tests", "Steps", "Examples"], rows) : h("p", {}, "None is known to be wrong."));
  }

  strips() {
    const strips = this.parts.strips ?? [];
    const quiet = this.lineage.tests - strips.length;
    const heads = ["Test", ...this.slices.map((slice, n) => h("span", { title: this.title(slice) }, String(n + 1)))];
    const rows = strips.slice(0, 500).map((strip) => {
      const marks = new Map(strip.slices.map((slice, n) => [slice, strip.marks[n]]));
      return [this.stimulus(strip, MOST_NAMED), ...this.slices.map((slice, n) => this.mark(marks.get(n), slice))];
    });
    return h(
      "section",
      {},
      h("h2", {}, "History of tests"),
      h("p", { class: "note" }, this.lineage.slices > this.slices.length ? `The last ${this.slices.length} of ${this.lineage.slices} runs. ` : `${quantity(this.slices.length, "run")}, the oldest first. `, `${quantity(quiet, "test")} answered the same each time, never wrongly. `, strips.length > 500 && `These are 500 of ${count(strips.length)} others. `, Object.entries(MARKS).map(([letter, text]) => [h("span", { class: `mark ${letter}` }, letter), ` ${text}, `]), "a capital letter: other than in the run before."),
      rows.length > 0 && h("div", { class: "strips" }, table("History of tests", heads, rows)),
    );
  }

  mark(mark, slice) {
    if (!mark) return h("span", { class: "mark", title: `not executed in ${this.title(slice)}` }, "–");
    const letter = mark.toLowerCase();
    return h("span", { class: `mark ${letter}`, title: `${MARKS[letter]}${mark === letter ? "" : ", changed"} in ${this.title(slice)}` }, mark);
  }

  title(slice) {
    return `${oneLine(slice.run)} of ${oneLine(this.name(slice.revision))}, ${slice.at} UTC`;
  }

  unstable() {
    const rows = (this.parts.unstable_steps ?? []).slice(0, 500).map((each) => [this.stimulus(each), data(this.name(each.revision)), `${percent(each.executions - each.n_usual, each.executions)} of ${quantity(each.executions, "execution")} in ${quantity(each.runs, "run")}`, data(oneLine(each.usual, 120)), data(oneLine(each.other, 120))]);
    if (!rows.length) return null;
    return h("section", {}, h("h2", {}, "Unstable responses"), table("Unstable responses", ["Test", "Revision", "Other than usual", "Usual response", "Another"], rows));
  }

  slower() {
    const rows = (this.parts.slower ?? []).map((each) => [this.stimulus({ ...each, revision: this.revisions.length - 1 }), `${each.before.toFixed(2)} ms`, `${each.after.toFixed(2)} ms`, `× ${(each.after / each.before).toFixed(1)}`, `${each.n_before} and ${each.n_after}`]);
    if (!rows.length) return null;
    return h("section", {}, h("h2", {}, "Slower tests"), h("p", { class: "note" }, "Median duration of the last revision against that of the one before: at least half as long again, and a millisecond longer."), table("Slower tests", ["Test", "Before", "Now", "Factor", "Runs"], rows));
  }

  history() {
    const rows = this.slices.map((slice, n) => [String(n + 1), data(this.name(slice.revision)), data(slice.run), `${slice.at}`, data(slice.commit?.slice(0, 12) ?? "–"), data(slice.branch ?? "–"), data(slice.pipeline ?? "–"), slice.tests, slice.right, slice.wrong]).reverse();
    return h("section", {}, h("h2", {}, "Runs"), table("Runs, the latest first", ["Run", "Revision", "Id", "When (UTC)", "Commit", "Branch", "Pipeline", "Tests", "Right", "Wrong"], rows), this.setAside());
  }

  /** List the runs in this environment that are set aside, whichever lineages they executed. */
  setAside() {
    if (!this.parts.set_aside) return null;
    const { n, runs } = this.parts.set_aside;
    const rows = runs.map((each) => [data(each.run), `${each.at}`, data(each.reason)]);
    const last = rows.length < n ? ` These are the last ${count(rows.length)}.` : "";
    return [h("h3", {}, "Set aside"), h("p", { class: "note" }, `${quantity(n, "run")} of the data set in this environment ${n > 1 ? "count" : "counts"} in nothing above.${last}`), table("Runs that are set aside, the latest first", ["Id", "When (UTC)", "Reason"], rows)];
  }

  change(row) {
    return h(
      "li",
      { class: "change" },
      h("p", {}, h("strong", { class: this.tones.get(row.change) }, row.change), " ", this.stimulus(row), " ", row.inputs && h("code", { class: "inputs" }, data(oneLine(row.inputs, 160)))),
      h("p", { class: "diff" }, responses(row)),
    );
  }
}

/** Show what a stimulus was answered before and after; a response that there is not is not a change of text. */
function responses({ before, after }) {
  if (before === null || after === null) return data(oneLine(inWords(before ?? after ?? "").join(" "), 2000));
  const [one, two] = [inWords(before), inWords(after)];
  if (one[0] === two[0]) {
    return [one[0] && `${one[0]} `, wordDiff(one.at(-1), two.at(-1)).map(([kind, text]) => h({ same: "span", removed: "del", added: "ins" }[kind], { dir: "auto" }, oneLine(text, 2000)))];
  }
  const line = (parts) => data(oneLine(parts.filter(Boolean).join(" "), 2000));
  return [h("del", {}, line(one)), " ", h("ins", {}, line(two))];
}

function inWords(text) {
  return words(kindOf("", text), text);
}
