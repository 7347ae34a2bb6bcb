/** How long until a deadline: in words, and how urgent it is. */
import { t } from './i18n';

/** From here on a deadline is near. */
const NEAR_DAYS = 7;

export type Urgency = 'bad' | 'warn' | 'info' | 'plain';

/** `null`: there is no deadline. */
export function urgencyOf(daysLeft: number | null): Urgency {
  if (daysLeft === null) return 'plain';
  if (daysLeft < 0) return 'bad';
  return daysLeft <= NEAR_DAYS ? 'warn' : 'info';
}

/** For a finding that has to be put right by then. */
export function daysLeftText(daysLeft: number | null): string {
  if (daysLeft === null) return t('findings.noDeadline');
  if (daysLeft === 0) return t('findings.dueToday');
  return daysLeft > 0 ? t('findings.daysLeft', { n: daysLeft }) : t('findings.overdueBy', { n: -daysLeft });
}

/** For a day on a calendar: whether what it asked for was done is not known here. */
export function daysUntilText(daysLeft: number): string {
  if (daysLeft === 0) return t('findings.todayIs');
  return daysLeft > 0 ? t('findings.daysLeft', { n: daysLeft }) : t('findings.passedBy', { n: -daysLeft });
}
