// Scores photos in this browser: a worker runs the exported model, so that the page stays responsive.

import { MAX_PIXELS, sizeOf } from "./decode.js";
import { Failure } from "./failure.js";

const MAX_ASPECT = 50; // as in noref.images.limits

/** @returns {Promise<import("./backend.js").Backend>} When the model is loaded; no further file is needed then. */
export async function open() {
  const worker = new Worker(new URL("./browser-worker.js", import.meta.url), { type: "module" });
  const answers = new Map();
  const loaded = Promise.withResolvers();
  worker.onerror = (event) => loaded.reject(unloadable(event.message));
  worker.onmessage = ({ data }) => {
    if (data.card) loaded.resolve(data.card);
    else if (data.id === undefined) loaded.reject(unloadable(data.message));
    else answers.get(data.id)?.(data);
  };
  const card = await loaded.promise;
  let asked = 0;

  async function score(file, signal) {
    await check(file, card);
    const id = asked++;
    const answer = await new Promise((resolve, reject) => {
      answers.set(id, resolve);
      signal.addEventListener("abort", () => reject(signal.reason));
      worker.postMessage({ id, file });
    }).finally(() => answers.delete(id));
    if (answer.failure) throw new Failure(answer.failure.kind, answer.failure.cause, answer.failure.cure);
    return { ...answer.assessment, image: file.name };
  }

  return { parallel: 1, card: async () => card, score };
}

/** Refuse what cannot be scored before it is decoded. */
async function check(file, { name, version, shortest }) {
  if (!file.size) throw new Failure("EmptyImage", "no data", "copy or download it again");
  const size = await sizeOf(file);
  if (!size) {
    const cure = "save it as JPEG, PNG or WebP, or score it with `noref score`";
    throw new Failure("NotAnImage", "not an image that this browser can decode", cure);
  }
  const { width, height } = size;
  const pixels = `${width} x ${height} pixels`;
  if (width * height > MAX_PIXELS) {
    const cause = `${pixels} (the limit in a browser is ${MAX_PIXELS / 1e6} megapixels)`;
    throw new Failure("ImageTooLarge", cause, "shrink it first, or score it with `noref score`");
  }
  if (Math.max(width, height) > MAX_ASPECT * Math.min(width, height)) {
    const cause = `${pixels}, more than ${MAX_ASPECT} times as long as wide`;
    throw new Failure("UnsupportedImage", cause, "cut out the part that is a photo");
  }
  if (Math.min(width, height) < shortest) {
    const cure = `${name} ${version} needs at least ${shortest} on each side; give the original, not a thumbnail`;
    throw new Failure("ImageTooSmall", pixels, cure);
  }
}

function unloadable(message) {
  const cause = `this browser cannot load the model (${message})`;
  return new Failure("ModelNotLoaded", cause, "load the page again, in a recent browser");
}
