// A small copy of a photo for the page, so that hundreds of large photos fit into memory.

import { MAX_PIXELS, bitmapOf, sizeOf } from "./decode.js";

const LONGEST = 1280; // pixels

/**
 * @param {File} file
 * @returns {Promise<?{url: string, ratio: number}>} Object URL, and width by height; null if this browser cannot decode it.
 */
export async function preview(file) {
  const size = await sizeOf(file);
  if (!size || size.width * size.height > MAX_PIXELS) return null;
  let bitmap;
  try {
    bitmap = await bitmapOf(file);
  } catch {
    return null;
  }
  const scale = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // under transparent parts, as the model gets them
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  return blob && { url: URL.createObjectURL(blob), ratio: canvas.width / canvas.height };
}
