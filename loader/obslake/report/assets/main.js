// Starts the page: finds its data, and shows it.

import { h } from "./dom.js";
import { Changes } from "./changes.js";
import { Overview } from "./overview.js";
import { payload } from "./payload.js";
import { ProblemPage } from "./problem.js";
import { link, onChange, state } from "./state.js";

const { page, home } = document.body.dataset;
const place = document.getElementById("page");

function show(view) {
  place.replaceChildren(view.element);
  view.update?.();
  onChange(() => view.element.isConnected && view.update?.());
  addEventListener("beforeprint", () => view.grid?.print(true));
  addEventListener("afterprint", () => view.grid?.print(false));
}

async function single() {
  const parts = await payload("overview");
  const known = (id) => document.getElementById(id) !== null;
  const href = (each) => (known(each.page) ? link({ page: each.page }, false) : null);
  const stimulus = (id, to) => (known(id) ? link({ page: id, ...to }, false) : null);
  let current = null;
  const draw = async () => {
    const { page: id = "overview" } = state();
    if (id === current) return;
    current = id;
    if (id === "overview" || !known(id)) show(new Overview(parts, { problem: href, lineage: href }));
    else if (id.startsWith("lineage")) show(new Changes(await payload(id), link({}, false), stimulus));
    else show(new ProblemPage(await payload(id), link({}, false)));
    scrollTo(0, 0);
  };
  onChange(draw);
  await draw();
}

async function start() {
  if (page === "single") await single();
  else if (page === "problem") show(new ProblemPage(await payload("data"), home));
  else if (page === "lineage") show(new Changes(await payload("data"), home, (id, to) => `../${id}${link(to, false)}`));
  else {
    const href = (each) => each.page;
    show(new Overview(await payload("data"), { problem: href, lineage: href }));
  }
}

start().then(
  () => document.body.setAttribute("data-ready", ""),
  (error) => {
    place.replaceChildren(h("main", {}, h("p", { role: "alert" }, `This page cannot be shown: ${error.message}. It needs a browser of 2023 or later.`)));
    throw error;
  },
);
