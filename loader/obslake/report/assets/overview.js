// The first page: data sets, problems, lineages, loads.

import { button, capital, count, data, h, narrow, quantity, search, select } from "./dom.js";
import { Grid } from "./grid.js";
import { go, state } from "./state.js";

const FEW_LISTED = 20;
const NUMBERS = [
  ["look", "To look at", "suspects, ties, unstable and regressed stimuli together"],
  ["implementations", "Implementations"],
  ["clusters", "Clusters"],
  ["stimuli", "Stimuli"],
  ["entropy", "Entropy", "of the sizes of the clusters, in bits"],
  ["ties", "Ties", "stimuli without a winner because the votes are tied"],
  ["suspects", "Suspects", "specified responses that the votes contradict"],
  ["flaky", "Unstable", "stimuli that the same code answered differently in the same environment"],
  ["changed", "Changed", "changes by the last revisions of lineages"],
  ["regressed", "Regressed", "changes from right to wrong by the last revisions"],
];

export class Overview {
  constructor({ problems, data_sets: dataSets, lineages, changes, loads, set_aside: setAside, all_set_aside: allSetAside, all_loads: allLoads, built, plots, left_out: leftOut }, hrefs) {
    this.problems = columnsToRows(problems);
    this.hrefs = hrefs;
    this.grid = new Grid({ caption: "", columns: this.columns(), rows: [], rowHeight: 34, onSort: (key) => this.sort(key), onOpen: (row, column) => column.key === "problem" || this.open(row) });
    this.grid.element.classList.add("short");
    this.counted = h("p", { class: "counted", role: "status" });
    this.controls = h("div", { class: "controls" });
    this.element = h(
      "main",
      {},
      h("h1", {}, "Behaviour report"),
      tiles(built),
      h("section", {}, h("h2", {}, "Problems"), this.controls, this.counted, this.grid.element, leftOut && h("p", { class: "note" }, leftOut)),
      lineages.length > 0 && h("section", {}, h("h2", {}, "Lineages"), lineageTable(lineages, changes, hrefs)),
      plots.length > 0 && h("section", {}, h("h2", {}, "Plots"), h("div", { class: "plots" }, plots.map(picture))),
      dataSets.length > 0 && h("section", {}, h("h2", {}, "Data sets"), dataSetTable(dataSets)),
      setAside.length > 0 && h("section", {}, h("h2", {}, "Runs that are set aside"), setAsideTable(setAside), setAside.length < allSetAside && h("p", { class: "note" }, `These are the last ${count(setAside.length)} of ${count(allSetAside)} runs.`)),
      loads.length > 0 && h("section", {}, h("h2", {}, "Loads"), loadTable(loads), loads.length < allLoads && h("p", { class: "note" }, `These are the last ${count(loads.length)} of ${count(allLoads)} loads.`)),
    );
    const names = [...new Set(this.problems.map((row) => row.data_set))];
    this.dataSets = names;
    this.drawControls();
  }

  drawControls() {
    const now = state();
    const all = this.dataSets.map((name) => [name, name]);
    this.controls.replaceChildren(
      search("Find", now.q ?? "", (q) => go({ q })),
      this.dataSets.length > 1 ? select("Data set", [["", "all"], ...all], now.data_set ?? "", (name) => go({ data_set: name })) : "",
    );
  }

  columns() {
    const has = (key) => this.problems.some((row) => row[key]);
    const numbers = NUMBERS.filter(([key]) => !["suspects", "flaky", "changed", "regressed"].includes(key) || has(key));
    const several = new Set(this.problems.map((row) => row.data_set)).size > 1;
    return [
      { key: "problem", title: "Problem", width: narrow() ? 150 : 200, sticky: true, isHead: true, sort: true, cell: (row) => ({ node: this.hrefs.problem(row) ? h("a", { href: this.hrefs.problem(row) }, data(row.problem)) : data(row.problem) }) },
      several && { key: "data_set", title: "Data set", width: 120, sort: true, cell: (row) => ({ node: data(row.data_set) }) },
      ...numbers.map(([key, title, label]) => ({ key, title, label, width: Math.max(76, 24 + 9.8 * Math.max(...title.split(" ").map((word) => word.length))), sort: true, class: "number", cell: (row) => ({ text: key === "entropy" ? (row[key] ?? 0).toFixed(2) : count(row[key]) }) })),
    ].filter(Boolean);
  }

  update() {
    const now = state();
    const wanted = (now.q ?? "").toLowerCase();
    const sort = now.sort ?? "-look";
    const key = sort.replace("-", "");
    const down = sort.startsWith("-") ? -1 : 1;
    const rows = this.problems.filter((row) => (!now.data_set || row.data_set === now.data_set) && `${row.data_set} ${row.problem}`.toLowerCase().includes(wanted));
    rows.sort((a, b) => down * order(a[key], b[key]) || (b.entropy ?? 0) - (a.entropy ?? 0) || order(a.data_set, b.data_set) || order(a.problem, b.problem));
    this.counted.textContent = `${count(rows.length)} of ${quantity(this.problems.length, "problem")}`;
    this.grid.update({ rows, caption: "Problems", sorted: { key, down: down < 0 } });
  }

  sort(key) {
    const now = state().sort ?? "-look";
    const first = ["problem", "data_set"].includes(key) ? key : `-${key}`;
    const other = first.startsWith("-") ? key : `-${key}`;
    go({ sort: now === first ? other : first });
  }

  open(row) {
    const href = this.hrefs.problem(row);
    if (href) location.href = href;
  }
}

function order(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  return a < b ? -1 : 1;
}

/** Turn an object of lists into a list of objects. */
export function columnsToRows(columns) {
  const names = Object.keys(columns);
  return (columns[names[0]] ?? []).map((_, n) => Object.fromEntries(names.map((name) => [name, columns[name][n]])));
}

function tiles(built) {
  const shown = [["problems", built.problems], ["implementations", built.implementations], ["stimuli", built.stimuli], ["actuations", built.actuations]];
  return h("ul", { class: "tiles" }, shown.map(([noun, number]) => h("li", {}, h("strong", {}, count(number)), ` ${noun}`)));
}

/** Make a plain table; of many rows, it shows a few first. */
export function table(caption, heads, rows, few = Infinity) {
  const isNumber = (n) => rows.some((row) => typeof row[n] === "number");
  const cell = (content, n) => h(n ? "td" : "th", { scope: n ? null : "row", class: isNumber(n) ? "number" : null }, typeof content === "number" ? count(content) : content);
  const row = (cells) => h("tr", {}, cells.map(cell));
  const body = h("tbody", {}, rows.slice(0, few).map(row));
  const all = button(`Show all ${count(rows.length)}`, () => {
    body.replaceChildren(...rows.map(row));
    all.remove();
    body.querySelector(`tr:nth-child(${few + 1}) a`)?.focus();
  });
  return [
    h(
      "div",
      { class: "scrolled", tabindex: "0", role: "region", "aria-label": caption },
      h("table", {}, h("caption", { class: "hidden" }, caption), h("thead", {}, h("tr", {}, heads.map((head, n) => h("th", { scope: "col", class: isNumber(n) ? "number" : null }, head)))), body),
    ),
    rows.length > few && all,
  ];
}

/** Show an SVG as a picture, in which nothing can act; a narrow window scrolls it. */
export function picture({ about, svg }) {
  const image = h("img", { alt: about, title: about, src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}` });
  return h("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": about }, image);
}

function lineageTable(lineages, changes, hrefs) {
  const rows = lineages.map((each) => [
    hrefs.lineage(each) ? h("a", { href: hrefs.lineage(each) }, data(each.lineage)) : data(each.lineage),
    data(each.environment),
    each.revisions,
    data(each.last),
    ...changes.map((name) => each.changes[name] ?? 0),
    each.flaky,
  ]);
  const heads = ["Lineage", "Environment", "Revisions", "Last revision", ...changes.map(capital), "Unstable"];
  return table("Lineages, with the changes of their last revision", heads, rows, FEW_LISTED);
}

function dataSetTable(dataSets) {
  const rows = dataSets.map((each) => [data(each.data_set), each.problems, each.implementations, each.tests, each.stimuli, each.runs, each.actuations]);
  return table("Data sets", ["Data set", "Problems", "Implementations", "Tests", "Stimuli", "Runs", "Actuations"], rows);
}

function setAsideTable(runs) {
  const rows = runs.map((each) => [data(each.run), data(each.environment), data(each.data_set), data(each.at), data(each.reason)]);
  return table("Runs that are set aside, the latest first", ["Run", "Environment", "Data set", "When (UTC)", "Reason"], rows, FEW_LISTED);
}

function loadTable(loads) {
  const rows = loads.map((each) => [data(each.at), data(each.data_sets || "–"), data(each.tables || "–"), each.problems, data(each.load)]);
  return table("Loads, the latest first", ["When (UTC)", "Data sets", "Tables", "Problems", "Load"], rows, FEW_LISTED);
}
