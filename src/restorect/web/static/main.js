// Where the page begins: texts, what the server offers, and everything wired together.

import { ask, onProblem, tell } from './api.js';
import { liveStrength, sampleSide, showChoice, showSamples, startChoosing } from './choose.js';
import { showDetails } from './details.js';
import { showKeys, startKeys } from './keys.js';
import { showList, showProgress } from './list.js';
import { box, button, element, input, made, say } from './page.js';
import { startSending } from './sending.js';
import { all, choosePhoto, listen, selected, stateText, step, watch } from './store.js';
import { bytesText, fillTexts, text } from './texts.js';
import { showPhoto, startViewer } from './viewer.js';

/** @type {About} */
let about;
let timer = 0;
let said = '';

async function start() {
  fillTexts();
  onProblem(showProblem);
  const asked = ask('GET', 'about');
  startSending(asked, (count) => {
    box('sending').textContent = count ? text('sending', { count }) : '';
  });
  about = await asked;
  box('limits').textContent = text('limits', { size: bytesText(about.most.bytes), photos: about.most.photos });
  box('out').textContent = about.out ? text('written', { out: about.out }) : '';
  startViewer();
  startChoosing(about, () => {
    clearTimeout(timer);
    timer = window.setTimeout(show, 60);
  });
  startKeys();
  wire();
  watch(show);
  listen((state) => {
    box('connection').textContent = state === 'open' ? '' : text(state);
  });
}

function wire() {
  const choosers = { add: 'files', 'add-folder': 'folder' };
  for (const [name, chooser] of Object.entries(choosers)) {
    button(name).addEventListener('click', () => input(chooser).click());
  }
  button('cancel-all').addEventListener('click', () => tell('POST', 'cancel'));
  button('retry-all').addEventListener('click', () => tell('POST', 'retry'));
  button('clear').addEventListener('click', () => confirm(text('sureClear')) && tell('DELETE', 'photos'));
  button('previous').addEventListener('click', () => step(-1));
  button('next').addEventListener('click', () => step(1));
  button('show-keys').addEventListener('click', showKeys);
  button('overlay').addEventListener('click', () => {
    const on = button('overlay').getAttribute('aria-pressed') !== 'true';
    button('overlay').setAttribute('aria-pressed', String(on));
    show();
  });
}

/** Bring the whole page up to date. */
function show() {
  const photos = all();
  if (!selected() && photos.length) choosePhoto(photos[0].id);
  const photo = selected();
  const hasMap = photo?.state === 'done' && photo.outputs.length > photo.samples && Boolean(photo.made?.uncertainty);
  button('overlay').hidden = !hasMap;
  const map = hasMap && button('overlay').getAttribute('aria-pressed') === 'true';
  showList();
  showProgress();
  showSamples(photo);
  showChoice();
  const side = map ? 'uncertainty' : sampleSide();
  showPhoto(photo, { side, strength: map ? null : liveStrength() }, about.tile);
  showDetails(photo, side);
  box('empty').hidden = photos.length > 0;
  box('page').dataset.photos = String(photos.length);
  const states = new Set(photos.map((each) => each.state));
  element('archive', HTMLAnchorElement).hidden = !states.has('done');
  button('cancel-all').hidden = !states.has('waiting') && !states.has('working');
  button('retry-all').hidden = !states.has('failed') && !states.has('cancelled');
  button('clear').hidden = photos.length === 0;
  announce(photo);
}

/** @param {Photo | undefined} photo */
function announce(photo) {
  const words = photo ? text('selected', { name: photo.name, state: stateText(photo) }) : '';
  if (words !== said) say(words);
  said = words;
}

/** @param {string} words */
function showProblem(words) {
  const item = made('li', '', words);
  const close = made('button', 'dismiss', text('dismiss'));
  close.type = 'button';
  close.addEventListener('click', () => {
    item.remove();
    box('problems').hidden = !box('problem-list').children.length;
  });
  item.append(close);
  box('problem-list').append(item);
  box('problems').hidden = false;
}

start().catch((error) => showProblem(error.message));
