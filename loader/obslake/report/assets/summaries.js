// What is known about the clusters, the implementations and the tests of a problem.

import { data, h, ofStep, percent, quantity, svg } from "./dom.js";
import { picture, table } from "./overview.js";
import { go, link } from "./state.js";

const MOST_CELLS = 40;
const FEW_MEMBERS = 20;
const FEW_IMPLEMENTATIONS = 200;

/** List the clusters with the first stimulus at which each differs from the largest one. */
export function clusterTable(problem) {
  const { clusters } = problem;
  const reference = clusters[1]?.size < clusters[0]?.size || clusters.length === 1 ? "the largest cluster" : "the first of the largest clusters";
  const rows = clusters.map((cluster) => [
    String(cluster.rank),
    cluster.size,
    cluster.voters,
    cluster.exceptions,
    cluster.first ? h("a", { href: link({ view: null, test: cluster.first[0], step: cluster.first[1], impl: cluster.exemplar }) }, data(cluster.first[0]), ofStep(cluster.first[1])) : reference,
    h("details", {}, h("summary", {}, data(cluster.exemplar)), h("ul", { class: "names" }, cluster.members.map((member) => h("li", {}, data(member.id))))),
  ]);
  return h("section", {}, h("h2", {}, "Clusters"), rows.length ? table("Clusters by size", ["Rank", "Implementations", "Voters", "Exceptions", "First differs at", "Members"], rows, FEW_MEMBERS) : h("p", {}, "No implementation executed anything."));
}

/** Draw which clusters are close to each other. */
export function tree(problem) {
  if (!problem.tree) return null;
  return h(
    "section",
    {},
    h("h2", {}, "Distances of clusters"),
    h("p", { class: "note" }, "Two branches meet at the share of their common stimuli that they answer differently, on average. Names begin with the rank of the cluster.", cut(problem, problem.tree.order.length)),
    h("div", { class: "plots" }, picture({ about: "Tree of the clusters by their agreement; the heat map has the numbers", svg: problem.tree.svg })),
  );
}

function cut(problem, shown) {
  return shown < problem.clusters.length && ` These are the ${shown} largest of ${problem.clusters.length} clusters.`;
}

/** Draw how often clusters agree with each other, those beside each other that are close. */
export function heatMap(problem) {
  const order = problem.tree?.order ?? [];
  const clusters = problem.columns.slice(0, MOST_CELLS).sort((a, b) => order.indexOf(a.rank) - order.indexOf(b.rank));
  if (clusters.length < 2) return null;
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
    h("p", { class: "note" }, "The darker, the more of their common stimuli two clusters answer alike. Click to compare them.", cut(problem, clusters.length)),
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
  const isUsed = heads.map((_, n) => n < 4 || rows.some((row) => typeof row[n] === "number" ? row[n] > 0 : Array.isArray(row[n]) ? row[n].some(Boolean) : row[n] !== "–"));
  const used = (row) => row.filter((_, n) => isUsed[n]);
  return h(
    "section",
    {},
    h("h2", {}, "Implementations"),
    h("p", { class: "note" }, "Ranked by dual agreement: the number of tests passed by the consensus, times the root of the number of voters that pass the same tests; then by mean agreement with the other voters. Specified responses do not count."),
    table("Implementations by rank", used(heads), rows.map(used), FEW_IMPLEMENTATIONS),
  );
}

/** List the tests that are enough to tell the clusters apart. */
export function suite(problem) {
  const { suite: kept, problem: { tests } } = problem;
  const rows = kept.map((each, n) => [String(n + 1), h("a", { href: link({ view: null, rows: "all", q: each.test, test: each.test, step: 0 }) }, data(each.test)), each.steps, each.columns, each.pairs]);
  return h(
    "section",
    {},
    h("h2", {}, "Minimal suite"),
    h("p", {}, kept.length ? `${quantity(kept.length, "test")} of ${tests} ${kept.length === 1 ? "tells" : "tell"} apart all clusters that the tests can tell apart.` : "No test tells clusters apart."),
    kept.length > 0 && table("Tests of the minimal suite", ["Place", "Test", "Steps", "Groups it makes", "Pairs newly told apart"], rows),
  );
}
