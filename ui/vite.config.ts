import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import vue from '@vitejs/plugin-vue';
import Components from 'unplugin-vue-components/vite';
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers';
import { defineConfig } from 'vitest/config';

// Where `npm run dev` finds the core when the screens run in a plain browser.
const host = process.env.SHICHA_HOST ?? 'http://127.0.0.1:5184';

/** The policy that the real window sets. */
function contentSecurityPolicy(): string {
  const conf = JSON.parse(readFileSync(new URL('../tauri.conf.json', import.meta.url), 'utf8')) as {
    app: { security: { csp: string } };
  };
  return conf.app.security.csp;
}

export default defineConfig({
  plugins: [
    vue(),
    // Only Element Plus tags are resolved by name; our own components are imported where they are used,
    // so a reader of a file sees what it depends on.
    Components({ dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })], dts: false }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  define: {
    __VUE_I18N_LEGACY_API__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  server: {
    port: 5183,
    strictPort: true,
    proxy: { '/rpc': host, '/events': host, '/evidence': host, '/files': host },
  },
  preview: { headers: { 'content-security-policy': contentSecurityPolicy() } },
  build: {
    target: 'es2022',
    // WebView2 and WebKitGTK load the files from the program itself: a few larger files beat many small ones.
    chunkSizeWarningLimit: 900,
    assetsInlineLimit: 4096,
  },
  test: {
    // A machine that builds at the same time must not fail a test that only looks slow.
    testTimeout: 30_000,
    environment: 'happy-dom',
    include: ['src/**/*.test.ts', 'eslint/**/*.test.ts'],
    setupFiles: ['src/test-setup.ts'],
    server: { deps: { inline: ['element-plus'] } },
    restoreMocks: true,
    unstubGlobals: true,
  },
});
