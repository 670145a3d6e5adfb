// The list of photos: what each is, how far it is, and which one is looked at.

import { box, made } from './page.js';
import { all, choosePhoto, restorationOf, selected, stateText } from './store.js';
import { reasonText, text } from './texts.js';

const STAGES = ['', 'reading', 'previewing', 'restoring', 'writing'];

/** @type {Map<string, {row: HTMLLIElement, told: string}>} */
const rows = new Map();

/** Bring the list up to date; only rows that differ are touched. */
export function showList() {
  const list = box('rows');
  const order = all();
  const there = new Set(order.map((photo) => photo.id));
  const chosen = selected()?.id;
  for (const [id, { row }] of rows) {
    if (!there.has(id)) {
      row.remove();
      rows.delete(id);
    }
  }
  for (const photo of order) {
    const told = JSON.stringify([photo.state, photo.stage, photo.pictures, photo.error, photo.id === chosen]);
    const known = rows.get(photo.id);
    if (known?.told === told) continue;
    const row = known?.row ?? fresh(photo);
    if (!known) list.append(row);
    rows.set(photo.id, { row, told });
    update(row, photo, photo.id === chosen);
  }
}

/** @param {Photo} photo */
function fresh(photo) {
  const row = made('li', 'row');
  const open = made('button', 'open');
  open.type = 'button';
  open.append(made('span', 'thumb'), made('span', 'name', photo.name), made('span', 'state'));
  open.addEventListener('click', () => choosePhoto(photo.id));
  const bar = made('progress');
  bar.max = STAGES.length;
  row.append(open, bar);
  return row;
}

/**
 * @param {HTMLLIElement} row
 * @param {Photo} photo
 * @param {boolean} chosen
 */
function update(row, photo, chosen) {
  row.dataset.state = photo.state;
  const open = /** @type {HTMLButtonElement} */ (row.querySelector('button'));
  open.setAttribute('aria-current', String(chosen));
  open.title = photo.folder ? `${photo.folder}/${photo.name}` : photo.name;
  const [thumb, , state] = /** @type {HTMLElement[]} */ ([...open.children]);
  state.textContent = photo.state === 'failed' ? `${text('failed')}: ${reasonText(photo.error)}` : stateText(photo);
  const side = restorationOf(photo) ? '1' : 'before';
  const source = photo.pictures ? `api/photos/${photo.id}/pictures/${side}/tiles/0/0/0?v=${photo.pictures}` : '';
  if (source && thumb.dataset.source !== source) {
    const image = new Image();
    image.alt = '';
    image.loading = 'lazy';
    image.src = source;
    thumb.replaceChildren(image);
    thumb.dataset.source = source;
  }
  const bar = /** @type {HTMLProgressElement} */ (row.querySelector('progress'));
  bar.hidden = photo.state !== 'working';
  bar.value = STAGES.indexOf(photo.stage);
  bar.setAttribute('aria-label', `${photo.name}: ${stateText(photo)}`);
}

/** The whole work: a bar that only rises until all is done, or photos come. */
export function showProgress() {
  const photos = all();
  const ended = photos.filter((photo) => !['waiting', 'working'].includes(photo.state));
  const under = photos.filter((photo) => photo.state === 'working');
  const value = ended.length + under.reduce((sum, photo) => sum + STAGES.indexOf(photo.stage) / STAGES.length, 0);
  const bar = /** @type {HTMLProgressElement} */ (box('progress'));
  bar.max = Math.max(1, photos.length);
  bar.value = value;
  const done = photos.filter((photo) => photo.state === 'done').length;
  const failed = photos.filter((photo) => photo.state === 'failed').length;
  const words = [text('progress', { done, total: photos.length })];
  if (failed) words.push(text('failures', { count: failed }));
  box('count').textContent = photos.length ? words.join(', ') : '';
  bar.hidden = ended.length === photos.length;
}
