/**
 * A made-up core behind the screens in a real browser: answers calls, events, evidence and files without a host. What
 * the real core does is shown by the whole-system tests; these are about how the screens look and read.
 */
import type { Page } from '@playwright/test';
import { answersOf, type Scene } from './answers';

const PHOTO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1600 1200" width="1600" height="1200">
<path fill="#c8d3de" d="M0 0h1600v1200H0z"/><path fill="#8b97a3" d="M0 820h1600v380H0z"/><path fill="#b3211f" d="M640 320h240v600H640z"/></svg>`;

/** One empty A4 page. */
function emptyPdf(): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>',
  ];
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, at) => {
    const offset = text.length;
    text += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = text.length;
  const lines = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  text += `xref\n0 4\n0000000000 65535 f \n${lines}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return Buffer.from(text, 'latin1');
}

function isRefusal(thrown: unknown): thrown is { code: string } {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'params' in thrown;
}

/** Calls that nobody answered: a screen that shows an error because of the test, not of the product. */
export type Unanswered = string[];

export async function installFakeCore(page: Page, scene: Scene): Promise<Unanswered> {
  const answers = answersOf(scene) as Record<string, ((request: unknown) => unknown) | undefined>;
  const unanswered: Unanswered = [];
  await page.addInitScript((language) => localStorage.setItem('shicha.locale', language), scene.language);
  await page.route('**/rpc/*', async (route) => {
    const name = new URL(route.request().url()).pathname.split('/').at(-1) ?? '';
    const answer = answers[name];
    if (!answer) {
      unanswered.push(name);
      await route.fulfill({ status: 400, json: { code: 'internal', params: {} } });
      return;
    }
    try {
      await route.fulfill({ json: answer(route.request().postDataJSON()) });
    } catch (refusal) {
      // A refusal of the core is a value; whatever else is thrown is a fault of the test.
      if (!isRefusal(refusal)) throw refusal;
      await route.fulfill({ status: 400, json: refusal });
    }
  });
  // Nothing happens, and the browser need not ask again.
  await page.route('**/events', (route) => route.fulfill({ contentType: 'text/event-stream', body: 'retry: 600000\n\n' }));
  await page.route('**/evidence/*', (route) => route.fulfill({ contentType: 'image/svg+xml', body: PHOTO }));
  await page.route('**/files/*', (route) => route.fulfill({ contentType: 'application/pdf', body: emptyPdf() }));
  return unanswered;
}
