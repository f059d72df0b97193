// The results. A photo is the number of its row; rows are ordered by score, those without a score last.

const DATA = JSON.parse($("data").textContent);
const ROWS = DATA.rows;
const TOTAL = ROWS.path.length;
const SCORED = ROWS.score.findIndex((score) => score === null) < 0 ? TOTAL : ROWS.score.indexOf(null);

const pathOf = (row) => DATA.root + ROWS.path[row];
const fileOf = (row) => ROWS.path[row].slice(ROWS.path[row].lastIndexOf(DATA.separator) + 1);
const folderOf = (row) => ROWS.path[row].slice(0, ROWS.path[row].lastIndexOf(DATA.separator) + 1);
const hasDefect = (row, defect) => ROWS.defects[row].some((value, place) => place % 3 === 0 && value === defect);

/** The likely defects of a photo, most likely first. */
function defectsOf(row) {
  const values = ROWS.defects[row];
  const found = [];
  for (let place = 0; place < values.length; place += 3) {
    const [number, probability, level] = values.slice(place, place + 3);
    found.push({ number, name: DATA.defects[number], probability, level, text: level === null ? percent(probability, 1) : `${level.toFixed(1)}/5` });
  }
  return found;
}

/** Level of a defect in a photo, or of its worst one; probability where the model predicts no levels. */
function severity(row, defect = null) {
  const found = defectsOf(row).filter((each) => defect === null || each.number === defect);
  return Math.max(0, ...found.map((each) => each.level ?? each.probability));
}

/** Number of photos with a score below a threshold: rows 0 to that. */
function rankOf(threshold) {
  let low = 0;
  let high = SCORED;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ROWS.score[middle] < threshold) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Pictures come in chunks that are decoded when one of them is needed. Where not all fit, PICTURED has the rows of those that do.
const PICTURED = JSON.parse($("pictured").textContent);
const PLACES = PICTURED && new Map(PICTURED.map((row, place) => [row, place]));
const CHUNKS = new Map();

/** Thumbnail (a URL, or ""), map (null if there is none) and summary of a photo; null if the report has no room for them. */
function pictureOf(row) {
  const place = PLACES ? PLACES.get(row) : row;
  if (place === undefined) return null;
  const chunk = Math.floor(place / DATA.chunk);
  if (!CHUNKS.has(chunk)) CHUNKS.set(chunk, JSON.parse($(`pictures-${chunk}`).textContent));
  const found = CHUNKS.get(chunk)[place % DATA.chunk];
  if (!found) return null;
  const [thumbnail, width, height, cells, summary] = found;
  const values = width ? Uint8Array.from(atob(cells), (character) => character.charCodeAt(0)) : null;
  return { thumbnail, map: values && { width, height, values }, summary };
}

const isPictured = (row) => !PLACES || PLACES.has(row);
