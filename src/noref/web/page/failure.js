// Why a photo could not be scored: the counterpart of noref's ImageError.

export class Failure extends Error {
  /**
   * @param {string} kind - Class name of the error.
   * @param {string} cause - What is wrong, in a few words.
   * @param {string} cure - What the user can do about it.
   */
  constructor(kind, cause, cure) {
    super(`${cause}; ${cure}`);
    Object.assign(this, { kind, cause, cure });
  }
}
