/** The server's API: JSON calls, and streams of events that come back from a POST. Types are made from its schema. */

/** @import { components, paths } from "../../openapi.js" */

/**
 * The routes of a method, by their paths under /api/v1.
 * @template {"get" | "post"} Method
 * @typedef {{[P in keyof paths as paths[P] extends Record<Method, object> ? (P extends `/api/v1${infer S}` ? S : never) : never]: paths[P][Method]}} Routes
 */
/** @template T @typedef {[NonNullable<T>] extends [never] ? {} : NonNullable<T>} Named */
/** @template Route @typedef {Route extends {parameters: {path?: infer P, query?: infer Q}} ? Named<P> & Named<Q> : never} Parameters */
/** @template Route @typedef {Route extends {requestBody: {content: {"application/json": infer B}}} ? B : never} Body */
/** @template Route @typedef {Route extends {responses: {200: {content: {"application/json": infer A}}} | {202: {content: {"application/json": infer A}}}} ? A : never} Answer */
/** @template Events @typedef {{[E in keyof Events]: {event: E, data: Events[E]}}[Exclude<keyof Events, "error">]} EventOf */

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
 * @param {string} address
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 */
async function request(address, options) {
  let response;
  try {
    response = await fetch(address, options);
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
 * A path with its parameters: those that it names in braces filled in, the others as its query.
 * @param {string} path
 * @param {object} [parameters] null and undefined for none
 * @returns {string}
 */
export function addressOf(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === undefined) continue;
    if (path.includes(`{${name}}`)) path = path.replace(`{${name}}`, encodeURIComponent(String(value)));
    else query.set(name, String(value));
  }
  return query.size > 0 ? `${BASE}${path}?${query}` : BASE + path;
}

/**
 * GET `path` under /api/v1.
 * @template {keyof Routes<"get">} P
 * @param {P} path
 * @param {Parameters<Routes<"get">[P]>} [parameters]
 * @returns {Promise<Answer<Routes<"get">[P]>>}
 */
export async function get(path, parameters) {
  return (await request(addressOf(path, parameters), {})).json();
}

/**
 * POST `body` to `path` under /api/v1.
 * @template {keyof Routes<"post">} P
 * @param {P} path
 * @param {Body<Routes<"post">[P]>} body
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer<Routes<"post">[P]>>}
 */
export async function post(path, body, signal) {
  return (await request(BASE + path, posting(body, signal))).json();
}

/**
 * POST `body` to `path` and yields the events of the stream that answers, in order.
 *
 * An `error` event ends it as an ApiError. Leaving the loop, or the signal, closes the stream, and the server stops.
 * @template {"/analysis" | "/review"} P
 * @param {P} path
 * @param {Body<Routes<"post">[P]>} body
 * @param {AbortSignal} [signal]
 * @returns {AsyncGenerator<EventOf<Answer<Routes<"post">[P]>>>}
 */
export async function* stream(path, body, signal) {
  const response = await request(BASE + path, posting(body, signal));
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
        if (event.event !== "error") {
          yield /** @type {EventOf<Answer<Routes<"post">[P]>>} */ (event);
          continue;
        }
        const { code, message } = /** @type {components["schemas"]["Error"]} */ (event.data);
        throw new ApiError(code, message, 200);
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
 * @returns {{event: string, data: unknown} | null} null for a comment, which only keeps the connection open
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
