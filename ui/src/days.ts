/** Plain days (`2022-01-06`) of the bureaus' calendar: Asia/Shanghai, UTC+8 the year round, whatever the laptop's zone. */

const AHEAD_MS = 8 * 3_600_000;
const DAY_MS = 86_400_000;

/** The day on which a moment lies. */
export function dayOf(moment: number): string {
  return new Date(moment + AHEAD_MS).toISOString().slice(0, 10);
}

export function today(): string {
  return dayOf(Date.now());
}

/** The moment at which a day begins. */
export function beginOf(day: string): number {
  return Date.parse(`${day}T00:00:00+08:00`);
}

/** The day that lies `days` after another. */
export function dayAfter(day: string, days: number): string {
  return dayOf(beginOf(day) + days * DAY_MS);
}

/** The Monday of the week in which a day lies. */
export function mondayOf(day: string): string {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return dayAfter(day, -((weekday + 6) % 7));
}
