// What a reader looks at is kept in the address, so that it can be shared and survives a reload.

const listeners = new Set();

/** Return what the address says. */
export function state() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/** Return a link to this page with some of it changed; null removes a key. */
export function link(changes, keep = true) {
  const params = new URLSearchParams(keep ? location.hash.slice(1) : "");
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") params.delete(key);
    else params.set(key, value);
  }
  return `#${params}`;
}

/** Change some of it. */
export function go(changes, { keep = true } = {}) {
  const next = link(changes, keep);
  if (next === (location.hash || "#")) return;
  // Typing and sorting would fill the history of the browser.
  history.replaceState(null, "", next);
  notify();
}

/** Call a function with every change. */
export function onChange(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify() {
  for (const listener of [...listeners]) listener(state());
}

addEventListener("hashchange", notify);
