// Results as comma-separated values: the columns and rules of `noref score --format csv`.

const COLUMNS = ["image", "score", "low", "high", "model", "policy", "width", "height", "warnings", "error", "defects"];
const FORMULA = /^[=+\-@\t\r\n]/; // what a spreadsheet may take for a formula when a cell begins with it

export function table(items) {
  return [COLUMNS, ...items.map(row)].map((cells) => `${cells.map(quoted).join(",")}\n`).join("");
}

function row({ name, assessment, failure }) {
  const cells = failure
    ? { error: `${failure.kind}: ${failure.cause}; ${failure.cure}` }
    : {
        ...assessment,
        low: assessment.interval?.[0],
        high: assessment.interval?.[1],
        warnings: assessment.warnings.join("; "),
        defects: Object.keys(assessment.defects).length ? JSON.stringify(assessment.defects) : "",
      };
  return COLUMNS.map((column) => (column === "image" ? name : (cells[column] ?? "")));
}

function quoted(cell) {
  const text = typeof cell === "string" && FORMULA.test(cell) ? `'${cell}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
