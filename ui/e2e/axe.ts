/** What an accessibility checker says of a page once nothing on it moves any more. */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

/** What moves in has no colour of its own yet; to be called before the page is opened. */
export async function withoutMotion(page: Page): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
}

/** The faults that keep somebody out, each with the element at fault. */
export async function graveFaults(page: Page): Promise<string[]> {
  await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
    // Element Plus names an active option of its autocomplete before there is one; readers pass over an id that is not there.
    .filter((fault) => !(fault.startsWith('aria-valid-attr-value') && /aria-activedescendant="[^"]*-item--1"/.test(fault)));
}
