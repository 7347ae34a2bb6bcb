/**
 * The shared components in a real browser: what a layout engine, a keyboard and an accessibility checker say of
 * them, in both languages and at the two sizes that bureau laptops have.
 */
import { expect, test, type Page } from '@playwright/test';
import { graveFaults, withoutMotion } from './axe';

const SIZES = { laptop: { width: 1366, height: 768 }, 'laptop at 150 %': { width: 911, height: 512 } };
const SECTIONS = ['basics', 'table', 'chart', 'errors'];

async function visit(page: Page, section: string, more = ''): Promise<void> {
  await page.goto(`/#/gallery?s=${section}${more}`);
  // The heading of the page, not the one shown while the program starts.
  await page.locator('#main h1').waitFor();
}

for (const [size, viewport] of Object.entries(SIZES)) {
  for (const language of ['', '&en']) {
    for (const section of SECTIONS) {
      test(`axe finds no serious fault: ${section}, ${size}, ${language ? 'English' : 'Chinese'}`, async ({ page }) => {
        await page.setViewportSize(viewport);
        await withoutMotion(page);
        await visit(page, section, language);
        expect(await graveFaults(page)).toEqual([]);
      });

      test(`nothing runs out of the window sideways: ${section}, ${size}, ${language ? 'English' : 'Chinese'}`, async ({ page }) => {
        await page.setViewportSize(viewport);
        await visit(page, section, language);
        const spill = await page.evaluate(() => {
          const main = document.querySelector('#main') as HTMLElement;
          return Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth);
        });
        expect(spill).toBeLessThanOrEqual(0);
      });
    }
  }
}

test('the sample mark stays readable above an open dialog', async ({ page }) => {
  await visit(page, 'dialog');
  await expect(page.getByRole('dialog', { name: '作废这个文号？' })).toBeVisible();
  const ribbon = page.locator('.sample-ribbon');
  const isOnTop = await ribbon.evaluate((element) => {
    const box = element.getBoundingClientRect();
    return document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2) === element;
  });
  expect(isOnTop).toBe(true);
});

test('a dangerous question is not answered by a stray Enter', async ({ page }) => {
  await visit(page, 'dialog');
  await expect(page.getByRole('button', { name: '取消' })).toBeFocused();
});

test('Ctrl+K finds a page by typing, and Escape gives the focus back', async ({ page }) => {
  await visit(page, 'basics');
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox', { name: '查找或跳转' });
  await expect(field).toBeFocused();
  await field.fill('组件');
  await expect(page.getByRole('option', { name: '组件陈列' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(field).toBeHidden();
});

test('the help lists the shortcuts, and a question mark typed into a field is only text', async ({ page }) => {
  await visit(page, 'basics');
  await page.getByRole('textbox', { name: '责任人' }).pressSequentially('?');
  await expect(page.getByRole('dialog')).toBeHidden();
  await page.keyboard.press('F1');
  const help = page.getByRole('dialog', { name: '键盘快捷键' });
  await expect(help.getByText('显示快捷键')).toBeVisible();
});

test('the first Tab offers to skip the navigation', async ({ page }) => {
  await visit(page, 'basics');
  await page.keyboard.press('Tab');
  await expect(page.getByText('跳到正文')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('#main')).toBeFocused();
});

test('the columns of a list stand under their headers, at the top and at row 100,000', async ({ page }) => {
  await visit(page, 'table');
  const grid = page.getByRole('grid');
  await expect(grid.getByRole('gridcell').first()).toBeVisible();
  const offsets = async (): Promise<number[]> =>
    await grid.evaluate((element) => {
      const lefts = (selector: string): number[] =>
        [...(element.querySelector(selector)?.children ?? [])].map((cell) => Math.round(cell.getBoundingClientRect().left));
      const head = lefts('.head .cells');
      return lefts('.record').map((left, at) => left - (head[at] ?? Number.NaN));
    });
  expect(await offsets()).toEqual([0, 0, 0, 0, 0, 0]);
  await grid.focus();
  await page.keyboard.press('End');
  await expect(grid.getByText('99999')).toBeVisible();
  await expect(page.getByText('第 99,9')).toBeVisible();
  expect(await offsets()).toEqual([0, 0, 0, 0, 0, 0]);
});

test('a signature is drawn, undone and cleared', async ({ page }) => {
  await visit(page, 'basics');
  const canvas = page.locator('.signature-pad canvas');
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  if (!box) throw new Error('no canvas');
  for (const x of [40, 120]) {
    await page.mouse.move(box.x + x, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + x + 60, box.y + 90, { steps: 8 });
    await page.mouse.up();
  }
  await expect(canvas).toHaveAccessibleName(/已写 2 笔/);
  await page.getByRole('button', { name: '撤回一笔' }).click();
  await expect(canvas).toHaveAccessibleName(/已写 1 笔/);
  await page.getByRole('button', { name: '重写' }).click();
  await expect(page.getByText('请在此处签名')).toBeVisible();
});

test('marks are drawn on a copy, undone, and not thrown away without asking', async ({ page }) => {
  await visit(page, 'viewer');
  await page.getByRole('button', { name: '标注副本' }).click();
  const canvas = page.locator('.annotator canvas');
  await expect(canvas).toHaveJSProperty('width', 1600);
  const box = await canvas.boundingBox();
  if (!box) throw new Error('no canvas');
  await page.mouse.move(box.x + 60, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + 200, box.y + 160, { steps: 5 });
  await page.mouse.up();
  await page.getByRole('button', { name: '文字' }).click();
  await page.mouse.click(box.x + 220, box.y + 60);
  await page.getByRole('textbox', { name: '标注文字' }).fill('压力不足');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: '放弃这些标注？' })).toBeVisible();
  await page.getByRole('button', { name: '取消' }).last().click();
  await expect(canvas).toBeVisible();
});

test('the figures of a chart are there as a table', async ({ page }) => {
  await visit(page, 'chart');
  await expect(page.getByRole('table', { name: '各区县检查与问题' })).toBeAttached();
  await page.getByRole('button', { name: '显示数据表' }).click();
  await expect(page.getByRole('rowheader', { name: '东海县' })).toBeVisible();
});

test('only our own files are loaded, and the policy of the real window has nothing to refuse', async ({ page, baseURL }) => {
  const foreign: string[] = [];
  const refused: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(baseURL ?? '') && !url.startsWith('data:') && !url.startsWith('blob:')) foreign.push(url);
  });
  page.on('console', (message) => {
    if (/Content Security Policy/i.test(message.text())) refused.push(message.text());
  });
  for (const section of [...SECTIONS, 'dialog', 'viewer']) await visit(page, section);
  expect(foreign).toEqual([]);
  expect(refused).toEqual([]);
});

test('on paper stand the page and the sample mark, without the frame', async ({ page }) => {
  await visit(page, 'table');
  await expect(page.getByRole('gridcell').first()).toBeVisible();
  await page.emulateMedia({ media: 'print' });
  await expect(page.locator('.sample-ribbon')).toBeVisible();
  await expect(page.locator('.side-nav')).toBeHidden();
  await expect(page.locator('.top-bar')).toBeHidden();
  // The list does not claim the height of its 100,000 rows, and does not grow while it is looked at.
  const height = () =>
    page.evaluate(async () => {
      for (let n = 0; n < 10; n += 1) await new Promise(requestAnimationFrame);
      return document.documentElement.scrollHeight;
    });
  const first = await height();
  expect(first).toBeLessThan(4_000);
  expect(await height()).toBe(first);
});
