// The page: takes photos, has them scored, and shows the results.

import { open } from "./backend.js";
import { fill } from "./card.js";
import { table } from "./csv.js";
import { show } from "./details.js";
import { element } from "./dom.js";
import { Failure } from "./failure.js";
import { chosen, dropped } from "./files.js";
import { preview } from "./preview.js";
import { Queue } from "./queue.js";
import { choices, selected } from "./results.js";

const ANNOUNCE = 5000; // milliseconds between two announcements of the progress to screen readers

const part = (id) => document.getElementById(id);
const { scoring } = document.documentElement.dataset;
const backend = open(scoring);
let items = []; // photos that are being scored, are scored, or failed
let added = 0;
let announced = 0;
const queue = new Queue(work, () => refresh());

async function start() {
  if (scoring === "browser") part("loading").textContent = "Loading the model …";
  else part("place").textContent = `Photos go to ${location.host} only`; // which may be another machine, by a forwarded port
  const { parallel, card } = await backend;
  part("loading").textContent = "";
  queue.parallel = parallel;
  const facts = await card();
  part("model").textContent = `${facts.name} ${facts.version}`;
  part("interval").hidden = !facts.coverage;
  part("coverage").textContent = (100 * facts.coverage).toFixed(0);
  part("weaknesses").replaceChildren(...facts.weaknesses.map((text) => element("li", {}, text)));
  part("limits").hidden = !facts.weaknesses.length;
}

async function work(item, signal) {
  items.push(item);
  try {
    const { score } = await backend;
    item.preview = await preview(item.file);
    refresh(item);
    const waiting = (seconds) => {
      item.wait = seconds;
      fill(item.card, item, enlarge);
    };
    if (!signal.aborted) item.assessment = await score(item.file, signal, waiting);
  } catch (error) {
    if (!signal.aborted) item.failure = error instanceof Failure ? error : new Failure("PageError", String(error), "report it");
  }
  if (signal.aborted) forget(item);
  refresh(signal.aborted ? undefined : item);
}

/** Score photos, each with its file and its name. */
function add(photos) {
  queue.add(photos.map(({ file, name }) => ({ id: added++, file, name, card: element("li") })));
}

function complain(text) {
  part("trouble").textContent = text;
  part("trouble").hidden = !text;
}

/** Score the failed photos again, such as after the service was restarted. */
function retry() {
  const failed = items.filter((item) => item.failure);
  failed.forEach(forget);
  queue.add(failed.map((item) => ({ ...item, failure: undefined, wait: undefined })));
}

function forget(item) {
  if (item.preview) URL.revokeObjectURL(item.preview.url);
  items = items.filter((other) => other !== item);
}

function enlarge(item) {
  show(part("details"), item);
}

/** Bring the page up to date; `changed` is the item whose state has changed. */
function refresh(changed) {
  if (changed) fill(changed.card, changed, enlarge);
  document.body.classList.toggle("empty", items.length === 0 && queue.idle);
  listChoices();
  const shown = selected(items, wanted());
  place(shown.map((item) => item.card));
  part("shown").textContent = shown.length < items.length ? `${shown.length} of ${items.length} shown` : "";
  part("nothing").hidden = shown.length > 0 || items.length === 0;
  part("export").disabled = !finished(shown).length;
  showProgress();
}

function wanted() {
  const number = (id, empty) => (part(id).value === "" ? empty : Number(part(id).value));
  return { show: part("show").value, low: number("low", 0), high: number("high", 100), sort: part("sort").value };
}

function finished(some) {
  return some.filter((item) => item.assessment || item.failure);
}

/** Move only the cards that are out of place, so that the others keep the focus. */
function place(cards) {
  const list = part("cards");
  const kept = new Set(cards);
  for (const card of [...list.children]) if (!kept.has(card)) card.remove();
  cards.forEach((card, position) => {
    if (list.children[position] !== card) list.insertBefore(card, list.children[position] ?? null);
  });
}

function listChoices() {
  const select = part("show");
  const before = select.value;
  const options = choices(items);
  if (!options.some(({ value }) => value === before)) {
    options.push({ value: before, text: before.replace("defect:", ""), count: 0 });
  }
  const texts = options.map(({ text, count }) => `${text} (${count})`);
  if (texts.join() === [...select.options].map((option) => option.text).join()) return; // an open list would close
  select.replaceChildren(...options.map(({ value }, position) => element("option", { value }, texts[position])));
  select.value = before;
}

function showProgress() {
  const failed = items.filter((item) => item.failure).length;
  const scored = items.filter((item) => item.assessment).length;
  const results = `${scored} scored${failed ? `, ${failed} failed` : ""}`;
  const text = queue.idle ? results : `${queue.done} of ${queue.total} done: ${results}`;
  part("progress-text").textContent = text;
  part("bar").hidden = part("cancel").hidden = queue.idle;
  part("retry").hidden = !queue.idle || !failed;
  part("bar").max = Math.max(1, queue.total);
  part("bar").value = queue.done;
  const now = performance.now();
  if (queue.idle ? part("announcement").textContent !== text : now - announced > ANNOUNCE) {
    part("announcement").textContent = text;
    announced = now;
  }
}

function save() {
  const text = table(finished(selected(items, wanted())));
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  element("a", { href: url, download: "noref.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the download has begun by then
}

part("choose").addEventListener("change", (event) => {
  complain("");
  add(chosen(event.target.files));
  event.target.value = ""; // so that the same photo can be chosen again
});
for (const id of ["sort", "show", "low", "high"]) part(id).addEventListener("input", () => refresh());
for (const [id, act] of [["cancel", () => queue.cancel()], ["retry", retry]]) {
  part(id).addEventListener("click", () => {
    act();
    part("progress-text").focus(); // the button is hidden now
  });
}
part("clear").addEventListener("click", () => {
  queue.cancel();
  items.forEach(forget);
  for (const [id, value] of [["show", "all"], ["low", ""], ["high", ""]]) part(id).value = value;
  refresh();
  part("choose").focus();
});
part("export").addEventListener("click", save);

for (const kind of ["dragenter", "dragover"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
}
addEventListener("dragleave", (event) => event.relatedTarget === null && document.body.classList.remove("dragging"));
addEventListener("drop", async (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  try {
    const photos = await dropped(event.dataTransfer, part("choose").accept.split(/,\s*/));
    complain(photos.length ? "" : "There are no photos in what was dropped.");
    add(photos);
  } catch (error) {
    complain(`What was dropped cannot be read: ${error.message}`);
  }
});

start().catch((error) => {
  part("loading").textContent = "";
  complain(`Photos cannot be scored: ${error.message}`);
});
