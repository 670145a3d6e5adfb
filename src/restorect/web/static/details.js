// What is known of the photo that is looked at: decision, warnings, histograms, and what can be done with it.

import { ask, tell } from './api.js';
import { box, made } from './page.js';
import { restorationOf, stateText } from './store.js';
import { reasonText, text } from './texts.js';

let shownFor = '';

/**
 * @param {Photo | undefined} photo
 * @param {string} side of the restoration that is looked at
 */
export function showDetails(photo, side) {
  const told = JSON.stringify([photo?.id, photo?.state, photo?.stage, photo?.pictures, photo?.error, side]);
  if (told === shownFor) return;
  shownFor = told;
  const words = box('facts');
  words.replaceChildren();
  box('actions').replaceChildren(...(photo ? actions(photo, side) : []));
  if (!photo) return;
  words.append(made('h2', '', photo.name));
  if (photo.state !== 'done') words.append(made('p', photo.error ? 'bad' : 'state', reasonText(photo.error) || stateText(photo)));
  if (restorationOf(photo) === 'preview') words.append(made('p', 'hint', text('previewNote')));
  if (photo.state === 'done' && photo.decision) {
    words.append(made('p', 'decision', text('chosen', { decision: photo.decision })));
  }
  if (photo.notice) words.append(made('p', 'notice', photo.notice));
  if (photo.width) words.append(made('p', 'size', facts(photo)));
  if (side === 'uncertainty') words.append(made('p', 'hint', text('overlayNote')));
  for (const warning of photo.warnings) words.append(made('p', 'warning', reasonText(warning)));
  showHistograms(photo, side, told);
}

/** @param {Photo} photo */
function facts(photo) {
  const megapixels = ((photo.width * photo.height) / 1e6).toFixed(1);
  const size = text('facts', { width: photo.width, height: photo.height, megapixels });
  return photo.seconds ? `${size}, ${text('took', { seconds: photo.seconds.toFixed(1) })}` : size;
}

/**
 * @param {Photo} photo
 * @param {string} side
 * @returns {HTMLElement[]}
 */
function actions(photo, side) {
  const found = [];
  if (photo.state === 'done') {
    const number = side === 'uncertainty' ? photo.samples : Number(side) - 1;
    found.push(link(text('download'), `api/photos/${photo.id}/files/${Math.min(number, photo.outputs.length - 1)}`));
    if (photo.outputs.length > photo.samples) {
      found.push(link(text('downloadMap'), `api/photos/${photo.id}/files/${photo.samples}`));
    }
  }
  if (['waiting', 'working'].includes(photo.state)) found.push(act('cancel', 'POST', `photos/${photo.id}/cancel`));
  if (['failed', 'cancelled'].includes(photo.state)) found.push(act('retry', 'POST', `photos/${photo.id}/retry`));
  found.push(act('remove', 'DELETE', `photos/${photo.id}`));
  return found;
}

/**
 * @param {string} words
 * @param {string} address
 */
function link(words, address) {
  const found = made('a', 'button', words);
  found.href = address;
  found.download = '';
  return found;
}

/**
 * @param {string} name
 * @param {string} method
 * @param {string} path
 */
function act(name, method, path) {
  const found = made('button', '', text(name));
  found.type = 'button';
  found.addEventListener('click', () => tell(method, path));
  return found;
}

/**
 * @param {Photo} photo
 * @param {string} side
 * @param {string} told what they are asked for; when they come, the page may show something else
 */
async function showHistograms(photo, side, told) {
  const there = restorationOf(photo);
  const shown = there === 'after' && side !== 'uncertainty' ? side : '1';
  const sides = !photo.pictures ? [] : there ? ['before', shown] : ['before'];
  const found = await Promise.all(
    sides.map((each) => ask('GET', `photos/${photo.id}/pictures/${each}/histogram`).catch(() => null)),
  );
  if (told !== shownFor) return;
  const figures = found.map((shares, number) => shares && histogram(shares, text(number ? there : 'before')));
  box('histograms').replaceChildren(...figures.filter((figure) => figure !== null));
}

/**
 * @param {number[][]} shares of red, green and blue
 * @param {string} name
 */
function histogram(shares, name) {
  const figure = made('figure');
  const canvas = made('canvas');
  [canvas.width, canvas.height] = [256, 80];
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', text('histogram', { side: name }));
  const brush = canvas.getContext('2d');
  const most = Math.max(...shares.flatMap((share) => share.slice(1, -1)), 0.01);
  if (brush) {
    brush.globalCompositeOperation = 'lighter';
    shares.forEach((share, channel) => {
      brush.fillStyle = ['#d03030', '#209040', '#3060e0'][channel];
      share.forEach((value, bin) => {
        const height = Math.min(1, value / most) * canvas.height;
        brush.fillRect((bin * canvas.width) / share.length, canvas.height - height, canvas.width / share.length, height);
      });
    });
  }
  figure.append(canvas, made('figcaption', '', name));
  return figure;
}
