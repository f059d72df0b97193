// Galleries: the worst and the best photos, those near the threshold, and those with one defect.

const PAGE = 24;
const THUMBNAIL = 256;

const gallery = { name: "worst", rows: [], shown: 0 };

/** All photos of a gallery that have a picture, in its order. */
function galleryRows(name) {
  const scored = Array.from({ length: SCORED }, (_, row) => row).filter(isPictured);
  if (name === "worst") return scored;
  if (name === "best") return scored.reverse();
  if (name === "near") {
    const distance = (row) => Math.abs(ROWS.score[row] - threshold.value);
    return scored.sort((one, other) => distance(one) - distance(other));
  }
  const defect = Number(name);
  const having = [];
  for (let row = 0; row < TOTAL; row++) if (isPictured(row) && hasDefect(row, defect)) having.push([severity(row, defect), row]);
  return having.sort((one, other) => other[0] - one[0] || one[1] - other[1]).map(([, row]) => row);
}

function figure(place) {
  const row = gallery.rows[place];
  const picture = pictureOf(row);
  const view = photoView(row, picture, THUMBNAIL);
  const name = shown(fileOf(row));
  let touched = false; // a tap shows the map, a second one hides it; a click or Enter opens the photo
  const open = () => openDetail(gallery.rows, place);
  const photo = element("button", {
    type: "button", class: "photo-button", "aria-label": `${name}, score ${points(ROWS.score[row])}: open`,
    pointerdown: (event) => (touched = event.pointerType === "touch"),
    click: (event) => {
      if (touched && event.detail) view.showMap(!view.classList.contains("mapped"));
      else open();
      touched = false;
    },
    pointerenter: (event) => event.pointerType === "mouse" && view.showMap(true),
    pointerleave: (event) => event.pointerType === "mouse" && view.showMap(document.activeElement === photo && photo.matches(":focus-visible")),
    focus: () => photo.matches(":focus-visible") && view.showMap(true),
    blur: () => view.showMap(false),
  }, view);
  return element("li", { class: "figure" }, photo,
    element("div", { class: "caption" },
      element("span", { class: "score", "data-score": ROWS.score[row] ?? undefined }, points(ROWS.score[row])),
      element("button", { type: "button", class: "name", tabindex: -1, title: shown(pathOf(row)), click: open }, element("bdi", {}, name)),
      intervalBar(row),
      chips(row, 2)));
}

/** Append the next photos of the gallery. */
function showMore() {
  const next = Math.min(gallery.rows.length, gallery.shown + PAGE);
  const figures = [];
  for (let place = gallery.shown; place < next; place++) figures.push(figure(place));
  $("gallery").append(...figures);
  gallery.shown = next;
  mark($("gallery"));
  $("more").hidden = next === gallery.rows.length;
  $("gallery-state").textContent = `${WHOLE.format(next)} of ${count(gallery.rows.length, "photo")}`;
}

function showGallery(name) {
  gallery.name = name;
  gallery.rows = galleryRows(name);
  gallery.shown = 0;
  for (const chip of document.querySelectorAll(".chips [data-gallery]")) chip.setAttribute("aria-pressed", chip.dataset.gallery === name);
  $("gallery").replaceChildren();
  showMore();
}

function startGallery() {
  drawLegend($("legend"));
  for (const chip of document.querySelectorAll("[data-gallery]")) {
    chip.addEventListener("click", () => {
      showGallery(chip.dataset.gallery);
      if (chip.closest(".bars")) {
        $("photos").scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
        document.querySelector(`.chips [data-gallery="${chip.dataset.gallery}"]`).focus({ preventScroll: true });
      }
    });
  }
  $("more").addEventListener("click", () => {
    const first = gallery.shown;
    showMore();
    $("gallery").children[first]?.querySelector("button").focus();
  });
  let waiting = 0;
  threshold.listeners.push(() => {
    if (gallery.name !== "near") return;
    clearTimeout(waiting); // once the slider rests
    waiting = setTimeout(() => gallery.name === "near" && showGallery("near"), 150);
  });
  showGallery(document.querySelector(".chips [data-gallery]").dataset.gallery); // the worst, or without scores a defect
}
