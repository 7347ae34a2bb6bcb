/** The time that a clock on the wall shows in China (UTC+8 the year round), as text `2022-04-12 09:30`. */

const AHEAD_MS = 8 * 3_600_000;

export function toWallTime(moment: number): string {
  return new Date(moment + AHEAD_MS).toISOString().slice(0, 16).replace('T', ' ');
}

/** `null` for text that is no time. */
export function fromWallTime(text: string): number | null {
  const moment = Date.parse(`${text.replace(' ', 'T')}:00+08:00`);
  return Number.isNaN(moment) ? null : moment;
}
