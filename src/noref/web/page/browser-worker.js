// Runs the exported model on photos that the page sends: the counterpart of noref's Scorer.

import * as ort from "../ort/ort.wasm.bundle.min.mjs";
import { bitmapOf } from "./decode.js";
import { pixelsOf } from "./pixels.js";

const MODEL = new URL("../model/", import.meta.url);

ort.env.wasm.wasmPaths = { wasm: new URL("../ort/ort-wasm-simd-threaded.wasm", import.meta.url).href };
ort.env.wasm.numThreads = 1; // more need headers that static file servers do not send

async function load() {
  const [settings, content] = await Promise.all([fetched("model.json"), fetched("model.onnx")]);
  const { card, enough } = await settings.json();
  const session = await ort.InferenceSession.create(new Uint8Array(await content.arrayBuffer()), {
    executionProviders: ["wasm"],
    enableMemPattern: false, // photos differ in size
    logSeverityLevel: 3,
  });
  return { card, enough, session };
}

async function fetched(name) {
  const answer = await fetch(new URL(name, MODEL));
  if (!answer.ok) throw new Error(`${name}: status ${answer.status}`);
  return answer;
}

async function assess({ card, enough, session }, file) {
  let bitmap;
  try {
    bitmap = await bitmapOf(file);
  } catch (error) {
    const cause = `damaged or truncated (${error.message})`;
    return { failure: { kind: "DamagedImage", cause, cure: "copy or download it again" } };
  }
  const { width, height } = bitmap;
  const pixels = pixelsOf(bitmap, enough);
  bitmap.close();
  const outputs = await session.run({ pixels: new ort.Tensor("uint8", pixels.data, [1, pixels.height, pixels.width, 3]) });
  const assessment = { ...described(outputs, card), policy: policy(card, width, pixels.width), width, height };
  for (const output of Object.values(outputs)) output.dispose();
  return { assessment };
}

/** The model's outputs as `Assessment.to_dict()` has them. */
function described({ score, map, defects, levels, interval, unusual }, card) {
  const names = defects ? card.defects : [];
  const distance = unusual ? unusual.data[0] : 0;
  const unlike = "unlike the photos that the model was trained on";
  return {
    score: score ? score.data[0] : null,
    interval: interval ? [...interval.data] : null,
    defects: Object.fromEntries(
      names.map((name, index) => [name, { probability: defects.data[index], level: levels ? levels.data[index] : null }]),
    ),
    model: `${card.name} ${card.version}`,
    warnings:
      distance > 1 ? [`${unlike} (distance ${distance.toFixed(1)} times the threshold): the score is less certain`] : [],
    map: map && { width: map.dims[2], height: map.dims[1], values: Uint8Array.from(map.data, eightBits) },
  };
}

function eightBits(quality) {
  return Math.round(Math.min(Math.max(quality, 0), 100) * 2.55);
}

function policy(card, full, used) {
  return card.policy + (used < full ? `; the photo was first reduced to 1/${Math.round(full / used)} of its size` : "");
}

const model = load();
model.then(
  ({ card }) => postMessage({ card }),
  (error) => postMessage({ message: error.message }),
);
onmessage = async ({ data: { id, file } }) => {
  try {
    postMessage({ id, ...(await assess(await model, file)) });
  } catch (error) {
    const cause = `onnxruntime failed on it (${error.message})`;
    postMessage({ id, failure: { kind: "ScoringFailed", cause, cure: "shrink it, or score it with `noref score`" } });
  }
};
