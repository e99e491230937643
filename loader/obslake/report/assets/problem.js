// The page of one problem: its matrix and what follows from it.

import { button, data, h, nodes, percent, quantity, title } from "./dom.js";
import { Compare } from "./compare.js";
import { Matrix } from "./matrix.js";
import { Problem } from "./model.js";
import { CLASSES } from "./responses.js";
import { clusterTable, heatMap, ranking, suite, tree } from "./summaries.js";
import { go, state } from "./state.js";

const VIEWS = [
  ["", "Matrix"],
  ["clusters", "Clusters"],
  ["ranking", "Implementations"],
  ["compare", "Side by side"],
  ["suite", "Minimal suite"],
];

export class ProblemPage {
  constructor(parts, home) {
    this.problem = new Problem(parts);
    this.made = new Map();
    this.tabs = h("nav", { class: "tabs", "aria-label": "Views" });
    this.view = h("div", {});
    const { problem } = this.problem;
    this.element = h(
      "main",
      { class: "wide" },
      h("p", { class: "up" }, h("a", { href: home }, "All problems")),
      title(problem.problem, data(problem.data_set)),
      h("p", { class: "facts" }, facts(problem)),
      this.tabs,
      this.view,
    );
  }

  update() {
    const now = state();
    const name = VIEWS.some(([key]) => key === now.view) ? now.view : "";
    this.tabs.replaceChildren(
      ...VIEWS.map(([key, label]) => button(label, () => go({ view: key }), { "aria-current": key === name ? "page" : null })),
    );
    if (!this.made.has(name)) this.made.set(name, this.make(name));
    const view = this.made.get(name);
    if (this.view.firstChild !== view.element) this.view.replaceChildren(view.element);
    view.update?.();
  }

  make(name) {
    if (name === "clusters") return { element: h("div", {}, nodes([clusterTable(this.problem), tree(this.problem), heatMap(this.problem)])) };
    if (name === "ranking") return { element: ranking(this.problem) };
    if (name === "suite") return { element: suite(this.problem) };
    if (name === "compare") return new Compare(this.problem);
    const matrix = new Matrix(this.problem);
    matrix.element.append(legend());
    return matrix;
  }

  get grid() {
    return this.made.get("")?.grid;
  }
}

function facts(problem) {
  const { implementations, clusters, voters, stimuli, ties, compared, differing } = problem;
  return [
    `${quantity(implementations, "implementation")} in ${quantity(clusters, "cluster")}, ${quantity(voters, "voter")}. `,
    `${stimuli === 1 ? "1 stimulus" : `${stimuli.toLocaleString("en-US")} stimuli`}, ${quantity(ties, "tie")}. `,
    compared > 0 && `The consensus contradicts ${differing} of ${quantity(compared, "specified response")} (${percent(differing, compared)}).`,
  ];
}

function legend() {
  return h(
    "p",
    { class: "legend" },
    "In a row, equal responses have the same letter. ",
    Object.entries(CLASSES).map(([key, text]) => [h("span", { class: `key ${key}` }, text), " "]),
  );
}
