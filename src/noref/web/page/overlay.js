// The tint of a quality map, as noref.overlay draws it: clear where local quality is good, the more opaque the poorer it is.

const TINT = [230, 0, 230];
const OPACITY = 0.75; // of the tint at quality 0
const CLEAR = 80; // quality from which on there is no tint

/**
 * Draw a map, one pixel a cell; the browser enlarges the canvas smoothly.
 * @param {HTMLCanvasElement} canvas
 * @param {{width: number, height: number, values: Uint8Array}} map
 */
export function draw(canvas, map) {
  canvas.width = map.width;
  canvas.height = map.height;
  const image = new ImageData(map.width, map.height);
  map.values.forEach((value, cell) => {
    const poor = Math.max(0, 1 - (value / 255) * (100 / CLEAR));
    image.data.set([...TINT, Math.round(255 * OPACITY * poor)], 4 * cell);
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}
