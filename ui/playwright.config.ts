import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

// A free port, asked for once: the worker processes read this file again and find it in their environment.
const ASK = "const s=require('net').createServer().listen(0,'127.0.0.1',()=>{process.stdout.write(String(s.address().port));s.close()})";
process.env.SHICHA_UI_PORT ??= execFileSync(process.execPath, ['-e', ASK], { encoding: 'utf8' });
const address = `http://127.0.0.1:${process.env.SHICHA_UI_PORT}`;

const OUT = 'node_modules/.cache/gallery';

// The system's Chromium; Playwright's own is never downloaded.
const chromium = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) => path && existsSync(path));

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  fullyParallel: true,
  workers: 2,
  forbidOnly: true,
  // Patience for a busy machine; what is there at once is not waited for.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [['list']],
  use: {
    baseURL: address,
    browserName: 'chromium',
    locale: 'zh-CN',
    viewport: { width: 1366, height: 768 },
    launchOptions: { executablePath: chromium, args: ['--no-sandbox', '--disable-gpu'] },
  },
  webServer: {
    // Built, because the development server reloads pages when it meets a new dependency; with the gallery, which a
    // release does not hold; and served under the policy of the real window.
    command: `npx vite build --outDir ${OUT} --emptyOutDir && npx vite preview --outDir ${OUT} --host 127.0.0.1 --port ${process.env.SHICHA_UI_PORT} --strictPort`,
    env: { NODE_ENV: 'development' },
    url: address,
    timeout: 120_000,
    reuseExistingServer: false,
    // The components need no core; the server reports for each attempt that there is none.
    stderr: 'ignore',
  },
});
