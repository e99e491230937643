// Elements. Texts from data only ever become text nodes, so that nothing in them can act.

const SHORT = 30;
const LONG = 100;
const SVG = "http://www.w3.org/2000/svg";

// Characters that would reorder, hide or break a line of text are shown by their numbers.
// eslint-disable-next-line no-control-regex
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Return a text in which every character can be seen. */
export function visible(text) {
  return text.replace(ODD, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Return the beginning of a text in one line. */
export function oneLine(text, length = 160) {
  const start = text.length > length ? `${text.slice(0, length)}…` : text;
  return visible(start.replace(/\r?\n/g, "⏎").replace(/\t/g, " "));
}

/** Return a text in one line with at most so many characters: names that begin alike differ at their end. */
export function middle(text, room) {
  const characters = [...oneLine(text, 4000)];
  if (characters.length <= room) return characters.join("");
  const end = Math.floor((room - 1) / 2);
  return [...characters.slice(0, room - 1 - end), "…", ...characters.slice(characters.length - end)].join("");
}

/** Name a step after its test; most tests have one only. */
export function ofStep(step) {
  return Number(step) ? ` · step ${step}` : "";
}

/** Make an element: properties with a function are listeners, all others attributes; children are nodes or texts. */
export function h(name, properties, ...children) {
  return build(document.createElement(name), properties, children);
}

/** Make an element of SVG. */
export function svg(name, properties, ...children) {
  return build(document.createElementNS(SVG, name), properties, children);
}

function build(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...nodes(children));
  return element;
}

/** Return what is there of nested children. */
export function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Make an element that holds a text of unknown direction; a short one is not broken into lines, a blank one is quoted. */
export function data(text, properties) {
  const all = visible(String(text));
  const shown = all.trim() ? all : `“${all}”`;
  return h("bdi", { class: shown.length <= SHORT ? "short-text" : null, ...properties }, shown);
}

/** Make the head of a page from a name and its context. */
export function title(name, ...context) {
  return h("h1", { class: name.length > LONG ? "long" : null }, data(name), " ", h("small", {}, context));
}

/** Make a button. */
export function button(label, onClick, properties) {
  return h("button", { type: "button", click: onClick, ...properties }, label);
}

/** Make a select from [value, label] pairs. */
export function select(label, options, value, onChange) {
  const made = h(
    "select",
    { "aria-label": label, change: () => onChange(made.value) },
    options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
  );
  return h("label", { class: "field" }, h("span", { "aria-hidden": "true" }, label), made);
}

/** Make a search field that reports what was typed after a short rest. */
export function search(label, value, onChange) {
  let waiting = 0;
  const made = h("input", {
    type: "search",
    "aria-label": label,
    value,
    input: () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => onChange(made.value), 120);
    },
  });
  return h("label", { class: "field" }, h("span", { "aria-hidden": "true" }, label), made);
}

/** Return whether a sticky column would leave little room for others. */
export function narrow() {
  return matchMedia("(max-width: 900px)").matches;
}

/** Return a text that begins with a capital letter. */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Return a number with separators. */
export function count(number) {
  return number === null || number === undefined ? "–" : Number(number).toLocaleString("en-US");
}

/** Return a number with its noun. */
export function quantity(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** Return a share in percent, rounded so that only all are 100 % and only none 0 %. */
export function percent(part, whole) {
  if (!whole) return "–";
  const share = (100 * part) / whole;
  if (part === whole || part === 0) return `${share} %`;
  return `${Math.min(99.9, Math.max(0.1, share)).toFixed(1)} %`;
}
