// The table of all photos. Only the rows in view are in the document, between two spacers, so that any number scrolls smoothly.

const SPARE = 12; // rows built above and below the view
const LISTED_ROWS = 250000; // browsers bound the height of what scrolls

const table = { rows: [], listed: 0, sort: "score", ascending: true, built: new Map(), height: 56 };

const ORDERS = {
  path: (one, other) => table.ranks[one] - table.ranks[other],
  score: (one, other) => one - other, // rows are in this order
  severity: (one, other) => table.severities[one] - table.severities[other] || other - one,
  area: (one, other) => ROWS.width[one] * ROWS.height[one] - ROWS.width[other] * ROWS.height[other],
};

/** Compare as text by code units, ignoring case first: quick for any number of rows. */
function ranksOfPaths() {
  const order = Array.from({ length: TOTAL }, (_, row) => row);
  const folded = table.folded;
  order.sort((one, other) => (folded[one] < folded[other] ? -1 : folded[one] > folded[other] ? 1 : one - other));
  const ranks = new Uint32Array(TOTAL);
  order.forEach((row, rank) => (ranks[row] = rank));
  return ranks;
}

/** Rows that pass the filters, in the chosen order. */
function selected() {
  const fields = new FormData($("filters"));
  const words = String(fields.get("words")).toLowerCase().split(/\s+/).filter(Boolean);
  const bound = (name) => (fields.get(name) === "" ? null : Number(fields.get(name)));
  const [from, to] = [bound("from"), bound("to")];
  const defect = fields.get("defect") ?? "";
  const rows = [];
  for (let row = 0; row < TOTAL; row++) {
    const score = ROWS.score[row];
    const found = ROWS.defects[row].length > 0;
    if (from !== null && !(score !== null && score >= from)) continue;
    if (to !== null && !(score !== null && score < to)) continue;
    if (defect === "some" ? !found : defect === "none" ? found : defect !== "" && !hasDefect(row, Number(defect))) continue;
    if (fields.has("warned") && !ROWS.warnings[row].length) continue;
    if (words.some((word) => !table.folded[row].includes(word))) continue;
    rows.push(row);
  }
  const compare = ORDERS[table.sort];
  return rows.sort(table.ascending ? compare : (one, other) => compare(other, one));
}

function tableRow(place) {
  const row = table.rows[place];
  const low = ROWS.low[row];
  const defects = defectsOf(row).map((defect) => `${defect.name} ${defect.text}`).join(", ");
  const name = element("button", { type: "button", class: "name", "data-place": place, click: () => openDetail(table.rows, place) }, element("bdi", {}, shown(fileOf(row))));
  const made = element("tr", { "aria-rowindex": place + 2 },
    element("th", { scope: "row", class: "photo", title: shown(pathOf(row)) }, name,
      element("span", { class: "under folder" }, element("bdi", {}, shown(folderOf(row)))),
      element("span", { class: "under found-under" }, defects || "no likely defect")),
    element("td", { class: "number" }, element("span", { class: "score", "data-score": ROWS.score[row] ?? undefined }, points(ROWS.score[row]))),
    element("td", { class: "interval" }, intervalBar(row), low === null ? undefined : element("span", { class: "ends" }, `${low.toFixed(0)}–${ROWS.high[row].toFixed(0)}`)),
    element("td", { class: "found", title: defects }, defects),
    element("td", { class: "number size" }, `${ROWS.width[row]} × ${ROWS.height[row]}`));
  mark(made);
  return made;
}

function spacer(height) {
  const cell = element("td");
  cell.style.height = `${height}px`;
  return element("tr", { class: "spacer", "aria-hidden": "true" }, cell);
}

/** Build the rows in view and drop the others. */
function renderTable() {
  const scroller = $("scroller");
  const first = Math.max(0, Math.floor(scroller.scrollTop / table.height) - SPARE);
  const last = Math.min(table.listed, Math.ceil((scroller.scrollTop + scroller.clientHeight) / table.height) + SPARE);
  const built = new Map();
  for (let place = first; place < last; place++) built.set(place, table.built.get(place) ?? tableRow(place));
  for (const [place, made] of table.built) if (!built.has(place)) made.remove();
  const [above, below] = table.spacers;
  above.firstChild.style.height = `${first * table.height}px`;
  below.firstChild.style.height = `${(table.listed - last) * table.height}px`;
  let before = above;
  for (const made of built.values()) {
    if (before.nextSibling !== made) before.after(made); // rows that stay are not touched, and keep the focus
    before = made;
  }
  table.built = built;
  const height = built.get(first)?.offsetHeight;
  if (height && height !== table.height) {
    table.height = height; // larger letters make higher rows
    renderTable();
  }
}

function refreshTable() {
  table.rows = selected();
  table.listed = Math.min(LISTED_ROWS, table.rows.length);
  table.built = new Map();
  table.spacers = [spacer(0), spacer(0)];
  $("body").replaceChildren(...table.spacers);
  $("table").setAttribute("aria-rowcount", table.listed + 1);
  $("matches").textContent = (table.rows.length === TOTAL ? "" : `${WHOLE.format(table.rows.length)} of `) + count(TOTAL, "photo")
    + (table.listed < table.rows.length ? `, the first ${WHOLE.format(table.listed)} listed` : "");
  $("scroller").scrollTop = 0;
  for (const head of document.querySelectorAll("[data-sort]")) {
    const sorted = head.dataset.sort === table.sort;
    if (sorted) head.closest("th").setAttribute("aria-sort", table.ascending ? "ascending" : "descending");
    else head.closest("th").removeAttribute("aria-sort");
  }
  renderTable();
}

/** Move the focus to the row at a place, and the view with it. */
function focusRow(place) {
  if (place < 0 || place >= table.listed) return;
  const scroller = $("scroller");
  const head = $("table").tHead.offsetHeight;
  const top = place * table.height;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  const bottom = top + table.height + head - scroller.clientHeight;
  if (bottom > scroller.scrollTop) scroller.scrollTop = bottom;
  renderTable();
  table.built.get(place).querySelector("button").focus({ preventScroll: true });
}

function startTable() {
  table.folded = ROWS.path.map((path) => path.toLowerCase());
  table.ranks = ranksOfPaths();
  table.severities = Float32Array.from({ length: TOTAL }, (_, row) => severity(row));
  const scroller = $("scroller");
  let asked = false;
  scroller.addEventListener("scroll", () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      renderTable();
    });
  });
  new ResizeObserver(renderTable).observe(scroller);
  scroller.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const place = event.target.dataset.place;
    if (step && place !== undefined) {
      event.preventDefault();
      focusRow(Number(place) + step);
    }
  });
  for (const head of document.querySelectorAll("[data-sort]")) {
    head.addEventListener("click", () => {
      const again = table.sort === head.dataset.sort;
      table.ascending = again ? !table.ascending : head.dataset.sort === "path" || head.dataset.sort === "score";
      table.sort = head.dataset.sort;
      refreshTable();
    });
  }
  let waiting = 0;
  $("filters").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refreshTable, 80);
  });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("filters").addEventListener("reset", () => setTimeout(refreshTable));
  $("table-paths").addEventListener("click", () => savePaths(table.rows.map(pathOf), "photos"));
  $("table-csv").addEventListener("click", () => saveCsv(table.rows, "photos"));
  refreshTable();
}
