// The matrix of one problem, as its page reads it.

import { fails, kindOf, votes } from "./responses.js";

export class Problem {
  constructor(parts) {
    this.problem = parts.problem;
    this.implementations = (parts.implementations ?? []).map((each, i) => ({ ...each, i }));
    this.codes = parts.codes ?? [];
    this.clusters = parts.clusters ?? [];
    this.suite = parts.suite ?? [];
    this.tree = parts.tree;
    this.contexts = parts.contexts ?? [];
    this.contextSets = parts.context_sets ?? [];
    this.usualContexts = parts.usual_contexts ?? [];
    const { text = [], length = [], kind = [], class: classes = [] } = parts.answers ?? {};
    this.answers = text.map((each, a) => ({
      a,
      text: each,
      length: length[a],
      kind: kindOf(kind[a], each),
      class: classes[a],
    }));
    this.stimuli = rows(parts.stimuli ?? { test: [] });
    this.cells = parts.cells ?? {};
    this.otherTexts = byCell(parts.other_texts, (each) => each[2]);
    this.otherContexts = byCell(parts.other_contexts, (each) => each[2]);
    this.durations = parts.durations ?? {};
    this.unstable = byCell(parts.unstable, (each) => each.a);
    for (const cluster of this.clusters) cluster.members = [];
    for (const each of this.implementations) this.clusters[each.cluster - 1].members.push(each);
    // Clusters beyond those that a page can hold are known by their members only.
    this.columns = this.clusters.filter((cluster) => cluster.members[0] && this.cells[cluster.members[0].i]);
    this.flakyRows = new Set([...this.unstable.keys()].map((key) => Number(key.split(".")[1])));
    this.stimuli.forEach((stimulus) => this.compare(stimulus));
  }

  /** Return the answer of an implementation to a stimulus, or null if it did not execute it. */
  answer(implementation, s) {
    const other = this.otherTexts.get(`${implementation.i}.${s}`);
    if (other !== undefined) return this.answers[other];
    const cells = this.cells[this.clusters[implementation.cluster - 1].members[0].i];
    return (cells && this.answers[cells[s]]) ?? null;
  }

  /** Group the answers to a stimulus, those with most votes first, and note whether they differ. */
  compare(stimulus) {
    const groups = new Map();
    let absent = 0;
    for (const cluster of this.columns) {
      const answer = this.answer(cluster.members[0], stimulus.s);
      if (answer === null) {
        absent += 1;
        continue;
      }
      const group = groups.get(answer.class) ?? { class: answer.class, answer, votes: 0, size: 0, clusters: [] };
      if (votes(answer.kind)) group.votes += cluster.voters;
      group.size += cluster.size;
      group.clusters.push(cluster);
      groups.set(answer.class, group);
    }
    stimulus.groups = [...groups.values()].sort(
      (a, b) => votes(b.answer.kind) - votes(a.answer.kind) || b.votes - a.votes || b.size - a.size || a.class - b.class,
    );
    stimulus.order = new Map(stimulus.groups.map((group, index) => [group.class, index]));
    stimulus.absent = absent;
    stimulus.hasException = stimulus.groups.some((group) => fails(group.answer));
    stimulus.isAnsweredDifferently = groups.size > 1;
    stimulus.isFlaky = this.flakyRows.has(stimulus.s);
    const isSplit = groups.size > 1 || (absent > 0 && groups.size > 0);
    stimulus.disagrees = isSplit || stimulus.agrees === false || stimulus.consensus === "tie";
  }

  /** Return the class of an answer in its row: it decides the colour. */
  classOf(stimulus, answer) {
    if (answer === null) return "missing";
    if (!votes(answer.kind)) return "abstained";
    if (stimulus.consensus === "tie" && this.leads(stimulus, answer)) return "tied";
    // That most tests fail does not make it right.
    if (answer.kind === "verdict" && fails(answer)) return "exception";
    if (stimulus.oracle >= 0 && this.answers[stimulus.oracle].class === answer.class) return "winner";
    return fails(answer) ? "exception" : "other";
  }

  /** Return whether an answer has as many votes as any other. */
  leads(stimulus, answer) {
    const group = stimulus.groups[stimulus.order.get(answer.class)];
    return Boolean(group) && group.votes > 0 && group.votes === stimulus.groups[0].votes;
  }

  /** Return the letter of an answer in its row: equal answers have one letter. */
  letter(stimulus, answer) {
    const index = answer === null ? undefined : stimulus.order.get(answer.class);
    return index === undefined ? "" : index < 26 ? String.fromCharCode(65 + index) : `#${index + 1}`;
  }

  /** Return the executions of a cell, the latest first. */
  executions(implementation, s) {
    const answer = this.answer(implementation, s);
    const key = `${implementation.i}.${s}`;
    const set = this.otherContexts.get(key) ?? (answer ? this.usualContexts[implementation.i] : -1);
    const different = this.unstable.get(key);
    const durations = this.durations[implementation.i]?.[s];
    return (this.contextSets[set] ?? []).map((context, index) => ({
      context: this.contexts[context],
      answer: different ? this.answers[different[index]] : answer,
      took: durations?.[index] ?? null,
    }));
  }

  /** Return at how many stimuli two implementations have both an answer, and at how many the same. */
  agreement(one, two) {
    let common = 0;
    let equal = 0;
    for (const { s } of this.stimuli) {
      const [a, b] = [this.answer(one, s), this.answer(two, s)];
      if (a === null || b === null) continue;
      common += 1;
      if (a.class === b.class) equal += 1;
    }
    return { common, equal };
  }

  find(test, step) {
    return this.stimuli.find((each) => each.test === test && String(each.step) === String(step));
  }

  implementation(id) {
    return this.implementations.find((each) => each.id === id);
  }
}

function rows(columns) {
  const names = Object.keys(columns);
  return columns.test.map((_, s) => Object.fromEntries([["s", s], ...names.map((name) => [name, columns[name][s]])]));
}

function byCell(list, value) {
  const key = (each) => (Array.isArray(each) ? `${each[0]}.${each[1]}` : `${each.i}.${each.s}`);
  return new Map((list ?? []).map((each) => [key(each), value(each)]));
}
