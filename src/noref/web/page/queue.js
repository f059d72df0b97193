// Scores photos a few at a time, in the order in which they were added.

export class Queue {
  #waiting = [];
  #running = 0;
  #abort = new AbortController();

  parallel = 1; // photos to score at a time
  done = 0;
  total = 0;

  /**
   * @param {function(object, AbortSignal): Promise<void>} work - Scores one item; never rejects.
   * @param {function(): void} changed - Called when `done`, `total` or `idle` may have changed.
   */
  constructor(work, changed) {
    Object.assign(this, { work, changed });
  }

  get idle() {
    return this.#running === 0 && this.#waiting.length === 0;
  }

  add(items) {
    if (this.idle) this.done = this.total = 0;
    this.#waiting.push(...items);
    this.total += items.length;
    this.#fill();
    this.changed();
  }

  /** Drop what waits, and abort what runs. */
  cancel() {
    this.#waiting = [];
    this.total = this.done;
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  #fill() {
    while (this.#running < this.parallel && this.#waiting.length) this.#run(this.#waiting.shift());
  }

  async #run(item) {
    const { signal } = this.#abort;
    this.#running += 1;
    await this.work(item, signal);
    this.#running -= 1;
    if (!signal.aborted) this.done += 1;
    this.#fill();
    this.changed();
  }
}
