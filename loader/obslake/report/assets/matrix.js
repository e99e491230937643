// The matrix: rows are stimuli, columns the oracles and the clusters.

import { button, count, data, h, middle, narrow, oneLine, quantity, search, select } from "./dom.js";
import { Grid } from "./grid.js";
import { Panel } from "./panel.js";
import { summary, words } from "./responses.js";
import { go, state } from "./state.js";

const FEW_CLUSTERS = 80;
const NAME_WIDTH = 8.6;
const LONGEST_NAME = 38;
const FEW_CHARACTERS = 6;
const FILTERS = [
  ["", "where anything differs"],
  ["answers", "with different responses"],
  ["all", "all"],
  ["tie", "ties"],
  ["no_votes", "without votes"],
  ["specified", "consensus against specified"],
  ["exception", "with exceptions or failures"],
  ["flaky", "not answered the same each time"],
];
const ORDERS = [
  ["", "in order of tests"],
  ["-test", "last tests first"],
  ["-entropy", "most divided first"],
  ["entropy", "least divided first"],
  ["consensus", "weakest consensus first"],
  ["-consensus", "clearest consensus first"],
];
const SORTS = {
  test: (a, b) => a.s - b.s,
  consensus: (a, b) => (a.votes / a.voters || 0) - (b.votes / b.voters || 0),
  entropy: (a, b) => (a.entropy ?? -1) - (b.entropy ?? -1),
};

export class Matrix {
  constructor(problem) {
    this.problem = problem;
    this.counted = h("p", { class: "counted", role: "status" });
    this.controls = h("div", { class: "controls" });
    this.panel = new Panel(problem, () => this.close());
    this.grid = new Grid({
      caption: "",
      columns: [],
      rows: [],
      rowHeight: 34,
      onSort: (key) => this.sort(key),
      onOpen: (row, column) => this.open(row, column),
      selected: (row, column) => this.isOpen(row, column),
    });
    this.element = h("div", { class: "matrix" }, this.controls, this.counted, h("div", { class: "split" }, this.grid.element, this.panel.element));
    // Names are as long as they are, but leave room for responses.
    const longest = problem.stimuli.reduce((most, row) => Math.max(most, row.test.length), 0);
    this.nameWidth = narrow() ? 150 : Math.min(360, Math.max(250, 20 + NAME_WIDTH * longest));
    this.drawControls();
  }

  drawControls() {
    const now = state();
    this.controls.replaceChildren(
      search("Find", now.q ?? "", (q) => go({ q })),
      select("Rows", FILTERS, now.rows ?? "", (rows) => go({ rows })),
      select("Sort", ORDERS, now.sort ?? "", (sort) => go({ sort })),
    );
  }

  /** Show what the address says. */
  update() {
    const now = state();
    this.now = now;
    const { stimuli } = this.problem;
    const rows = stimuli.filter((row) => this.isWanted(row, now));
    const sort = now.sort ?? "";
    const key = sort.replace("-", "");
    if (SORTS[key]) rows.sort((a, b) => (sort.startsWith("-") ? SORTS[key](b, a) : SORTS[key](a, b)) || a.s - b.s);
    const columns = this.columns(now);
    const caption = `Responses to ${quantity(rows.length, "stimulus").replace("stimuluss", "stimuli")} by cluster`;
    // What a reader looks at did not change if only the panel did.
    const view = JSON.stringify([now.q, now.rows, now.sort, now.open, now.columns]);
    const sorted = SORTS[key] ? { key, down: sort.startsWith("-") } : { key: "test", down: false };
    if (view !== this.view) this.grid.update({ rows, columns, caption, sorted });
    this.view = view;
    this.say(rows, stimuli);
    this.show(now, rows, columns);
  }

  say(rows, stimuli) {
    const total = this.problem.problem.stimuli;
    const held = stimuli.length < total ? ` The page has ${count(stimuli.length)} of them, the most divided.` : "";
    const isDefault = !state().rows && !state().q;
    const agree = this.problem.columns.length ? "All implementations agree" : "No implementation executed anything";
    const none = !rows.length && isDefault ? ` ${agree}: choose “all” to see the rows.` : "";
    this.counted.replaceChildren(`${count(rows.length)} of ${count(total)} stimuli.${held}${none}`);
  }

  isWanted(row, now) {
    const filters = {
      "": () => row.disagrees,
      answers: () => row.isAnsweredDifferently,
      tie: () => row.consensus === "tie",
      no_votes: () => row.consensus === "no_votes",
      specified: () => row.agrees === false,
      exception: () => row.hasException,
      flaky: () => row.isFlaky,
    };
    if (filters[now.rows ?? ""]?.() === false) return false;
    if (!now.q) return true;
    const wanted = now.q.toLowerCase();
    const texts = [row.test, row.operation, row.inputs, ...row.groups.map((group) => group.answer.text)];
    return texts.some((text) => text?.toLowerCase().includes(wanted));
  }

  columns(now) {
    const opened = new Set((now.open ?? "").split(",").map(Number));
    const clusters = now.columns === "all" ? this.problem.columns : this.problem.columns.slice(0, FEW_CLUSTERS);
    const left = this.problem.columns.length - clusters.length;
    return [
      { key: "test", title: "Stimulus", width: this.nameWidth, sticky: true, isHead: true, sort: true, cell: (row) => this.stimulus(row) },
      { key: "entropy", title: "Entropy", width: 84, sort: true, class: "number", label: "how divided the votes are, in bits", cell: (row) => ({ text: row.entropy === null ? "–" : row.entropy.toFixed(2) }) },
      { key: "consensus", title: "Consensus", width: 210, sort: true, cell: (row) => this.consensus(row) },
      this.problem.stimuli.some((row) => row.specified >= 0) && { key: "specified", title: "Specified", width: 170, cell: (row) => this.specified(row) },
      ...clusters.flatMap((cluster) => (opened.has(cluster.rank) ? cluster.members.map((member, n) => this.member(cluster, member, n)) : this.cluster(cluster))),
      left > 0 && { key: "more", title: button(`${count(left)} more clusters`, () => go({ columns: "all" }), { class: "expand" }), width: 150, cell: () => ({ text: "" }) },
    ].filter(Boolean);
  }

  cluster(cluster) {
    return this.column(cluster, cluster.members[0], cluster.size > 1
      ? button(`× ${count(cluster.size)}`, () => this.toggle(cluster), { class: "expand", "aria-expanded": "false", "aria-label": `show all ${cluster.size} implementations of cluster ${cluster.rank}` })
      : null);
  }

  member(cluster, member, n) {
    const close = n ? null : button(`× ${count(cluster.size)}`, () => this.toggle(cluster), { class: "expand", "aria-expanded": "true", "aria-label": `show cluster ${cluster.rank} as one column` });
    return { ...this.column(cluster, member, close), class: "opened" };
  }

  column(cluster, implementation, expand) {
    return {
      key: `i${implementation.i}`,
      implementation,
      title: h("span", { class: "name" }, data(middle(implementation.id, LONGEST_NAME), { class: null })),
      head: h("span", { class: "of-cluster" }, `cluster ${cluster.rank} `, expand),
      label: visibleName(implementation),
      width: 158,
      cell: (row) => this.response(row, this.problem.answer(implementation, row.s)),
    };
  }

  toggle(cluster) {
    const opened = new Set((state().open ?? "").split(",").filter(Boolean).map(Number));
    if (!opened.delete(cluster.rank)) opened.add(cluster.rank);
    go({ open: [...opened].sort((a, b) => a - b).join(",") });
  }

  stimulus(row) {
    const inputs = row.inputs ? oneLine(row.inputs, 60) : "";
    const step = row.step ? ` · ${row.step}` : "";
    const room = Math.floor((this.grid.lefts[1] - 18) / NAME_WIDTH) - step.length;
    const name = this.grid.printing ? row.test : middle(row.test, Math.max(8, room));
    const shown = room - name.length > FEW_CHARACTERS && inputs;
    const title = [oneLine(row.test, 500) + step, inputs].filter(Boolean).join("\n");
    return { node: [h("span", { class: "test" }, data(name), step), shown && h("span", { class: "inputs" }, shown)], title };
  }

  consensus(row) {
    const note = { tie: "tie", no_votes: "no votes" }[row.consensus] ?? `${row.consensus} ${row.votes}/${row.voters}`;
    const winner = row.oracle < 0 ? "" : this.text(this.problem.answers[row.oracle]);
    const votes = row.consensus === "tie" ? ` ${row.votes}:${row.runner_up} of ${row.voters}` : "";
    return { node: [h("span", { class: "note" }, note + votes), " ", winner], class: `consensus-${row.consensus}` };
  }

  specified(row) {
    if (row.specified < 0) return { text: "not specified", class: "missing" };
    const verdict = { true: "agrees", false: "differs", null: "no winner" }[row.agrees];
    const { answers } = this.problem;
    const others = row.alternatives ?? [];
    const note = others.length ? `${verdict}, one of ${others.length + 1}` : verdict;
    const title = others.length ? [row.specified, ...others].map((a) => oneLine(answers[a].text, 200)).join("\n") : undefined;
    return { node: [h("span", { class: "note" }, note), " ", this.text(answers[row.specified])], class: row.agrees === false ? "exception" : null, title };
  }

  response(row, answer) {
    const kind = this.problem.classOf(row, answer);
    if (answer === null) return { text: "not executed", class: kind };
    const tied = kind === "tied" ? "=" : "";
    return { node: [h("span", { class: "letter" }, this.problem.letter(row, answer) + tied), " ", this.text(answer)], class: kind };
  }

  text(answer) {
    const [note, whole] = words(answer.kind, answer.text);
    // A cell has no room for the modules of an exception.
    const rest = answer.kind === "exception" ? whole.replace(/^[\w.$]*\.(?=\w+(:|$))/, "") : whole;
    return [note && h("span", { class: "kind" }, note), note && rest && " ", rest && data(oneLine(rest, 80))];
  }

  sort(key) {
    const now = state().sort ?? "";
    // The first click sorts by what people look for; rows are in the order of tests if nothing else is said.
    const first = { entropy: "-entropy", test: "" }[key] ?? key;
    const second = { entropy: "entropy" }[key] ?? `-${key}`;
    go({ sort: now === first ? second : first });
    this.drawControls();
  }

  open(row, column) {
    if (!row) return;
    go({ test: row.test, step: row.step, impl: column?.implementation?.id ?? null });
    this.panel.focus();
  }

  close() {
    go({ test: null, step: null, impl: null });
    if (this.grid.active[0] >= 0) this.grid.focus(...this.grid.active);
  }

  isOpen(row, column) {
    const { now } = this;
    return row.test === now.test && String(row.step) === now.step && (column.implementation?.id ?? "") === (now.impl ?? "");
  }

  show(now, rows, columns) {
    const row = now.test === undefined ? null : this.problem.find(now.test, now.step ?? 0);
    const implementation = now.impl ? this.problem.implementation(now.impl) : null;
    const open = row ? `${row.s} ${implementation?.i}` : "";
    if (open === this.opened) return;
    const isFirst = this.opened === undefined;
    this.opened = open;
    this.panel.show(row ?? null, implementation ?? null, now);
    const index = rows.indexOf(row);
    if (index < 0 || !isFirst) {
      this.grid.redraw();
      return;
    }
    const column = columns.findIndex((each) => each.implementation && each.implementation === implementation);
    this.grid.reveal(index, Math.max(0, column));
  }
}

function visibleName(implementation) {
  return summary("value", implementation.id);
}
