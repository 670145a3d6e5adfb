// The photos as the server tells them, and which one is looked at.

import { text } from './texts.js';

/** @type {Map<string, Photo>} */
const photos = new Map();
/** @type {Set<() => void>} */
const watchers = new Set();
let selectedId = '';

/** @returns {Photo[]} in the order of work */
export const all = () => [...photos.values()].sort((a, b) => a.number - b.number);

/** @returns {Photo | undefined} */
export const selected = () => photos.get(selectedId);

/** @param {() => void} watcher called after each change */
export function watch(watcher) {
  watchers.add(watcher);
}

/** @param {string} id */
export function choosePhoto(id) {
  if (id === selectedId || !photos.has(id)) return;
  selectedId = id;
  changed();
}

/** @param {number} by 1 for the next photo, -1 for the one before */
export function step(by) {
  const order = all();
  const place = order.findIndex((photo) => photo.id === selectedId);
  const there = order[place + by];
  if (there) choosePhoto(there.id);
}

/**
 * What there is to look at beside the original.
 * @param {Photo | undefined} photo
 * @returns {'' | 'preview' | 'after'}
 */
export function restorationOf(photo) {
  if (photo?.state === 'done') return 'after';
  return photo?.state === 'working' && photo.preview ? 'preview' : '';
}

/** @param {Photo} photo */
export function stateText(photo) {
  if (photo.state === 'done' && photo.task === 'none') return text('untouched');
  if (photo.state !== 'working' || !photo.stage) return text(photo.state);
  return text(photo.preview && photo.stage === 'restoring' ? 'restoringOn' : photo.stage);
}

/** @param {Told} told */
function learn(told) {
  const place = all().findIndex((photo) => photo.id === selectedId);
  if (told.all) photos.clear();
  for (const id of told.gone) photos.delete(id);
  for (const photo of told.photos) photos.set(photo.id, photo);
  if (!photos.has(selectedId)) {
    const order = all();
    selectedId = order[Math.min(Math.max(place, 0), order.length - 1)]?.id ?? '';
  }
  changed();
}

function changed() {
  for (const watcher of watchers) watcher();
}

/**
 * Listen to the server; after a loss the browser comes back by itself, and is told all anew.
 * @param {(state: 'open' | 'lost' | 'ended') => void} onState
 */
export function listen(onState) {
  const source = new EventSource('api/events');
  source.onopen = () => onState('open');
  source.onmessage = (event) => learn(JSON.parse(event.data));
  source.onerror = async () => {
    if (source.readyState !== EventSource.CLOSED) return onState('lost');
    const answer = await fetch('api/about').catch(() => null);
    if (answer?.status === 401) return onState('ended');
    onState('lost');
    setTimeout(() => listen(onState), 2000);
  };
}
