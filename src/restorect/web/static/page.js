// Small helpers for the elements of the page.

/**
 * The element of an id, of the kind that is expected there.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${kind.name} #${id}`);
  return found;
}

/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);

/** @param {string} id */
export const input = (id) => element(id, HTMLInputElement);

/** @param {string} id */
export const select = (id) => element(id, HTMLSelectElement);

/** @param {string} id */
export const box = (id) => element(id, HTMLElement);

/**
 * A new element with a class and content.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [kind]
 * @param {string} [content]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function made(tag, kind = '', content = '') {
  const fresh = document.createElement(tag);
  if (kind) fresh.className = kind;
  if (content) fresh.textContent = content;
  return fresh;
}

/**
 * Say something to screen readers.
 * @param {string} words
 */
export function say(words) {
  box('say').textContent = words;
}
