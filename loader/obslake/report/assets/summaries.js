// What is known about the clusters, the implementations and the tests of a problem.

import { data, h, percent, quantity, svg } from "./dom.js";
import { table } from "./overview.js";
import { go, link } from "./state.js";

const MOST_CELLS = 60;

/** List the clusters with the first stimulus at which each differs from the largest one. */
export function clusterTable(problem) {
  const rows = problem.clusters.map((cluster) => [
    String(cluster.rank),
    cluster.size,
    cluster.voters,
    cluster.exceptions,
    cluster.first ? h("a", { href: link({ view: null, test: cluster.first[0], step: cluster.first[1], impl: cluster.exemplar }) }, data(cluster.first[0]), ` · ${cluster.first[1]}`) : "the largest cluster",
    h("details", {}, h("summary", {}, data(cluster.exemplar)), h("ul", { class: "names" }, cluster.members.map((member) => h("li", {}, data(member.id))))),
  ]);
  return h("section", {}, h("h2", {}, "Clusters"), table("Clusters by size", ["Rank", "Implementations", "Voters", "Exceptions", "First differs at", "Members"], rows));
}

/** Draw how often clusters agree with each other. */
export function heatMap(problem) {
  const clusters = problem.columns.slice(0, MOST_CELLS);
  if (clusters.length < 2) return h("section", {});
  const size = Math.max(10, Math.min(28, Math.floor(720 / clusters.length)));
  const left = 34;
  const cells = [];
  clusters.forEach((one, y) => {
    cells.push(svg("text", { x: left - 6, y: 20 + y * size + size * 0.7, "text-anchor": "end", class: "axis" }, String(one.rank)));
    cells.push(svg("text", { x: left + y * size + size / 2, y: 14, "text-anchor": "middle", class: "axis" }, String(one.rank)));
    clusters.forEach((two, x) => {
      const { common, equal } = problem.agreement(one.members[0], two.members[0]);
      const share = common ? equal / common : 0;
      const title = `clusters ${one.rank} and ${two.rank}: ${equal} of ${common} common stimuli alike (${percent(equal, common)})`;
      const cell = svg("rect", { x: left + x * size, y: 20 + y * size, width: size - 1, height: size - 1, class: common ? "heat" : "heat none", "fill-opacity": common ? (0.06 + 0.94 * share ** 3).toFixed(3) : 1, click: () => go({ view: "compare", a: one.members[0].id, b: two.members[0].id }) }, svg("title", {}, title));
      cells.push(cell);
    });
  });
  const width = left + clusters.length * size;
  return h(
    "section",
    {},
    h("h2", {}, "Agreement of clusters"),
    h("p", { class: "note" }, "The darker, the more of their common stimuli two clusters answer alike. Click to compare them.", problem.columns.length > clusters.length && ` These are the ${clusters.length} largest of ${problem.clusters.length}.`),
    h("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": "Agreement of clusters" }, svg("svg", { width, height: 20 + clusters.length * size, role: "img", "aria-label": "Heat map of the agreement of clusters; “Side by side” has the numbers" }, cells)),
  );
}

/** List the implementations in the order of their assessment. */
export function ranking(problem) {
  const ranked = [...problem.implementations].sort((a, b) => (a.rank ?? Infinity) - (b.rank ?? Infinity) || a.i - b.i);
  const share = ([part, whole]) => (whole ? `${percent(part, whole)} (${part}/${whole})` : "–");
  const rows = ranked.map((each) => [
    h("a", { href: link({ view: "compare", a: problem.implementations[0].id, b: each.id }) }, data(each.id)),
    each.rank ?? "–",
    each.cluster,
    share(each.consensus),
    share(each.specified),
    each.exceptions,
    each.timeouts + each.crashes,
    each.not_run,
    each.score === null ? "–" : each.score.toFixed(1),
    each.mbr === null ? "–" : each.mbr.toFixed(3),
    [each.voter ? "" : "may not vote ", each.origin && data(each.origin), each.licence && [" · ", data(each.licence)]],
  ]);
  const heads = ["Implementation", "Rank", "Cluster", "Agrees with consensus", "Agrees with specified", "Exceptions", "Timeouts, crashes", "Not executed", "Dual agreement", "Mean agreement", "Origin, licence"];
  return h("section", {}, h("h2", {}, "Implementations"), table("Implementations by rank", heads, rows));
}

/** List the tests that are enough to tell the clusters apart. */
export function suite(problem) {
  const { suite: kept, problem: { tests } } = problem;
  const rows = kept.map((each, n) => [String(n + 1), h("a", { href: link({ view: null, rows: "all", q: each.test, test: each.test, step: 0 }) }, data(each.test)), each.steps, each.columns, each.pairs]);
  return h(
    "section",
    {},
    h("h2", {}, "Minimal suite"),
    h("p", {}, kept.length ? `${quantity(kept.length, "test")} of ${tests} tell apart all clusters that the tests can tell apart.` : "No test tells clusters apart."),
    kept.length > 0 && table("Tests of the minimal suite", ["Place", "Test", "Steps", "Classes", "Pairs newly told apart"], rows),
  );
}
