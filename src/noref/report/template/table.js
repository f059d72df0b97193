// The table of all photos. Only the rows in view are in the document, between two spacers, so that any number scrolls smoothly.

const SPARE = 12; // rows built above and below the view
const LISTED_ROWS = 250000; // browsers bound the height of what scrolls
const PRINTED_ROWS = 2000;

const table = { rows: [], listed: 0, sort: "score", ascending: true, built: new Map(), height: 56, printing: false };

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
      table.defects ? element("span", { class: "under found-under" }, defects || "no likely defect") : undefined),
    element("td", { class: "number" }, element("span", { class: "score", "data-score": ROWS.score[row] ?? undefined }, points(ROWS.score[row]))),
    element("td", { class: "interval" }, intervalBar(row), low === null ? undefined : element("span", { class: "ends" }, `${low.toFixed(0)}–${ROWS.high[row].toFixed(0)}`)),
    table.defects ? element("td", { class: "found", title: defects }, defects) : undefined,
    element("td", { class: "number size" }, `${ROWS.width[row]} × ${ROWS.height[row]}`));
  mark(made);
  return made;
}

function spacer(height) {
  const cell = element("td");
  cell.style.height = `${height}px`;
  return element("tr", { class: "spacer", "aria-hidden": "true" }, cell);
}

/** Places of the first row to build and of the one behind the last. */
function placesInView() {
  if (table.printing) return [0, Math.min(table.listed, PRINTED_ROWS)];
  const { scrollTop, clientHeight } = $("scroller");
  return [
    Math.max(0, Math.floor(scrollTop / table.height) - SPARE),
    Math.min(table.listed, Math.ceil((scrollTop + clientHeight) / table.height) + SPARE),
  ];
}

/** Build the rows in view, or to print, and drop the others. */
function renderTable() {
  const [first, last] = placesInView();
  const built = new Map();
  for (let place = first; place < last; place++) built.set(place, table.built.get(place) ?? tableRow(place));
  for (const [place, made] of table.built) if (!built.has(place)) made.remove();
  const [above, below] = table.spacers;
  above.firstChild.style.height = `${first * table.height}px`;
  below.firstChild.style.height = `${table.printing ? 0 : (table.listed - last) * table.height}px`;
  let before = above;
  for (const made of built.values()) {
    if (before.nextSibling !== made) before.after(made); // rows that stay are not touched, and keep the focus
    before = made;
  }
  table.built = built;
  const height = !table.printing && built.get(first)?.offsetHeight;
  if (height && height !== table.height) {
    table.height = height; // larger letters make higher rows
    renderTable();
  }
}

function showMatches() {
  const rows = table.rows.length;
  const cut = table.printing ? Math.min(table.listed, PRINTED_ROWS) : table.listed;
  $("matches").textContent = (rows === TOTAL ? "" : `${WHOLE.format(rows)} of `) + count(TOTAL, "photo")
    + (cut < rows ? `, the first ${WHOLE.format(cut)} ${table.printing ? "printed" : "listed"}` : "");
}

/** Build all rows for the printer, or again those in view. */
function setPrinting(printing) {
  table.printing = printing;
  showMatches();
  renderTable();
}

function refreshTable() {
  table.rows = selected();
  table.listed = Math.min(LISTED_ROWS, table.rows.length);
  table.built = new Map();
  table.spacers = [spacer(0), spacer(0)];
  $("body").replaceChildren(...table.spacers);
  $("table").setAttribute("aria-rowcount", table.listed + 1);
  showMatches();
  $("scroller").scrollTop = 0;
  for (const head of document.querySelectorAll("[data-sort]")) {
    const sorted = head.dataset.sort === table.sort;
    if (sorted) head.closest("th").setAttribute("aria-sort", table.ascending ? "ascending" : "descending");
    else head.closest("th").removeAttribute("aria-sort");
  }
  renderTable();
}

/** Move the focus to the row at a place, or to the first or the last one, and the view with it. */
function focusRow(wanted) {
  const place = Math.max(0, Math.min(wanted, table.listed - 1));
  const scroller = $("scroller");
  const head = $("table").tHead.offsetHeight;
  const top = place * table.height;
  const bottom = top + table.height + head - scroller.clientHeight;
  const position = Math.max(bottom, Math.min(top, scroller.scrollTop));
  scroller.scrollTop = position;
  renderTable();
  scroller.scrollTop = position; // when the row that has the focus is removed, the browser lays out a table that is too low
  table.built.get(place).querySelector("button").focus({ preventScroll: true });
}

function startTable() {
  table.defects = $("table").tHead.querySelector(".found") !== null; // the model predicts some
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
    const page = Math.max(1, Math.floor(scroller.clientHeight / table.height) - 1);
    const step = { ArrowUp: -1, ArrowDown: 1, PageUp: -page, PageDown: page, Home: -Infinity, End: Infinity }[event.key];
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
  addEventListener("beforeprint", () => setPrinting(true));
  addEventListener("afterprint", () => setPrinting(false));
  $("table-paths").addEventListener("click", () => savePaths(table.rows.map(pathOf), "photos"));
  $("table-csv").addEventListener("click", () => saveCsv(table.rows, "photos"));
  refreshTable();
}
