// The options: for one photo or for all; the strength is shown at once, presets are kept in this browser.

import { problem, tell } from './api.js';
import { box, button, element, input, made, select } from './page.js';
import { selected } from './store.js';
import { text } from './texts.js';

const NUMBERS = ['strength', 'brightness', 'seed', 'samples'];
const SWITCHES = ['fast', 'uncertainty'];
const NAMES = ['task', 'size', 'style'];
const PRESETS = 'restorect-presets';

/** @type {Choice} */
let common;
let shownFor = '';
/** @type {() => void} */
let onLive = () => {};

/**
 * @param {About} about
 * @param {() => void} live called while the strength is moved
 */
export function startChoosing(about, live) {
  common = about.choice;
  onLive = live;
  const choices = { task: about.tasks, size: about.sizes, style: about.styles };
  for (const [name, values] of Object.entries(choices)) {
    select(name).append(...values.map((value) => new Option(text(value), value)));
  }
  const form = box('options');
  form.addEventListener('input', (event) => {
    if (event.target !== select('preset')) select('preset').value = '';
    showValues();
    if (event.target === input('strength')) onLive();
    showButton();
  });
  form.addEventListener('change', () => selected() || apply());
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    apply();
  });
  for (const scope of ['one', 'all']) input(scope).addEventListener('change', () => refill());
  button('keep').addEventListener('click', keepPreset);
  button('drop').addEventListener('click', dropPreset);
  select('preset').addEventListener('change', usePreset);
  fillPresets();
  fill(common);
}

/** What the form says. @returns {Choice} */
export function choice() {
  const numbers = NUMBERS.map((name) => [name, Number(input(name).value)]);
  const switches = SWITCHES.map((name) => [name, input(name).checked]);
  const names = NAMES.map((name) => [name, select(name).value]);
  return /** @type {Choice} */ (Object.fromEntries([...numbers, ...switches, ...names]));
}

/** The strength that the form shows of a photo, where it is another than the photo was made with. */
export function liveStrength() {
  const photo = selected();
  const strength = Number(input('strength').value);
  return photo?.made && photo.made.strength > 0 && photo.made.strength !== strength ? strength : null;
}

/** Show the choice of the photo that is looked at, once it is another one. */
export function showChoice() {
  const photo = selected();
  const key = photo ? `${photo.id} ${JSON.stringify(photo.choice)}` : '';
  const none = input('one').disabled;
  input('one').disabled = !photo;
  if (none !== !photo) input(photo ? 'one' : 'all').checked = true;
  if (key !== shownFor && input('one').checked) refill();
  showButton();
}

function refill() {
  const photo = selected();
  shownFor = photo ? `${photo.id} ${JSON.stringify(photo.choice)}` : '';
  select('preset').value = '';
  fill(input('one').checked && photo ? photo.choice : common);
  onLive();
  showButton();
}

/** @param {Choice} wanted */
function fill(wanted) {
  for (const name of NUMBERS) input(name).value = String(Reflect.get(wanted, name));
  for (const name of SWITCHES) input(name).checked = Boolean(Reflect.get(wanted, name));
  for (const name of NAMES) select(name).value = String(Reflect.get(wanted, name));
  showValues();
}

function showValues() {
  for (const name of ['strength', 'brightness']) box(`${name}-value`).textContent = input(name).value;
}

function showButton() {
  const photo = selected();
  const same = JSON.stringify(sorted(choice())) === JSON.stringify(sorted(photo?.choice ?? choice()));
  button('apply').disabled = !photo || (input('one').checked && same);
  button('drop').hidden = select('preset').value === '';
}

/** @param {Choice} wanted */
const sorted = (wanted) => Object.entries(wanted).sort();

async function apply() {
  if (!element('options', HTMLFormElement).reportValidity()) return;
  const photo = selected();
  const wanted = choice();
  if (input('one').checked && photo) {
    await tell('PUT', `photos/${photo.id}/choice`, wanted);
  } else if (await tell('PUT', 'choice', wanted)) {
    common = wanted;
  }
}

/** @returns {Record<string, Choice>} */
function presets() {
  try {
    return Object(JSON.parse(localStorage.getItem(PRESETS) ?? '{}'));
  } catch {
    return {};
  }
}

function fillPresets() {
  const names = Object.keys(presets());
  select('preset').replaceChildren(new Option(text('noPreset'), ''), ...names.map((name) => new Option(name, name)));
}

function keepPreset() {
  const name = prompt(text('presetName'))?.trim();
  if (name) store({ ...presets(), [name]: choice() }, name);
}

function dropPreset() {
  const { [select('preset').value]: _, ...others } = presets();
  store(others, '');
}

/**
 * @param {Record<string, Choice>} all
 * @param {string} name of the one that the form shows
 */
function store(all, name) {
  try {
    localStorage.setItem(PRESETS, JSON.stringify(all));
  } catch {
    problem(text('noStore'));
  }
  fillPresets();
  select('preset').value = name;
  showButton();
}

function usePreset() {
  const wanted = presets()[select('preset').value];
  if (!wanted) return;
  fill({ ...common, ...wanted });
  onLive();
  showButton();
}

/** Which sample of a photo is looked at. */
let sample = 1;

/** @returns {string} */
export const sampleSide = () => String(sample);

/** @param {Photo | undefined} photo */
export function showSamples(photo) {
  const count = photo?.state === 'done' ? photo.samples : 1;
  const picker = box('samples-made');
  picker.hidden = count < 2;
  sample = Math.min(sample, count);
  if (picker.dataset.count === `${count} ${sample}`) return;
  picker.dataset.count = `${count} ${sample}`;
  const buttons = [...Array(count).keys()].map((number) => {
    const one = made('button', '', String(number + 1));
    one.type = 'button';
    one.setAttribute('aria-pressed', String(number + 1 === sample));
    one.setAttribute('aria-label', `${text('sample')} ${text('sampleOf', { number: number + 1, count })}`);
    one.addEventListener('click', () => {
      sample = number + 1;
      onLive();
    });
    return one;
  });
  picker.replaceChildren(made('span', '', text('sample')), ...buttons);
}
