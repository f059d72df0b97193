// The tint of a quality map: clear where local quality is good, the more opaque the poorer it is, as `noref score --map` draws it.

const TINT = DATA.tint;

/** One pixel a cell. */
function tinted(map) {
  const canvas = element("canvas", { width: map.width, height: map.height });
  const image = new ImageData(map.width, map.height);
  map.values.forEach((value, cell) => {
    const poor = Math.max(0, 1 - value / 2.55 / TINT.clear);
    image.data.set([...TINT.color, Math.round(255 * TINT.opacity * poor)], 4 * cell);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Draw a map over the whole of a canvas, smoothly. */
function drawMap(canvas, map) {
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(tinted(map), 0, 0, canvas.width, canvas.height);
}

/** The photo with its map on top, hidden until it is asked for; a sign in the place of a photo that was not stored. */
function photoView(row, picture, side) {
  const scale = side / Math.max(ROWS.width[row], ROWS.height[row]);
  const width = Math.max(1, Math.round(ROWS.width[row] * scale));
  const height = Math.max(1, Math.round(ROWS.height[row] * scale));
  const blank = element("span", { class: "blank" }, "no thumbnail");
  const replace = (event) => event.target.replaceWith(blank); // of what is no picture
  const base = picture?.thumbnail ? element("img", { src: picture.thumbnail, alt: "", width, height, decoding: "async", error: replace }) : blank;
  const canvas = picture?.map && element("canvas", { width, height, class: "map", "aria-hidden": "true" });
  const view = element("span", { class: "view" }, base, canvas);
  view.style.setProperty("--aspect", width / height);
  let drawn = false;
  view.showMap = (visible) => {
    if (!canvas) return;
    if (visible && !drawn) drawMap(canvas, picture.map);
    drawn ||= visible;
    view.classList.toggle("mapped", visible);
  };
  return view;
}

function drawLegend(canvas) {
  const values = Uint8Array.from({ length: canvas.width }, (_, place) => 2.55 * TINT.clear * (1 - place / (canvas.width - 1)));
  drawMap(canvas, { width: canvas.width, height: 1, values });
}
