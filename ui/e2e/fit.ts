/**
 * What every page and dialog is held to in a real browser: no serious fault of accessibility, nothing out of the window
 * sideways, no text that the catalogue lacks, nothing that the window's policy refuses; in both languages and at the two
 * sizes that bureau laptops have. The pictures are left in `test-results/screens`.
 */
import { expect, test, type Page } from '@playwright/test';
import type { Scene } from './answers';
import { graveFaults, withoutMotion } from './axe';
import { installFakeCore } from './fakeCore';

const SIZES = { '1366x768': { width: 1366, height: 768 }, '911x512': { width: 911, height: 512 } };
const LANGUAGES = ['zh-CN', 'en'] as const;

export interface Shown {
  name: string;
  address: string;
  /** There once the page shows its content. */
  ready: string;
  scene?: Partial<Scene>;
  /** What a person does on the page then. */
  act?: (page: Page) => Promise<void>;
}

export function fitForEverybody({ name, address, ready, scene, act }: Shown): void {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const language of LANGUAGES) {
      test(`${name} is fit for everybody: ${size}, ${language}`, async ({ page }) => {
        const faults: string[] = [];
        page.on('pageerror', (error) => faults.push(error.message));
        page.on('console', (message) => {
          if (/Content Security Policy|Not found '.*' key/i.test(message.text())) faults.push(message.text());
        });
        await page.setViewportSize(viewport);
        await withoutMotion(page);
        const unanswered = await installFakeCore(page, { language, ...scene });
        await page.goto(`/#${address}`);
        await page.locator(ready).first().waitFor();
        await page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
        await act?.(page);
        await page.screenshot({ path: `test-results/screens/${name}-${size}-${language}.png` });

        expect.soft(await graveFaults(page)).toEqual([]);

        const spill = await page.evaluate(() => {
          const main = document.querySelector('#main');
          const dialogs = [...document.querySelectorAll('.el-dialog')].map((dialog) => dialog.getBoundingClientRect());
          return Math.max(
            document.documentElement.scrollWidth - innerWidth,
            main ? main.scrollWidth - main.clientWidth : 0,
            ...dialogs.map(({ left, right }) => Math.max(right - innerWidth, -left)),
          );
        });
        expect.soft(spill, 'nothing runs out of the window sideways').toBeLessThanOrEqual(0);
        expect.soft(faults).toEqual([]);
        expect(unanswered).toEqual([]);
      });
    }
  }
}
