// Photos from a drop, folders included.

/**
 * @param {DataTransfer} transfer
 * @param {string[]} extensions - Of photos within a folder, with a dot; browsers have no type for camera raw.
 * @returns {Promise<{file: File, name: string}[]>} In the order of their names within a folder; names have the path below what
 *   was dropped.
 */
export async function dropped(transfer, extensions) {
  const isPhoto = ({ file: { name, type } }) =>
    !name.startsWith(".") && (type.startsWith("image/") || extensions.some((each) => name.toLowerCase().endsWith(each)));
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return chosen(transfer.files);
  const found = await Promise.all(entries.map(filesOf));
  return found.flatMap((files, index) => (entries[index].isFile ? files : files.filter(isPhoto)));
}

/** Files that were chosen or dropped themselves, with their names. */
export function chosen(files) {
  return [...files].map((file) => ({ file, name: file.webkitRelativePath || file.name }));
}

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, name: entry.fullPath.slice(1) }];
  }
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
