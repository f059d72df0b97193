// Photos from a drop, folders included.

/**
 * @param {DataTransfer} transfer
 * @param {string[]} extensions - Of photos within a folder, with a dot; browsers have no type for camera raw.
 * @returns {Promise<File[]>} In the order of their names within a folder.
 */
export async function dropped(transfer, extensions) {
  const isPhoto = ({ name, type }) =>
    !name.startsWith(".") && (type.startsWith("image/") || extensions.some((each) => name.toLowerCase().endsWith(each)));
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = await Promise.all(entries.map(filesOf));
  return found.flatMap((files, index) => (entries[index].isFile ? files : files.filter(isPhoto)));
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
  return (await Promise.all(found.map(filesOf))).flat();
}
