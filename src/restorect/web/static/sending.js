// Photos on their way to the server: dropped, pasted or chosen, a few at a time, tried again where it is busy.

import { Problem, ask, problem } from './api.js';
import { element, input } from './page.js';
import { bytesText, text } from './texts.js';

/** @typedef {{file: File, name: string}} Sent */

/** @type {Sent[]} */
const waiting = [];
let under = 0;
/** @type {About} */
let about;
/** @type {(count: number) => void} */
let onCount = () => {};

/**
 * Take photos from now on; those that come before the server has told its limits wait for them.
 * @param {Promise<About>} asked
 * @param {(count: number) => void} count told how many are still to be sent
 */
export function startSending(asked, count) {
  const known = asked.then((told) => {
    about = told;
  });
  onCount = count;
  for (const id of ['files', 'folder']) {
    const chooser = input(id);
    chooser.addEventListener('change', async () => {
      const chosen = [...(chooser.files ?? [])].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
      chooser.value = '';
      await known;
      const photos = chosen.filter(wanted);
      if (chosen.length && !photos.length) problem(text('noPhotos', { name: chosen[0].name.split('/')[0] }));
      send(photos);
    });
  }
  document.addEventListener('paste', async (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    await known;
    send(files.map((file) => ({ file, name: file.name })));
  });
  const root = element('page', HTMLElement);
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    root.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => {
    if (!event.relatedTarget) root.classList.remove('dropping');
  });
  document.addEventListener('drop', async (event) => {
    event.preventDefault();
    root.classList.remove('dropping');
    send(await dropped(event.dataTransfer, known));
  });
}

/**
 * @param {DataTransfer | null} transfer
 * @param {Promise<void>} known
 * @returns {Promise<Sent[]>}
 */
async function dropped(transfer, known) {
  const entries = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const files = [...(transfer?.files ?? [])]; // what was dropped can be asked for only now
  await known;
  if (!entries.length) return files.map((file) => ({ file, name: file.name }));
  return (await Promise.all(entries.map(allOf))).flat();
}

/**
 * The photos of what was dropped, or a word about why there are none.
 * @param {FileSystemEntry} entry
 * @returns {Promise<Sent[]>}
 */
async function allOf(entry) {
  try {
    const found = await inside(entry, '');
    if (!found.length) problem(text('noPhotos', { name: entry.name }));
    return found;
  } catch {
    problem(text('unreadable', { name: entry.name }));
    return [];
  }
}

/**
 * The photos of a file or folder; in folders other files are passed over, as the command does.
 * @param {FileSystemEntry} entry
 * @param {string} folder
 * @returns {Promise<Sent[]>}
 */
async function inside(entry, folder) {
  const name = folder + entry.name;
  if (entry.isFile) {
    const one = /** @type {FileSystemFileEntry} */ (entry); // not instanceof: browsers know the class, but not its name
    return [{ file: await new Promise((done, fail) => one.file(done, fail)), name }].filter(wanted);
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {FileSystemEntry[]} */
  const entries = [];
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!some.length) break;
    entries.push(...some);
  }
  return (await Promise.all(entries.map((each) => inside(each, `${name}/`)))).flat();
}

/** @param {Sent[]} photos */
function send(photos) {
  for (const sent of photos) {
    if (sent.file.size > about.most.bytes) {
      problem(text('tooLarge', { name: sent.name, size: bytesText(about.most.bytes) }));
    } else {
      waiting.push(sent);
    }
  }
  pump();
}

/**
 * Whether to send a file: of a folder only what is called a photo, and all that was given by itself.
 * @param {Sent} sent
 */
function wanted({ name }) {
  const last = name.split('/').pop() ?? '';
  const photo = !last.startsWith('.') && about.endings.some((ending) => last.toLowerCase().endsWith(ending));
  return photo || last === name;
}

function pump() {
  while (waiting.length && under < Math.max(1, about.most.at_once - 2)) {
    const sent = waiting.shift();
    if (!sent) break;
    under += 1;
    deliver(sent).finally(() => {
      under -= 1;
      pump();
    });
  }
  onCount(waiting.length + under);
}

/** @param {Sent} sent */
async function deliver(sent) {
  for (let tries = 0; ; tries += 1) {
    try {
      await ask('PUT', `photos?name=${encodeURIComponent(sent.name)}`, sent.file);
      return;
    } catch (error) {
      const known = error instanceof Problem ? error : new Problem(0, String(error), 0);
      const again = known.status === 503 || known.status === 0;
      if (!again || tries >= 20) {
        problem(known.status === 0 ? text('cut', { name: sent.name }) : `${sent.name}: ${known.message}`);
        if (known.status === 507 && waiting.length) problem(text('notSent', { count: waiting.splice(0).length }));
        return;
      }
      await new Promise((done) => setTimeout(done, 1000 * (known.wait || 1)));
    }
  }
}
