// Photos from a drop, folders included.

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>} In the order of their paths within a folder.
 */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // 100 at a time
    if (!some.length) break;
    found.push(...some);
  }
  found.sort((first, second) => first.name.localeCompare(second.name));
  return (await Promise.all(found.map(filesOf))).flat().filter(mayBePhoto);
}

/** Browsers leave the type of a file empty that they have no name for, such as camera raw. */
function mayBePhoto(file) {
  return !file.name.startsWith(".") && (file.type === "" || file.type.startsWith("image/"));
}
