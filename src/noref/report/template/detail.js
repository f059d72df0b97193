// One photo in a dialog: its picture with the map, the result in words, and all facts.

const PREVIEW = 720; // pixels on the long side

/** The interval as a bar from 0 to 100, the score as a dot on it. */
function intervalBar(row) {
  const [score, low, high] = [ROWS.score[row], ROWS.low[row], ROWS.high[row]];
  if (score === null) return undefined;
  const text = low === null ? `Score ${points(score)}` : `Score ${points(score)}, interval ${low.toFixed(0)} to ${high.toFixed(0)}`;
  const bar = element("span", { class: "interval-bar", role: "img", "aria-label": text, "data-score": score });
  bar.style.setProperty("--score", score);
  bar.style.setProperty("--low", low ?? score);
  bar.style.setProperty("--high", high ?? score);
  return bar;
}

function chips(row, most = Infinity) {
  const found = defectsOf(row);
  const shownOnes = found.slice(0, most).map((defect) => element("li", { class: "chip" }, defect.name, " ", element("b", {}, defect.text)));
  if (found.length > most) shownOnes.push(element("li", { class: "chip rest", title: found.slice(most).map((each) => each.name).join(", ") }, `+${found.length - most}`));
  return found.length ? element("ul", { class: "defect-chips", "aria-label": "Likely defects" }, ...shownOnes) : undefined;
}

/** Open the dialog on one of a list of photos; the arrow keys go through the list. */
function openDetail(rows, place) {
  const dialog = $("detail");
  const move = (step) => {
    const next = place + step;
    if (next >= 0 && next < rows.length) openDetail(rows, next);
  };
  const button = (label, sign, action, disabled = false) =>
    element("button", { type: "button", class: "icon", "aria-label": label, title: label, click: action, disabled }, sign);
  const row = rows[place];
  const picture = pictureOf(row);
  const view = photoView(row, picture, PREVIEW);
  const mapSwitch = element("input", { type: "checkbox", id: "detail-map", change: (event) => view.showMap(event.target.checked) });
  mapSwitch.checked = openDetail.mapped;
  mapSwitch.addEventListener("change", () => (openDetail.mapped = mapSwitch.checked));
  view.showMap(mapSwitch.checked);
  const facts = [
    ["Size", `${ROWS.width[row]} × ${ROWS.height[row]} pixels, ${fileSize(ROWS.bytes[row])}`],
    ["Changed", `${moment(ROWS.modified[row])} UTC`],
    ["Scored", `${moment(ROWS.scored[row])} UTC`],
    ["Scored as", DATA.policies[ROWS.policy[row]]],
    ["Path", element("bdi", { class: "path" }, shown(pathOf(row)))],
  ];
  const position = `${WHOLE.format(place + 1)} of ${WHOLE.format(rows.length)}`;
  dialog.replaceChildren(
    element("div", { class: "detail-bar" },
      element("span", { class: "muted small", role: "status" }, position),
      button("Previous photo", "‹", () => move(-1), place === 0),
      button("Next photo", "›", () => move(1), place === rows.length - 1),
      button("Close", "×", () => dialog.close())),
    element("div", { class: "detail-photo" }, view,
      picture?.map && element("label", { class: "check map-switch" }, mapSwitch, " Quality map"),
      picture?.thumbnail && element("p", { class: "muted small" }, "This is a thumbnail; the photo itself is not in the report.")),
    element("div", { class: "detail-text" },
      element("h2", { id: "detail-name" }, element("bdi", {}, shown(fileOf(row)))),
      element("p", { class: "score large", "data-score": ROWS.score[row] ?? undefined }, points(ROWS.score[row]),
        ROWS.low[row] === null ? undefined : element("span", { class: "range" }, `${ROWS.low[row].toFixed(0)} to ${ROWS.high[row].toFixed(0)}`)),
      intervalBar(row),
      chips(row),
      picture ? element("p", { class: "summary" }, shown(picture.summary)) : element("p", { class: "note" }, "The picture of this photo did not fit into the report."),
      ROWS.warnings[row].length ? element("ul", { class: "warnings" }, ...ROWS.warnings[row].map((warning) => element("li", {}, shown(DATA.warnings[warning])))) : undefined,
      element("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]))),
  );
  mark(dialog);
  dialog.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) move(step);
  };
  dialog.onclick = (event) => {
    if (event.target === dialog) dialog.close(); // the backdrop
  };
  if (!dialog.open) {
    dialog.showModal();
  }
  dialog.scrollTop = 0;
  dialog.querySelector("[aria-label='Next photo']:enabled, [aria-label='Close']").focus();
}
openDetail.mapped = false;
