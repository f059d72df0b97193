// Text and elements. Names of files are hostile: they reach the page as text nodes and attributes only, never as markup.

const $ = (id) => document.getElementById(id);

/** Build an element; attributes that are undefined or false are left out, those that are functions become listeners. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

// Control characters, line separators, marks that reorder text, and bytes that are not text (lone surrogates).
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** A name in a form that can be shown on one line. */
function shown(text) {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

const WHOLE = new Intl.NumberFormat("en");
const count = (number, noun) => `${WHOLE.format(number)} ${noun}${number === 1 ? "" : "s"}`;
const percent = (part, all) => `${all ? ((100 * part) / all).toFixed(1) : "0.0"} %`;
const points = (score) => (score === null ? "n/a" : score.toFixed(1));
const short = (number) => String(Math.round(number * 100) / 100);

function fileSize(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${unit ? (bytes / 1000 ** unit).toFixed(1) : bytes} ${units[unit]}`;
}

/** Seconds since 1970 as date and time in UTC. */
const moment = (seconds) => new Date(1000 * seconds).toISOString().slice(0, 16).replace("T", " ");
