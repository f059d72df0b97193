// The pixels of a photo as the model takes them: RGB, 8 bits, on white where the photo was transparent.

const ROWS = 512; // of a strip, so that a large photo is held once only

/**
 * @param {ImageBitmap} bitmap
 * @param {number} enough - Pixels that are enough; 0 for all. A larger photo is reduced by averaging to a half, a quarter or an
 *   eighth of its size, with at least so many pixels.
 * @returns {{width: number, height: number, data: Uint8Array}}
 */
export function pixelsOf(bitmap, enough) {
  const factor = [8, 4, 2].find((each) => enough && bitmap.width * bitmap.height >= enough * each ** 2) ?? 1;
  const width = Math.floor(bitmap.width / factor);
  const height = Math.floor(bitmap.height / factor);
  const data = new Uint8Array(3 * width * height);
  const rows = ROWS - (ROWS % factor);
  const canvas = new OffscreenCanvas(bitmap.width, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  for (let top = 0; top < height; top += rows / factor) {
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, rows);
    context.drawImage(bitmap, 0, -top * factor);
    const strip = context.getImageData(0, 0, canvas.width, rows).data;
    const bottom = Math.min(top + rows / factor, height);
    for (let y = top; y < bottom; y++) reduceRow(strip, canvas.width, (y - top) * factor, factor, data, y * width, width);
  }
  return { width, height, data };
}

/** One row of the result, each pixel the mean of `factor` x `factor` pixels of the strip. */
function reduceRow(strip, stride, row, factor, data, start, width) {
  const area = factor * factor;
  for (let x = 0; x < width; x++) {
    const sums = [0, 0, 0];
    for (let dy = 0; dy < factor; dy++) {
      let at = 4 * ((row + dy) * stride + x * factor);
      for (let dx = 0; dx < factor; dx++, at += 4) {
        sums[0] += strip[at];
        sums[1] += strip[at + 1];
        sums[2] += strip[at + 2];
      }
    }
    for (let channel = 0; channel < 3; channel++) data[3 * (start + x) + channel] = Math.round(sums[channel] / area);
  }
}
