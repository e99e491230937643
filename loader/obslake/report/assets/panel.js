// What is known about one stimulus, and about the response of one implementation to it.

import { button, capital, count, data, h, narrow, nodes, percent, quantity, visible } from "./dom.js";
import { votes, words } from "./responses.js";
import { link } from "./state.js";

const FEW_NAMES = 12;

const CERTAINTY = {
  unanimous: "all voters agree",
  majority: "more than half of the voters agree",
  plurality: "the largest group is less than half of the voters",
  tie: "there is no winner: the leading responses have equally many votes",
  no_votes: "nobody voted",
};

export class Panel {
  constructor(problem, onClose) {
    this.problem = problem;
    this.onClose = onClose;
    this.element = h("aside", { class: "panel", hidden: true, tabindex: "-1", "aria-label": "Stimulus", keydown: (event) => event.key === "Escape" && onClose() });
  }

  focus() {
    if (this.element.hidden) return;
    this.element.focus({ preventScroll: true });
    if (narrow()) this.element.scrollIntoView({ block: "nearest" });
  }

  show(stimulus, implementation, now) {
    this.element.hidden = stimulus === null && now.test === undefined;
    if (this.element.hidden) return;
    const close = button("Close", this.onClose, { class: "close" });
    if (stimulus === null) {
      this.element.replaceChildren(close, h("p", {}, "The stimulus ", data(now.test), ` · ${now.step} is not on this page.`));
      return;
    }
    const parts = [
      close,
      h("h2", {}, data(stimulus.test), ` · step ${stimulus.step}`),
      this.asked(stimulus),
      implementation && this.response(stimulus, implementation),
      this.vote(stimulus),
      this.groups(stimulus),
      this.absent(stimulus),
    ];
    this.element.replaceChildren(...nodes(parts));
    this.element.scrollTop = 0;
  }

  asked(stimulus) {
    const { operation, target, inputs, inputs_length: length, n_inputs: different } = stimulus;
    return h(
      "dl",
      {},
      operation !== null && [h("dt", {}, "Operation"), h("dd", {}, code(operation))],
      target !== null && [h("dt", {}, "Target"), h("dd", {}, code(target))],
      h("dt", {}, "Inputs"),
      h("dd", {}, inputs === null ? "not recorded" : code(inputs), cutNote(inputs, length), different > 1 && h("p", { class: "note" }, `${different} different inputs were recorded under this name: these are of the first implementation.`)),
    );
  }

  response(stimulus, implementation) {
    const answer = this.problem.answer(implementation, stimulus.s);
    return h(
      "section",
      {},
      h("h3", {}, data(implementation.id)),
      h("p", { class: "note" }, `cluster ${implementation.cluster}`, implementation.voter ? "" : ", may not vote"),
      answer === null ? h("p", {}, "It did not execute the stimulus.") : this.answer(stimulus, answer),
      this.executions(stimulus, implementation),
    );
  }

  answer(stimulus, answer) {
    return h("div", { class: `answer ${this.problem.classOf(stimulus, answer)}` }, full(answer));
  }

  executions(stimulus, implementation) {
    const executions = this.problem.executions(implementation, stimulus.s);
    if (!executions.length) return null;
    const times = executions.map(({ took }) => took).filter((took) => took !== null);
    const [least, most] = [Math.min(...times), Math.max(...times)].map(duration);
    const took = times.length ? `, in ${least === most ? least : `${least} to ${most}`}` : "";
    const { contexts, all_contexts: all, lacks_durations: lacks } = this.problem.problem;
    const left = [
      contexts < all && `The page knows the last ${count(contexts)} of ${count(all)} runs and attempts of this problem. `,
      lacks && "It has no room for durations.",
    ];
    const isStable = executions.every(({ answer }) => answer === executions[0].answer);
    return h(
      "details",
      { open: !isStable },
      h("summary", {}, `${quantity(executions.length, "execution")}${isStable ? ", all with this response" : " with different responses"}${took}`),
      h(
        "ol",
        { class: "executions" },
        executions.map(({ context, answer, took: time }) =>
          h("li", {}, data(context.run), " · ", data(context.environment), context.attempt ? ` · attempt ${context.attempt}` : "", h("span", { class: "note" }, context.at && ` ${context.at} UTC`, time !== null && ` · ${duration(time)}`, context.commit && [" · commit ", data(context.commit.slice(0, 12))], context.branch && [" · ", data(context.branch)], context.pipeline && [" · ", data(context.pipeline)]), isStable || !answer ? null : h("div", {}, full(answer))),
        ),
      ),
      left.some(Boolean) && h("p", { class: "note" }, nodes(left)),
    );
  }

  vote(stimulus) {
    const { consensus, votes: won, runner_up: second, voters, entropy, oracle, specified, agrees } = stimulus;
    const { answers } = this.problem;
    const clusterOracle = stimulus.cluster_oracle;
    const right = [specified, ...(stimulus.alternatives ?? [])];
    const several = right.length > 1;
    return h(
      "section",
      {},
      h("h3", {}, `Consensus: ${consensus.replace("_", " ")}`),
      h("p", {}, `${capital(CERTAINTY[consensus])}.`, voters > 0 && ` ${count(won)} of ${quantity(voters, "vote")} (${percent(won, voters)}), ${count(second)} for the runner-up; entropy ${entropy.toFixed(2)} bits.`),
      oracle >= 0 && this.answer(stimulus, answers[oracle]),
      clusterOracle >= 0 && answers[clusterOracle].class !== answers[oracle]?.class && [h("p", {}, oracle < 0 ? "The largest cluster answers:" : "The largest cluster answers something else:"), this.answer(stimulus, answers[clusterOracle])],
      specified >= 0 && [
        h("h3", {}, several ? "Specified responses" : "Specified response"),
        several && h("p", {}, `Each of ${right.length} responses is right.`),
        h("p", {}, {
          true: several ? "One of them agrees with the consensus." : "It agrees with the consensus.",
          false: several ? "The consensus is none of them." : "It contradicts the consensus: one of them is wrong.",
          null: `There is no winner to compare ${several ? "them" : "it"} with.`,
        }[agrees]),
        right.map((a) => h("div", { class: `answer ${agrees === false ? "exception" : ""}` }, full(answers[a]))),
      ],
    );
  }

  groups(stimulus) {
    const parts = [
      ["Responses", (group) => votes(group.answer.kind) && group.answer.kind !== "exception"],
      ["Exceptions", (group) => group.answer.kind === "exception"],
      ["Without a vote", (group) => !votes(group.answer.kind)],
    ];
    return parts.map(([title, belongs]) => {
      const groups = stimulus.groups.filter(belongs);
      if (!groups.length) return null;
      return h("section", {}, h("h3", {}, title), groups.map((group) => this.group(stimulus, group)));
    });
  }

  group(stimulus, group) {
    const { answer, size } = group;
    const cast = votes(answer.kind) ? `, ${quantity(group.votes, "vote")}` : "";
    return h(
      "div",
      { class: `answer ${this.problem.classOf(stimulus, answer)}` },
      h("p", { class: "given" }, h("span", { class: "letter" }, this.problem.letter(stimulus, answer)), ` ${quantity(size, "implementation")}${cast}`),
      full(answer),
      names(group.clusters.flatMap((cluster) => cluster.members), (member) => link({ test: stimulus.test, step: stimulus.step, impl: member.id })),
    );
  }

  absent(stimulus) {
    if (!stimulus.absent) return null;
    const members = this.problem.columns.filter((cluster) => this.problem.answer(cluster.members[0], stimulus.s) === null).flatMap((cluster) => cluster.members);
    return h("section", {}, h("h3", {}, "Not executed by"), names(members, (member) => link({ impl: member.id })));
  }
}

function names(members, href) {
  const item = (member) => h("li", {}, h("a", { href: href(member) }, data(member.id)));
  if (members.length <= FEW_NAMES + 3) return h("ul", { class: "names" }, members.map(item));
  const rest = members.slice(FEW_NAMES);
  return [
    h("ul", { class: "names" }, members.slice(0, FEW_NAMES).map(item)),
    h("details", {}, h("summary", {}, `${count(rest.length)} more`), h("ul", { class: "names" }, rest.map(item))),
  ];
}

/** Show the whole text of an answer. */
export function full(answer) {
  const [note, rest] = words(answer.kind, answer.text);
  return [note && h("p", { class: "note" }, note), rest && code(rest), cutNote(answer.text, answer.length)];
}

/** Show a text as it is, line by line. */
export function code(text) {
  return h("pre", { tabindex: text.length > 400 ? "0" : null }, h("code", { dir: "auto" }, visible(text)));
}

/** Return a duration in the unit that suits it. */
function duration(nanoseconds) {
  const [unit, size] = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]].find(([, each]) => nanoseconds >= each) ?? ["ns", 1];
  return `${Number((nanoseconds / size).toPrecision(2))}\u00a0${unit}`;
}

function cutNote(text, length) {
  if (!length) return null;
  return h("p", { class: "note" }, `These are the first ${count(text.length)} of ${count(length)} characters; `, h("code", {}, "obslake sql"), " shows the rest.");
}
