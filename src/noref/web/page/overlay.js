// The tint of a quality map: clear where local quality is good, the more opaque the poorer it is. The values are those of
// noref/overlay.py.

export const CLEAR = 80; // local quality from which on nothing is drawn
export const OPACITY = 0.85; // at quality 0
export const TINT = [217, 72, 15]; // orange red, which reads on greens and blues for colour-blind eyes, too

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
