// The keyboard: everything that the mouse does.

import { tell } from './api.js';
import { element } from './page.js';
import { selected, step } from './store.js';
import { text } from './texts.js';
import { fit, full, original, toggleBeside, zoomBy } from './viewer.js';

/** @type {Record<string, () => void>} */
const KEYS = {
  n: () => step(1),
  p: () => step(-1),
  s: toggleBeside,
  1: full,
  0: fit,
  '+': () => zoomBy(1.5),
  '=': () => zoomBy(1.5),
  '-': () => zoomBy(1 / 1.5),
  o: () => original(true),
  Delete: removeSelected,
  '?': showKeys,
};

/** Listen to keys, except where something is typed. */
export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = KEYS[key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }, true);
  document.addEventListener('keyup', (event) => {
    if (event.key.toLowerCase() === 'o') original(false);
  });
  window.addEventListener('blur', () => original(false));
}

/** Show what the keys do. */
export function showKeys() {
  const dialog = element('keys', HTMLDialogElement);
  const lines = text('keyList').split('|').map((line) => {
    const item = document.createElement('li');
    item.textContent = line;
    return item;
  });
  element('key-list', HTMLUListElement).replaceChildren(...lines);
  if (!dialog.open) dialog.showModal();
}

function removeSelected() {
  const photo = selected();
  if (photo) tell('DELETE', `photos/${photo.id}`);
}

/** @param {EventTarget | null} target */
function typing(target) {
  if (target instanceof HTMLInputElement) return target.type === 'number' || target.type === 'text';
  return target instanceof HTMLSelectElement || document.querySelector('dialog[open]') !== null;
}
