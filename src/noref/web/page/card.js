// The card of one photo: being scored, scored, or failed.

import { element, shown, styled } from "./dom.js";
import { likely } from "./results.js";
import { view } from "./view.js";

/** Fill the card of an item by its state; `enlarge` is called when its details are wanted. */
export function fill(card, item, enlarge) {
  const state = item.assessment ? "scored" : item.failure ? "failed" : "running";
  card.className = `card ${state}`;
  card.replaceChildren(...{ scored, failed, running }[state](item, enlarge));
}

function running(item) {
  const note = item.wait ? `The service is busy; next try in ${item.wait} s` : "Scoring";
  return [view(item), element("div", { class: "body" }, title(item), element("p", { class: "muted note" }, note))];
}

function scored(item, enlarge) {
  const { assessment } = item;
  const details = element("button", { type: "button", class: "quiet", "aria-label": `Details of ${shown(item.name)}` }, "Details");
  details.addEventListener("click", () => enlarge(item));
  const body = element("div", { class: "body" }, element("div", { class: "line" }, verdict(assessment), details), title(item));
  if (assessment.score !== null) body.append(scale(assessment));
  body.append(chips(assessment));
  body.append(...words(assessment));
  return [view(item), body];
}

function failed({ name, failure }) {
  const mark = element("span", { class: "broken", "aria-hidden": "true" }, "!");
  return [
    element(
      "div",
      { class: "body" },
      element("p", { class: "verdict failure" }, mark, "Not scored"),
      title({ name }),
      element("p", {}, element("strong", {}, "Cause: "), `${failure.cause}.`),
      element("p", {}, element("strong", {}, "What helps: "), `${failure.cure}.`),
    ),
  ];
}

function title({ name, assessment }) {
  const size = assessment ? [element("span", { class: "muted size" }, `${assessment.width} × ${assessment.height}`)] : [];
  return element("h3", { title: shown(name) }, element("span", { class: "name" }, shown(name)), ...size);
}

/** The score, large, and its interval. */
export function verdict({ score, interval }, digits = 0) {
  if (score === null) return element("p", { class: "verdict" }, "No score");
  const range = interval ? [element("span", { class: "muted" }, interval.map((end) => end.toFixed(0)).join(" to "))] : [];
  return element("p", { class: "verdict" }, element("span", { class: "number" }, score.toFixed(digits)), ...range);
}

/** The interval as a bar from 0 to 100, with the score as a dot. */
export function scale({ score, interval }) {
  const [low, high] = interval ?? [score, score];
  const text = `Score ${score.toFixed(0)} of 100` + (interval ? `, interval ${low.toFixed(0)} to ${high.toFixed(0)}` : "");
  const band = score < 40 ? "low" : score < 60 ? "middle" : "high";
  const parts = [element("span"), element("i")];
  const bar = element("div", { class: `scale ${band}`, role: "img", "aria-label": text }, ...parts);
  return styled(bar, { "--low": `${low}%`, "--high": `${high}%`, "--score": `${score}%` });
}

/** Likely defects, each with its level. */
export function chips(assessment) {
  const found = likely(assessment);
  if (!Object.keys(assessment.defects).length) return element("p", { class: "muted note" }, "This model predicts no defects");
  if (!found.length) return element("p", { class: "muted note" }, "No likely defect");
  const items = found.map(([name, defect]) => chip(name, defect));
  return element("ul", { class: "chips", "aria-label": "Likely defects" }, ...items);
}

function chip(name, { probability, level }) {
  const amount = level === null ? `${(100 * probability).toFixed(0)} %` : `${level.toFixed(1)} of 5`;
  const made = element("li", { class: "chip" }, `${name} `, element("b", {}, amount));
  return styled(made, { "--share": `${level === null ? 100 * probability : 20 * level}%` });
}

/** The summary; where there is none, the warnings that it would contain. */
export function words({ summary, warnings }) {
  if (summary) return [element("p", { class: "words" }, summary)];
  if (!warnings.length) return [];
  return [element("ul", { class: "warnings" }, ...warnings.map((text) => element("li", {}, text)))];
}
