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
