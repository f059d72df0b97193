// Photos decoded by this browser: upright, in sRGB.

export const MAX_PIXELS = 120_000_000; // above, a tab may run out of memory

/**
 * Width and height from the header; no pixel is decoded.
 * @param {File} file
 * @returns {Promise<?{width: number, height: number}>} Null if this browser does not support the format.
 */
export async function sizeOf(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await new Promise((resolve, reject) => Object.assign(image, { onload: resolve, onerror: reject }));
    return { width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/** @param {Blob} file */
export function bitmapOf(file) {
  return createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "default" });
}
