// The details of one photo, large, in a dialog.

import { chips, scale, verdict, words } from "./card.js";
import { element, shown, styled } from "./dom.js";
import { view } from "./view.js";

/** Show an item; the dialog closes with Escape, its button, or a click beside it. */
export function show(dialog, item) {
  const { assessment } = item;
  const close = element("button", { type: "button", class: "quiet", "aria-label": "Close the details" }, "Close");
  close.addEventListener("click", () => dialog.close());
  const facts = element("div", { class: "facts" }, verdict(assessment, 1));
  if (assessment.score !== null) facts.append(scale(assessment));
  facts.append(chips(assessment));
  facts.append(...words(assessment), ...every(assessment));
  const { width, height, model, policy } = assessment;
  facts.append(element("p", { class: "muted note" }, `${width} × ${height} pixels. ${model}: ${policy}.`));
  dialog.replaceChildren(
    element("div", { class: "line" }, element("h2", { id: "details-title" }, shown(item.name)), close),
    element("div", { class: "large" }, view(item), facts),
  );
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  dialog.showModal();
}

/** The table of all defects, likely or not. */
function every({ defects }) {
  const names = Object.keys(defects).sort((first, second) => defects[second].probability - defects[first].probability);
  if (!names.length) return [];
  const rows = names.map((name) => {
    const { probability, level } = defects[name];
    const percent = `${(100 * probability).toFixed(0)} %`;
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, name),
      styled(element("td", { class: "share" }, percent), { "--share": percent.replace(" ", "") }),
      element("td", {}, level === null ? "" : level.toFixed(1)),
    );
  });
  const titles = ["Defect", "Probability", "Level, 0 to 5"];
  const head = element("tr", {}, ...titles.map((text) => element("th", { scope: "col" }, text)));
  return [element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows))];
}
