// Two implementations side by side: the stimuli they answer differently, and their code.

import { count, data, h, ofStep, oneLine, percent, quantity, visible } from "./dom.js";
import { diff, wordDiff } from "./diff.js";
import { summary, words } from "./responses.js";
import { go, link, state } from "./state.js";

const FEW_ROWS = 200;
const MOST_EQUAL = 200;
const MOST_COMPARED = 4000;

export class Compare {
  constructor(problem) {
    this.problem = problem;
    this.element = h("div", { class: "compare" });
  }

  update() {
    const now = state();
    const { implementations, clusters } = this.problem;
    const one = this.problem.implementation(now.a) ?? implementations[0];
    const two = this.problem.implementation(now.b) ?? clusters[1]?.members[0] ?? implementations[1] ?? one;
    if (!one) {
      this.element.replaceChildren(h("p", {}, "There are no implementations."));
      return;
    }
    const view = `${one.i} ${two.i} ${now.diff}`;
    if (view === this.view) return;
    this.view = view;
    this.element.replaceChildren(
      h("div", { class: "controls" }, this.choose("First", "a", one), this.choose("Second", "b", two)),
      this.responses(one, two, now.diff === "all"),
      this.sources(one, two),
    );
  }

  choose(label, key, chosen) {
    const box = h(
      "select",
      { "aria-label": label, change: () => go({ [key]: box.value }) },
      this.problem.implementations.map((each) => h("option", { value: each.id, selected: each === chosen }, `${oneLine(each.id)} (cluster ${each.cluster})`)),
    );
    return h("label", { class: "field" }, h("span", { "aria-hidden": "true" }, label), box);
  }

  responses(one, two, isAll) {
    const rows = this.problem.stimuli.map((stimulus) => ({ stimulus, a: this.problem.answer(one, stimulus.s), b: this.problem.answer(two, stimulus.s) })).filter(({ a, b }) => a?.class !== b?.class);
    const { common, equal } = this.problem.agreement(one, two);
    const shown = isAll ? rows : rows.slice(0, FEW_ROWS);
    return h(
      "section",
      {},
      h("h2", {}, "Responses"),
      h("p", { role: "status" }, `They answer ${count(equal)} of ${count(common)} common stimuli alike (${percent(equal, common)}). ${quantity(rows.length, "difference")}${rows.length ? ", in the order of the tests" : ""}.`),
      rows.length > 0 && h("p", {}, h("del", {}, data(one.id)), " ", h("ins", {}, data(two.id))),
      h("ol", { class: "differences" }, shown.map((row) => this.difference(row))),
      shown.length < rows.length && h("p", {}, h("a", { href: link({ diff: "all" }) }, `Show all ${count(rows.length)} differences`)),
    );
  }

  difference({ stimulus, a, b }) {
    return h(
      "li",
      {},
      h("p", {}, h("a", { href: link({ view: null, rows: "all", test: stimulus.test, step: stimulus.step, impl: null }) }, data(stimulus.test), ofStep(stimulus.step)), " ", stimulus.inputs && h("code", { class: "inputs" }, oneLine(stimulus.inputs, 200))),
      responseDiff(a, b),
    );
  }

  sources(one, two) {
    const [a, b] = [this.problem.codes[one.code], this.problem.codes[two.code]];
    if (a === undefined && b === undefined) return h("section", {}, h("h2", {}, "Source code"), h("p", {}, "The source code of neither is known."));
    if (a === undefined || b === undefined) return h("section", {}, h("h2", {}, "Source code"), h("p", {}, "The source code of one is known only."), h("pre", { tabindex: "0" }, h("code", { dir: "auto" }, visible(a ?? b))));
    const same = one.code === two.code && h("p", {}, "Their source code is the same.");
    return h("section", {}, h("h2", {}, "Source code"), same, h("pre", { class: "diff", tabindex: "0" }, marked(diff(a, b), true)));
  }
}

function responseDiff(a, b) {
  const [before, after] = [a, b].map((each) => (each ? words(each.kind, each.text) : ["not executed", ""]));
  if (a && b && a.kind === b.kind && before[1] && after[1]) {
    return h("p", { class: "diff" }, before[0] && h("span", { class: "note" }, `${before[0]} `), excerpt(before[1], after[1], Math.max(a.length, b.length)));
  }
  const text = (answer) => (answer ? summary(answer.kind, answer.text) : "not executed");
  return h("p", { class: "diff" }, h("del", {}, data(text(a))), " ", h("ins", {}, data(text(b))));
}

/** Compare two texts from shortly before their first difference; `whole` is their length if the page has less of them. */
function excerpt(before, after, whole) {
  let equal = 0;
  while (equal < before.length && before[equal] === after[equal]) equal += 1;
  const note = (text) => h("span", { class: "note" }, text);
  if (before === after) return note(`They differ after the first ${count(equal)} of ${count(whole)} characters, which are all that the page has.`);
  const start = equal > MOST_EQUAL ? equal - MOST_EQUAL / 2 : 0;
  const end = start + MOST_COMPARED;
  const isCut = Math.max(before.length, after.length) > end || whole > 0;
  return [
    start > 0 && note(`… after ${count(start)} equal characters: `),
    marked(wordDiff(before.slice(start, end), after.slice(start, end))),
    isCut && note(` … the first ${count(Math.min(end, Math.max(before.length, after.length)))} of ${count(Math.max(before.length, after.length, whole))} characters are compared`),
  ];
}

function marked(parts, isLines = false) {
  const names = { same: "span", removed: "del", added: "ins" };
  const signs = { same: "  ", removed: "- ", added: "+ " };
  const lines = (kind, text) => text.replace(/^(?=[^])/gm, signs[kind]);
  return parts.map(([kind, text]) => h(names[kind], { dir: "auto" }, visible(isLines ? lines(kind, text) : text)));
}
