// Scores photos on the machine that serves this page: POST /v1/score.

import { Failure } from "./failure.js";

const LONGEST_WAIT = 60; // seconds between two tries, whatever the service proposes

/** @returns {import("./backend.js").Backend} */
export function open() {
  return { parallel: 3, card, score };
}

async function card() {
  const answer = await reached(fetch("v1/models"));
  if (!answer.ok) throw refused(answer, await body(answer));
  return (await answer.json()).models[0];
}

async function score(file, signal, waiting) {
  for (;;) {
    const form = new FormData();
    form.append("images", file, file.name);
    const answer = await reached(fetch("v1/score?map=true", { method: "POST", body: form, signal }));
    if (answer.status === 429) {
      const seconds = Math.min(Math.max(Number(answer.headers.get("Retry-After")) || 1, 1), LONGEST_WAIT);
      waiting(seconds);
      await pause(seconds, signal);
      continue;
    }
    const content = await body(answer);
    if (!answer.ok || !content?.results?.length) throw refused(answer, content);
    return assessment(content.results[0]);
  }
}

function assessment(result) {
  if (result.error) throw new Failure(result.error.kind, result.error.cause, result.error.cure);
  const { map, map_png: _, ...rest } = result;
  if (!map) return rest;
  const values = Uint8Array.from(atob(map.values), (character) => character.charCodeAt(0));
  return { ...rest, map: { width: map.width, height: map.height, values } };
}

async function reached(request) {
  try {
    return await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("ServiceUnreachable", "the service does not answer", "check that `noref serve` runs, then try again");
  }
}

async function body(answer) {
  try {
    return await answer.json();
  } catch {
    return null;
  }
}

/** The failure that an answer with an error status describes, as far as it does. */
function refused(answer, content) {
  if (content?.error?.cause) return new Failure(content.error.kind, content.error.cause, content.error.cure);
  if (answer.status === 413) return new Failure("ImageTooLarge", "more bytes than the service accepts", "shrink it first");
  const detail = typeof content?.detail === "string" ? `: ${content.detail}` : "";
  const cause = `the service answered with status ${answer.status}${detail}`;
  return new Failure("ServiceError", cause, "see its log, then try again");
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
