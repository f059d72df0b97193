// Where photos are scored: by the service that serves this page, or by this browser. Both have one interface.

/**
 * @typedef {object} Assessment - `Assessment.to_dict()` of the Python package, with its words and its map.
 * @property {string} image
 * @property {?number} score - 0 to 100, higher is better.
 * @property {?[number, number]} interval
 * @property {Object<string, {probability: number, level: ?number}>} defects
 * @property {string} model
 * @property {string} policy
 * @property {number} width
 * @property {number} height
 * @property {string[]} warnings
 * @property {string} [summary] - In words; absent when this browser scores.
 * @property {{width: number, height: number, values: Uint8Array}} [map] - Local quality, 0 to 255 for 0 to 100, row by row.
 *
 * @typedef {object} Backend
 * @property {number} parallel - Photos to score at a time.
 * @property {function(): Promise<object>} card - The model's card.
 * @property {function(File, AbortSignal, function(number): void): Promise<Assessment>} score - Throws a Failure. Calls its last
 *   argument with the seconds that it waits before it tries again.
 */

/**
 * @param {string} place - "server" or "browser".
 * @returns {Promise<Backend>}
 */
export async function open(place) {
  const module = await import(place === "browser" ? "./browser.js" : "./server.js");
  return module.open();
}
