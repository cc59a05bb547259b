// What is printed: names from foreign files must not steer the terminal.

// Control characters (C1 too: U+009B begins a command as ESC [ does) and marks that turn the direction of text; not tab and line end.
// eslint-disable-next-line no-control-regex
const STEERING = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * A text with what would steer a terminal written out: "\\u001b" for ESC.
 * @param {string} text
 * @returns {string}
 */
export function visible(text) {
  return text.replace(STEERING, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Prints lines for people. @param {string} text */
export const print = (text) => console.log(visible(text));

/** Prints lines for people on the error output. @param {string} text */
export const printError = (text) => console.error(visible(text));
