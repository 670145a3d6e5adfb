// Original and restoration at the same place and zoom: one above the other with a divider, or side by side.

import { box, button, input } from './page.js';
import { restorationOf, stateText } from './store.js';
import { text } from './texts.js';

/** @typedef {{key: string, source: object}} Shown */

const OPTIONS = {
  drawer: 'canvas',
  showNavigationControl: false,
  animationTime: 0.25,
  maxZoomPixelRatio: 8,
  minZoomImageRatio: 0.5,
  visibilityRatio: 0.4,
  gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  crossOriginPolicy: false,
};

/** @type {{before: any, after: any}} */
const viewers = { before: null, after: null };
/** @type {Record<string, string>} */
const shown = { before: '', after: '' };
/** @type {{fit: boolean, zoom: number, x: number, y: number}} */
let place = { fit: true, zoom: 1, x: 0.5, y: 0.5 };
let photoId = '';
let following = false;

/** Make both viewers, and wire the divider and the buttons. */
export function startViewer() {
  standIn();
  for (const side of /** @type {const} */ (['before', 'after'])) {
    const viewer = OpenSeadragon({ element: box(side), ...OPTIONS });
    viewers[side] = viewer;
    viewer.canvas.setAttribute('role', 'application'); // it takes keys of its own, and a label needs a role
    viewer.addHandler('viewport-change', () => follow(side));
    viewer.addHandler('resize', () => place.fit && requestAnimationFrame(fit));
  }
  input('divider').addEventListener('input', divide);
  box('grip').addEventListener('pointerdown', grab);
  const hold = button('hold');
  for (const kind of ['pointerdown', 'keydown']) {
    hold.addEventListener(kind, (event) => {
      if (!(event instanceof KeyboardEvent) || [' ', 'Enter'].includes(event.key)) original(true);
    });
  }
  for (const kind of ['pointerup', 'pointerleave', 'keyup', 'blur']) hold.addEventListener(kind, () => original(false));
  button('beside').addEventListener('click', toggleBeside);
  button('full').addEventListener('click', full);
  button('fit').addEventListener('click', fit);
  divide();
}

/** OpenSeadragon would add an inline style, which the page's policy forbids, unless it finds its own there already. */
function standIn() {
  const none = document.createElementNS('restorect', 'style');
  none.setAttribute('data-openseadragon-mobile-css', '');
  document.head.append(none);
}

/**
 * Show a photo; the zoom stays from photo to photo, and while the restoration changes.
 * @param {Photo | undefined} photo
 * @param {{side: string, strength: number | null}} wanted what to show of it beside the original
 * @param {number} tile pixels along the side of a tile
 */
export function showPhoto(photo, wanted, tile) {
  const ready = photo !== undefined && photo.pictures > 0 && photo.width > 0;
  box('stage').hidden = !ready;
  box('view').classList.toggle('ready', ready);
  if (!ready) box('nothing').textContent = photo ? stateText(photo) : text('dropHere');
  if (!photo || !ready) {
    photoId = '';
    for (const side of ['before', 'after']) shown[side] = '';
    return;
  }
  const fresh = photo.id !== photoId;
  photoId = photo.id;
  const there = restorationOf(photo);
  box('stage').classList.toggle('single', !there);
  const { side, strength } = there === 'after' ? wanted : { side: there ? '1' : 'before', strength: null };
  box('after-tag').textContent = there && text(side === 'uncertainty' ? 'overlay' : there);
  put('before', photo, 'before', null, tile, fresh);
  put('after', photo, side, strength, tile, fresh);
  const label = text('canvas', { name: photo.name });
  for (const viewer of Object.values(viewers)) viewer.canvas.setAttribute('aria-label', label);
}

/**
 * @param {'before' | 'after'} where
 * @param {Photo} photo
 * @param {string} side
 * @param {number | null} strength
 * @param {number} tile
 * @param {boolean} fresh
 */
function put(where, photo, side, strength, tile, fresh) {
  const more = strength === null ? '' : `&strength=${strength}`;
  const key = `${photo.id} ${side} ${photo.pictures} ${more}`;
  if (shown[where] === key) return;
  shown[where] = key;
  const levels = Math.max(0, Math.ceil(Math.log2(Math.max(photo.width, photo.height) / tile)));
  const base = `api/photos/${photo.id}/pictures/${side}/tiles`;
  const source = {
    width: photo.width,
    height: photo.height,
    tileSize: tile,
    minLevel: 0,
    maxLevel: levels,
    getTileUrl: (/** @type {number} */ level, /** @type {number} */ x, /** @type {number} */ y) =>
      `${base}/${level}/${x}/${y}?v=${photo.pictures}${more}`,
  };
  const viewer = viewers[where];
  const old = [...Array(viewer.world.getItemCount()).keys()].map((number) => viewer.world.getItemAt(number));
  const drop = () => old.forEach((item) => viewer.world.removeItem(item));
  if (fresh) drop();
  viewer.addTiledImage({
    tileSource: source,
    success: (/** @type {{item: any}} */ { item }) => {
      if (fresh) return arrange();
      if (item.getFullyLoaded()) return drop();
      item.addOnceHandler('fully-loaded-change', drop);
    },
  });
}

/** Where the last photo was looked at, in this one. */
function arrange() {
  if (place.fit) return fit();
  for (const viewer of Object.values(viewers)) {
    const item = viewer.world.getItemAt(0);
    if (!item) continue;
    viewer.viewport.zoomTo(item.imageToViewportZoom(place.zoom), null, true);
    const size = item.getContentSize();
    viewer.viewport.panTo(item.imageToViewportCoordinates(place.x * size.x, place.y * size.y), true);
  }
}

/** @param {'before' | 'after'} side that was moved; the other one follows */
function follow(side) {
  const viewer = viewers[side];
  const other = viewers[side === 'before' ? 'after' : 'before'];
  const item = viewer.world.getItemAt(0);
  if (following || !item) return;
  following = true;
  const centre = viewer.viewport.getCenter(true);
  other.viewport.zoomTo(viewer.viewport.getZoom(true), null, true);
  other.viewport.panTo(centre, true);
  following = false;
  const point = item.viewportToImageCoordinates(centre);
  const size = item.getContentSize();
  const zoom = item.viewportToImageZoom(viewer.viewport.getZoom(true));
  const home = Math.abs(viewer.viewport.getZoom(true) / viewer.viewport.getHomeZoom() - 1) < 0.001;
  place = { fit: home, zoom, x: point.x / size.x, y: point.y / size.y };
  box('zoom').textContent = `${Math.round(zoom * window.devicePixelRatio * 100)} %`;
}

/** All of the photo. */
export function fit() {
  place.fit = true;
  for (const viewer of Object.values(viewers)) viewer.viewport.goHome(true);
}

/** One pixel of the photo is one of the screen. */
export function full() {
  zoomTo((item) => item.imageToViewportZoom(1 / window.devicePixelRatio));
}

/** @param {number} factor */
export function zoomBy(factor) {
  zoomTo((_, viewport) => viewport.getZoom() * factor);
}

/** @param {(item: any, viewport: any) => number} zoom */
function zoomTo(zoom) {
  const { viewport, world } = viewers.after;
  const item = world.getItemAt(0);
  if (!item) return;
  viewport.zoomTo(zoom(item, viewport), null, true);
  viewport.applyConstraints(true);
}

/** Side by side, or one above the other. */
export function toggleBeside() {
  const on = box('stage').classList.toggle('beside');
  button('beside').setAttribute('aria-pressed', String(on));
  divide();
}

/** @param {boolean} on whether the original alone is seen */
export function original(on) {
  box('stage').classList.toggle('original', on);
}

function divide() {
  const share = input('divider').value;
  box('stage').style.setProperty('--divider', `${share}%`);
}

/** @param {PointerEvent} event drag the line itself */
function grab(event) {
  const grip = box('grip');
  grip.setPointerCapture(event.pointerId);
  event.preventDefault();
  /** @param {PointerEvent} moved */
  const move = (moved) => {
    const area = box('stage').getBoundingClientRect();
    input('divider').value = String((100 * (moved.clientX - area.left)) / area.width);
    divide();
  };
  grip.addEventListener('pointermove', move);
  grip.addEventListener('lostpointercapture', () => grip.removeEventListener('pointermove', move), { once: true });
}
