// The server's addresses, relative to the page, so that they hold behind a proxy too.

import { say } from './page.js';
import { text } from './texts.js';

/** An answer other than the one that was asked for; its message is a sentence. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {number} wait seconds
   */
  constructor(status, detail, wait) {
    super(detail);
    this.status = status;
    this.wait = wait;
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {BodyInit | object} [body] a file, or what becomes JSON
 * @returns {Promise<any>}
 */
export async function ask(method, path, body) {
  const file = body instanceof Blob;
  /** @type {Record<string, string>} */
  const headers = file || body === undefined ? {} : { 'Content-Type': 'application/json' };
  const content = file || body === undefined ? body : JSON.stringify(body);
  let answer;
  try {
    answer = await fetch(`api/${path}`, { method, headers, body: content });
  } catch {
    throw new Problem(0, text('lost'), 2);
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const told = await answer.json().catch(() => ({}));
  const detail = answer.status === 401 ? text('ended') : (told.detail ?? answer.statusText);
  throw new Problem(answer.status, detail, Number(answer.headers.get('Retry-After') ?? 0));
}

/**
 * Ask for something that the page need not wait for; what goes wrong is said.
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 */
export async function tell(method, path, body) {
  try {
    return await ask(method, path, body);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    problem(words);
    return null;
  }
}

/** @type {(words: string) => void} */
let showProblem = say;

/** @param {(words: string) => void} show */
export function onProblem(show) {
  showProblem = show;
}

/**
 * Show a sentence about what went wrong.
 * @param {string} words
 */
export function problem(words) {
  showProblem(words);
}
