// Builds elements. Text is set as text, never parsed as markup, so that no file name or answer can run as code.

/**
 * @param {string} tag
 * @param {Object<string, string | number | boolean | undefined>} attributes - `true` sets an empty attribute; `false` and
 *   `undefined` none.
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== undefined) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/** Sets custom properties of CSS, which the content security policy allows from scripts only. */
export function styled(target, properties) {
  for (const [name, value] of Object.entries(properties)) target.style.setProperty(name, String(value));
  return target;
}

// Control characters, line separators, marks that reorder text, and bytes that are not text (lone surrogates).
const UNPRINTABLE = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** A name in a form that can be shown on one line. */
export function shown(name) {
  return name.replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
