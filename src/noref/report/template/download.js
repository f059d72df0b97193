// Lists and tables of photos as files.

/** A path as the bytes of its file system: those that are not text came as lone surrogates from U+DC80 to U+DCFF. */
function encoded(text) {
  const parts = [];
  for (const part of text.split(/([\udc80-\udcff])/u)) {
    const code = part.length === 1 ? part.charCodeAt(0) : 0;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Uint8Array.of(code - 0xdc00) : part);
  }
  return parts;
}

function save(name, parts, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = element("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/** Save paths, one a line; where a path has a line break, separated by NUL instead. Returns what was saved, in words. */
function savePaths(paths, name) {
  const breaks = paths.some((path) => /[\r\n]/.test(path));
  const end = breaks ? "\0" : "\n";
  const file = breaks ? `${name}-null.txt` : `${name}.txt`;
  save(file, paths.flatMap((path) => [...encoded(path), end]), "text/plain");
  const note = breaks ? "; separated by NUL, since a path has a line break (xargs -0)" : "";
  return `${file}: ${count(paths.length, "path")}${note}`;
}

const COLUMNS = ["image", "score", "low", "high", "defects", "width", "height", "warnings"];

/** Save rows as CSV. Text that a spreadsheet might run as a formula gets a leading apostrophe, as in `noref score`. */
function saveCsv(rows, name) {
  const lines = rows.map((row) => [
    neutral(pathOf(row)),
    ROWS.score[row] ?? "",
    ROWS.low[row] ?? "",
    ROWS.high[row] ?? "",
    neutral(defectsOf(row).map((defect) => `${defect.name} ${defect.text}`).join("; ")),
    ROWS.width[row],
    ROWS.height[row],
    neutral(ROWS.warnings[row].map((warning) => DATA.warnings[warning]).join("; ")),
  ]);
  save(`${name}.csv`, [COLUMNS, ...lines].flatMap((cells) => [...encoded(cells.map(quoted).join(",")), "\n"]), "text/csv");
  return `${name}.csv: ${count(rows.length, "photo")}`;
}

const neutral = (text) => (/^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text);
const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell));
