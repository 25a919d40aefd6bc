// @ts-check
/**
 * The shapes of the API's JSON that several modules read; docs/web.md and the OpenAPI document have them whole.
 *
 * @typedef {1 | 2} Player
 * @typedef {{point: string, takes: string[]}} Capture
 * @typedef {{winner: 0 | 1 | 2, by: "five" | "captures" | "draw" | "resignation", line: string[]}} Result
 * @typedef {{wins: string[], must_answer: string[], captures: Capture[], in_danger: Capture[]}} Threats
 * @typedef {{
 *   to_move: Player, ply: number, stones: Record<string, string[]>, captured: Record<string, number>,
 *   captured_stones: Record<string, number>, stones_to_win: number | null,
 *   forbidden: {point: string, reason: string}[], legal_count: number, result: Result | null,
 *   last: {point: string, captured: string[]} | null, threats: Threats,
 * }} Position
 * @typedef {{point: string, share: number}} Share
 * @typedef {{point: string, visits: number, policy: number, value: number, line: string[]}} Candidate
 * @typedef {{winner: Player, plies: number, line: string[]}} Forced
 * @typedef {{
 *   simulations: number, simulations_per_s: number, elapsed_s: number, value: number,
 *   proven: "win" | "loss" | "draw" | null, best: string, policy: Share[], visits: Share[],
 *   candidates: Candidate[], forced: Forced | null,
 * }} SearchView
 * @typedef {{
 *   ply: number, move: string, value_before: number, value_after: number, best: string | null, best_line: string[],
 *   loss: number, verdict: "good" | "inaccuracy" | "mistake" | "blunder" | "missed win", comment: string,
 * }} ReviewedMove
 * @typedef {{elo: number, low: number, high: number, simulations: number | null}} Rating
 * @typedef {{
 *   id: string, title: string, kind: "shipped" | "checkpoint" | "history", model_type: string, step: number,
 *   rating: Rating | null, default: boolean,
 * }} NetworkInfo
 * @typedef {{id: string, title: string, simulations: number}} StrengthInfo
 * @typedef {{
 *   version: string, variants: {name: string, title: string, opening_rule: string}[], board_sizes: number[],
 *   default: {variant: string, board_size: number, network: string, strength: string}, strengths: StrengthInfo[],
 *   limits: {simulations: number, seconds: number, searches: number, body_bytes: number, plies: number},
 * }} Meta
 * @typedef {{variant: string, board_size: number, moves: string[]}} GameMoves
 */

export {};
