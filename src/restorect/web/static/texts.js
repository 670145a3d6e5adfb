// All words of the page in one place, so that they can be read, and translated, together.

/** @type {Record<string, string>} */
const TEXTS = {
  title: 'restorect',
  add: 'Add photos',
  addFolder: 'Add a folder',
  downloadAll: 'Download all',
  cancelAll: 'Cancel all',
  retryAll: 'Retry failed',
  clear: 'Remove all',
  sureClear: 'Remove all photos and what was restored from this page?',
  drop: 'Drop photos or folders anywhere, paste one, or choose.',
  limits: 'JPEG, PNG, TIFF, WebP, AVIF, HEIC, camera RAW and more; up to {size} a photo, {photos} photos. They stay on this machine.',
  written: 'What is restored is also written to {out}.',
  photos: 'Photos',
  viewer: 'Photo',
  options: 'Options',
  waiting: 'waiting',
  working: 'begins',
  reading: 'reading',
  previewing: 'making a preview',
  restoring: 'restoring',
  restoringOn: 'preview shown, restoring in full',
  writing: 'writing',
  done: 'done',
  untouched: 'left as it is',
  failed: 'failed',
  cancelled: 'cancelled',
  progress: '{done} of {total} done',
  failures: '{count} failed',
  sending: 'sending, {count} to go',
  selected: '{name}, {state}',
  before: 'Original',
  after: 'Restored',
  preview: 'Preview',
  divider: 'Divider between original and restored',
  hold: 'Hold: original',
  sideBySide: 'Side by side',
  overlay: 'Where unsure',
  full: '100 %',
  fit: 'Fit',
  previous: 'Previous',
  next: 'Next',
  keys: 'Keys',
  close: 'Close',
  keyList:
    'N, P: next and previous photo|O (hold): the original|S: side by side|1: 100 %|0: fit|+ and -: zoom|' +
    'arrow keys on the photo: move it|arrow keys on the divider: move that|Delete: remove the photo|?: these keys',
  canvas: 'The photo, {name}. Arrow keys move it, plus and minus zoom.',
  task: 'Task',
  size: 'Network',
  style: 'Style',
  strength: 'Strength',
  brightness: 'Brightness (stops)',
  samples: 'Samples',
  seed: 'Seed',
  fast: 'Fast, for large photos',
  uncertainty: 'Show where it is unsure',
  sample: 'Sample',
  sampleOf: '{number} of {count}, dark to bright',
  forThis: 'This photo',
  forAll: 'All photos, and those that come',
  scope: 'For',
  apply: 'Restore so',
  live: 'The strength is shown at once; the file gets it with the button. Before there are photos, options hold for those that come.',
  preset: 'Preset',
  noPreset: 'none',
  keepPreset: 'Keep as preset',
  dropPreset: 'Forget preset',
  presetName: 'Name of the preset',
  noStore: 'This browser keeps no presets; allow this page to store data.',
  auto: 'auto',
  'low-light': 'low light',
  underwater: 'under water',
  backlit: 'against the light',
  fundus: 'retina',
  tiny: 'tiny',
  nano: 'nano: quicker',
  natural: 'natural',
  reference: 'reference',
  download: 'Download',
  downloadMap: 'Download map',
  cancel: 'Cancel',
  retry: 'Retry',
  remove: 'Remove',
  chosen: 'Decision: {decision}',
  facts: '{width} x {height}, {megapixels} megapixels',
  took: '{seconds} s',
  histogram: 'Histogram: {side}',
  empty: 'No photo yet.',
  dropHere: 'Drop photos here',
  previewNote: 'What you see is a quick preview of about a megapixel; the full restoration takes its place.',
  overlayNote: 'Orange: where the samples differ more than in most of the photo.',
  commandLine: '{reason} (an option of the command restorect web)',
  optionHere: 'the option "{name}"',
  lost: 'The server does not answer; this page tries again.',
  ended: 'This page is no longer let in; open the address that restorect web prints.',
  tooLarge: '{name}: is larger than {size}, the most that one photo may have.',
  unreadable: '{name}: the browser cannot read this folder; look at its permissions.',
  notSent: '{count} more not sent, for the same reason.',
  noPhotos: '{name}: this folder holds no photos.',
  cut: '{name}: could not be sent; the server does not answer.',
  dismiss: 'Dismiss',
  problems: 'What went wrong',
};

/**
 * A text, with values in place of {names}.
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function text(key, values = {}) {
  return (TEXTS[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}

const HERE = ['task', 'size', 'style', 'strength', 'brightness', 'samples', 'seed', 'fast', 'uncertainty'];

/**
 * What the server says of a photo: an option of the command that is on this page too stands under its name here.
 * @param {string} reason
 */
export function reasonText(reason) {
  const words = reason.replace(/restorect restore --(\w+)/g, (whole, name) =>
    HERE.includes(name) ? text('optionHere', { name: text(name) }) : whole,
  );
  return /(?<!restore )--[a-z]/.test(words) ? text('commandLine', { reason: words }) : words;
}

/**
 * Bytes as people say them.
 * @param {number} bytes
 */
export function bytesText(bytes) {
  return bytes >= 2 ** 30 ? `${Math.round(bytes / 2 ** 30)} GB` : `${Math.max(1, Math.round(bytes / 2 ** 20))} MB`;
}

/** Put texts where elements ask for them: data-text for content, data-label for screen readers and tooltips. */
export function fillTexts() {
  for (const element of document.querySelectorAll('[data-text]')) {
    element.textContent = text(element.getAttribute('data-text') ?? '');
  }
  for (const element of document.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', text(element.getAttribute('data-label') ?? ''));
  }
}
