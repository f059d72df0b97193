// The distribution of scores, and the threshold on it.

const BINS = 50;
const CHART = { height: 260, top: 16, bottom: 28, side: 10 }; // pixels; the side is half of the slider's thumb
const SVG = "http://www.w3.org/2000/svg";

const threshold = { value: 50, listeners: [] };

function setThreshold(value) {
  threshold.value = Math.min(100, Math.max(0, value));
  $("slider").value = threshold.value;
  if (Number($("exact").value) !== threshold.value) $("exact").value = short(threshold.value);
  for (const listener of threshold.listeners) listener(threshold.value);
  mark(document);
}

/** Colour what shows a score by the side of the threshold that it is on. */
function mark(place) {
  for (const each of place.querySelectorAll("[data-score]")) {
    each.classList.toggle("below", Number(each.dataset.score) < threshold.value);
  }
}

function counts() {
  const bins = new Array(BINS).fill(0);
  for (let row = 0; row < SCORED; row++) bins[Math.min(BINS - 1, Math.floor((ROWS.score[row] * BINS) / 100))]++;
  return bins;
}

function svg(tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A step for about four grid lines: 1, 2 or 5 times a power of ten. */
function gridStep(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most / 4)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => most / step <= 4.5);
}

function drawHistogram(bins) {
  const place = $("histogram");
  const width = Math.max(240, place.clientWidth);
  const inner = width - 2 * CHART.side;
  const floor = CHART.height - CHART.bottom;
  const most = Math.max(1, ...bins);
  const x = (score) => CHART.side + (score / 100) * inner;
  const y = (number) => floor - (number / most) * (floor - CHART.top);
  const chart = svg("svg", { viewBox: `0 0 ${width} ${CHART.height}`, preserveAspectRatio: "none", role: "img", "aria-label": described() });
  const step = gridStep(most);
  const grid = Array.from({ length: Math.floor(most / step) }, (_, line) => (line + 1) * step);
  for (const number of grid) chart.append(svg("line", { class: "grid-line", x1: x(0), x2: x(100), y1: y(number), y2: y(number) }));
  bins.forEach((number, bin) => {
    const [from, to] = [(bin * 100) / BINS, ((bin + 1) * 100) / BINS];
    const top = number ? Math.min(y(number), floor - 2) : floor;
    const bar = svg("rect", { class: "bin", x: x(from) + 0.5, y: top, width: x(to) - x(from) - 1, height: floor - top, rx: 1.5, "data-score": (from + to) / 2 });
    bar.append(svg("title", {}, `${from} to ${to}: ${count(number, "photo")}`));
    chart.append(bar);
  });
  for (const number of grid) chart.append(svg("text", { class: "axis", x: x(0) + 2, y: y(number) - 4 }, WHOLE.format(number)));
  chart.append(svg("line", { class: "floor", x1: x(0), x2: x(100), y1: floor + 0.5, y2: floor + 0.5 }));
  for (let score = 0; score <= 100; score += 20) {
    chart.append(svg("text", { class: "axis", x: x(score), y: CHART.height - 8, "text-anchor": "middle" }, score));
  }
  const cut = svg("line", { class: "cut", y1: 4, y2: floor });
  chart.append(cut);
  const point = (event) => event.buttons && setThreshold(Math.round((100 * (event.clientX - chart.getBoundingClientRect().left - CHART.side)) / inner));
  chart.addEventListener("pointerdown", point);
  chart.addEventListener("pointermove", point);
  place.replaceChildren(chart);
  chart.moveCut = (value) => ["x1", "x2"].forEach((end) => cut.setAttribute(end, x(value)));
  chart.moveCut(threshold.value);
  mark(chart);
}

function described() {
  if (!SCORED) return "No scores";
  const at = (share) => points(ROWS.score[Math.round(share * (SCORED - 1))]);
  return `Distribution of ${count(SCORED, "score")}: lowest ${at(0)}, quartiles ${at(0.25)}, ${at(0.5)} and ${at(0.75)}, highest ${at(1)}`;
}

/** Rows on the chosen side of the threshold. */
function chosenRows() {
  const rank = rankOf(threshold.value);
  const below = document.querySelector("input[name=side]:checked").value === "below";
  const [from, to] = below ? [0, rank] : [rank, SCORED];
  return { rows: Array.from({ length: to - from }, (_, place) => from + place), name: `${below ? "below" : "from"}-${short(threshold.value)}` };
}

function startThreshold() {
  const bins = counts();
  const state = () => {
    const rank = rankOf(threshold.value);
    let doubtful = 0;
    for (let row = 0; row < SCORED; row++) doubtful += ROWS.low[row] !== null && ROWS.low[row] < threshold.value && threshold.value < ROWS.high[row];
    $("below").textContent = count(rank, "photo");
    $("share").textContent = `below ${short(threshold.value)}: ${percent(rank, SCORED)} of ${WHOLE.format(SCORED)}`;
    $("doubt").textContent = doubtful ? `The interval of ${count(doubtful, "photo")} contains the threshold.` : "";
    $("slider").setAttribute("aria-valuetext", `${short(threshold.value)}: ${count(rank, "photo")} below`);
    $("histogram").firstElementChild?.moveCut(threshold.value);
    $("saved").textContent = "";
  };
  threshold.listeners.push(state);
  new ResizeObserver(() => drawHistogram(bins)).observe($("histogram"));
  $("slider").addEventListener("input", (event) => setThreshold(Number(event.target.value)));
  $("exact").addEventListener("input", (event) => {
    if (event.target.value !== "" && event.target.validity.valid) setThreshold(Number(event.target.value));
  });
  $("save-paths").addEventListener("click", () => {
    const { rows, name } = chosenRows();
    $("saved").textContent = savePaths(rows.map(pathOf), name);
  });
  $("save-csv").addEventListener("click", () => {
    const { rows, name } = chosenRows();
    $("saved").textContent = saveCsv(rows, name);
  });
  setThreshold(Number($("exact").value));
}
