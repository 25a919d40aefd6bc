/** Reading something again and again: not too often, never twice at once, and always once more after the last change. */

/** One thing that a panel reads from the server. */
export class Refresh {
  /**
   * @param {() => Promise<void>} read fetches and shows it; where it rejects, it is called again after the interval
   * @param {number} everyMs at least so long between two readings, but for those that cannot wait
   * @param {(error: unknown) => void} [onerror]
   */
  constructor(read, everyMs, onerror = () => undefined) {
    this.readOnce = read;
    this.everyMs = everyMs;
    this.onerror = onerror;
    this.readAt = -Infinity;
    this.reading = false;
    /** @type {"" | "soon" | "now"} what is to follow the present reading */
    this.next = "";
    this.timer = 0;
    this.what = "";
  }

  /** Reads `what` at once where it was something else before, and where it goes on changing, soon. @param {string} what @param {boolean} live */
  follow(what, live) {
    if (what !== this.what) this.now();
    else if (live) this.soon();
    this.what = what;
  }

  /** It may have changed: read it once the interval since the last reading is over. */
  soon() {
    if (this.reading) this.next ||= "soon";
    else if (this.timer === 0) {
      const wait = this.readAt + this.everyMs - performance.now();
      if (wait <= 0) void this.read();
      else this.timer = window.setTimeout(() => void this.read(), wait);
    }
  }

  /** It has changed for good, or is another thing: read it at once. */
  now() {
    if (this.reading) this.next = "now";
    else void this.read();
  }

  /** No reading follows. */
  stop() {
    this.what = "";
    clearTimeout(this.timer);
    this.timer = 0;
    this.next = "";
  }

  async read() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.reading = true;
    this.readAt = performance.now();
    try {
      await this.readOnce();
    } catch (error) {
      this.next ||= "soon";
      this.onerror(error);
    }
    this.reading = false;
    const { next } = this;
    this.next = "";
    if (next !== "") this[next]();
  }
}
