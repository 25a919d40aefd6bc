// @ts-check
/** The server's API: JSON calls, and streams of events that come back from a POST. */

const BASE = "/api/v1";

/** An answer that says no: the server's code and its one line, or what kept the server from answering. */
export class ApiError extends Error {
  /**
   * @param {string} code `unreachable` when there was no answer at all
   * @param {string} message
   * @param {number} [status] of HTTP, 0 without an answer
   */
  constructor(code, message, status = 0) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/**
 * @param {unknown} error
 * @returns {boolean} whether it only says that we stopped it ourselves
 */
export function isAbort(error) {
  return error instanceof DOMException && error.name === "AbortError";
}

/** @param {unknown} error @returns {string} */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 */
async function request(path, options) {
  let response;
  try {
    response = await fetch(BASE + path, options);
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError("unreachable", "The server does not answer. Is `alphapente web` still running?");
  }
  if (response.ok) return response;
  let code = "http_error";
  let message = `The server answered ${response.status} ${response.statusText}`;
  try {
    const refusal = (await response.json()).error;
    ({ code, message } = refusal);
  } catch {
    // no JSON: the status alone says what there is to say
  }
  throw new ApiError(code, message, response.status);
}

/**
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 * @returns {RequestInit}
 */
function posting(body, signal) {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal };
}

/**
 * GET `path` under /api/v1.
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, signal) {
  return (await request(path, { signal })).json();
}

/**
 * POST `body` to `path` under /api/v1.
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function post(path, body, signal) {
  return (await request(path, posting(body, signal))).json();
}

/**
 * POST `body` to `path` and yields the events of the stream that answers, in order.
 *
 * An `error` event ends it as an ApiError. Leaving the loop, or the signal, closes the stream, and the server stops.
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<{event: string, data: any}>}
 */
export async function* stream(path, body, signal) {
  const response = await request(path, posting(body, signal));
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += value;
      const blocks = rest.split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event === null) continue;
        if (event.event === "error") throw new ApiError(event.data.code, event.data.message, 200);
        yield event;
      }
    }
  } catch (error) {
    if (isAbort(error) || error instanceof ApiError) throw error;
    throw new ApiError("unreachable", "The connection to the server was lost");
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/**
 * @param {string} block the lines of one event
 * @returns {{event: string, data: any} | null} null for a comment, which only keeps the connection open
 */
function parseEvent(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).trim());
  }
  return data.length === 0 ? null : { event, data: JSON.parse(data.join("\n")) };
}
