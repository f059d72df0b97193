// A photo under its quality map, with a slider that wipes between the two.

import { element, shown, styled } from "./dom.js";
import { draw } from "./overlay.js";

const START = 50; // percent of the width that the map covers at first

/**
 * @param {{name: string, preview: ?{url: string, ratio: number}, assessment?: object}} item
 * @returns {HTMLElement}
 */
export function view({ name, preview, assessment }) {
  const ratio = preview?.ratio ?? (assessment ? assessment.width / assessment.height : 4 / 3);
  const stage = element("div", { class: "stage" });
  if (preview) stage.append(element("img", { src: preview.url, alt: "", decoding: "async", draggable: "false" }));
  else stage.append(element("p", { class: "no-preview" }, "No preview in this browser"));
  if (assessment?.map) stage.append(...wipe(name, assessment.map, stage));
  return styled(element("div", { class: "frame" }, stage), { "--ratio": ratio });
}

function wipe(name, map, stage) {
  const canvas = element("canvas", { "aria-hidden": "true" });
  draw(canvas, map);
  const label = `Quality map over ${shown(name)}`;
  const slider = element("input", { type: "range", class: "wipe", min: 0, max: 100, value: START, "aria-label": label });
  const moved = () => {
    stage.style.setProperty("--wipe", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} % of the width`);
  };
  slider.addEventListener("input", moved);
  moved();
  return [canvas, slider, element("span", { class: "handle", "aria-hidden": "true" })];
}
